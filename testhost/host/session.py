# SPDX-License-Identifier: GPL-2.0-only
"""One run: start the emulator, pass on what L1 reports, stop it, judge it."""
import contextlib
import fcntl
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time
import tty

import cache
import process
import verdict

LOG_CHECK = 1.0


@contextlib.contextmanager
def run_directory():
    """A locked directory; those of runs that were killed are swept first."""
    top = cache.root() / "run"
    with contextlib.ExitStack() as until_end:
        # Who sweeps finds no directory that is not locked yet.
        with cache.locked(top / ".sweep"):
            for old in top.iterdir():
                with contextlib.suppress(BlockingIOError, FileNotFoundError, NotADirectoryError):
                    with open(old / "lock", encoding="ascii") as f:
                        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        shutil.rmtree(old, ignore_errors=True)
            where = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=top))
            until_end.callback(shutil.rmtree, where, ignore_errors=True)
            until_end.enter_context(cache.locked(where / "lock"))
        yield where


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


class Frames:
    """Cut the byte stream of L1's agent into frames."""

    def __init__(self):
        self.data = b""

    def feed(self, data):
        self.data += data
        while len(self.data) >= 5:
            length = int.from_bytes(self.data[1:5], "little")
            if len(self.data) < 5 + length:
                return
            kind, body = self.data[:1], self.data[5:5 + length]
            self.data = self.data[5 + length:]
            yield kind, body


class Terminal:
    """The user's terminal on L1's console."""

    def __init__(self, active):
        self.master = self.name = self.saved = None
        self.slave = None
        self.stdin_open = self.ended = False
        if active:
            self.master, self.slave = os.openpty()
            tty.setraw(self.slave)
            self.name = os.ttyname(self.slave)
            if os.isatty(0):
                self.saved = termios.tcgetattr(0)
                tty.setraw(0)

    def fds(self):
        if self.master is None:
            return []
        return [self.master, 0] if self.stdin_open else [self.master]

    def pump(self, fd):
        """Pass on what there is; returns what L1 wrote."""
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""
        if fd == 0:
            self.stdin_open = bool(data)
            self.ended = not data
            os.write(self.master, data)
            return b""
        write_all(1, data)
        return data

    def remind_of_end(self):
        """A shell that is not ready yet loses an end of input, so tell it again."""
        if self.ended:
            os.write(self.master, b"\x04")

    def close(self):
        if self.saved:
            termios.tcsetattr(0, termios.TCSADRAIN, self.saved)


class Session:
    """State of a run."""

    def __init__(self, machine, opts, where):
        self.machine, self.opts, self.where = machine, opts, where
        self.kernel_log = ""
        self.status = self.load_status = None
        self.cause = None
        self.frames = Frames()
        self.terminal = Terminal(opts.shell)
        self.typescript = b""
        self.log_seen = 0
        self.started = time.monotonic()

    def text(self, name):
        path = self.where / name
        if name == "console" and self.typescript:
            return self.typescript.decode(errors="replace")
        return path.read_text(errors="replace") if path.exists() else ""

    def new_log(self):
        """Lines of the emulator's log since the last call: it may become long."""
        path = self.where / "bochs.log"
        if not path.exists():
            return ""
        with open(path, "rb") as log:
            log.seek(self.log_seen)
            data = log.read()
        whole = data[:data.rfind(b"\n") + 1]
        self.log_seen += len(whole)
        return whole.decode(errors="replace")

    def take(self, data):
        for kind, body in self.frames.feed(data):
            if kind == b"O":
                write_all(1, body)
            elif kind == b"E":
                write_all(2, body)
            elif kind == b"S":
                self.terminal.stdin_open = True
            elif kind == b"K":
                self.kernel_log = body.decode(errors="replace")
            elif kind == b"L":
                self.load_status = body[0]
            elif kind == b"X":
                self.status = body[0]

    def ended(self):
        return self.status is not None or self.load_status is not None

    def watch(self, channel):
        """Until the report is complete, the emulator is gone or the time is up."""
        deadline = self.started + self.opts.timeout if self.opts.timeout else float("inf")
        check = time.monotonic() + LOG_CHECK
        while not self.ended():
            now = time.monotonic()
            if now >= deadline:
                self.cause = "timeout"
                return
            if now >= check:
                check = now + LOG_CHECK
                self.terminal.remind_of_end()
                if verdict.fatal_lines(self.new_log()):
                    self.cause = "crash"
                    return
            wait = max(0, min(deadline, check) - now)
            for fd in select.select([channel, *self.terminal.fds()], [], [], wait)[0]:
                if fd != channel:
                    self.typescript += self.terminal.pump(fd)
                    continue
                data = os.read(channel, 1 << 16)
                if not data:
                    self.cause = "crash"
                    return
                self.take(data)

    def run(self, payload):
        reader, writer = os.pipe()
        proc = None
        try:
            argv, env = self.machine.command(self.where, payload, writer, self.terminal.name)
            with open(self.where / "emulator", "wb") as said:
                proc = subprocess.Popen(argv, cwd=self.where, env=env, pass_fds=[writer], stdout=said,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                        start_new_session=True, preexec_fn=process.die_with_parent)
            os.close(writer)
            writer = -1
            self.watch(reader)
            if self.ended():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    proc.wait(10)
        finally:
            self.terminal.close()
            if proc and proc.poll() is None:
                os.killpg(proc.pid, signal.SIGKILL)
            if proc:
                proc.wait()
            os.close(reader)
            if writer >= 0:
                os.close(writer)
