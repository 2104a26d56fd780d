# SPDX-License-Identifier: GPL-2.0-only
"""testhost/run: boot L1, run a command there, exit with its status."""
import argparse
import os
import pathlib
import re
import shutil
import signal
import sys

import bochs
import build
import cache
import debian
import image
import kernel
import qemu
import session
import verdict

BAD_LOG, CRASH, ENTRY_FAILURE, LOAD_FAILURE, TIMEOUT, TROUBLE = 33, 34, 35, 36, 124, 125
STATUSES = """exit status:
  that of COMMAND (128 + n when signal n ended it), except:
  33   the kernel log of L1 has a WARNING, BUG, Oops or the like
  34   L1 crashed: panic, triple fault, reset, or it ended without a report
  35   a VM entry failed and --expect-entry-failures was not given
  36   kite.ko did not load
  124  the time was up
  125  the test host itself failed, or was called wrongly"""
TAIL = 25


class Parser(argparse.ArgumentParser):
    """Exit status 2 belongs to COMMAND."""

    def error(self, message):
        self.print_usage(sys.stderr)
        print(f"testhost: {message}; see --help", file=sys.stderr)
        sys.exit(TROUBLE)


def size(text):
    m = re.fullmatch(r"(\d+)([MG]?)i?B?", text, re.I)
    mib = int(m[1]) * (1024 if m[2].upper() == "G" else 1) if m else 0
    if mib < 128:
        raise argparse.ArgumentTypeError(f"{text}: give at least 128M")
    return mib


def cpus(text):
    if not text.isdigit() or not 1 <= int(text) <= 8:
        raise argparse.ArgumentTypeError(f"{text}: give 1 to 8")
    return int(text)


def folder(text):
    if not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"{text} is not a directory")
    return pathlib.Path(text).resolve()


def options(argv):
    p = Parser(prog="testhost/run", usage="%(prog)s [options] [-- COMMAND...]", epilog=STATUSES,
               description="Boot a machine with VMX (L1), load kite.ko there, run COMMAND (or a shell) and "
               "exit with its status.", formatter_class=argparse.RawDescriptionHelpFormatter,
               allow_abbrev=False)
    add = p.add_argument
    add("--accel", choices=("auto", "kvm", "bochs", "tcg"), default="auto",
        help="auto: QEMU with KVM where VMX nests, else Bochs; tcg has no VMX (default: auto)")
    add("--kernel", metavar="NAME|PATH", help="version of a Debian kernel; or a bzImage with its modules in "
        f"lib/modules beside it; or one of {', '.join(kernel.NAMES)}: the newest of a series or flavour, debug built "
        "here in ten minutes with KASAN, lockdep, kmemleak and more (default: newest 6.1 cloud kernel of apt)")
    add("--cpus", type=cpus, default=1, metavar="N", help="CPUs of L1 (default: 1)")
    add("--mem", type=size, default=1024, metavar="SIZE", help="memory of L1, in Bochs up to 3G (default: 1G)")
    add("--swap", type=size, metavar="SIZE", help="swap space of L1, in compressed memory (default: none)")
    add("--append", default="", metavar="STR", help="more for L1's kernel command line")
    add("--overlay", type=folder, action="append", default=[], metavar="DIR",
        help="files laid over L1's root; repeatable")
    add("--no-module", action="store_true", help="do not load kite.ko (it is at /lib/kite/kite.ko)")
    add("--no-build", action="store_true", help="take nothing from the checkout; implies --no-module")
    add("--module-params", default="", metavar="STR", help="parameters for kite.ko")
    add("--expect-entry-failures", action="store_true", help="VM-entry failures are part of the test")
    add("--expect-kills", action="store_true",
        help="processes killed for want of memory are part of the test")
    add("--second-kernel", metavar="COMMAND", help="COMMAND of the first ends in a kernel started by kexec from "
        "/lib/kite/vmlinuz, with L1's root as its initramfs; that one runs this shell command, whose status counts")
    add("--expect-panic", action="store_true", help="the first kernel has to panic on the way to the second")
    add("--timeout", type=float, metavar="S", help="seconds, 0 for none (default: 600; none with a shell)")
    add("--keep-log", metavar="FILE", help="write the kernel log of L1 and the emulator's log there")
    add("--shell", action="store_true", help="a shell on this terminal, after COMMAND if there is one")
    add("--cold", action="store_true", help="Bochs: boot instead of restoring the snapshot")
    add("--seed", type=int, metavar="N", help="Bochs: other random numbers from RDRAND")
    add("--stats", metavar="FILE", help="Bochs: write event counters there")
    add("command", nargs="*", metavar="COMMAND", help=argparse.SUPPRESS)
    opts = p.parse_args(argv)
    opts.shell = opts.shell or not opts.command
    if opts.expect_panic and not opts.second_kernel:
        p.error("--expect-panic goes with --second-kernel: a panic ends the run otherwise")
    opts.no_module = opts.no_module or opts.no_build
    if opts.timeout is None:
        opts.timeout = 0 if opts.shell else 600
    return opts


