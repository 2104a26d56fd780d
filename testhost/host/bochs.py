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
BOOT_TIMEOUT = 300
MEM_MAX = 2048
SNAPSHOTS_KEPT = 16


def program():
    build = image.HERE / "bochs/build"
    debian.need({"g++": "g++", "make": "make", "patch": "patch", "xz": "xz-utils"})
    flags = debian.run([build, "--flags"], "asking the Bochs build for its flags")
    key = cache.digest(flags, build, *sorted((image.HERE / "bochs/patches").glob("*.patch")))

    def make(into):
        debian.run([build, into], "building Bochs")

    return cache.entry("bochs", key, "building Bochs 3.0 from Debian's source package, once "
                       "(2 to 4 minutes)", make) / "bochs"


def iso(kern, append):
    """A CD with the kernel and its initramfs."""
    debian.need({"xorriso": "xorriso"})
    isolinux = debian.unpacked("isolinux", "0.1 MB") / "usr/lib/ISOLINUX/isolinux.bin"
    modules = debian.unpacked("syslinux-common", "1.2 MB") / "usr/lib/syslinux/modules/bios"
    initramfs = image.initramfs(kern)
    cmdline = f"{CMDLINE} {append}".strip()

    def make(into):
        tree = into / "cd"
        tree.mkdir()
        shutil.copy(kern.image, tree / "vmlinuz")
        shutil.copy(initramfs, tree / "initrd")
        shutil.copy(isolinux, tree / "isolinux.bin")
        shutil.copy(modules / "ldlinux.c32", tree / "ldlinux.c32")
        (tree / "isolinux.cfg").write_text(ISOLINUX.format(cmdline))
        debian.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", into / "l1.iso", "-b", "isolinux.bin",
                    "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree],
                   "writing L1's CD")
        shutil.rmtree(tree)

    key = cache.digest(kern.key(), initramfs, isolinux, cmdline)
    return cache.entry("iso", key, "writing L1's CD", make) / "l1.iso"


class Machine:
    """L1 in Bochs."""
    def __init__(self, opts, kern):
        if opts.mem > MEM_MAX:
            raise cache.Fail(f"Bochs has at most {MEM_MAX} MiB of memory: use a smaller --mem")
        self.opts = opts
        self.bochs = program()
        self.iso = iso(kern, opts.append)
        bios = debian.unpacked("bochsbios", "0.1 MB") / "usr/share/bochs/BIOS-bochs-latest"
        vga = debian.unpacked("vgabios", "0.1 MB") / "usr/share/vgabios/vgabios.bin"
        text = (image.HERE / "bochs/bochsrc").read_text()
        for name, value in (("MEM", opts.mem), ("CPUS", opts.cpus), ("BIOS", bios), ("VGABIOS", vga)):
            text = text.replace(f"@{name}@", str(value))
        self.bochsrc = text
        self.key = cache.digest(self.bochs, self.iso, text, image.HERE / "bochs/msrs.def")

    def furnish(self, where):
        """What Bochs looks for in its working directory."""
        shutil.copy(image.HERE / "bochs/msrs.def", where)
        (where / "l1.iso").symlink_to(self.iso)

    def boot(self, into):
        """Boot L1 up to its agent and save it there."""
        self.furnish(into)
        (into / "bochsrc").write_text(self.bochsrc)
        env = dict(os.environ, BX_SNAP=str(into / "state"), BXSHARE=str(into))
        try:
            p = subprocess.run([self.bochs, "-q", "-f", "bochsrc"], cwd=into, env=env, check=False,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=BOOT_TIMEOUT, start_new_session=True)
            what = f"exit status {p.returncode}: {p.stdout[-500:].decode(errors='replace')}"
        except subprocess.TimeoutExpired:
            what = f"no end after {BOOT_TIMEOUT} s"
        if not (into / "state/config").exists():
            lines = [line for name in ("bochs.log", "console") if (into / name).exists()
                     for line in (into / name).read_text(errors="replace").splitlines()[-15:]]
            raise cache.Fail("L1 does not boot in Bochs ({})\n{}\nCheck --kernel, --append and --mem."
                             .format(what, "\n".join(lines)))

    def prune(self):
        """Keep the snapshots used last; one in use is locked."""
        top = cache.root() / "snapshot"
        dirs = [d for d in top.iterdir() if not d.name.startswith(".")]
        for old in sorted(dirs, key=lambda d: d.stat().st_mtime)[:-SNAPSHOTS_KEPT]:
            with contextlib.suppress(BlockingIOError), cache.locked(top / f".{old.name}.use", wait=False):
                shutil.rmtree(old)

    @contextlib.contextmanager
    def ready(self):
        """Hold the snapshot while it is in use."""
        if self.opts.cold:
            yield
            return
        with cache.locked(cache.root() / "snapshot" / f".{self.key}.use", shared=True):
            self.snapshot = cache.entry("snapshot", self.key, f"booting L1 with {self.opts.cpus} CPU(s) "
                                        "for its snapshot (10 to 60 s)", self.boot)
            os.utime(self.snapshot)
            self.prune()
            yield

    def command(self, where, payload, channel, tty):
        """Command line and environment of a run in the directory where."""
        self.furnish(where)
        console = f"mode=term, dev={tty}" if tty else "mode=file, dev=console"
        env = dict(os.environ, BX_IN=str(payload), BX_OUT=f"/dev/fd/{channel}", BXSHARE=str(where))
        if self.opts.seed is not None:
            env["BX_SEED"] = str(self.opts.seed)
        if self.opts.stats:
            env["BX_STATS"] = os.path.abspath(self.opts.stats)
        if self.opts.cold:
            config, args = where / "bochsrc", ["-f", "bochsrc"]
            text = self.bochsrc
        else:
            config, args = where / "restore/config", ["-r", "restore"]
            config.parent.mkdir()
            for path in (self.snapshot / "state").iterdir():
                (config.parent / path.name).symlink_to(path)
            config.unlink()
            text = (self.snapshot / "state/config").read_text()
        config.write_text(re.sub(r'mode=file, dev="?console"?', console, text))
        return [self.bochs, "-q", *args], env
