# SPDX-License-Identifier: GPL-2.0-only
"""The boot tests as a table."""
import dataclasses
import itertools


@dataclasses.dataclass(frozen=True)
class Case:
    """A test: an L1, what runs in it and what has to be on its output.

    guest: cloud, full: Debian's kernel; memtest86+: of that package; None: the small guests
    script: shell lines for L1, after those of l1.sh; every command has to succeed
    expect: regular expression -> how many lines have to match, or a minimum as a 1-tuple
    """
    name: str
    script: str
    expect: dict
    guest: str = None
    quick: bool = False
    cpus: int = 1
    mem: str = "1G"
    timeout: int = 600
    params: str = ""


# What a guest's kernel says when an interrupt or a vCPU does not come.
TROUBLE = {r"rcu.*(stall|starved)|soft lockup|hard LOCKUP|hung_task|blocked for more than|WARNING: CPU|BUG:|Oops|"
           "Call Trace|APIC error|spurious APIC|clocksource.*unstable|CPU.* failed to|not responding": 0}

PASSED = {"^load: passed$": 1, "^guest: exit status 0$": 1, **TROUBLE}

WORDS = " ".join(f"-e {word}" for word in (
    "smp:", "x2apic", "WARNING", "BUG", "Oops", "stall", "lockup", "unstable", "blocked", "Trace:", "failed",
    "spurious"))

# Parameters of kite.ko that switch off what the CPU does for interrupts and time.
HELPS = ("tpr_shadow", "apic_access", "apic_register", "virtual_interrupts", "x2apic_msrs", "preemption_timer",
         "halt_poll_ns", "pause_loop", "tsc_scaling")

# Run by the guest: an INIT and a SIPI for vCPUs that have run before.
VCPUS_OFF_AND_ON = ("for n in 1 2 3; do for c in 1 2 3; do for x in 0 1; do "
                    "echo $x >/sys/devices/system/cpu/cpu$c/online || exit 1; "
                    "done; done; echo guest: round $n; done; load 30 100 50")

# While a guest with four vCPUs works, the second CPU of L1 goes and comes.
HOST_CPU_OFF_AND_ON = """
(n=0; while [ ! -e /done ]; do
	for x in 0 1; do echo $x >/sys/devices/system/cpu/cpu1/online || exit 1; usleep 300000; done
	n=$((n + 1))
done; echo $n times off and on) &
want 0 debian "run=\\"load 30 100 50\\" cryptomgr.notests" --cpus 4
: >/done
want 0 wait $!
"""

REBOOT = 'want {} debian "run=\\"reboot -f\\""'


# KVM guests, one after the other, while Debian boots on Kite.
BESIDE_KVM = """
(while [ ! -e /booted ]; do
	/lib/kite/selftests/build/kvm/coexist_test a_kvm_guest_alone || exit 1
done) &
until [ -e /dev/kvm ]; do usleep 10000; done
want 0 debian "" --stats
: >/booted
want 0 wait $!
"""


def ends(name, prefix="", options="", cpus=1, quick=True):
    """Ways in which a small guest ends, and the exit status of kitectl for each."""
    table = (
        ("power_off_port", 0, None), ("reset_cf9", 6, "reset"), ("reset_i8042", 6, "reset"),
        ("reset_i8042_output", 6, "reset"), ("reset_port92", 6, "reset"), ("debug_exit", 43, None),
        ("triple_fault", 8, "triple fault"), ("unmapped_exec", 20, "no memory at guest address 0xd0000000"),
        ("unmapped_walk", 20, "no memory at guest address 0xd0000000"),
        ("unmapped_insn", 10, "Kite does not decode"),
        ("spin", 14, "time is up"), ("spin_io", 14, "time is up"), ("halt", 14, "time is up"),
    )
    script = "\n".join(f"want {status} flat {prefix}{end} {options}" for end, status, _ in table)
    expect = {"^ready$": len(table)}
    for _, _, text in table:
        if text:
            expect[text] = (1,)
    return Case(name, script, expect, quick=quick, cpus=cpus)


