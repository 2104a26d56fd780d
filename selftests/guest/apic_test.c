// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the local APIC holds interrupts back and lets them through by priority:
 * TPR, CR8, PPR, ISR and IRR as the guest reads them; EOI opens the next one. Errors
 * show in ESR. All in xAPIC and x2APIC mode.
 */
#include "apic.h"

#define LOW		0x31
#define MIDDLE		0x41
#define HIGH		0x52
#define ERROR		0x61
#define TIMER		0x71

static void expect_log(u64 n, u8 vector)
{
	KT_GUEST_ASSERT_EQ(vector, kt_me()->log[n]);
	KT_GUEST_ASSERT_EQ(n + 1, kt_me()->logged);
}

static void self(u8 vector)
{
	kt_ipi(0, ICR_SELF | ICR_ASSERT | vector);
}

/* The highest first; the others wait until its EOI, and that of those after it. */
static void by_priority(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_me()->no_eoi = 1;
	self(LOW);
	self(HIGH);
	self(MIDDLE);
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_IRR, LOW));
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_IRR, MIDDLE));
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_IRR, HIGH));
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_PPR));
	kt_window();
	expect_log(0, HIGH);
	KT_GUEST_ASSERT_EQ(false, kt_apic_vector(APIC_IRR, HIGH));
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_ISR, HIGH));
	KT_GUEST_ASSERT_EQ(HIGH & 0xf0, kt_apic_read(APIC_PPR));
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(false, kt_apic_vector(APIC_ISR, HIGH));
	kt_window();
	expect_log(1, MIDDLE);
	/* A higher one interrupts that: two in service. */
	self(HIGH);
	kt_window();
	expect_log(2, HIGH);
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_ISR, MIDDLE));
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_ISR, HIGH));
	/* EOI is for the highest. */
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_ISR, MIDDLE));
	KT_GUEST_ASSERT_EQ(MIDDLE & 0xf0, kt_apic_read(APIC_PPR));
	/* One of the same class waits, though its vector is higher. */
	self(MIDDLE + 1);
	kt_window();
	KT_GUEST_ASSERT_EQ(3, kt_me()->logged);
	kt_apic_write(APIC_EOI, 0);
	kt_window();
	expect_log(3, MIDDLE + 1);
	kt_apic_write(APIC_EOI, 0);
	kt_window();
	expect_log(4, LOW);
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_PPR));
	/* With nothing in service EOI does nothing. */
	kt_apic_write(APIC_EOI, 0);
	kt_window();
	KT_GUEST_ASSERT_EQ(5, kt_me()->logged);
}

KITE_TEST_SMP(interrupts_come_by_priority, 1)
{
	kt_smp_run(smp, by_priority);
}

/* An interrupt that is in service may come once more, and be requested once more. */
static void again(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_me()->no_eoi = 1;
	self(LOW);
	kt_window();
	self(LOW);
	self(LOW);
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_IRR, LOW));
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_ISR, LOW));
	kt_window();
	KT_GUEST_ASSERT_EQ(1, kt_me()->logged);
	kt_apic_write(APIC_EOI, 0);
	kt_window();
	KT_GUEST_ASSERT_EQ(2, kt_me()->logged);
	kt_apic_write(APIC_EOI, 0);
	kt_window();
	KT_GUEST_ASSERT_EQ(2, kt_me()->logged);
}

KITE_TEST_SMP(one_in_service_and_one_requested, 1)
{
	kt_smp_run(smp, again);
}

/* CR8 is the class in TPR; PPR is the higher of TPR and what is in service. */
static void task_priority(u64 unused)
{
	u64 i;

	(void)unused;
	kt_apic_on();
	kt_me()->no_eoi = 1;
	for (i = 0; i < 16; i++) {
		kt_cr8(i);
		KT_GUEST_ASSERT_EQ(i, kt_read_cr8());
		KT_GUEST_ASSERT_EQ(i << 4, kt_apic_read(APIC_TPR));
		KT_GUEST_ASSERT_EQ(i << 4, kt_apic_read(APIC_PPR));
	}
	for (i = 0; i < 256; i += 13) {
		kt_apic_write(APIC_TPR, i);
		KT_GUEST_ASSERT_EQ(i, kt_apic_read(APIC_TPR));
		KT_GUEST_ASSERT_EQ(i >> 4, kt_read_cr8());
		KT_GUEST_ASSERT_EQ(i, kt_apic_read(APIC_PPR));
	}
	kt_cr8(0);
	self(MIDDLE);
	kt_window();
	kt_cr8(2);
	KT_GUEST_ASSERT_EQ(MIDDLE & 0xf0, kt_apic_read(APIC_PPR));
	kt_apic_write(APIC_TPR, 0x48);
	KT_GUEST_ASSERT_EQ(0x48, kt_apic_read(APIC_PPR));
	kt_apic_write(APIC_TPR, 0x9f);
	KT_GUEST_ASSERT_EQ(0x9f, kt_apic_read(APIC_PPR));
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(0x9f, kt_apic_read(APIC_PPR));
	kt_cr8(0);
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_PPR));
}

KITE_TEST_SMP(tpr_cr8_and_ppr, 1)
{
	kt_smp_run(smp, task_priority);
}

static void lower_by_cr8(u8 class)
{
	kt_cr8(class);
}

static void lower_by_tpr(u8 class)
{
	kt_apic_write(APIC_TPR, class << 4 | 0xf);
}

