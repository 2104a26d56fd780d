# SPDX-License-Identifier: GPL-2.0-only
"""Builds against the kernel of the test host, in a fresh copy of the checkout."""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

import tree

sys.path.insert(0, str(tree.TOP / "testhost/host"))

# pylint: disable=wrong-import-position
import debian  # noqa: E402
import kernel  # noqa: E402


def headers():
    """Headers of the newest Debian 6.1 cloud kernel; installed by root when missing."""
    kern = kernel.find("")
    debian.need(kern.needs())
    return kern.headers()


@contextlib.contextmanager
def copy(below=None):
    """What was built before hides warnings, so nothing of that comes along."""
    with tempfile.TemporaryDirectory(prefix="kite-static-", dir=below) as tmp:
        into = pathlib.Path(tmp)
        tree.copy(into)
        yield into


def run(argv, where):
    """Run a command there; returns its exit status and what it said on both streams."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    p = subprocess.run(argv, cwd=where, env=env, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    return p.returncode, p.stdout.replace(f"{where}/", "")


def make(where, *args):
    return run(["make", "-s", "-k", f"-j{os.cpu_count()}", *args], where)
