// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a debugger's hardware breakpoints in the host, of a thread and of a CPU,
 * hit what the host does and not what a guest does at the same linear address; the
 * guest's own breakpoints hit what the guest does, and not what the host does.
 */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guests.h"

#define DB		1
#define DR7_WRITES_8	0x90001ull	/* DR0: writes of 8 bytes, local */
#define DR7_FIXED	0x400ull
#define DR6_CLEAR	0xffff0ff0ull

/* Guest and host have them at the same linear addresses. */
static volatile u64 watched_by_host __attribute__((aligned(8)));
static volatile u64 watched_by_guest __attribute__((aligned(8)));
static volatile u64 hits_of_guest __attribute__((used));

asm(".pushsection guest32, \"ax\"\n.code64\n.balign 16\n"
    "count_breakpoint:\n"
    "incq hits_of_guest\n"
    "iretq\n"
    ".popsection\n");
extern const u8 count_breakpoint[];

static void write_both(u64 times)
{
	u64 i;

	for (i = 1;; i++) {
		watched_by_guest = i;
		watched_by_host = i;
		if (i % times == 0)
			kt_sync(i);
	}
}

#define WRITES	100	/* of the guest between two looks of the host */

static struct kt_vm *new_guest(void)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kite_state s;

	kt_set_gate(vm, DB, count_breakpoint);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_DRS, &s);
	s.drs.dr[0] = (u64)&watched_by_guest;
	s.drs.dr6 = DR6_CLEAR;
	s.drs.dr7 = DR7_FIXED | DR7_WRITES_8;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_DRS, &s);
	kt_call(&vm->vcpu, write_both, WRITES);
	return vm;
}

/* The guest writes to both, then the host does. */
static void one_turn(struct kt_vm *vm)
{
	struct kt_result r = kt_run(&vm->vcpu);

	if (r.said != KT_SAID_SYNC)
		kt_surprise(&vm->vcpu, &r, "SYNC");
	watched_by_guest = 0;
	watched_by_host = 0;
}

static int open_breakpoint(volatile u64 *addr, pid_t pid, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .bp_type = HW_BREAKPOINT_W,
		.bp_addr = (u64)addr, .bp_len = HW_BREAKPOINT_LEN_8, .sample_period = 1,
		.pinned = pid != -1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, pid, cpu, -1, 0);

	if (fd < 0)
		SKIP("perf has no hardware breakpoints here: errno %d", errno);
	return fd;
}

static u64 hits(int fd)
{
	u64 n;

	ASSERT_EQ(sizeof(n), read(fd, &n, sizeof(n)));
	return n;
}

static void watch(pid_t pid, int cpu)
{
	u64 i, n = kt_times(500);
	struct kt_vm *vm;
	int fd;

	kt_pin(0, 0);
	vm = new_guest();
	fd = open_breakpoint(&watched_by_host, pid, cpu);
	for (i = 0; i < n; i++)
		one_turn(vm);
	EXPECT_EQ(n, hits(fd));
	EXPECT_EQ(n * WRITES, hits_of_guest);
	close(fd);
	one_turn(vm);
	EXPECT_EQ((n + 1) * WRITES, hits_of_guest);
}

KITE_TEST_TIMEOUT(of_a_thread, 300)
{
	watch(0, -1);
}

KITE_TEST_TIMEOUT(of_a_cpu, 300)
{
	watch(-1, 0);
}

/* Breakpoints come and go, in all registers and on all CPUs, under guests that run. */
#define ALL	4

static void set_and_take_away(u64 unused)
{
	int fd[ALL * 8];
	unsigned int i, n = ALL * (kt_cpus() < 8 ? kt_cpus() : 8);
	static volatile u64 never[ALL];

	(void)unused;
	for (i = 0; i < n; i++)
		fd[i] = open_breakpoint(&never[i % ALL], -1, i / ALL);
	kt_pattern_linger();
	for (i = 0; i < n; i++) {
		EXPECT_EQ(0ull, hits(fd[i]));
		close(fd[i]);
	}
}

KITE_TEST_TIMEOUT(come_and_go, 300)
{
	kt_guests_through_but(set_and_take_away, kt_times(20), KT_DEBUG_REGISTERS);
}

/* A debugger as gdb is one: DR0 of the thread that runs the vCPU. */
static void __attribute__((noreturn)) debugged(u64 turns)
{
	struct kt_vm *vm = new_guest();
	u64 i;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (i = 0; i < turns; i++)
		one_turn(vm);
	EXPECT_EQ(turns * WRITES, hits_of_guest);
	kt_end(KT_PASS);
}

static void set_dr(pid_t pid, unsigned int n, u64 value)
{
	size_t at = offsetof(struct user, u_debugreg) + n * sizeof(u64);

	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, pid, at, value));
}

KITE_TEST_TIMEOUT(of_a_debugger, 300)
{
	u64 traps = 0, n = kt_times(200);
	pid_t pid = fork();
	siginfo_t info;
	int status;

	ASSERT_GE(pid, 0);
	if (!pid)
		debugged(n);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	set_dr(pid, 0, (u64)&watched_by_host);
	set_dr(pid, 7, DR7_WRITES_8);
	for (;;) {
		ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		if (WIFEXITED(status))
			break;
		ASSERT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
		ASSERT_EQ(0, ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
		EXPECT_EQ(TRAP_HWBKPT, info.si_code);
		traps++;
	}
	EXPECT_EQ(KT_PASS, WEXITSTATUS(status));
	EXPECT_EQ(n, traps);
}
