// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a VM with KITE_VM_PVCLOCK offers the clock and the steal time that Linux
 * knows from KVM: the leaves, the MSRs, structures in guest memory that are right, and
 * the same on all vCPUs. An address that is no memory is ignored, a bad one is #GP.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apic.h"

#define MSR_WALL	0x4b564d00
#define MSR_SYSTEM	0x4b564d01
#define MSR_STEAL	0x4b564d03

#define STABLE		1

struct system_time {
	u32 version;
	u32 pad0;
	u64 tsc;
	u64 ns;
	u32 mul;
	signed char shift;
	u8 flags;
	u8 pad[2];
};

struct wall_clock {
	u32 version;
	u32 sec;
	u32 nsec;
};

struct steal_time {
	u64 ns;
	u32 version;
	u32 flags;
	u8 preempted;
	u8 pad[47];
};

/* The program is in guest memory at its own addresses. Two pages, for what crosses. */
static struct {
	u8 bytes[2 * KT_PAGE];
	struct system_time time[4] __attribute__((aligned(32)));
	struct wall_clock wall;
	struct steal_time steal __attribute__((aligned(64)));
} shared __attribute__((aligned(4096)));

#define PVCLOCK	(KITE_VM_IRQCHIP | KITE_VM_PVCLOCK)

static struct kt_vm *vm_new(void)
{
	return kt_vm_new_with(KT_LONG64, PVCLOCK, 0);
}

static u64 clock_read(const volatile struct system_time *t)
{
	u32 version;
	u64 ns;

	do {
		u64 delta;

		version = t->version;
		asm volatile("" : : : "memory");
		delta = kt_rdtsc() - t->tsc;
		delta = t->shift < 0 ? delta >> -t->shift : delta << t->shift;
		ns = t->ns + (u64)((__uint128_t)delta * t->mul >> 32);
		asm volatile("" : : : "memory");
	} while ((version & 1) || version != t->version);
	return ns;
}

KITE_TEST(leaves)
{
	struct kt_vm *vm = vm_new();
	struct kite_cpuid c;

	vcpu_get_cpuid(vm->vcpu.fd, 0x40000100, 0, &c);
	EXPECT_EQ(0x40000101u, c.eax);
	EXPECT_TRUE(!memcmp(&c.ebx, "KVMKVMKVM\0\0\0", 12));
	vcpu_get_cpuid(vm->vcpu.fd, 0x40000101, 0, &c);
	/* Clock source, stable; steal time where the host counts it. */
	EXPECT_EQ(BIT(3) | BIT(24), c.eax & ~BIT(5));
	EXPECT_EQ(0u, c.ebx | c.ecx | c.edx);
	vcpu_get_cpuid(vm->vcpu.fd, 0x40000000, 0, &c);
	EXPECT_EQ(0x40000010u, c.eax);
	vcpu_get_cpuid(vm->vcpu.fd, 0x40000010, 0, &c);
	EXPECT_EQ(vm->info.tsc_khz, c.eax);
	EXPECT_EQ(vm->info.tsc_khz / 8, c.ebx);
}

static u64 msr_arg[2], msr_read;

static void write_msr(u64 unused)
{
	(void)unused;
	kt_wrmsr(msr_arg[0], msr_arg[1]);
	msr_read = kt_rdmsr(msr_arg[0]);
}

static void expect_msr(struct kt_vm *vm, u32 msr, u64 value, bool good)
{
	msr_arg[0] = msr;
	msr_arg[1] = value;
	kt_call(&vm->vcpu, write_msr, 0);
	if (!good) {
		kt_expect_event(&vm->vcpu, KT_GP);
		return;
	}
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(value, msr_read);
}

KITE_TEST(msrs_that_are_bad)
{
	static const struct { u32 msr; u64 value; } bad[] = {
		{ MSR_WALL, KT_SCRATCH | 1 }, { MSR_WALL, KT_SCRATCH | 2 },
		{ MSR_SYSTEM, KT_SCRATCH | 3 },
		{ MSR_STEAL, KT_SCRATCH | 3 }, { MSR_STEAL, KT_SCRATCH | 0x21 },
	};
	struct kite_state s, before;
	struct kt_vm *vm = vm_new();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		expect_msr(vm, bad[i].msr, bad[i].value, false);
		kt_vcpu_set_mode(&vm->vcpu, KT_LONG64);
		vcpu_get_state(vm->vcpu.fd, KITE_STATE_PVCLOCK, &before);
		s = before;
		*(bad[i].msr == MSR_WALL ? &s.pvclock.wall_clock : bad[i].msr == MSR_SYSTEM ?
		  &s.pvclock.system_time : &s.pvclock.steal_time) = bad[i].value;
		EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, KITE_STATE_PVCLOCK, &s));
		vcpu_get_state(vm->vcpu.fd, KITE_STATE_PVCLOCK, &s);
		EXPECT_TRUE(!memcmp(&before.pvclock, &s.pvclock, sizeof(s.pvclock)));
	}
	/* Old numbers of the same interface, and the one between, are not there. */
	expect_msr(vm, 0x11, 0, false);
	kt_vcpu_set_mode(&vm->vcpu, KT_LONG64);
	expect_msr(vm, 0x4b564d02, 0, false);
}

