# SPDX-License-Identifier: GPL-2.0-only
"""L1's debug kernel: Debian's source with all checks on that the kernel has for a module."""
import pathlib
import subprocess
import tempfile

import cache
import debian
import process

HERE = pathlib.Path(__file__).resolve().parent.parent / "debug"
SOURCE = "linux-source-6.1"
TOOLS = {**debian.COMPILER, "make": "make", "ld": "binutils", "bc": "bc", "bison": "bison", "flex": "flex",
         "perl": "perl", "lz4": "lz4", "xz": "xz-utils", "/usr/include/libelf.h": "libelf-dev"}
# UBSAN watches the module, not the kernel; coverage is that of the module, for the fuzzer.
MAKE_ARGS = ("UBSAN_SANITIZE=y", "KCOV_INSTRUMENT=y")
# Leaks are printed, pages that were freed turn into nonsense for whoever still walks through them.
CMDLINE = "kmemleak.verbose=1 page_poison=1"


def kernel_image():
    """The bzImage; its modules and headers are in lib/modules beside it."""
    version = debian.candidate(SOURCE)
    debian.need(TOOLS)
    compiler = subprocess.run(["gcc", "--version"], stdout=subprocess.PIPE, check=True, text=True).stdout
    key = cache.digest(version, compiler, HERE / "build", HERE / "kernel.config", *sorted(HERE.glob("blunder/*")))

    def make(into):
        with tempfile.TemporaryDirectory(dir=into) as source:
            debian.download(f"{SOURCE}={version}", pathlib.Path(source))
            # Part of the version: what was built for another such kernel does not load.
            process.run(["nice", HERE / "build", source, f"debug-{key[:8]}", into], "building the debug kernel")

    return cache.entry("kernel", key, f"building the debug kernel from {SOURCE} {version}, once "
                       "(10 to 15 minutes on two cores)", make) / "vmlinuz"
