# SPDX-License-Identifier: GPL-2.0-only
"""What L1 boots from, and the payload that is laid over it."""
import io
import os
import pathlib
import shutil
import subprocess
import tarfile

import cache
import debian
import kernel
import process

HERE = pathlib.Path(__file__).resolve().parent.parent
DIRS = ("bin", "dev", "guest", "lib/kite/kvm", "lib/kite/swap", "proc", "root", "sys", "tmp")


def agent():
    source = HERE / "l1/agent.c"

    def make(into):
        process.run(["gcc", "-Wall", "-Wextra", "-Werror", "-O2", "-static", "-s", "-o", into / "agent",
                    source], "building L1's agent")

    return cache.entry("agent", cache.digest(source), "building L1's agent", make) / "agent"


def fill_root(top, kern, busybox, agent_path):
    for d in DIRS:
        (top / d).mkdir(parents=True)
    shutil.copy(busybox, top / "bin/busybox")
    (top / "bin/sh").symlink_to("busybox")
    shutil.copy(agent_path, top / "bin/agent")
    shutil.copy(HERE / "l1/init", top / "init")
    shutil.copy(HERE / "l1/with_swap", top / "bin/with_swap")
    shutil.copy(HERE / "l1/aftermath", top / "lib/kite")
    for folder, names in kernel.MODULES.items():
        for name in names:
            data = kern.module(name)
            if data:
                (top / folder / f"{pathlib.Path(name).name}.ko").write_bytes(data)


def initramfs(kern):
    """Uncompressed: unpacking costs L1 more than reading."""
    busybox = debian.unpacked("busybox-static", "1 MB") / "bin/busybox"
    agent_path = agent()

    def make(into):
        top = into / "root"
        fill_root(top, kern, busybox, agent_path)
        names = sorted(str(p.relative_to(top)) for p in top.rglob("*"))
        with open(into / "initramfs", "wb") as out:
            subprocess.run([busybox, "cpio", "-o", "-H", "newc", "-R", "0:0"], cwd=top, stdout=out,
                           stderr=subprocess.DEVNULL, input="\n".join(names).encode(), check=True)
        shutil.rmtree(top)

    key = cache.digest(kern.key(), HERE / "l1/init", HERE / "l1/with_swap", HERE / "l1/aftermath", str(agent_path),
                       str(busybox), HERE / "host/image.py", HERE / "host/kernel.py")
    return cache.entry("initramfs", key, f"packing the initramfs for {kern.version}", make) / "initramfs"


class Payload:
    """A tar archive that depends on the contents of its files only: a run is repeatable."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "w", format=tarfile.GNU_FORMAT)

    def _plain(self, info):
        info.mtime = 0
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        return info

    def add_data(self, name, data, mode=0o644):
        info = self._plain(tarfile.TarInfo(name))
        info.size = len(data)
        info.mode = mode
        self.tar.addfile(info, io.BytesIO(data))

    def add_file(self, name, path):
        self.tar.add(path, name, recursive=False, filter=self._plain)

    def add_tree(self, name, top):
        for path in sorted(pathlib.Path(top).rglob("*")):
            self.add_file(os.path.join(name, path.relative_to(top)), path)

    def close(self):
        self.tar.close()
