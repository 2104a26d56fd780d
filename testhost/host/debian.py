# SPDX-License-Identifier: GPL-2.0-only
"""Debian packages: install tools, fetch and unpack what is only data."""
import os
import pathlib
import re
import shutil
import tempfile

import cache
from process import run

# What a run uses of this machine, and the packages that bring it.
COMPILER = {"gcc": "gcc", "/usr/include/stdio.h": "libc6-dev"}
BOCHS = {"g++": "g++", "make": "make", "patch": "patch", "xz": "xz-utils", "xorriso": "xorriso"}
QEMU = {"qemu-system-x86_64": "qemu-system-x86"}
CHECKOUT = {"make": "make", "strip": "binutils"}
LISTS = pathlib.Path("/var/lib/apt/lists")


def update_lists():
    if os.geteuid():
        raise cache.Fail("apt knows no such package; as root: apt-get update, then try again")
    cache.say("updating apt's package lists (a few seconds)")
    run(["apt-get", "update"], "apt-get update")


def run_again(argv, what, **kwargs):
    """Stale package lists are the usual cause of failure, and root can help that."""
    try:
        run(argv, what, **kwargs)
    except cache.Fail:
        if os.geteuid():
            raise
        update_lists()
        run(argv, what, **kwargs)


def install(packages):
    """Install packages as root, else say how."""
    if os.geteuid():
        raise cache.Fail("packages are missing; as root: apt-get install --no-install-recommends "
                         + " ".join(packages))
    cache.say(f"installing {' '.join(packages)} (up to a minute)")
    argv = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run_again(argv, "installing packages", env=env)


def need(tools):
    """Everything at once: whoever has to ask an administrator wants to ask once."""
    missing = sorted({p for t, p in tools.items() if not shutil.which(t) and not os.path.exists(t)})
    if missing:
        install(missing)


def download(package, into):
    """Download a package and unpack it; nothing is installed on this machine."""
    argv = ["apt-get", "-o", "APT::Sandbox::User=root", "download", package]
    with tempfile.TemporaryDirectory(dir=into.parent) as tmp:
        run_again(argv, f"downloading {package}", cwd=tmp)
        deb, = pathlib.Path(tmp).glob("*.deb")
        run(["dpkg-deb", "-x", deb, into], f"unpacking {package}")


def unpacked(package, size):
    """Directory with the files of a package."""
    return cache.entry("deb", package, f"downloading {package} ({size})",
                       lambda into: download(package, into))


def need_lists():
    if not any(LISTS.glob("*_Packages*")):
        update_lists()


def ask_apt(what, ask, *about):
    """What ask() finds out; asked again when apt's lists change."""
    need_lists()
    key = cache.digest(LISTS.stat().st_mtime_ns, *about)
    return (cache.entry("newest", key, f"asking apt for the newest {what}",
                        lambda into: (into / "name").write_text(ask())) / "name").read_text()


def newest_kernel(flavour="cloud"):
    """The newest 6.1 kernel of a flavour that apt offers."""
    def ask():
        names = run(["apt-cache", "pkgnames", "linux-image-6.1.0-"], "apt-cache")
        found = re.findall(rf"^linux-image-(6\.1\.0-(\d+)-{flavour}-amd64)$", names, re.M)
        if not found:
            raise cache.Fail(f"apt offers no 6.1 {flavour} kernel; as root: apt-get update (Debian 12), "
                             "or name a kernel: --kernel")
        return max(found, key=lambda f: int(f[1]))[0]

    return ask_apt(f"6.1 {flavour} kernel", ask, flavour)


def candidate(package):
    """The version of a package that apt would install."""
    def ask():
        return re.search(r"^Version: (\S+)$", run(["apt-cache", "show", "--no-all-versions", package],
                                                  "apt-cache"), re.M)[1]

    return ask_apt(package, ask, package)