def small():
    modules = '--append "kite test=1" --module /guest/module --mem 128M'
    run = "want 0 kitectl run --timeout 20 --kernel /guest/"
    yield Case("flat_real", "mode=real want 0 flat real", {"^real: ok$": 1}, quick=True)
    yield Case("flat_protected", "want 0 flat protected", {"^protected: ok$": 1}, quick=True)
    yield Case("flat_long", "mode=long want 0 flat long", {"^long: ok$": 1}, quick=True)
    yield Case("pic", "want 0 flat pic", {"^pic: ok$": 1}, quick=True)
    yield Case("multiboot_elf", f"{run}multiboot.elf {modules}", {"^multiboot: ok$": 1}, quick=True)
    yield Case("multiboot_addresses", f"{run}multiboot.bin {modules}", {"^multiboot: ok$": 1}, quick=True)
    yield Case("pvh", f"{run}pvh.elf {modules}", {"^pvh: ok$": 1}, quick=True)
    yield Case("unmapped", "want 0 flat unmapped", {"^unmapped: ok$": 1}, quick=True)
    yield Case("no_guest", "want 4 kitectl run --kernel /guest/module",
               {"not a kernel that Kite knows; looked for": 1}, quick=True)
    # What vCPU 2 does; vCPU 3 never runs. What it writes may come before.
    yield Case("trace_of_ap", "want 0 flat ap_power_off_port --cpus 4 --trace --stats",
               {"^0 [0-9]+ .*rip": (1,), "^[ready]*2 [0-9]+ I/O instruction .*rip": 7, "^[ready]*3 [0-9]+ ": 0,
                "VM exits of vCPU [0-3] by reason$": 4}, quick=True)
    yield Case("reset_loop", "want 14 kitectl run --timeout 3 --flat-mode protected --on-reboot reset "
               "--kernel /guest/reset_cf9.bin", {"^kitectl: reboot 3$": 1, "^ready$": (4,)}, quick=True)


def confined():
    """kitectl without privileges and with few system calls; another life takes what it has kept open."""
    reset = "want 14 kitectl run --timeout 3 --flat-mode protected --on-reboot reset --kernel /guest/reset_cf9.bin"
    yield Case("confined", "kitectl run --timeout 4 --flat-mode protected --kernel /guest/spin.bin >/out 2>&1 &\n"
               "until_line /out ready\ncat /proc/$!/status\nkitectl stat\nwant 14 wait $!\n"
               f"{reset} --mem-path /tmp --user 77",
               {"^Uid:(\t65534){4}$": 1, "^CapPrm:\t0+$": 1, "^NoNewPrivs:\t1$": 1, "^Seccomp:\t2$": 1,
                "^ +[0-9]+ +[0-9]+ kitectl ": 1, "^kitectl: reboot 3$": 1}, quick=True)


def kills():
    """A guest with interrupts off cannot keep kitectl from ending. Statuses: kitectl's, or 128 + n."""
    for signal, status in (("INT", 16), ("TERM", 16), ("KILL", 137)):
        for cpus in (1, 2):
            lines = "\n".join(f"kill_guest {signal} {status} {guest}" for guest in (
                "spin", "spin_io", "halt", "ap_spin --cpus 4", "ap_spin_io --cpus 64"))
            yield Case(f"kill_{signal}_cpus{cpus}", lines, {f"^kill {signal}: all freed$": 5}, quick=True,
                       cpus=cpus)


def smp_case(name, guest, vcpus, cpus, *, mode="x2apic", off=(), counts="30 100 50", quick=False, timeout=1800):
    """Debian under the load of load/load.c, which checks its results and counts its interrupts."""
    run = f"load {counts} && dmesg | grep -v run= | grep {WORDS}"
    append = f'run=\\"{run}\\" cryptomgr.notests {"nox2apic" if mode == "xapic" else ""}'
    big = guest == "full"
    script = [f"want 0 grep '^[0N]' /sys/module/kite/parameters/{param}" for param in off]
    script.append(f'want 0 debian "{append}" --mem {"1G" if big else "256M"} --cpus {vcpus}')
    expect = {f"^load: {vcpus} CPUs$": 1, f"[]] smp: Brought up 1 node, {vcpus} CPU": 1, **PASSED,
              "[]] x2apic enabled": int(mode == "x2apic")}
    return Case(name, "\n".join(script), expect, guest=guest, quick=quick, cpus=cpus, mem="2G" if big else "1G",
                timeout=timeout, params=" ".join(f"{param}=0" for param in off))


