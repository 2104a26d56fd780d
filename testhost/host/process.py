# SPDX-License-Identifier: GPL-2.0-only
"""Other programs: whatever becomes of us, they do not stay behind."""
import ctypes
import os
import signal
import subprocess
import time

import cache

PR_SET_PDEATHSIG = 1
PROGRESS = 20


def die_with_parent():
    """Called in the child: even a SIGKILL of ours takes it along."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


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
                            stdin=subprocess.DEVNULL, errors="replace",
                            start_new_session=True, preexec_fn=die_with_parent, **kwargs)
    said = wait_for(proc)
    if proc.returncode:
        tail = "\n".join(said.splitlines()[-30:])
        raise cache.Fail(f"{what} failed (exit status {proc.returncode}):\n{tail}\n"
                         f"Repeat it by hand: {' '.join(map(str, argv))}")
    return said
