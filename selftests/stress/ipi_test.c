// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: no interrupt gets lost between vCPUs, or from the APIC timer, however
 * they meet entries, exits and HLT. Guests count: each sender waits until its
 * interrupt was taken before it sends the next, so that none can merge with
 * another. A lost one shows as a vCPU that waits until the test's time is up.
 *
 * KITE_STRESS=100 makes it a million of each.
 */
#include <sched.h>

#include "apic.h"

#define VECTOR		0x40		/* of vCPU 0; the others' follow */
#define TIMER		0xe0

static u64 vcpus, rounds;
static volatile u64 finished;
static volatile bool halting;

static u32 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 32;
}

/* Interrupts are not merged, because each vector has one sender and one round. */
static void send_at_random(u64 me)
{
	u64 seed = 88172645463325252ull + me, i;

	kt_apic_on();
	kt_meet(vcpus, 1);
	for (i = 0; i < rounds; i++) {
		u64 to = (me + 1 + next_random(&seed) % (vcpus - 1)) % vcpus;
		u64 before = kt_cpu[to].taken[VECTOR + me];

		kt_ipi(to, ICR_ASSERT | (VECTOR + me));
		kt_spin_until(&kt_cpu[to].taken[VECTOR + me], before + 1);
		/* The next one comes at another point of the receiver's loop. */
		for (before = next_random(&seed) % 64; before; before--)
			asm volatile("pause");
	}
	/* The others still send. */
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	kt_spin_until(&finished, vcpus);
}

static void expect_all(struct kt_smp *smp, u64 each)
{
	u64 sum = 0;
	unsigned int i, j;

	for (i = 0; i < smp->count; i++)
		for (j = 0; j < smp->count; j++)
			sum += kt_cpu[i].taken[VECTOR + j];
	EXPECT_EQ(each * smp->count, sum);
	kt_note("%llu IPIs between %u vCPUs", sum, smp->count);
}

static void random_ipis(unsigned int count, bool x2apic, u64 total)
{
	struct kt_smp *smp = kt_smp_new(count, x2apic);

	vcpus = count;
	rounds = total / count;
	kt_smp_run(smp, send_at_random);
	expect_all(smp, rounds);
}

KITE_TEST(two_vcpus_xapic)
{
	random_ipis(2, false, kt_times(kt_cpus() > 1 ? 10000 : 500));
}

KITE_TEST(two_vcpus_x2apic)
{
	random_ipis(2, true, kt_times(kt_cpus() > 1 ? 10000 : 500));
}

/* More vCPUs than CPUs: each IPI waits for its receiver's turn. */
KITE_TEST(eight_vcpus)
{
	random_ipis(8, true, kt_times(kt_cpus() > 2 ? 4000 : 800));
}

/* Both sleep in HLT until the other's interrupt comes: to and fro. */
static void to_and_fro(u64 me)
{
	u64 i;

	kt_apic_on();
	kt_meet(vcpus, 1);
	for (i = 1; i <= rounds; i++) {
		if (me)
			kt_halt_until(&kt_me()->taken[VECTOR], i);
		kt_ipi(!me, ICR_ASSERT | (VECTOR + me));
		if (!me)
			kt_halt_until(&kt_me()->taken[VECTOR + 1], i);
	}
}

KITE_TEST(wake_each_other_from_hlt)
{
	struct kt_smp *smp = kt_smp_new(2, true);

	vcpus = 2;
	rounds = kt_times(5000);
	kt_smp_run(smp, to_and_fro);
	expect_all(smp, rounds);
}

/* An NMI each way: also these must not be lost, though there is but one pending bit. */
static void nmi_to_and_fro(u64 me)
{
	u64 i;

	kt_apic_on();
	kt_meet(vcpus, 1);
	for (i = 1; i <= rounds; i++) {
		if (me)
			kt_spin_until(&kt_me()->taken[2], i);
		kt_ipi(!me, ICR_ASSERT | ICR_NMI);
		if (!me)
			kt_spin_until(&kt_me()->taken[2], i);
	}
}

