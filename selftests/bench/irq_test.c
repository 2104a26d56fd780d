// SPDX-License-Identifier: GPL-2.0-only
/*
 * What interrupts cost, in ticks of the guest's TSC as the guest sees them, with the
 * VM exits and windows of all vCPUs for each. Not run with the tests: it asserts only
 * that every interrupt came. "run_selftests bench".
 */
#include "apic.h"

#define VECTOR		0x51
#define ROUNDS		1000u
#define AHEAD		20000u	/* ticks until a deadline that is not due at once */
#define IN_HLT		BIT(32)

static u64 started, ended;
static u64 meetings;		/* of this program */

static void begin(void)
{
	kt_apic_on();
	started = kt_rdtsc();
}

static void end(void)
{
	ended = kt_rdtsc();
	kt_done();
}

static void cpuid(u64 unused)
{
	u32 i, a, c;

	(void)unused;
	begin();
	for (i = 0; i < ROUNDS; i++)
		asm volatile("cpuid" : "=a"(a), "=c"(c) : "a"(0), "c"(0) : "ebx", "edx");
	end();
}

static void self_ipi(u64 unused)
{
	u32 i;

	(void)unused;
	begin();
	for (i = 0; i < ROUNDS; i++) {
		if (kt_me()->x2apic)
			kt_wrmsr(0x83f, VECTOR);
		else
			kt_apic_write(APIC_ICR, ICR_SELF | VECTOR);
		kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
	}
	end();
}

static void arm(u64 unused)
{
	u32 i;

	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_LVTT, LVT_DEADLINE | VECTOR);
	begin();
	for (i = 0; i < ROUNDS; i++)
		kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + 1000000000);
	end();
}

static void fire(u64 arg)
{
	u32 i;

	kt_apic_on();
	kt_apic_write(APIC_LVTT, LVT_DEADLINE | VECTOR);
	begin();
	for (i = 0; i < ROUNDS; i++) {
		kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + (u32)arg);
		if (arg & IN_HLT)
			kt_halt_until(&kt_me()->taken[VECTOR], i + 1);
		else
			kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
	}
	end();
}

/* One message there and one back make a round. */
static void ping_pong(u64 halt)
{
	u64 me = kt_me()->number;
	u32 i;

	kt_apic_on();
	kt_meet(2, meetings);
	if (!me)
		started = kt_rdtsc();
	for (i = 0; i < ROUNDS; i++) {
		if (!me)
			kt_ipi(1, VECTOR);
		if (halt)
			kt_halt_until(&kt_me()->taken[VECTOR], i + 1);
		else
			kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
		if (me)
			kt_ipi(0, VECTOR);
	}
	if (!me)
		ended = kt_rdtsc();
	kt_done();
}

static const struct row {
	const char *name;
	void (*fn)(u64 arg);
	u64 arg;
	unsigned int vcpus;
	unsigned int interrupts;	/* each vCPU takes in a round */
	bool waits;			/* arg is a time that passes in each round */
} rows[] = {
	{ "cpuid", cpuid, 0, 1, 0, false },
	{ "self-IPI", self_ipi, 0, 1, 1, false },
	{ "deadline, arm", arm, 0, 1, 0, false },
	{ "deadline, arm and take, due", fire, 0, 1, 1, false },
	{ "deadline, arm and take, beyond the wait", fire, AHEAD, 1, 1, true },
	{ "deadline, arm, HLT and take, beyond the wait", fire, AHEAD | IN_HLT, 1, 1, true },
	{ "IPI there and back, spinning", ping_pong, 0, 2, 1, false },
	{ "IPI there and back, in HLT", ping_pong, 1, 2, 1, false },
};

static void count(struct kt_smp *smp, u64 *exits, u64 *windows)
{
	struct kite_stats stats;
	unsigned int n;
	u32 i;

	*exits = *windows = 0;
	for (n = 0; n < smp->count; n++) {
		vcpu_get_stats(smp->vcpu[n].fd, &stats);
		*windows += stats.windows_own + stats.windows_shared;
		for (i = 0; i < KITE_STATS_EXITS; i++)
			*exits += stats.exits[i];
	}
}

static void measure(const struct row *row, bool x2apic)
{
	struct kt_smp *smp = kt_smp_new(row->vcpus, x2apic);
	u64 ticks, exits, windows;
	unsigned int n;

	kt_smp_clear();
	meetings += row->vcpus > 1;
	for (n = 0; n < row->vcpus; n++)
		kt_smp_call(smp, n, row->fn, row->arg);
	kt_smp_start(smp);
	if (row->vcpus > 1)
		for (n = 0; n < row->vcpus; n++)
			kt_pin(smp->runner[n].tid, n);
	kt_smp_finish(smp);
	for (n = 0; n < row->vcpus; n++)
		EXPECT_EQ(row->interrupts * ROUNDS, kt_cpu[n].taken[VECTOR]);
	count(smp, &exits, &windows);
	ticks = (ended - started) / ROUNDS - (row->waits ? (u32)row->arg : 0);
	kt_note("%s: %llu ticks, %llu.%02llu exits, %llu.%02llu windows", row->name, ticks,
		exits / ROUNDS, exits % ROUNDS / (ROUNDS / 100), windows / ROUNDS,
		windows % ROUNDS / (ROUNDS / 100));
}

static void bench(unsigned int x2apic)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].vcpus > kt_cpus())
			kt_note("%s: needs %u CPUs", rows[i].name, rows[i].vcpus);
		else
			measure(&rows[i], x2apic);
	}
}

KITE_TEST_TIMEOUT(xapic, 120)
{
	bench(false);
}

KITE_TEST_TIMEOUT(x2apic, 120)
{
	bench(true);
}
