# SPDX-License-Identifier: GPL-2.0-only
"""Bochs as an Intel CPU with VMX; every run goes on from a snapshot of a booted L1."""
import contextlib
import os
import re
import shutil
import subprocess

import cache
import debian
import image
import process

CMDLINE = ("console=ttyS0,115200 quiet nokaslr cryptomgr.notests tsc_early_khz=100000 idle=halt "
           "panic=1 oops=panic reboot=t")
ISOLINUX = """default l1
prompt 0
timeout 0
label l1
kernel vmlinuz
initrd initrd
append {}
"""
# The debug kernel takes 40 s on a machine of its own.
BOOT_TIMEOUT = 900
MEM_MAX = 3072
SNAPSHOTS_KEPT = 16


def program():
    build = image.HERE / "bochs/build"
    flags = process.run([build, "--flags"], "asking the Bochs build for its flags")
    key = cache.digest(flags, build, *sorted((image.HERE / "bochs/patches").glob("*.patch")))

    def make(into):
        process.run([build, into], "building Bochs")

    return cache.entry("bochs", key, "building Bochs 3.0 from Debian's source package, once "
                       "(2 to 4 minutes)", make) / "bochs"


class Machine:
    """L1 in Bochs."""

    def __init__(self, opts, kern):
        if opts.mem > MEM_MAX:
            raise cache.Fail(f"Bochs has at most {MEM_MAX} MiB of memory: use a smaller --mem")
        self.opts = opts
        self.kern = kern
        self.snapshot = None
        self.bochs = program()
        self.isolinux = debian.unpacked("isolinux", "0.1 MB") / "usr/lib/ISOLINUX/isolinux.bin"
        self.ldlinux = (debian.unpacked("syslinux-common", "1.2 MB")
                        / "usr/lib/syslinux/modules/bios/ldlinux.c32")
        self.initramfs = image.initramfs(kern)
        self.cmdline = " ".join(filter(None, (CMDLINE, kern.cmdline, opts.append)))
        bios = debian.unpacked("bochsbios", "0.1 MB") / "usr/share/bochs/BIOS-bochs-latest"
        vga = debian.unpacked("vgabios", "0.1 MB") / "usr/share/vgabios/vgabios.bin"
        text = (image.HERE / "bochs/bochsrc").read_text()
        for name, value in (("MEM", opts.mem), ("CPUS", opts.cpus), ("BIOS", bios), ("VGABIOS", vga)):
            text = text.replace(f"@{name}@", str(value))
        self.bochsrc = text
        self.key = cache.digest(str(self.bochs), kern.key(), str(self.initramfs), str(self.isolinux),
                                self.cmdline, text, image.HERE / "bochs/msrs.def")

    def write_iso(self, where):
        """A CD with the kernel and its initramfs."""
        tree = where / "cd"
        tree.mkdir()
        shutil.copy(self.kern.image, tree / "vmlinuz")
        shutil.copy(self.initramfs, tree / "initrd")
        shutil.copy(self.isolinux, tree / "isolinux.bin")
        shutil.copy(self.ldlinux, tree / "ldlinux.c32")
        (tree / "isolinux.cfg").write_text(ISOLINUX.format(self.cmdline))
        process.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", where / "l1.iso", "-b", "isolinux.bin",
                     "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree],
                    "writing L1's CD")
        shutil.rmtree(tree)

    def furnish_boot(self, where):
        """What Bochs looks for in its working directory when it boots."""
        shutil.copy(image.HERE / "bochs/msrs.def", where)
        self.write_iso(where)
        (where / "bochsrc").write_text(self.bochsrc)
        return where / "bochsrc"

    def furnish_restore(self, where):
        """What it looks for when it goes on from the snapshot; links, but for the configuration."""
        for name in ("msrs.def", "l1.iso"):
            (where / name).symlink_to(self.snapshot / name)
        state = where / "restore"
        state.mkdir()
        for path in (self.snapshot / "state").iterdir():
            (state / path.name).symlink_to(path)
        text = (state / "config").read_text()
        (state / "config").unlink()
        (state / "config").write_text(text)
        return state / "config"

    def boot(self, into):
        """Boot L1 up to its agent and save it there."""
        self.furnish_boot(into)
        env = dict(os.environ, BX_SNAP=str(into / "state"), BXSHARE=str(into))
        try:
            p = subprocess.run([self.bochs, "-q", "-f", "bochsrc"], cwd=into, env=env, check=False,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=BOOT_TIMEOUT, start_new_session=True,
                               preexec_fn=process.die_with_parent)
            what = f"exit status {p.returncode}: {p.stdout[-500:].decode(errors='replace')}"
        except subprocess.TimeoutExpired:
            what = f"no end after {BOOT_TIMEOUT} s"
        if not (into / "state/config").exists():
            lines = [line for name in ("bochs.log", "console") if (into / name).exists()
                     for line in (into / name).read_text(errors="replace").splitlines()[-15:]]
            raise cache.Fail("L1 does not boot in Bochs ({})\n{}\nCheck --kernel, --append and --mem."
                             .format(what, "\n".join(lines)))

    @contextlib.contextmanager
    def ready(self):
        """Hold the snapshot while it is in use."""
        if self.opts.cold:
            yield
            return
        with cache.used("snapshot", self.key, f"booting L1 with {self.opts.cpus} CPU(s) for its snapshot (3 to 60 s)",
                        self.boot, SNAPSHOTS_KEPT) as self.snapshot:
            yield

    def command(self, where, payload, channel, tty):
        """Command line and environment of a run in the directory where."""
        console = f"mode=term, dev={tty}" if tty else "mode=file, dev=console"
        env = dict(os.environ, BX_IN=str(payload), BX_OUT=f"/dev/fd/{channel}", BXSHARE=str(where))
        if self.opts.seed is not None:
            env["BX_SEED"] = str(self.opts.seed)
        if self.opts.stats:
            env["BX_STATS"] = os.path.abspath(self.opts.stats)
        cold = self.opts.cold
        config = self.furnish_boot(where) if cold else self.furnish_restore(where)
        config.write_text(re.sub(r'mode=file, dev="?console"?', console, config.read_text()))
        return [self.bochs, "-q", *(["-f", "bochsrc"] if cold else ["-r", "restore"])], env
