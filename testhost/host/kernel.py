# SPDX-License-Identifier: GPL-2.0-only
"""The kernel of L1: its image, its modules and the headers to build against."""
import dataclasses
import lzma
import os
import pathlib
import re

import cache
import chroot
import debian
import debug

# In the order in which insmod has to see them; blunder is of the debug kernel.
MODULES = {
    "lib/kite": ("arch/x86/kernel/msr", "drivers/block/loop", "blunder"),
    "lib/kite/swap": ("crypto/lzo-rle", "lib/lz4/lz4_compress", "lib/lz4/lz4hc_compress", "mm/zsmalloc",
                      "drivers/block/zram/zram"),
    "lib/kite/kvm": ("virt/lib/irqbypass", "arch/x86/kvm/kvm", "arch/x86/kvm/kvm-intel"),
}
HEADERS = pathlib.Path("/usr/src")
# Kernels that need no version to be told apart.
NAMES = (*chroot.SUITES, "rt", "debug")
SIGNED = b"~Module signature appended~\n"
SIGNATURE_HEADER = 12


@dataclasses.dataclass(frozen=True)
class Kernel:
    version: str
    image: pathlib.Path
    modules: pathlib.Path
    # More for its command line, and for the make that builds the checkout's module for it.
    cmdline: str = ""
    make_args: tuple = ()
    # The Debian that its module is built in, when it is not this machine's.
    root: pathlib.Path = None

    def key(self):
        st = self.image.stat()
        return cache.digest(self.version, str(self.image), st.st_size, st.st_mtime_ns)

    def module(self, name):
        """Contents of a module, or None when the kernel has it built in or not at all."""
        path = self.modules / "kernel" / f"{name}.ko"
        packed = path.with_suffix(".ko.xz")
        if path.exists():
            return unsigned(path.read_bytes())
        return unsigned(lzma.decompress(packed.read_bytes())) if packed.exists() else None

    def headers(self):
        """Where an external module is built against this kernel, as seen where it is built."""
        if self.root:
            return HEADERS / f"linux-headers-{self.version}"
        own = self.modules / "build"
        return own if (own / "Makefile").exists() else HEADERS / f"linux-headers-{self.version}"

    def needs(self):
        """The package that brings the headers, by a file of it."""
        return {} if self.root else {str(self.headers() / "Makefile"): f"linux-headers-{self.version}"}

    def builds(self):
        """Where to put what a module is built from."""
        return self.root / "srv" if self.root else cache.root() / "build"

    def make(self, where, *args):
        """Command line that makes a module in a directory below builds()."""
        there = ("make", "-C", where)
        if self.root:
            # objtool looks into /proc.
            there = ("unshare", "--mount-proc", f"--root={self.root}", "make", "-C",
                     f"/{where.relative_to(self.root)}")
        return [*there, f"-j{os.cpu_count()}", *args, f"KDIR={self.headers()}", *self.make_args]


def unsigned(data):
    """A module without its signature: checking that of kvm takes L1 four seconds."""
    if not data.endswith(SIGNED):
        return data
    length = int.from_bytes(data[-len(SIGNED) - 4:-len(SIGNED)], "big")
    return data[:-len(SIGNED) - SIGNATURE_HEADER - length]


def image_version(image):
    """The release string a bzImage carries (boot protocol: kernel_version)."""
    data = image.read_bytes()
    if data[0x202:0x206] != b"HdrS":
        raise cache.Fail(f"{image} is no Linux bzImage: give a bzImage or the name of a Debian kernel")
    at = int.from_bytes(data[0x20e:0x210], "little") + 0x200
    return data[at:data.index(b"\0", at)].decode().split()[0]


def from_image(image, **more):
    version = image_version(image)
    for base in (image.parent / "lib/modules", image.parent.parent / "lib/modules",
                 image.parent, pathlib.Path("/lib/modules")):
        if (base / version).is_dir():
            return Kernel(version, image, base / version, **more)
    raise cache.Fail(f"no modules of {version} found; put them in {image.parent}/lib/modules/{version} "
                     f"(make modules_install INSTALL_MOD_PATH={image.parent})")


def from_package(version):
    try:
        files = debian.unpacked(f"linux-image-{version}", "27 MB, the full flavour 70 MB")
    except cache.Fail as e:
        raise cache.Fail(f"{e}\nKernels apt offers: apt-cache search '^linux-image-6.1.*amd64$'") from e
    return from_files(version, files)


def from_files(version, files, **more):
    return Kernel(version, files / f"boot/vmlinuz-{version}", files / f"lib/modules/{version}", **more)


def from_chroot(name):
    version = chroot.newest(name) if name in chroot.SUITES else name
    root = chroot.unpacked(version)
    return from_files(version, root, root=root)


def find(name):
    if not name:
        return from_package(debian.newest_kernel())
    if name == "debug":
        return from_image(debug.kernel_image(), cmdline=debug.CMDLINE, make_args=debug.MAKE_ARGS)
    if name == "rt":
        return from_package(debian.newest_kernel("rt"))
    if chroot.series(name):
        return from_chroot(name)
    path = pathlib.Path(name)
    if path.is_file():
        return from_image(path.resolve())
    if "/" in name or not re.fullmatch(r"\d+\.\d+\.[\w.+-]+", name):
        raise cache.Fail(f"--kernel {name}: neither a file nor the version of a Debian kernel "
                         f"(such as 6.1.0-56-cloud-amd64), nor one of {', '.join(NAMES)}")
    return from_package(name)
