# SPDX-License-Identifier: GPL-2.0-only
"""The cache outside the checkout: entries appear whole or not at all."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile
import time


class Fail(Exception):
    """A step of the test host failed; the text says what to do next."""


def say(text):
    print(f"testhost: {text}", file=sys.stderr, flush=True)


def root():
    base = os.environ.get("KITE_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "kite")
    return pathlib.Path(base).absolute()


def digest(*parts):
    """Hash of strings and of the contents of files (given as paths)."""
    h = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, pathlib.Path) else str(part).encode()
        h.update(b"%d:" % len(data))
        h.update(data)
    return h.hexdigest()[:20]


@contextlib.contextmanager
def locked(path, what=None, shared=False, wait=True):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise Fail(f"{root()}: {e.strerror}; set KITE_CACHE to a directory that you may write to") from e
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with open(path, "a") as f:
        try:
            fcntl.flock(f, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise
            if what:
                say(f"waiting for another run that is at work on {what}")
            fcntl.flock(f, mode)
        yield


def entry(kind, key, what, make):
    """Directory of an entry; when missing, make(directory) fills it first."""
    final = root() / kind / key
    if final.exists():
        return final
    with locked(root() / kind / f".{key}.lock", what):
        if final.exists():
            return final
        say(what)
        start = time.monotonic()
        tmp = pathlib.Path(tempfile.mkdtemp(prefix=".new-", dir=root() / kind))
        try:
            make(tmp)
            tmp.chmod(0o755)
            tmp.rename(final)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
        say(f"- done in {time.monotonic() - start:.1f} s")
    return final


def sweep(kind, keep):
    """Keep the entries of a kind that were used last, and those in use."""
    top = root() / kind
    with contextlib.suppress(BlockingIOError), locked(top / ".sweep", wait=False):
        entries = [path for path in top.iterdir() if not path.name.startswith(".")]
        for old in sorted(entries, key=lambda path: path.stat().st_mtime)[:-keep]:
            with contextlib.suppress(BlockingIOError), locked(top / f".{old.name}.use", wait=False):
                old.rename(top / f".old-{old.name}")
        for old in top.glob(".old-*"):
            shutil.rmtree(old)


@contextlib.contextmanager
def used(kind, key, what, make, keep):
    """entry(), which stays while it is used here. Of its kind only so many are kept."""
    with locked(root() / kind / f".{key}.use", shared=True):
        path = entry(kind, key, what, make)
        os.utime(path)
        sweep(kind, keep)
        yield path
