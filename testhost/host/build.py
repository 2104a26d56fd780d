# SPDX-License-Identifier: GPL-2.0-only
"""Build the checkout's module and programs for L1's kernel, outside the checkout."""
import os
import pathlib
import shutil
import subprocess

import cache
import debian

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCE_SUFFIXES = {".c", ".h", ".S", ".o", ".d", ".a", ".cmd", ".md"}


def sources():
    """Files of the checkout, tracked or new; without git everything not hidden."""
    if (CHECKOUT / ".git").exists() and shutil.which("git"):
        argv = ["git", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z", "-co", "--exclude-standard"]
        names = subprocess.run(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True).stdout
        found = [os.fsdecode(n) for n in names.split(b"\0") if n]
    else:
        found = [str(p.relative_to(CHECKOUT)) for p in CHECKOUT.rglob("*")]
    return [n for n in found if (CHECKOUT / n).is_file() and not n.startswith((".", "testhost/"))]


def synchronise(into):
    """Copy what changed, with its time, so that make builds only what depends on it."""
    manifest = into / ".testhost-sources"
    names = sources()
    old = set(manifest.read_text().split("\n")) if manifest.exists() else set()
    for name in old - set(names) - {""}:
        (into / name).unlink(missing_ok=True)
    for name in names:
        src, dst = CHECKOUT / name, into / name
        st = src.stat()
        if dst.exists() and (dst.stat().st_mtime_ns, dst.stat().st_size) == (st.st_mtime_ns, st.st_size):
            continue
        dst.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(src, dst)
    manifest.write_text("\n".join(names))


def make(into, log, *args):
    with open(log, "ab") as out:
        argv = ["make", f"-j{os.cpu_count()}", *args]
        out.write((" ".join(argv) + "\n").encode())
        out.flush()
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        p = subprocess.run(argv, cwd=into, stdout=out, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, env=env, check=False)
    if p.returncode:
        tail = log.read_text(errors="replace").splitlines()[-40:]
        raise cache.Fail("\n".join(tail) + f"\n{' '.join(argv)} failed in {into}; the whole log is {log}. "
                         "With --no-build L1 runs without anything from the checkout.")


def add_module(payload, into):
    """Debug information is of no use in L1 and takes time to load."""
    stripped = into / "kite.ko.stripped"
    debian.run(["strip", "--strip-debug", "-o", stripped, into / "kite.ko"], "strip")
    payload.add_data("lib/kite/kite.ko", stripped.read_bytes())


def add_selftests(payload, top):
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top)
        if path.is_file() and path.suffix not in SOURCE_SUFFIXES and name.parts[0] != "unit":
            payload.add_file(f"lib/kite/selftests/{name}", path)


def add_checkout(kern, payload):
    """Build everything there is and add it to the payload; True with a module."""
    into = cache.root() / "build" / cache.digest(CHECKOUT, kern.version)
    debian.need({"make": "make", "gcc": "gcc", "strip": "binutils", "/usr/include/stdio.h": "libc6-dev"})
    with cache.locked(into.with_suffix(".lock"), "the build of this checkout"):
        into.mkdir(exist_ok=True)
        synchronise(into)
        log = into.with_suffix(".log")
        log.write_bytes(b"")
        has_module = (into / "Kbuild").exists()
        if has_module:
            make(into, log, "modules", f"KDIR={kern.headers()}")
            add_module(payload, into)
        if (into / "userland-ctl").is_dir():
            make(into, log, "ctl")
            payload.add_file("bin/kitectl", into / "userland-ctl/kitectl")
        if (into / "selftests/Makefile").exists():
            make(into, log, "-C", "selftests")
            add_selftests(payload, into / "selftests")
    return has_module