KITE_TEST(without_the_flag_nothing_is_there)
{
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_PVCLOCK, &s);
	EXPECT_EQ(0ull, s.pvclock.wall_clock | s.pvclock.system_time | s.pvclock.steal_time);
	s.pvclock.system_time = KT_SCRATCH | 1;
	EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, KITE_STATE_PVCLOCK, &s));
	expect_msr(vm, MSR_SYSTEM, KT_SCRATCH | 1, false);
}

KITE_TEST(addresses_that_are_no_memory_are_ignored)
{
	static const u64 nowhere[] = {
		KT_HOLE, KT_RAM - 4, KT_RAM, 0xfffffffffffff000, 0xfee00000,
	};
	struct kt_vm *vm = vm_new();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nowhere); i++) {
		expect_msr(vm, MSR_SYSTEM, nowhere[i] | 1, true);
		expect_msr(vm, MSR_WALL, nowhere[i], true);
		expect_msr(vm, MSR_STEAL, (nowhere[i] & ~63ull) | 1, true);
	}
	/* Disabled: nothing is written. */
	memset(shared.bytes, 0x5a, sizeof(shared.bytes));
	expect_msr(vm, MSR_SYSTEM, (u64)shared.bytes, true);
	for (i = 0; i < 32; i++)
		EXPECT_EQ(0x5a, shared.bytes[i]);
}

static u64 seen[2];

static void read_time(u64 at)
{
	const volatile struct system_time *t = (void *)at;
	u64 i, now, last = 0;

	kt_wrmsr(MSR_SYSTEM, at | 1);
	seen[0] = clock_read(t);
	for (i = 0; i < 1000; i++) {
		now = clock_read(t);
		KT_GUEST_ASSERT_EQ(1, now >= last);
		last = now;
	}
	seen[1] = last;
}

static void check_time(struct kt_vm *vm, struct system_time *t)
{
	struct kite_clock before, after;
	u64 khz;

	vm_get_clock(vm->fd, &before);
	kt_call(&vm->vcpu, read_time, (u64)t);
	kt_expect_done(&vm->vcpu);
	vm_get_clock(vm->fd, &after);
	EXPECT_GE(seen[0], before.ns);
	EXPECT_GE(after.ns, seen[1]);
	EXPECT_EQ(0u, t->version & 1);
	EXPECT_GT(t->version, 0u);
	/* What Linux makes of it: the frequency, but for bits that are shifted out. */
	khz = (1000000ull << 32) / t->mul;
	khz = t->shift < 0 ? khz << -t->shift : khz >> t->shift;
	EXPECT_GE(vm->info.tsc_khz, khz);
	EXPECT_GE(khz + 1, vm->info.tsc_khz);
	EXPECT_EQ(0u, t->flags & ~STABLE);
}

KITE_TEST(system_time_follows_the_clock)
{
	struct kt_vm *vm = vm_new();
	u32 version;

	check_time(vm, &shared.time[0]);
	version = shared.time[0].version;
	check_time(vm, &shared.time[0]);
	EXPECT_GT(shared.time[0].version, version);
	/* Across two pages, and with a version left odd by the guest. */
	shared.time[1].version = 7;
	check_time(vm, (void *)(shared.bytes + KT_PAGE - 20));
}

static void set_wall(u64 at)
{
	kt_wrmsr(MSR_WALL, at);
	/* It is there at the next instruction. */
	seen[0] = ((struct wall_clock *)at)->sec;
}

KITE_TEST(wall_clock_is_the_hosts)
{
	struct kt_vm *vm = vm_new();
	struct kite_clock clock;
	struct timespec now;
	u64 wall;

	kt_call(&vm->vcpu, set_wall, (u64)&shared.wall);
	kt_expect_done(&vm->vcpu);
	vm_get_clock(vm->fd, &clock);
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT_EQ(shared.wall.sec, seen[0]);
	EXPECT_EQ(2u, shared.wall.version);
	EXPECT_GT(1000000000u, shared.wall.nsec);
	wall = shared.wall.sec * 1000000000ull + shared.wall.nsec + clock.ns;
	EXPECT_GE(now.tv_sec * 1000000000ull + now.tv_nsec + 1000000, wall);
	EXPECT_GE(wall + 1000000000, now.tv_sec * 1000000000ull + now.tv_nsec);
}

