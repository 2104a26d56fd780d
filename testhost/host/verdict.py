# SPDX-License-Identifier: GPL-2.0-only
"""Judge a run by what L1's kernel and the emulator logged."""
import re

START = "testhost: payload starts"

# What a kernel with nothing wrong never prints once the payload has started.
BAD = re.compile("|".join((
    r"WARNING:", r"\bBUG\b", r"\bOops\b", r"Call Trace:", r"kernel BUG at", r"Kernel panic",
    r"general protection fault", r"[Uu]nable to handle", r"double fault", r"invalid opcode:",
    r"divide error:", r"int3:", r"stack segment:", r"bad frame in", r"KASAN", r"KFENCE", r"UBSAN",
    # That it has to scan more, because an allocation of its own was made to fail, is no leak.
    r"KMSAN", r"KCSAN", r"kmemleak: (?!Cannot allocate a scan area)",
    r"possible (circular|recursive|irq lock|deadlock)", r"inconsistent lock state", r"lockdep",
    r"bad unlock balance", r"lock held (when|at)", r"suspicious RCU usage", r"held lock freed",
    r"non-static key", r"[Ii]nvalid wait context", r"sleeping function called",
    r"scheduling while atomic", r"\brcu.*(stall|starved)", r"soft lockup", r"hard LOCKUP",
    r"blocked for more than", r"refcount_t:", r"(list_add|list_del|slab) corruption",
    r"Objects remaining", r"still has objects", r"unchecked MSR access", r"No irq handler for vector",
    r"NMI received for unknown reason", r"Dazed and confused", r"[Mm]achine [Cc]heck",
    r"unexpected IRQ trap", r"corrupted", r"ODEBUG", r"nobody cared", r"unwind stack type",
    r"Bad page (state|map)", r"Bad rss-counter", r"Out of memory:", r"oom-kill",
)))
EXCERPT = 50
# First and last line of the report of a process that was killed for want of memory, of its memory cgroup or of the
# machine; and of one that needed a page for user space when it had been chosen to be killed.
KILL_REPORTS = (
    (re.compile(r"invoked oom-killer"), re.compile(r"(Memory cgroup out|Out) of memory: Killed process")),
    (re.compile(r"page allocation failure: order:0, mode:0x[0-9a-f]+\(GFP_HIGHUSER_MOVABLE"),
     re.compile(r"pages hwpoisoned")),
)
TIME = re.compile(r"\[ *(\d+\.\d+)\] ")
PANIC = re.compile(r"Kernel panic - not syncing")
PREFIX = re.compile(r"^(<\d+>)?")
ENTRY_FAILURE = re.compile("VMENTER FAIL|VMFAIL|VMABORT")
# The machine itself is gone: Bochs' words for it.
FATAL = re.compile(r"VMABORT|>>PANIC<<|3rd \(\d+\) exception|bogus memory")


def kernel_lines(text):
    """Lines of a log from the start of the payload on, without priority; with those of a second kernel."""
    lines = [PREFIX.sub("", line.rstrip("\r")) for line in text.splitlines()]
    starts = [n for n, line in enumerate(lines) if START in line]
    return lines[starts[0]:] if starts else lines


def without_boot(lines, expect_panic):
    """The lines that are not of a second kernel's start, whose time begins anew, nor of the panic before it."""
    kept, booting, began = [], False, 0.0
    for line in lines:
        time = TIME.match(line)
        began = began or float(time[1]) if time else began
        if START in line:
            booting = False
        elif time and float(time[1]) < began or expect_panic and PANIC.search(line):
            booting = True
        if not booting:
            kept.append(line)
    return kept


def second_kernel(console, expect_panic):
    """Whether the console tells of a second kernel, and of a panic exactly where one was expected."""
    lines = kernel_lines(console)
    return sum(START in line for line in lines) == 2 and any(map(PANIC.search, lines)) == expect_panic


def without_kills(lines):
    """The lines that are not in a whole report of a kill for want of memory."""
    kept, report, last = [], [], None
    for line in lines:
        if not report:
            last = next((last for first, last in KILL_REPORTS if first.search(line)), None)
        if last:
            report.append(line)
        else:
            kept.append(line)
        if last and last.search(line):
            report, last = [], None
    return kept + report


def bad_lines(console, kernel_log, expect_kills=False, second=False, expect_panic=False):
    """Lines from the first bad one on; none when the log is clean.

    Console and log say the same, but either may lack its end or its beginning.
    """
    texts = [kernel_lines(text) for text in (kernel_log, console)]
    if second:
        texts = [without_boot(lines, expect_panic) for lines in texts]
    if expect_kills:
        texts = [without_kills(lines) for lines in texts]
    seen = list(dict.fromkeys(line for lines in texts for line in lines))
    for n, line in enumerate(seen):
        if BAD.search(line):
            return seen[n:n + EXCERPT] + [later for later in seen[n + EXCERPT:] if BAD.search(later)]
    return []


def entry_failures(bochs_log):
    return [line for line in bochs_log.splitlines() if ENTRY_FAILURE.search(line)]


def fatal_lines(bochs_log):
    return [line for line in bochs_log.splitlines() if FATAL.search(line)]