/* With interrupts on: only what is above the class of TPR gets in, at once when TPR falls. */
static void hold_back(void (*set)(u8 class))
{
	u64 n = kt_me()->logged;

	set(5);
	self(LOW);
	self(HIGH);
	kt_window();
	KT_GUEST_ASSERT_EQ(n, kt_me()->logged);
	self(0x60);
	kt_window();
	expect_log(n, 0x60);
	asm volatile("sti" : : : "memory");
	set(4);
	asm volatile("nop" : : : "memory");
	expect_log(n + 1, HIGH);
	set(3);
	asm volatile("nop" : : : "memory");
	KT_GUEST_ASSERT_EQ(n + 2, kt_me()->logged);
	set(2);
	asm volatile("nop" : : : "memory");
	expect_log(n + 2, LOW);
	set(15);
	self(0xff);
	asm volatile("nop" : : : "memory");
	KT_GUEST_ASSERT_EQ(n + 3, kt_me()->logged);
	set(0);
	asm volatile("nop\n cli" : : : "memory");
	expect_log(n + 3, 0xff);
}

static void tpr_holds_back(u64 unused)
{
	(void)unused;
	kt_apic_on();
	hold_back(lower_by_cr8);
	hold_back(lower_by_tpr);
}

KITE_TEST_SMP(tpr_holds_interrupts_back, 1)
{
	kt_smp_run(smp, tpr_holds_back);
	EXPECT_EQ(8ull, kt_cpu[0].logged);
}

/* TPR does not keep a halted vCPU from an interrupt above it, but from one below. */
static void halt_with_tpr(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_LVTT, TIMER);
	kt_cr8(6);
	self(LOW);
	kt_apic_write(APIC_TMICT, 20000);
	kt_halt_until(&kt_me()->taken[TIMER], 1);
	KT_GUEST_ASSERT_EQ(0, kt_me()->taken[LOW]);
	expect_log(0, TIMER);
	kt_cr8(0);
	kt_window();
	expect_log(1, LOW);
}

KITE_TEST_SMP(tpr_and_hlt, 1)
{
	kt_smp_run(smp, halt_with_tpr);
}

/* ESR shows errors after a write to it; an error interrupt comes with each new one. */
static void errors(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_LVTERR, ERROR);
	kt_apic_write(APIC_ESR, 0);
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_ESR));
	self(0xf);
	kt_window();
	expect_log(0, ERROR);
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_ESR));
	kt_apic_write(APIC_ESR, 0);
	KT_GUEST_ASSERT_EQ(BIT(5), kt_apic_read(APIC_ESR));
	kt_apic_write(APIC_ESR, 0);
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_ESR));
	/* A timer with an illegal vector is a vector that was received. */
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_LVTT, 0xf);
	kt_apic_write(APIC_TMICT, 10);
	kt_halt_until(&kt_me()->taken[ERROR], 2);
	kt_apic_write(APIC_ESR, 0);
	KT_GUEST_ASSERT_EQ(BIT(6), kt_apic_read(APIC_ESR));
	if (kt_me()->x2apic)
		return;
	/* Where no register is: by MMIO no exception. */
	kt_mmio_read(APIC_MMIO + 0x40);
	kt_window();
	kt_apic_write(APIC_ESR, 0);
	KT_GUEST_ASSERT_EQ(BIT(7), kt_apic_read(APIC_ESR));
	KT_GUEST_ASSERT_EQ(3, kt_me()->taken[ERROR]);
}

KITE_TEST_SMP(errors_show_in_esr, 1)
{
	kt_smp_run(smp, errors);
}

/* Software disable masks the LVT for good, and what is in service can be ended. */
static void switch_off(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_me()->no_eoi = 1;
	KT_GUEST_ASSERT_EQ(SVR_ON, kt_apic_read(APIC_SVR));
	kt_apic_write(APIC_LVTT, TIMER);
	kt_apic_write(APIC_LVTERR, ERROR);
	self(LOW);
	kt_window();
	kt_apic_write(APIC_SVR, 0xff);
	KT_GUEST_ASSERT_EQ(TIMER | LVT_MASKED, kt_apic_read(APIC_LVTT));
	KT_GUEST_ASSERT_EQ(ERROR | LVT_MASKED, kt_apic_read(APIC_LVTERR));
	kt_apic_write(APIC_LVTT, TIMER);
	KT_GUEST_ASSERT_EQ(TIMER | LVT_MASKED, kt_apic_read(APIC_LVTT));
	self(HIGH);
	kt_window();
	KT_GUEST_ASSERT_EQ(1, kt_me()->logged);
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_ISR, LOW));
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(false, kt_apic_vector(APIC_ISR, LOW));
	kt_apic_write(APIC_SVR, SVR_ON);
	KT_GUEST_ASSERT_EQ(TIMER | LVT_MASKED, kt_apic_read(APIC_LVTT));
	kt_window();
	KT_GUEST_ASSERT_EQ(1, kt_me()->logged);
}

KITE_TEST_SMP(software_disable, 1)
{
	kt_smp_run(smp, switch_off);
}

/* The identity of each vCPU's APIC, and that TMR follows how the last one came. */
static void identity(u64 number)
{
	kt_apic_on();
	KT_GUEST_ASSERT_EQ(kt_me()->x2apic ? number : number << 24, kt_apic_read(APIC_ID));
	KT_GUEST_ASSERT_EQ(0x14, kt_apic_read(APIC_VERSION) & 0xff);
	KT_GUEST_ASSERT_EQ(!number, kt_rdmsr(MSR_APIC_BASE) >> 8 & 1);
	if (kt_me()->x2apic)
		KT_GUEST_ASSERT_EQ(1u << number, kt_apic_read(APIC_LDR));
	self(LOW);
	KT_GUEST_ASSERT_EQ(false, kt_apic_vector(APIC_TMR, LOW));
	kt_window();
	expect_log(0, LOW);
}

KITE_TEST_SMP(each_has_its_own, 4)
{
	kt_smp_run(smp, identity);
}
