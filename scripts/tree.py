# SPDX-License-Identifier: GPL-2.0-only
"""The files of the checkout, for the static checks."""
import os
import pathlib
import re
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent
KERNEL = ("uapi", "insn", "irq", "ept", "core", "vmx", "chardev")


def listed():
    """Tracked or new; without git everything there is."""
    if (TOP / ".git").exists() and shutil.which("git"):
        argv = ["git", "-c", f"safe.directory={TOP}", "ls-files", "-z", "-co", "--exclude-standard"]
        out = subprocess.run(argv, cwd=TOP, stdout=subprocess.PIPE, check=True).stdout
        return [os.fsdecode(name) for name in out.split(b"\0") if name]
    return [str(p.relative_to(TOP)) for p in TOP.rglob("*")]


def files(*suffixes, under=("",)):
    """Names relative to the checkout with one of these suffixes (all without), below these folders."""
    return sorted(name for name in listed() if (TOP / name).is_file() and name.startswith(tuple(under))
                  and (not suffixes or name.endswith(suffixes)))


def copy(into):
    """A copy of the checkout without what was built in it."""
    for name in files():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, into / name)


def folder(*names):
    return tuple(name + "/" for name in names)


def text(name):
    return (TOP / name).read_text(encoding="utf-8")


def includes(name):
    """(line number, "<" or a quote, what) of every #include."""
    for number, line in enumerate(text(name).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if found:
            yield number, found[1], found[2]


def report(findings):
    """Print what was found; the exit status of a check."""
    for line in findings:
        print(line)
    return 1 if findings else 0
