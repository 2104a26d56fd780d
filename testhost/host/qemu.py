# SPDX-License-Identifier: GPL-2.0-only
"""QEMU: with KVM where the host can nest VMX, with TCG as a CPU without VMX."""
import contextlib
import os
import pathlib
import re
import subprocess

import debian
import image

CMDLINE = "console=ttyS0,115200 quiet nokaslr panic=1 oops=panic"
CPU = {"kvm": "host", "tcg": "qemu64,vendor=GenuineIntel,-svm"}
NESTED = pathlib.Path("/sys/module/kvm_intel/parameters/nested")


def kvm_obstacle():
    """Why this host cannot nest VMX, or None."""
    if not re.search(r"^flags\s*:.*\bvmx\b", pathlib.Path("/proc/cpuinfo").read_text(), re.M):
        return "this CPU shows no VMX"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm cannot be opened (load kvm_intel, be in group kvm)"
    if not NESTED.exists() or NESTED.read_text().strip() not in ("Y", "1"):
        return "kvm_intel does not nest: modprobe -r kvm_intel && modprobe kvm_intel nested=1"
    return None


class Machine:
    """L1 in QEMU. The payload comes along in the initramfs, the report by the second serial port."""
    def __init__(self, opts, kern):
        self.opts = opts
        self.kern = kern
        self.busybox = debian.unpacked("busybox-static", "1 MB") / "bin/busybox"
        self.initramfs = image.initramfs(kern)

    @contextlib.contextmanager
    def ready(self):
        yield

    def initrd(self, where, payload):
        """A second archive with the payload behind the initramfs."""
        with open(where / "initrd", "wb") as out:
            out.write(self.initramfs.read_bytes())
            out.write(b"\0" * (-out.tell() % 4))
            out.flush()
            subprocess.run([self.busybox, "cpio", "-o", "-H", "newc", "-R", "0:0"], cwd=payload.parent,
                           input=payload.name.encode(), stdout=out, stderr=subprocess.DEVNULL, check=True)

    def command(self, where, payload, channel, tty):
        """Command line and environment of a run in the directory where."""
        self.initrd(where, payload)
        console = f"serial,id=con,path={tty}" if tty else f"file,id=con,path={where}/console"
        argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", "-machine", f"q35,accel={self.opts.accel}", "-cpu", CPU[self.opts.accel],
                "-smp", str(self.opts.cpus), "-m", f"{self.opts.mem}M",
                "-kernel", str(self.kern.image), "-initrd", str(where / "initrd"),
                "-append", " ".join(filter(None, (CMDLINE, self.kern.cmdline, self.opts.append))),
                "-chardev", console, "-serial", "chardev:con",
                "-chardev", f"file,id=chan,path=/dev/fd/{channel}", "-serial", "chardev:chan"]
        return argv, dict(os.environ)
