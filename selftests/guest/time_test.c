// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the TSC of a guest has the frequency its VM asked for, never goes back, and is
 * the same on all vCPUs, also when their threads move and when the VM is saved and
 * restored; timers are never early, none is lost, and none outlives what it is for.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apic.h"

#define VECTOR		0x51
#define CPUS		2

static u64 out[4];

static u64 parameter(const char *name, u64 otherwise)
{
	char path[80], text[24] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/module/kite/parameters/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return otherwise;
	close(fd);
	return *text == 'N' ? 0 : *text == 'Y' ? 1 : strtoull(text, NULL, 10);
}

/* A frequency other than the host's; SKIPs where the CPU cannot have it. */
static struct kt_vm *scaled_vm(u32 num, u32 den)
{
	struct kite_info info;
	int dev = dev_open(), vm;
	u32 khz;

	dev_get_info(dev, &info);
	khz = (u64)info.tsc_khz * num / den;
	vm = _dev_create_vm_tsc(dev, KITE_VM_IRQCHIP, khz);
	if (vm == -EOPNOTSUPP)
		SKIP("no TSC scaling");
	ASSERT_GE(vm, 0);
	close(vm);
	close(dev);
	return kt_vm_new_with(KT_LONG64, KITE_VM_IRQCHIP | KITE_VM_PVCLOCK, khz);
}

static void read_tsc(u64 unused)
{
	(void)unused;
	out[0] = kt_rdtsc();
}

/* The guest's TSC lies between two looks at the VM's counter, plus @off. */
static void expect_tsc(struct kt_vm *vm, struct kt_vcpu *vcpu, u64 off)
{
	struct kite_clock before, after;
	struct kite_state s;

	vm_get_clock(vm->fd, &before);
	kt_call(vcpu, read_tsc, 0);
	kt_expect_done(vcpu);
	vm_get_clock(vm->fd, &after);
	/* Scaling rounds the sum once, the parts twice. */
	EXPECT_GE(out[0] - off + 1, before.tsc);
	EXPECT_GE(after.tsc + 1, out[0] - off);
	vm_get_clock(vm->fd, &before);
	vcpu_get_state(vcpu->fd, KITE_STATE_MSRS, &s);
	vm_get_clock(vm->fd, &after);
	EXPECT_GE(s.msrs.tsc - off + 1, before.tsc);
	EXPECT_GE(after.tsc + 1, s.msrs.tsc - off);
}

static void check_frequency(struct kt_vm *vm, u32 khz)
{
	struct kite_clock a, b;
	struct kite_cpuid c;
	/* In nanoseconds: a tick at either end, and what is rounded. */
	u64 host, slack = 2000000 / khz + 4;
	__uint128_t want;

	vcpu_get_cpuid(vm->vcpu.fd, 0x15, 0, &c);
	EXPECT_GE((u64)khz * 1000, (u64)c.ecx * c.ebx / c.eax);
	EXPECT_GE((u64)c.ecx * c.ebx / c.eax + 8, (u64)khz * 1000);
	vcpu_get_cpuid(vm->vcpu.fd, 0x40000010, 0, &c);
	EXPECT_EQ(khz, c.eax);
	EXPECT_EQ(khz / 8, c.ebx);
	vm_get_clock(vm->fd, &a);
	EXPECT_EQ(khz, a.tsc_khz);
	usleep(50000);
	vm_get_clock(vm->fd, &b);
	host = b.host_tsc - a.host_tsc;
	want = (__uint128_t)host * khz / vm->info.tsc_khz;
	/* To the tick: within a millionth of 50 ms and more. */
	EXPECT_GE((u64)want + 2, b.tsc - a.tsc);
	EXPECT_GE(b.tsc - a.tsc + 2, (u64)want);
	want = (__uint128_t)host * 1000000 / vm->info.tsc_khz;
	EXPECT_GE((u64)want + slack, b.ns - a.ns);
	EXPECT_GE(b.ns - a.ns + slack, (u64)want);
	expect_tsc(vm, &vm->vcpu, 0);
}

KITE_TEST(frequency_of_the_host)
{
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);

	check_frequency(vm, vm->info.tsc_khz);
}

KITE_TEST(frequencies_of_its_own)
{
	static const struct { u32 num, den; } ratio[] = {
		{ 2, 1 }, { 1, 2 }, { 3, 7 }, { 101, 100 }, { 17, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ratio); i++) {
		struct kt_vm *vm = scaled_vm(ratio[i].num, ratio[i].den);

		check_frequency(vm, (u64)vm->info.tsc_khz * ratio[i].num / ratio[i].den);
	}
}

