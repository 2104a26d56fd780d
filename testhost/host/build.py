# SPDX-License-Identifier: GPL-2.0-only
"""Build the checkout's module and programs for L1's kernel, outside the checkout."""
import os
import pathlib
import re
import shutil
import subprocess

import cache
import kernel
import process

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent
STAMP = ".testhost-built"
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
    stamp = into / STAMP
    for name in old - set(names) - {""}:
        stamp.unlink(missing_ok=True)
        (into / name).unlink(missing_ok=True)
    for name in names:
        src, dst = CHECKOUT / name, into / name
        st = src.stat()
        if dst.exists() and (dst.stat().st_mtime_ns, dst.stat().st_size) == (st.st_mtime_ns, st.st_size):
            continue
        stamp.unlink(missing_ok=True)
        dst.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(src, dst)
    manifest.write_text("\n".join(names))


def run_make(log, argv):
    with open(log, "ab") as out:
        out.write((" ".join(map(str, argv)) + "\n").encode())
        out.flush()
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        p = subprocess.run(argv, stdout=out, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, env=env, check=False)
    if p.returncode:
        lines = log.read_text(errors="replace").splitlines()
        # Parallel jobs and warnings bury the reason.
        reasons = [line for line in lines if re.search(r"\berror\b|undefined|\*\*\*", line, re.I)]
        raise cache.Fail("\n".join((reasons or lines)[:30]) +
                         f"\n{' '.join(map(str, argv))} failed; the whole log is {log}. "
                         "With --no-build L1 runs without anything from the checkout.")


def add_stripped(payload, name, path):
    """Debug information is of no use in L1 and takes time to load."""
    stripped = path.with_name(path.name + ".stripped")
    process.run(["strip", "--strip-debug", "-o", stripped, path], "strip")
    payload.add_file(name, stripped)


def add_module(payload, into):
    add_stripped(payload, "lib/kite/kite.ko", into / "kite.ko")


def add_kitectl(payload, into):
    add_stripped(payload, "bin/kitectl", into / "userland-ctl/kitectl")


def add_libraries(payload, program):
    """What the dynamic linker would load for @program here, and the linker itself."""
    out = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    for path in sorted(set(re.findall(r"(/\S+) \(0x", out))):
        payload.add_file(path.lstrip("/"), os.path.realpath(path))


def add_test_modules(payload, into):
    for path in sorted(into.glob("selftests/kmod/*.ko")):
        add_stripped(payload, f"lib/kite/{path.relative_to(into)}", path)


def add_selftests(payload, into):
    top = into / "selftests"
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top)
        if path.is_file() and path.suffix not in SOURCE_SUFFIXES and name.parts[0] not in ("unit", "kmod"):
            payload.add_file(f"lib/kite/selftests/{name}", path)
    # All are linked with the same libraries.
    add_libraries(payload, next(top.glob("build/*/*_test")))


def make_program(_, where, target):
    return ["make", "-C", where, f"-j{os.cpu_count()}", target]


# The Makefile and its target that make a part, the command line, and how the part gets into the payload.
PARTS = (
    ("Makefile", "modules", kernel.Kernel.make, add_module),
    ("Makefile", "ctl", make_program, add_kitectl),
    ("selftests/Makefile", "all", make_program, add_selftests),
    ("selftests/kmod/Makefile", "modules", kernel.Kernel.make, add_test_modules),
)


def present(into, makefile, target):
    path = into / makefile
    return path.exists() and re.search(rf"^([\w-]+ )*{target}\b[^=\n]*:", path.read_text(), re.M)


def build(kern, into, parts):
    cache.say(f"building the checkout for {kern.version}")
    log = into.with_suffix(".log")
    log.write_bytes(b"")
    for makefile, target, argv, _ in parts:
        run_make(log, argv(kern, (into / makefile).parent, target))
    (into / STAMP).touch()


def add_checkout(kern, payload):
    """Build everything there is and add it to the payload; True with a module."""
    into = kern.builds() / cache.digest(str(CHECKOUT), kern.version)
    with cache.locked(into.with_suffix(".lock"), "the build of this checkout"):
        into.mkdir(exist_ok=True)
        synchronise(into)
        parts = [part for part in PARTS if present(into, *part[:2])]
        if not (into / STAMP).exists():
            build(kern, into, parts)
        for *_, add in parts:
            add(payload, into)
    return PARTS[0] in parts