KITE_TEST(nmis_to_and_fro)
{
	struct kt_smp *smp = kt_smp_new(2, true);

	vcpus = 2;
	rounds = kt_times(kt_cpus() > 1 ? 2000 : 200);
	kt_set_gate(smp->vm, 2, kt_count_nmi);
	kt_smp_run(smp, nmi_to_and_fro);
	EXPECT_EQ(rounds, kt_cpu[0].taken[2]);
	EXPECT_EQ(rounds, kt_cpu[1].taken[2]);
}

static void wait_for(const volatile u64 *counter, u64 n)
{
	if (halting)
		kt_halt_until(counter, n);
	else
		kt_spin_until(counter, n);
}

/* Timers: the next is armed when the last has come; short ones are due before the HLT. */
static void one_shots(u64 me)
{
	u64 seed = me + 1, i;

	kt_apic_on();
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_LVTT, TIMER);
	for (i = 1; i <= rounds; i++) {
		kt_apic_write(APIC_TMICT, 1 + next_random(&seed) % 500);
		wait_for(&kt_me()->taken[TIMER], i);
	}
}

static void deadlines(u64 me)
{
	u64 seed = me + 1, i;

	kt_apic_on();
	kt_apic_write(APIC_LVTT, TIMER | LVT_DEADLINE);
	for (i = 1; i <= rounds; i++) {
		kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + next_random(&seed) % 4000);
		wait_for(&kt_me()->taken[TIMER], i);
	}
}

static void timers(unsigned int count, void (*fn)(u64), bool halt, u64 total)
{
	struct kt_smp *smp = kt_smp_new(count, true);
	unsigned int i;

	halting = halt;
	rounds = total / count;
	kt_smp_run(smp, fn);
	for (i = 0; i < count; i++)
		EXPECT_EQ(rounds, kt_cpu[i].taken[TIMER]);
	kt_note("%llu timer interrupts on %u vCPUs", rounds * count, count);
}

#define TIMER_TEST(name, count, fn, halt)			\
	KITE_TEST(name)						\
	{							\
		timers(count, fn, halt, kt_times(2500));	\
	}

TIMER_TEST(one_shots_while_busy, 1, one_shots, false)
TIMER_TEST(one_shots_from_hlt, 2, one_shots, true)
TIMER_TEST(deadlines_while_busy, 2, deadlines, false)
TIMER_TEST(deadlines_from_hlt, 4, deadlines, true)

/* The same while the vCPUs' threads are moved, or CPUs go and come. */
static struct kt_smp *start_random(unsigned int count, u64 total)
{
	struct kt_smp *smp = kt_smp_new(count, true);
	unsigned int i;

	vcpus = count;
	rounds = total / count;
	for (i = 0; i < count; i++)
		kt_smp_call(smp, i, send_at_random, i);
	kt_smp_start(smp);
	return smp;
}

KITE_TEST(threads_migrate)
{
	unsigned int cpus = kt_cpus();
	struct kt_smp *smp;
	u64 moves = 0;

	if (cpus < 2)
		SKIP("needs two CPUs");
	smp = start_random(4, kt_times(2000));
	while (finished < vcpus) {
		kt_pin(smp->runner[kt_random() % 4].tid, kt_random() % cpus);
		moves++;
		if (kt_random() & 1)
			sched_yield();
	}
	kt_smp_finish(smp);
	expect_all(smp, rounds);
	kt_note("%llu moves", moves);
}

KITE_TEST(cpus_come_and_go)
{
	unsigned int cpus = kt_cpus(), i;
	struct kt_smp *smp;
	u64 taken = 0;

	if (cpus < 2)
		SKIP("needs two CPUs");
	smp = start_random(4, kt_times(2000));
	while (finished < vcpus) {
		/* All but CPU 0, in turn; with four CPUs down to one. */
		for (i = 1; i < cpus; i++)
			kt_online(i, false);
		for (i = 1; i < cpus; i++)
			kt_online(i, true);
		taken++;
	}
	kt_smp_finish(smp);
	expect_all(smp, rounds);
	kt_note("all CPUs but one went %llu times", taken);
}