KITE_TEST(frequencies_that_are_refused)
{
	int dev = dev_open();
	struct kite_info info;
	int vm;

	dev_get_info(dev, &info);
	EXPECT_EQ(-EINVAL, _dev_create_vm_tsc(dev, 0, 999));
	EXPECT_EQ(-EINVAL, _dev_create_vm_tsc(dev, 0, 100000001));
	EXPECT_EQ(-EINVAL, _dev_create_vm_tsc(dev, 0, 0xffffffff));
	/* A crystal may be off as much. */
	vm = dev_create_vm_tsc(dev, 0, info.tsc_khz + info.tsc_khz / 4001);
	EXPECT_EQ(0, close(vm));
	vm = _dev_create_vm_tsc(dev, 0, info.tsc_khz + info.tsc_khz / 3000);
	if (parameter("tsc_scaling", 1) == 0)
		EXPECT_EQ(-EOPNOTSUPP, vm);
	else
		EXPECT_TRUE(vm >= 0 || vm == -EOPNOTSUPP);
}

static void deadlines_of_a_scaled_tsc(u64 unused)
{
	u64 i, when;

	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_LVTT, VECTOR | LVT_DEADLINE);
	for (i = 1; i <= 20; i++) {
		when = kt_rdtsc() + 20000 * i;
		kt_wrmsr(MSR_DEADLINE, when);
		if (i & 1)
			kt_halt_until(&kt_me()->taken[VECTOR], i);
		else
			kt_spin_until(&kt_me()->taken[VECTOR], i);
		KT_GUEST_ASSERT_EQ(1, kt_rdtsc() >= when);
	}
	/* Disarmed, and not early by the difference of the frequencies. */
	when = kt_rdtsc() + 100000;
	kt_wrmsr(MSR_DEADLINE, when);
	while (kt_rdtsc() < when - 1000)
		kt_window();
	KT_GUEST_ASSERT_EQ(20, kt_me()->taken[VECTOR]);
	kt_done();
}

KITE_TEST(deadlines_follow_the_scaled_tsc)
{
	static const u32 num[] = { 3, 1 }, den[] = { 1, 3 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(num); i++) {
		struct kt_smp *smp = kt_smp_new_in(scaled_vm(num[i], den[i]), 1, false);

		kt_smp_run(smp, deadlines_of_a_scaled_tsc);
	}
}

/* Deadlines that no field of 32 bits holds, and one that no host counts to, do not fire. */
static void far_deadlines(u64 unused)
{
	static const u64 far[] = {
		0xffffffff, 0x100000000, 0x1ffffffff, 1ull << 40, 1ull << 62, 1ull << 63, ~0ull,
	};
	volatile u64 *taken = &kt_me()->taken[VECTOR];
	u64 i, when, now;

	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_LVTT, VECTOR | LVT_DEADLINE);
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		now = kt_rdtsc();
		when = far[i] >> 62 ? far[i] : now + far[i];
		kt_wrmsr(MSR_DEADLINE, when);
		while (kt_rdtsc() < now + 300000)
			kt_window();
		KT_GUEST_ASSERT_EQ(i, *taken);
		KT_GUEST_ASSERT_EQ(when, kt_rdmsr(MSR_DEADLINE));
		/* One that is near takes its place; then one that was over before it was set. */
		kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + 1000);
		kt_spin_until(taken, i + 1);
		KT_GUEST_ASSERT_EQ(0, kt_rdmsr(MSR_DEADLINE));
	}
	kt_wrmsr(MSR_DEADLINE, 1);
	kt_spin_until(taken, i + 1);
	kt_done();
}

KITE_TEST_SMP(deadlines_that_are_far, 1)
{
	kt_smp_run(smp, far_deadlines);
}

/* No time is left between two interrupts: the guest has its storm, the host is well. */
static void tiny_period(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_LVTT, VECTOR | LVT_PERIODIC);
	kt_apic_write(APIC_TMICT, 1);
	kt_spin_until(&kt_me()->taken[VECTOR], ~0ull);
}

KITE_TEST_SMP(periods_that_are_tiny, 1)
{
	kt_smp_call(smp, 0, tiny_period, 0);
	kt_runner_start(&smp->runner[0], &smp->vcpu[0]);
	while (kt_cpu[0].taken[VECTOR] < 50)
		sched_yield();
	kt_runner_stop(&smp->runner[0]);
}

static void arm_and_leave(u64 ticks)
{
	kt_apic_on();
	kt_apic_write(APIC_LVTT, VECTOR | LVT_DEADLINE);
	kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + ticks);
	kt_sync(0);
	kt_window();
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[VECTOR]);
	kt_done();
}