def smp():
    """vCPUs "on" CPUs, in either APIC mode, with every help, without any, and without each."""
    modes = ("xapic", "x2apic")
    every = tuple(itertools.product((1, 2, 4, 8), (1, 2, 4)))
    quick = ("smp_cloud_2on1_xapic", "smp_cloud_4on2_x2apic")
    for mode, (vcpus, cpus), off in itertools.product(modes, every, ((), HELPS)):
        name = f"smp_cloud_{vcpus}on{cpus}_{mode}" + ("_alone" if off else "")
        yield smp_case(name, "cloud", vcpus, cpus, mode=mode, off=off, quick=name in quick)
    for mode, off in itertools.product(modes, HELPS):
        yield smp_case(f"smp_cloud_4on2_{mode}_without_{off}", "cloud", 4, 2, mode=mode, off=(off,))
    for mode, (vcpus, cpus) in itertools.product(modes, every):
        yield smp_case(f"smp_full_{vcpus}on{cpus}_{mode}", "full", vcpus, cpus, mode=mode)
    yield Case("smp_cpu_hotplug", f"want 0 debian 'run=\"{VCPUS_OFF_AND_ON}\"' --cpus 4",
               {"^guest: round 3$": 1, "^load: 4 CPUs$": 1, **PASSED}, guest="cloud", cpus=2, timeout=900)
    yield Case("smp_host_cpu_hotplug", HOST_CPU_OFF_AND_ON, {"^[1-9][0-9]* times off and on$": 1, **PASSED},
               guest="cloud", cpus=2, timeout=900)
    yield Case("smp_reboot_reset", REBOOT.format(14) + " --on-reboot reset --timeout 30 --cpus 4",
               {"^kitectl: reboot 2$": 1, "^guest: init": (3,), **TROUBLE}, guest="cloud", cpus=2, timeout=900)
    yield Case("smp_panic", 'want 6 debian "panic=-1 rdinit=/bin/busybox -- false" --cpus 4',
               {"[]] Kernel panic - not syncing: Attempted to kill init!": 1, "asked for a reset": 1}, guest="cloud",
               cpus=2)
    # On each of the two vCPUs half a million timer interrupts, and as many IPIs.
    yield smp_case("smp_million", "cloud", 2, 2, counts="3000 500000 500000", timeout=7200)


def debian_matrix():
    """Debian's kernels, ten times in a row in one L1."""
    for guest, kaslr, mitigations in itertools.product(("cloud", "full"), (True, False), (True, False)):
        append = ("" if kaslr else "nokaslr ") + ("" if mitigations else "mitigations=off")
        big = guest == "full"
        yield Case(f"{guest}_{'kaslr' if kaslr else 'nokaslr'}_{'mitigations' if mitigations else 'unmitigated'}",
                   f'repeat want 0 debian "{append}" --mem {"1G" if big else "256M"}',
                   {"^Linux .*Debian 6.1": "repeat", "^guest: exit status 0$": "repeat"}, guest=guest,
                   mem="2G" if big else "1G", timeout=1800)


