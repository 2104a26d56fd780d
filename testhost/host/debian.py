# SPDX-License-Identifier: GPL-2.0-only
"""Debian packages: install tools, fetch and unpack what is only data."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import cache

PROGRESS = 20
LISTS = pathlib.Path("/var/lib/apt/lists")


def wait_for(proc):
    """Output of a process; it and its children end with us."""
    start = time.monotonic()
    try:
        while True:
            try:
                return proc.communicate(timeout=PROGRESS)[0]
            except subprocess.TimeoutExpired:
                cache.say(f"- {time.monotonic() - start:.0f} s so far")
    finally:
        if proc.poll() is None:
            os.killpg(proc.pid, signal.SIGTERM)
            proc.wait()


def run(argv, what, **kwargs):
    """Run a tool; when it fails, show the end of what it said."""
    proc = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            stdin=subprocess.DEVNULL, errors="replace", start_new_session=True, **kwargs)
    said = wait_for(proc)
    if proc.returncode:
        tail = "\n".join(said.splitlines()[-30:])
        raise cache.Fail(f"{what} failed (exit status {proc.returncode}):\n{tail}\n"
                         f"Repeat it by hand: {' '.join(map(str, argv))}")
    return said


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
    """tools: {path or command: package that brings it}."""
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


def newest_kernel():
    """The newest 6.1 cloud kernel apt offers; asked again when apt's lists change."""
    def ask(into):
        names = run(["apt-cache", "pkgnames", "linux-image-6.1.0-"], "apt-cache")
        found = re.findall(r"^linux-image-(6\.1\.0-(\d+)-cloud-amd64)$", names, re.M)
        if not found:
            raise cache.Fail("apt offers no 6.1 cloud kernel; as root: apt-get update (Debian 12), "
                             "or name a kernel: --kernel")
        (into / "name").write_text(max(found, key=lambda f: int(f[1]))[0])

    if not any(LISTS.glob("*_Packages*")):
        update_lists()
    key = cache.digest(LISTS.stat().st_mtime_ns)
    return (cache.entry("newest", key, "asking apt for the newest 6.1 cloud kernel", ask) / "name").read_text()