/* A vCPU whose time comes while it is in user space finds the interrupt when it comes back. */
KITE_TEST_SMP(deadline_in_user_space, 1)
{
	struct kt_vcpu *vcpu = &smp->vcpu[0];

	kt_smp_call(smp, 0, arm_and_leave, 20000);
	kt_expect_sync(vcpu, 0);
	usleep(5000);
	kt_expect_done(vcpu);
}

/* A vCPU is closed with its timer armed, in user space and in the middle of HLT. */
static void arm_and_halt(u64 ticks)
{
	kt_apic_on();
	kt_apic_write(APIC_LVTT, VECTOR | LVT_DEADLINE);
	kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + ticks);
	kt_halt_until(&kt_me()->taken[VECTOR], 1);
	kt_done();
}

KITE_TEST_SMP(no_timer_outlives_its_vcpu, 1)
{
	unsigned int i;

	(void)smp;
	for (i = 0; i < 20; i++) {
		struct kt_smp *other = kt_smp_new(1, i & 1);

		kt_smp_call(other, 0, i & 2 ? arm_and_leave : arm_and_halt, 300000 + i * 1000);
		if (i & 2) {
			kt_expect_sync(&other->vcpu[0], 0);
		} else {
			kt_runner_start(&other->runner[0], &other->vcpu[0]);
			kt_runner_stop(&other->runner[0]);
		}
		kt_vcpu_close(&other->vcpu[0]);
		close(other->vm->fd);
	}
	usleep(20000);
}

/* Each step is one instruction, also while the timer expires. */
static void arm_and_step(u64 ticks)
{
	u64 i;

	kt_apic_on();
	kt_apic_write(APIC_LVTT, VECTOR | LVT_DEADLINE);
	kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + ticks);
	asm volatile("sti" : : : "memory");
	for (i = 0; kt_me()->taken[VECTOR] == 0; i++)
		asm volatile("pause" : : : "memory");
	asm volatile("cli" : : : "memory");
	kt_done();
}

KITE_TEST_SMP(timer_while_stepping, 1)
{
	struct kt_vcpu *vcpu = &smp->vcpu[0];
	u64 steps = 0, rip = 0;

	kt_smp_call(smp, 0, arm_and_step, 200000);
	vcpu_set_debug(vcpu->fd, KITE_DEBUG_STEP);
	for (;;) {
		vcpu_run(vcpu->fd);
		if (vcpu->run->exit_reason != KITE_EXIT_DEBUG)
			break;
		/* Two exits at one instruction would be a step that was none. */
		if (vcpu->run->debug.rip == rip)
			break;
		rip = vcpu->run->debug.rip;
		steps++;
	}
	vcpu_set_debug(vcpu->fd, 0);
	EXPECT_EQ(KITE_EXIT_IO, vcpu->run->exit_reason);
	EXPECT_EQ(1ull, kt_cpu[0].taken[VECTOR]);
	EXPECT_GT(steps, 20ull);
}

static volatile u64 newest, stop;

static void compare_tscs(u64 unused)
{
	u64 other, now, last = 0;

	(void)unused;
	while (!stop) {
		other = newest;
		now = kt_rdtsc();
		KT_GUEST_ASSERT_EQ(1, now >= last);
		KT_GUEST_ASSERT_EQ(1, now >= other);
		last = now;
		if (now > newest)
			newest = now;
	}
	kt_done();
}

static void migrate(struct kt_smp *smp)
{
	unsigned int cpus = kt_cpus(), i;
	u64 before;

	for (i = 0; i < smp->count; i++)
		kt_smp_call(smp, i, compare_tscs, i);
	kt_smp_start(smp);
	for (i = 0; i < kt_times(500); i++) {
		struct kt_runner *r = &smp->runner[i % smp->count];

		while (!r->tid)
			sched_yield();
		before = newest;
		kt_pin(r->tid, kt_random() % cpus);
		/* On to the next when the guest has run there. */
		while (newest == before)
			sched_yield();
	}
	stop = 1;
	kt_smp_finish(smp);
}

KITE_TEST_TIMEOUT(tsc_never_goes_back, 300)
{
	if (kt_cpus() < 2)
		SKIP("needs two CPUs");
	migrate(kt_smp_new(CPUS, false));
}

KITE_TEST_TIMEOUT(scaled_tsc_never_goes_back, 300)
{
	if (kt_cpus() < 2)
		SKIP("needs two CPUs");
	migrate(kt_smp_new_in(scaled_vm(7, 3), CPUS, false));
}

#define ADJUST	1000000000ull

static void adjust(u64 value)
{
	kt_wrmsr(0x3b, value);
	out[0] = kt_rdtsc();
}

