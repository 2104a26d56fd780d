// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the APIC timer of each vCPU in its three modes, in xAPIC and x2APIC mode:
 * when it counts, when it interrupts, and what a change of mode does to it.
 */
#include "apic.h"

#define VECTOR		0x51
#define VCPUS		2
#define LONG		0x7fffffffu

static u64 taken(void)
{
	return kt_me()->taken[VECTOR];
}

static void start(u32 lvt)
{
	kt_apic_on();
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_LVTT, lvt);
}

/* Long enough for a timer that was armed with a small count. */
static void let_time_pass(void)
{
	u64 end = kt_rdtsc() + 300000;

	asm volatile("sti" : : : "memory");
	while (kt_rdtsc() < end)
		asm volatile("pause");
	asm volatile("cli" : : : "memory");
}

static void one_shot(u64 unused)
{
	u32 first;

	(void)unused;
	start(VECTOR);
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_TMCCT));
	/* It counts down, and no further than 0. */
	kt_apic_write(APIC_TMICT, LONG);
	first = kt_apic_read(APIC_TMCCT);
	KT_GUEST_ASSERT_EQ(true, first <= LONG && first > LONG / 2);
	let_time_pass();
	KT_GUEST_ASSERT_EQ(true, kt_apic_read(APIC_TMCCT) < first);
	KT_GUEST_ASSERT_EQ(LONG, kt_apic_read(APIC_TMICT));
	KT_GUEST_ASSERT_EQ(0, taken());
	/* A new count starts it anew, 0 stops it. */
	kt_apic_write(APIC_TMICT, 100);
	kt_halt_until(&kt_me()->taken[VECTOR], 1);
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_TMCCT));
	let_time_pass();
	KT_GUEST_ASSERT_EQ(1, taken());
	kt_apic_write(APIC_TMICT, 5000);
	kt_apic_write(APIC_TMICT, 0);
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_TMCCT));
	let_time_pass();
	KT_GUEST_ASSERT_EQ(1, taken());
	/* Masked it counts, and does not interrupt, also not later. */
	kt_apic_write(APIC_LVTT, VECTOR | LVT_MASKED);
	kt_apic_write(APIC_TMICT, 100);
	let_time_pass();
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_TMCCT));
	kt_apic_write(APIC_LVTT, VECTOR);
	let_time_pass();
	KT_GUEST_ASSERT_EQ(1, taken());
}

KITE_TEST_SMP(one_shot_mode, VCPUS)
{
	kt_smp_run(smp, one_shot);
}

static void periodic(u64 unused)
{
	u64 n;

	(void)unused;
	start(VECTOR | LVT_PERIODIC);
	kt_apic_write(APIC_TMICT, 5000);
	kt_halt_until(&kt_me()->taken[VECTOR], 3);
	kt_spin_until(&kt_me()->taken[VECTOR], 6);
	KT_GUEST_ASSERT_EQ(true, kt_apic_read(APIC_TMCCT) <= 5000);
	/* Masked it goes on, unmasked it interrupts again. */
	kt_apic_write(APIC_LVTT, VECTOR | LVT_PERIODIC | LVT_MASKED);
	kt_window();
	n = taken();
	let_time_pass();
	KT_GUEST_ASSERT_EQ(n, taken());
	kt_apic_write(APIC_LVTT, VECTOR | LVT_PERIODIC);
	kt_halt_until(&kt_me()->taken[VECTOR], n + 2);
	/* As one-shot it ends with this period. */
	kt_apic_write(APIC_LVTT, VECTOR);
	let_time_pass();
	n = taken();
	let_time_pass();
	KT_GUEST_ASSERT_EQ(n, taken());
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_TMCCT));
}

KITE_TEST_SMP(periodic_mode, VCPUS)
{
	kt_smp_run(smp, periodic);
}

static void deadline(u64 unused)
{
	u64 when;

	(void)unused;
	start(VECTOR | LVT_DEADLINE);
	KT_GUEST_ASSERT_EQ(0, kt_rdmsr(MSR_DEADLINE));
	when = kt_rdtsc() + 50000;
	kt_wrmsr(MSR_DEADLINE, when);
	kt_halt_until(&kt_me()->taken[VECTOR], 1);
	KT_GUEST_ASSERT_EQ(true, kt_rdtsc() >= when);
	KT_GUEST_ASSERT_EQ(0, kt_rdmsr(MSR_DEADLINE));
	/* It reads back until it is due; the registers of the other modes do nothing. */
	kt_wrmsr(MSR_DEADLINE, ~0ull);
	KT_GUEST_ASSERT_EQ(~0ull, kt_rdmsr(MSR_DEADLINE));
	kt_apic_write(APIC_TMICT, 100);
	let_time_pass();
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_TMCCT));
	KT_GUEST_ASSERT_EQ(1, taken());
	/* The past is due at once. */
	kt_wrmsr(MSR_DEADLINE, kt_rdtsc());
	kt_spin_until(&kt_me()->taken[VECTOR], 2);
	/* 0 disarms, so does another mode. */
	kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + 20000);
	kt_wrmsr(MSR_DEADLINE, 0);
	let_time_pass();
	kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + 20000);
	kt_apic_write(APIC_LVTT, VECTOR);
	KT_GUEST_ASSERT_EQ(0, kt_rdmsr(MSR_DEADLINE));
	kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + 20000);
	KT_GUEST_ASSERT_EQ(0, kt_rdmsr(MSR_DEADLINE));
	let_time_pass();
	KT_GUEST_ASSERT_EQ(2, taken());
	/* And the count-down modes are disarmed by this one. */
	kt_apic_write(APIC_TMICT, 5000);
	kt_apic_write(APIC_LVTT, VECTOR | LVT_DEADLINE);
	let_time_pass();
	KT_GUEST_ASSERT_EQ(2, taken());
}

KITE_TEST_SMP(deadline_mode, VCPUS)
{
	kt_smp_run(smp, deadline);
}

/* TSC cycles of one count, from CPUID. */
static u64 cycles_of_a_count(void)
{
	u32 eax = 0x15, ebx, ecx = 0, edx;

	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ebx / eax;
}

/* Each value of the divider makes the same count last twice as long. */
static void dividers(u64 unused)
{
	static const u8 values[] = { 0xb, 0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa };
	u64 cycles = cycles_of_a_count(), i, begin = 0;

	(void)unused;
	start(VECTOR);
	for (i = 0; i < sizeof(values); i++) {
		kt_apic_write(APIC_TDCR, values[i]);
		KT_GUEST_ASSERT_EQ(values[i], kt_apic_read(APIC_TDCR));
		begin = kt_rdtsc();
		kt_apic_write(APIC_TMICT, 4000);
		kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
		begin = kt_rdtsc() - begin;
		KT_GUEST_ASSERT_EQ(true, begin >= (4000 * cycles) << i);
	}
	/* Late it may be, but the last not as late as if the divider were four times larger. */
	KT_GUEST_ASSERT_EQ(true, begin < (4000 * cycles) << (i + 1));
}

KITE_TEST_SMP(divide_configuration, 1)
{
	kt_smp_run(smp, dividers);
}
