# SPDX-License-Identifier: GPL-2.0-only
"""Debians in directories of their own: for kernels of other suites, and clean ones."""
import contextlib
import os
import pathlib
import re
import tempfile

import cache
import debian
import process

# Series of kernels, and the suites that have it with all it depends on.
SUITES = {
    "6.12": ("bookworm", "bookworm-backports"),
    "7.2": ("sid",),
}
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
TOOLS = {"mmdebstrap": "mmdebstrap", KEYS: "debian-archive-keyring"}
NAME = re.compile(r"linux-image-([\d.]+\+\w+[\d.]*-cloud-amd64)")
# Debians that nobody may sweep until this process ends.
IN_USE = contextlib.ExitStack()


def series(name):
    """The series that a name means or a version belongs to."""
    return next((s for s in SUITES if name == s or name.startswith(f"{s}.")), None)


def sources(suites):
    """An apt sources.list for the mirrors that this machine uses."""
    debian.need_lists()
    asked = process.run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)",
                         "Created-By: Packages"], "asking apt for its mirrors")

    def line(suite):
        security = suite.endswith("-security")
        found = [uri for name, uri in re.findall(r"^Debian (\S+) (https?://\S+)$", asked, re.M)
                 if name.endswith("-security") == security]
        if not found:
            raise cache.Fail(f"apt of this machine knows no mirror of Debian that has {suite}: add one to its sources")
        return f"deb [signed-by={KEYS}] {found[0]} {suite} main\n"

    return "".join(map(line, suites))


def apt_options(where, suites):
    """Options that make apt know these suites and nothing else."""
    (where / "sources.list").write_text(sources(suites))
    (where / "lists/partial").mkdir(parents=True)
    names = {"Etc::SourceList": "sources.list", "Etc::SourceParts": "none", "State::Lists": "lists",
             "Cache": "cache"}
    return [arg for name, path in names.items() for arg in ("-o", f"Dir::{name}={where / path}")]


def numbers(version):
    return [int(n) for n in re.findall(r"\d+", version)]


def newest(of):
    """The version of the newest cloud kernel of a series."""
    def ask():
        with tempfile.TemporaryDirectory() as tmp:
            options = apt_options(pathlib.Path(tmp), SUITES[of])
            process.run(["apt-get", *options, "-o", "APT::Sandbox::User=root", "update"], "apt-get update")
            said = process.run(["apt-cache", *options, "pkgnames", f"linux-image-{of}."], "apt-cache")
        found = [m[1] for m in map(NAME.fullmatch, said.split()) if m]
        if not found:
            raise cache.Fail(f"{SUITES[of][-1]} has no {of} cloud kernel any more: name another with --kernel")
        return max(found, key=numbers)

    return debian.ask_apt(f"{of} cloud kernel", ask, of, *SUITES[of])


def network_options():
    """How this machine's apt reaches the mirror and trusts its dates."""
    said = process.run(["apt-config", "dump", "Acquire"], "apt-config")
    return "".join(re.findall(r'^Acquire::(?:https?::|Check-)\S+ "[^"]*";\n', said, re.M))


def root(name, packages, suites):
    """Directory of a small Debian with these packages, @name in words. Of a suite the last one used is kept."""
    def make(into):
        if os.geteuid():
            raise cache.Fail(f"a Debian with {name} can be set up, and used, only by root")
        debian.need(TOOLS)
        (into / "apt.conf").write_text(network_options() + 'APT::Install-Recommends "false";\n')
        (into / "sources.list").write_text(sources(suites))
        process.run(["mmdebstrap", "--mode=root", "--variant=apt", f"--aptopt={into / 'apt.conf'}",
                     f"--include={','.join(packages)}",
                     suites[0], into / "root", into / "sources.list"], f"setting up a Debian with {name}")

    return IN_USE.enter_context(cache.used(f"chroot/{suites[-1]}", cache.digest(*packages, *suites),
                                           f"setting up a Debian with {name} (2 to 4 minutes, 550 MB)", make,
                                           1)) / "root"


def unpacked(version):
    """Directory of a small Debian with this kernel and what builds a module for it."""
    return root(version, ("make", f"linux-image-{version}", f"linux-headers-{version}"), SUITES[series(version)])