def pick_machine(opts):
    if opts.accel in ("auto", "kvm"):
        obstacle = qemu.kvm_obstacle()
        if obstacle and opts.accel == "kvm":
            raise cache.Fail(f"--accel kvm: {obstacle}; or use --accel bochs")
        opts.accel = "bochs" if obstacle else "kvm"
    kern = kernel.find(opts.kernel)
    in_bochs = opts.accel == "bochs"
    debian.need({**debian.COMPILER, **(debian.BOCHS if in_bochs else debian.QEMU),
                 **({} if opts.no_build else {**debian.CHECKOUT, **kern.needs()})})
    return (bochs if in_bochs else qemu).Machine(opts, kern), kern


def argv_file(argv):
    return b"".join(os.fsencode(a) + b"\0" for a in argv)


def write_payload(opts, kern, path):
    payload = image.Payload(path)
    has_module = False if opts.no_build else build.add_checkout(kern, payload)
    for top in opts.overlay:
        payload.add_tree("", top)
    if not opts.no_module:
        if not has_module:
            raise cache.Fail("this checkout makes no kite.ko (no Makefile with a modules target): use --no-module")
        payload.add_data("lib/kite/load.params", os.fsencode(opts.module_params) + b"\0")
    if opts.swap:
        opts.command = ["/bin/with_swap", f"{opts.swap}M", *(opts.command or ["true"])]
    if opts.command:
        payload.add_data("lib/kite/command.argv", argv_file(opts.command))
    if opts.second_kernel:
        payload.add_file("lib/kite/vmlinuz", kern.image)
        payload.add_data("lib/kite/second.argv", argv_file(["sh", "-c", opts.second_kernel]))
    if opts.shell:
        size_ = shutil.get_terminal_size() if sys.stdin.isatty() else None
        payload.add_data("lib/kite/shell", b"%d %d\n" % ((size_.lines, size_.columns) if size_ else (0, 0)))
    payload.close()


def show(title, lines):
    cache.say(title)
    for line in lines:
        print(f"    {line}", file=sys.stderr)


def last_lines(run):
    lines = verdict.kernel_lines(run.kernel_log) if run.ended() else run.text("console").splitlines()
    return lines[-TAIL:] or ["(nothing)"]


def judge(run, opts):
    """Exit status of the run; everything found is shown."""
    emulator_log = run.text("bochs.log")
    # What the user typed is no kernel message: of a shell's console use no more than needed.
    console = "" if opts.shell and run.ended() else run.text("console")
    bad = verdict.bad_lines(console, run.kernel_log, opts.expect_kills, bool(opts.second_kernel),
                            opts.expect_panic)
    failures = verdict.entry_failures(emulator_log)
    status = run.status
    if run.load_status is not None:
        show(f"kite.ko did not load ({os.strerror(run.load_status)}); L1's log ends with:",
             last_lines(run))
        status = LOAD_FAILURE
    if failures and opts.expect_entry_failures:
        cache.say(f"{len(failures)} VM-entry failures, as announced")
    elif failures:
        show("Bochs reports failed VM entries (announce them with --expect-entry-failures):", failures[:TAIL])
        status = ENTRY_FAILURE
    if bad:
        show("the kernel log of L1 has what must not be there:", bad)
        status = BAD_LOG
    if opts.second_kernel and run.ended() and not verdict.second_kernel(console, opts.expect_panic):
        show("no panic and second kernel, as announced; L1's console ends with:" if opts.expect_panic else
             "no second kernel came, as announced; L1's console ends with:", run.text("console").splitlines()[-TAIL:])
        status = CRASH
    if run.cause == "crash":
        show("L1 crashed; the emulator's last words:",
             verdict.fatal_lines(emulator_log) or run.text("emulator").splitlines()[-5:] or ["(none)"])
        if not bad:
            show("and those of L1's console:", last_lines(run))
        status = CRASH
    if run.cause == "timeout":
        show(f"no end after {opts.timeout:g} s; the last lines of L1's console:", last_lines(run))
        status = TIMEOUT
    return status


def keep_log(run, path):
    with open(path, "w", encoding="utf-8") as out:
        out.write(run.kernel_log or run.text("console"))
        for name in ("bochs.log", "emulator"):
            if run.text(name):
                out.write(f"\n--- {name}\n{run.text(name)}")


def on_signal(number, _frame):
    sys.exit(128 + number)


def main(argv):
    opts = options(argv)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        machine, kern = pick_machine(opts)
        with session.run_directory() as where, machine.ready():
            payload = where / "payload.tar"
            write_payload(opts, kern, payload)
            run = session.Session(machine, opts, where)
            run.run(payload)
            status = judge(run, opts)
            if opts.keep_log:
                keep_log(run, opts.keep_log)
            return status
    except BrokenPipeError:
        return TROUBLE
    except cache.Fail as e:
        cache.say(str(e))
        return TROUBLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