/* What user space saves of a vCPU. */
static void save(struct kt_vcpu *vcpu, struct kite_state *s, struct kite_lapic *l)
{
	vcpu_get_state(vcpu->fd, KITE_STATE_ALL, s);
	vcpu_get_lapic(vcpu->fd, l);
}

static void restore(struct kt_vcpu *vcpu, struct kite_state *s, struct kite_lapic *l)
{
	vcpu_set_state(vcpu->fd, KITE_STATE_CRS, s);
	vcpu_set_lapic(vcpu->fd, l);
	vcpu_set_state(vcpu->fd, KITE_STATE_ALL, s);
}

KITE_TEST(save_and_restore)
{
	struct kt_smp *smp = kt_smp_new(CPUS, false), *copy;
	struct kite_clock clock, now;
	struct kite_lapic lapic[CPUS];
	struct kite_state state[CPUS];
	unsigned int i;

	kt_vcpu_enter_mode(&smp->vcpu[1], KT_LONG64);
	kt_call(&smp->vcpu[1], adjust, ADJUST);
	kt_expect_done(&smp->vcpu[1]);
	for (i = 0; i < CPUS; i++)
		save(&smp->vcpu[i], &state[i], &lapic[i]);
	vm_get_clock(smp->vm->fd, &clock);
	EXPECT_EQ(ADJUST, state[1].msrs.tsc_adjust);
	EXPECT_GE(clock.tsc, state[1].msrs.tsc - ADJUST);
	for (i = 0; i < CPUS; i++)
		kt_vcpu_close(&smp->vcpu[i]);
	close(smp->vm->fd);

	usleep(20000);
	copy = kt_smp_new(CPUS, false);
	for (i = 0; i < CPUS; i++)
		restore(&copy->vcpu[i], &state[i], &lapic[i]);
	clock.host_tsc = 0;
	vm_set_clock(copy->vm->fd, &clock);
	vm_get_clock(copy->vm->fd, &now);
	EXPECT_GE(now.tsc, clock.tsc);
	EXPECT_GE(now.ns, clock.ns);
	/* Less than the 20 ms: time stood still. */
	EXPECT_GE(clock.ns + 20000000, now.ns);
	for (i = 0; i < CPUS; i++)
		expect_tsc(copy->vm, &copy->vcpu[i], i ? ADJUST : 0);
}

KITE_TEST(clock_of_a_moment_that_is_over)
{
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);
	struct kite_clock a, b;

	vm_get_clock(vm->fd, &a);
	b = a;
	b.ns += 1000000000;
	b.tsc += 1ull << 40;
	vm_set_clock(vm->fd, &b);
	vm_get_clock(vm->fd, &b);
	/* As if it had been so all the time. */
	EXPECT_EQ(b.host_tsc - a.host_tsc, b.tsc - a.tsc - (1ull << 40));
	expect_tsc(vm, &vm->vcpu, 0);
	b.host_tsc += 1ull << 50;
	EXPECT_EQ(-EINVAL, _vm_set_clock(vm->fd, &b));
	vm_get_clock(vm->fd, &b);
	b.tsc_khz++;
	EXPECT_EQ(-EINVAL, _vm_set_clock(vm->fd, &b));
	b.tsc_khz = 0;
	vm_set_clock(vm->fd, &b);
	expect_tsc(vm, &vm->vcpu, 0);
}

static void short_sleeps(u64 unused)
{
	u64 i;

	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_LVTT, VECTOR | LVT_DEADLINE);
	for (i = 1; i <= 40; i++) {
		kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + out[0]);
		kt_halt_until(&kt_me()->taken[VECTOR], i);
	}
	kt_done();
}

/* 50 us are worth a poll, 20 ms are not. */
KITE_TEST(halt_polls_when_sleeps_are_short)
{
	struct kt_smp *smp = kt_smp_new(1, false);
	u64 limit = parameter("halt_poll_ns", 0), polls;
	struct kite_stats stats;

	out[0] = smp->vm->info.tsc_khz / 20;
	kt_smp_run(smp, short_sleeps);
	vcpu_get_stats(smp->vcpu[0].fd, &stats);
	polls = stats.halt_polls;
	kt_note("%llu polls, %llu sleeps", polls, stats.halts);
	if (limit < 100000)
		EXPECT_EQ(0ull, polls);
	else
		EXPECT_GT(polls, 0ull);
	out[0] = smp->vm->info.tsc_khz * 20;
	kt_smp_clear();
	kt_smp_run(smp, short_sleeps);
	vcpu_get_stats(smp->vcpu[0].fd, &stats);
	/* The window shrinks: no poll is long enough to see these. */
	EXPECT_GE(polls + 1, stats.halt_polls);
	EXPECT_GE(stats.halts, 39ull);
}