#define CPUS	2
#define ROUNDS	20000

static volatile u64 newest, stop;

/* Whoever reads after another has read must not be behind it. */
static void compare_clocks(u64 me)
{
	volatile struct system_time *t = &shared.time[me];
	u64 i, other, now;

	kt_wrmsr(MSR_SYSTEM, (u64)t | 1);
	for (i = 0; i < ROUNDS; i++) {
		other = newest;
		now = clock_read(t);
		KT_GUEST_ASSERT_EQ(1, now >= other);
		if (now > newest)
			newest = now;
	}
	kt_done();
}

KITE_TEST_TIMEOUT(all_vcpus_agree, 120)
{
	struct kt_smp *smp = kt_smp_new_in(vm_new(), CPUS, false);
	const struct system_time *t = shared.time;
	unsigned int i;

	kt_smp_run(smp, compare_clocks);
	for (i = 1; i < CPUS; i++) {
		EXPECT_EQ(t[0].tsc, t[i].tsc);
		EXPECT_EQ(t[0].ns, t[i].ns);
		EXPECT_EQ(t[0].mul, t[i].mul);
		EXPECT_EQ(t[0].flags, t[i].flags);
	}
}

/* A guest that moves one TSC away loses the stable clock, on all vCPUs, and gets it back. */
static void adjust(u64 value)
{
	kt_wrmsr(MSR_SYSTEM, (u64)&shared.time[0] | 1);
	kt_wrmsr(0x3b, value);
	seen[0] = clock_read(&shared.time[0]);
}

KITE_TEST(clock_is_stable_while_all_tscs_are_the_same)
{
	struct kt_vm *vm = vm_new();
	struct kite_clock clock;
	u8 flags;

	kt_call(&vm->vcpu, adjust, 0);
	kt_expect_done(&vm->vcpu);
	flags = shared.time[0].flags;
	kt_call(&vm->vcpu, adjust, 1000000000);
	kt_expect_done(&vm->vcpu);
	vm_get_clock(vm->fd, &clock);
	EXPECT_EQ(0, shared.time[0].flags);
	/* The clock did not move. */
	EXPECT_GE(clock.ns, seen[0]);
	kt_call(&vm->vcpu, adjust, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(flags, shared.time[0].flags);
	if (!flags)
		SKIP("the host's TSC is not stable");
}

static void watch_steal(u64 at)
{
	volatile struct steal_time *s = (void *)at;

	kt_wrmsr(MSR_STEAL, at | 1);
	while (s->ns < 30000000)
		asm volatile("pause" : : : "memory");
	seen[0] = s->ns;
}

/* The guest ends when it has been told of 30 ms; the test's timeout is the failure. */
KITE_TEST_TIMEOUT(steal_time_grows_beside_another_task, 120)
{
	struct kt_vm *vm = vm_new();
	struct kite_cpuid c;
	cpu_set_t one;
	pid_t child;

	vcpu_get_cpuid(vm->vcpu.fd, 0x40000101, 0, &c);
	if (!(c.eax & BIT(5)))
		SKIP("the host does not count run delays");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	child = fork();
	ASSERT_GE(child, 0);
	while (!child)
		;
	kt_call(&vm->vcpu, watch_steal, (u64)&shared.steal);
	kt_expect_done(&vm->vcpu);
	kill(child, SIGKILL);
	EXPECT_EQ(0u, shared.steal.version & 1);
	EXPECT_EQ(0, shared.steal.preempted);
	EXPECT_GE(seen[0], 30000000ull);
}

static void steal_alone(u64 at)
{
	u64 end = kt_rdtsc() + 1000000;

	kt_wrmsr(MSR_STEAL, at | 1);
	while (kt_rdtsc() < end)
		;
}

/* What was there counts on: the guest may have been saved and restored. */
KITE_TEST(steal_time_goes_on_from_what_memory_holds)
{
	struct kt_vm *vm = vm_new();

	shared.steal.ns = 1ull << 50;
	kt_call(&vm->vcpu, steal_alone, (u64)&shared.steal);
	kt_expect_done(&vm->vcpu);
	EXPECT_GE(shared.steal.ns, 1ull << 50);
	EXPECT_GT((1ull << 50) + 10000000000, shared.steal.ns);
}

static void hypercall(u64 unused)
{
	u64 rax = 9;

	(void)unused;
	asm volatile("vmcall" : "+a"(rax) : : "memory");
	seen[0] = rax;
}

KITE_TEST(hypercalls_do_not_exist)
{
	struct kt_vm *vm = vm_new();

	kt_call(&vm->vcpu, hypercall, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(-1000ull, seen[0]);
}