def legacy():
    """Debian's kernel on the devices that it takes when it is told to leave the APICs or their timer alone."""
    timer, console = r"^ *0: +[1-9][0-9]{2,} +%s +timer$", r"^ *4: +[1-9][0-9]* +%s +ttyS0$"
    pic, pin = "XT-PIC", "IO-APIC +%s-edge"
    tables = (
        ("noapic", "noapic", (console % pic,)),
        ("pic", "noapic nolapic", (timer % pic, console % pic)),
        ("acpi_off", "acpi=off", (timer % pic, console % pic)),
        ("pit", "noapictimer lapic=notscdeadline", (timer % pin % 2, console % pin % 4)),
    )
    for name, append, lines in tables:
        yield Case(f"cloud_{name}", f'want 6 debian "{append} run=\\"cat /proc/interrupts; reboot -f\\""',
                   {line: 1 for line in lines}, guest="cloud", quick=name == "pic",
                   timeout=300)


def debian():
    two = 'debian "" >/a 2>&1 & pid=$!\ndebian "" >/b 2>&1; first=$?\nwait $pid; second=$?\ncat /a /b\n' \
          "want 0 [ $first -eq 0 ]\nwant 0 [ $second -eq 0 ]"
    came_up = {"^Linux .*Debian 6.1": 1, "^guest: exit status 0$": 1}
    yield Case("cloud", 'want 0 debian "" --stats', {**came_up, "^ *[1-9][0-9]* +windows_own": 1}, guest="cloud",
               quick=True)
    yield Case("cloud_cpus2", 'want 0 debian ""', came_up, guest="cloud", quick=True, cpus=2)
    yield Case("full", 'want 0 debian "" --mem 1G', came_up, guest="full", mem="2G", timeout=300)
    yield Case("full_cpus2", 'want 0 debian "" --mem 1G', came_up, guest="full", mem="2G", cpus=2, timeout=300)
    for cpus in (1, 2):
        yield Case(f"two_vms_cpus{cpus}", two, {k: 2 for k in came_up}, guest="cloud", cpus=cpus, timeout=300)
    for cpus in (1, 2):
        yield Case(f"beside_kvm_cpus{cpus}", BESIDE_KVM, {**came_up, "^ok 1 a_kvm_guest_alone$": (1,),
                   "^not ok": 0, "^ *[1-9][0-9]* +windows_shared": 1}, guest="cloud", cpus=cpus, timeout=900)
    yield Case("reboot", REBOOT.format(6), {"asked for a reset": 1}, guest="cloud")
    yield Case("reboot_reset", REBOOT.format(14) + " --on-reboot reset --timeout 60",
               {"^kitectl: reboot 2$": 1, "^guest: init": (3,)}, guest="cloud", timeout=300)
    yield Case("panic", 'want 6 debian "panic=-1 rdinit=/bin/busybox -- false"',
               {"[]] Kernel panic - not syncing: Attempted to kill init!": 1, "asked for a reset": 1}, guest="cloud")
    yield Case("panic_hangs", 'want 14 debian "rdinit=/bin/busybox -- false" --timeout 40',
               {"[]] Kernel panic - not syncing: Attempted to kill init!": 1, "time is up": 1}, guest="cloud")
    yield Case("kill_debian", 'debian "run=\\"while :; do :; done\\"" >/out 2>&1 &\n'
               'until_line /out "guest: init"\nkill -9 $(pidof kitectl)\nwait', {}, guest="cloud")
    # It takes its clock from the PIT. It never ends, so it is stopped when it has run for some seconds of its own.
    for cpus, smp in ((1, "Disabled"), (2, r"2T \(PAR\)")):
        yield Case(f"memtest86+_of_{cpus}", 'want 14 kitectl run --kernel "/guest/memtest86+" --mem 16M --timeout 6 '
                   f'--cpus {cpus} --append "console=ttyS0,115200 nobench"',
                   {rf"Memtest86\+ v6.*Address test.*SMP: {smp}.*Time:  0:00:0[2-6]": 1}, guest="memtest86+",
                   quick=True)


ENDS = (
    ends("ends"),
    ends("ends_of_ap_cpus1", "ap_", "--cpus 4", cpus=1, quick=False),
    ends("ends_of_ap_cpus2", "ap_", "--cpus 4", cpus=2),
)

CASES = (*small(), *ENDS, *confined(), *kills(), *legacy(), *debian(), *smp(), *debian_matrix())
