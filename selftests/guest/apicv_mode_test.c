// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: with or without the help of the CPU, the local APIC's state is right at
 * every moment, its modes can be changed, and what is no register does not become one.
 */
#include <string.h>

#include "apic.h"

#define N		50
#define VECTOR		0x51
#define LOWER		0x41
#define HIGHER		0x61
#define ELSEWHERE	0xfed00000ul

/* Nested and held back: what the registers show, and what user space sees of it. */
static void nest(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_me()->no_eoi = 1;
	kt_self_ipi(VECTOR);
	kt_window();
	kt_self_ipi(LOWER);
	kt_window();
	kt_self_ipi(HIGHER);
	kt_window();
	KT_GUEST_ASSERT_EQ(0, kt_me()->taken[LOWER]);
	KT_GUEST_ASSERT_EQ(1, kt_apic_vector(APIC_ISR, VECTOR));
	KT_GUEST_ASSERT_EQ(1, kt_apic_vector(APIC_ISR, HIGHER));
	KT_GUEST_ASSERT_EQ(1, kt_apic_vector(APIC_IRR, LOWER));
	KT_GUEST_ASSERT_EQ(HIGHER & 0xf0, kt_apic_read(APIC_PPR));
	kt_sync(1);
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(VECTOR & 0xf0, kt_apic_read(APIC_PPR));
	KT_GUEST_ASSERT_EQ(0, kt_apic_vector(APIC_ISR, HIGHER));
	kt_cr8(2);
	kt_sync(2);
	kt_window();
	KT_GUEST_ASSERT_EQ(0, kt_me()->taken[LOWER] + kt_me()->taken[LOWER + 1]);
	kt_apic_write(APIC_EOI, 0);
	kt_me()->no_eoi = 0;
	kt_window();
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[LOWER]);
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[LOWER + 1]);
	/* One EOI too many. */
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(0x20, kt_apic_read(APIC_PPR));
}

static u32 image(const struct kite_lapic *lapic, u32 offset)
{
	u32 value;

	memcpy(&value, (const u8 *)lapic->regs + offset, sizeof(value));
	return value;
}

static u32 image_vector(const struct kite_lapic *lapic, u32 bank, u8 vector)
{
	return image(lapic, bank + vector / 32 * 16) & 1u << vector % 32;
}

KITE_TEST_SMP(state_in_between, 1)
{
	struct kt_vcpu *vcpu = &smp->vcpu[0];
	struct kite_lapic lapic;
	struct kite_state s;
	u32 irr;

	kt_smp_call(smp, 0, nest, 0);
	kt_expect_sync(vcpu, 1);
	vcpu_get_lapic(vcpu->fd, &lapic);
	EXPECT_TRUE(image_vector(&lapic, APIC_ISR, VECTOR));
	EXPECT_TRUE(image_vector(&lapic, APIC_ISR, HIGHER));
	EXPECT_TRUE(image_vector(&lapic, APIC_IRR, LOWER));
	EXPECT_EQ(HIGHER & 0xf0, image(&lapic, APIC_PPR));
	kt_expect_sync(vcpu, 2);
	vcpu_get_lapic(vcpu->fd, &lapic);
	EXPECT_TRUE(!image_vector(&lapic, APIC_ISR, HIGHER));
	EXPECT_EQ(0x20, image(&lapic, APIC_TPR));
	EXPECT_EQ(VECTOR & 0xf0, image(&lapic, APIC_PPR));
	vcpu_get_state(vcpu->fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(2, s.crs.cr8);
	/* One more: LOWER + 1 is of the same word. */
	irr = image(&lapic, APIC_IRR + LOWER / 32 * 16) | 1u << (LOWER + 1) % 32;
	memcpy((u8 *)lapic.regs + APIC_IRR + LOWER / 32 * 16, &irr, sizeof(irr));
	vcpu_set_lapic(vcpu->fd, &lapic);
	kt_expect_done(vcpu);
	EXPECT_EQ(LOWER + 1, kt_cpu[0].log[2]);
	EXPECT_EQ(LOWER, kt_cpu[0].log[3]);
}

/* HLT ends by what the CPU would deliver, whoever raised it. */
static void halt(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_self_ipi(VECTOR);
	asm volatile("sti\n hlt\n cli" : : : "memory");
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[VECTOR]);
	/* Held back by TPR, it does not: the timer does. */
	kt_cr8(5);
	kt_self_ipi(VECTOR);
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_LVTT, HIGHER);
	kt_apic_write(APIC_TMICT, 1000);
	asm volatile("sti\n hlt\n cli" : : : "memory");
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[HIGHER]);
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[VECTOR]);
}

KITE_TEST_SMP(halt_and_wake, 1)
{
	kt_smp_run(smp, halt);
}

static void read_msr(u64 msr)
{
	kt_apic_on();
	kt_rdmsr(msr);
}

static u64 bad_value;

static void write_msr(u64 msr)
{
	kt_apic_on();
	kt_wrmsr(msr, bad_value);
}

static void expect_gp(struct kt_smp *smp, void (*fn)(u64), u64 msr)
{
	kt_smp_call(smp, 0, fn, msr);
	kt_expect_event(&smp->vcpu[0], KT_GP);
}

/* The page has a place for each of them, but they are no MSRs. */
KITE_TEST(msrs_that_are_not_there)
{
	static const u32 unreadable[] = {
		0x800, 0x801, 0x804, 0x809, 0x80b, 0x80c, 0x80e, 0x829, 0x82f, 0x831, 0x83a, 0x83d,
		0x83f, 0x840, 0x8ff,
	};
	static const struct {
		u32 msr;
		u64 value;
	} unwritable[] = {
		{ 0x802, 0 }, { 0x803, 0 }, { 0x80a, 0 }, { 0x80d, 0 }, { 0x810, 0 }, { 0x820, 0 },
		{ 0x839, 0 }, { 0x831, 0 }, { 0x840, 0 }, { 0x808, 0x100 }, { 0x808, BIT(32) },
		{ 0x80b, 1 }, { 0x80b, BIT(32) }, { 0x83f, 0x100 | VECTOR },
		{ 0x83f, BIT(32) | VECTOR }, { 0x828, 1 }, { 0x80f, BIT(31) },
	};
	struct kt_smp *smp = kt_smp_new(1, true);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unreadable); i++)
		expect_gp(smp, read_msr, unreadable[i]);
	for (i = 0; i < ARRAY_SIZE(unwritable); i++) {
		bad_value = unwritable[i].value;
		expect_gp(smp, write_msr, unwritable[i].msr);
	}
}

/* An illegal vector is an error, not an interrupt. */
static void illegal_self_ipi(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_self_ipi(15);
	kt_apic_write(APIC_ESR, 0);
	KT_GUEST_ASSERT_EQ(0x20, kt_apic_read(APIC_ESR));
	KT_GUEST_ASSERT_EQ(0, kt_apic_read(APIC_IRR));
}

KITE_TEST_SMP(self_ipi_with_an_illegal_vector, 1)
{
	kt_smp_run(smp, illegal_self_ipi);
}

/* The page follows the base; where it was, there is nothing, and then it is again. */
static void move(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_wrmsr(MSR_APIC_BASE, ELSEWHERE | 0x900);
	KT_GUEST_ASSERT_EQ(SVR_ON, kt_mmio_read(ELSEWHERE + APIC_SVR));
	kt_mmio_write(ELSEWHERE + APIC_TPR, 0x35);
	KT_GUEST_ASSERT_EQ(3, kt_read_cr8());
	KT_GUEST_ASSERT_EQ(0x12345678, kt_mmio_read(APIC_MMIO + APIC_SVR));
	kt_wrmsr(MSR_APIC_BASE, APIC_MMIO | 0x900);
	KT_GUEST_ASSERT_EQ(0x35, kt_mmio_read(APIC_MMIO + APIC_TPR));
	kt_cr8(0);
	kt_self_ipi(VECTOR);
	kt_window();
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[VECTOR]);
}

static void answer_mmio(struct kt_vcpu *vcpu, u32 value)
{
	kt_expect_mmio(vcpu, APIC_MMIO + APIC_SVR, 4, false);
	memcpy(vcpu->run->data, &value, sizeof(value));
}

KITE_TEST(moved_base)
{
	struct kt_smp *smp = kt_smp_new(1, false);

	kt_smp_call(smp, 0, move, 0);
	answer_mmio(&smp->vcpu[0], 0x12345678);
	kt_expect_done(&smp->vcpu[0]);
}

static void leave_xapic(u64 unused)
{
	(void)unused;
	kt_mmio_write(APIC_MMIO + APIC_SVR, SVR_ON);
	kt_mmio_write(APIC_MMIO + APIC_LVTERR, 0x77);
	kt_apic_on();
	KT_GUEST_ASSERT_EQ(0x77, kt_apic_read(APIC_LVTERR));
	KT_GUEST_ASSERT_EQ(0x12345678, kt_mmio_read(APIC_MMIO + APIC_SVR));
	kt_sync(1);
	kt_wrmsr(MSR_APIC_BASE, APIC_MMIO | 0x100);
	KT_GUEST_ASSERT_EQ(0x12345678, kt_mmio_read(APIC_MMIO + APIC_SVR));
	/* CR8 stays what it is without an APIC. */
	kt_cr8(3);
	KT_GUEST_ASSERT_EQ(3, kt_read_cr8());
	kt_wrmsr(MSR_APIC_BASE, APIC_MMIO | 0x900);
	KT_GUEST_ASSERT_EQ(0xff, kt_mmio_read(APIC_MMIO + APIC_SVR));
	KT_GUEST_ASSERT_EQ(LVT_MASKED, kt_mmio_read(APIC_MMIO + APIC_LVTERR));
}

/* In x2APIC mode, and without an APIC, the page is no APIC's; registers pass to x2APIC mode. */
KITE_TEST(modes_one_after_the_other)
{
	struct kt_smp *smp = kt_smp_new(1, true);

	kt_smp_call(smp, 0, leave_xapic, 0);
	answer_mmio(&smp->vcpu[0], 0x12345678);
	kt_expect_sync(&smp->vcpu[0], 1);
	answer_mmio(&smp->vcpu[0], 0x12345678);
	kt_expect_done(&smp->vcpu[0]);
}

/* vCPUs in both modes side by side. */
static void mixed(u64 number)
{
	u64 i;

	kt_me()->x2apic = number;
	kt_apic_on();
	kt_meet(2, 1);
	if (!number)
		kt_ipi(1, ICR_ASSERT | VECTOR);
	for (i = 0; i < N; i++) {
		kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
		KT_GUEST_ASSERT_EQ(SVR_ON, kt_apic_read(APIC_SVR));
		if (number || i < N - 1)
			kt_ipi(!number, ICR_ASSERT | VECTOR);
	}
}

KITE_TEST(vcpus_in_different_modes)
{
	struct kt_smp *smp = kt_smp_new(2, false);

	kt_smp_run(smp, mixed);
	EXPECT_EQ(N, kt_cpu[0].taken[VECTOR]);
	EXPECT_EQ(N, kt_cpu[1].taken[VECTOR]);
}

static void touch(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_apic_read(APIC_SVR);
}

/* The LAPIC's page holds no code, no stack and no page table. */
KITE_TEST(code_in_the_page)
{
	struct kt_smp *smp = kt_smp_new(1, false);
	struct kt_vcpu *vcpu = &smp->vcpu[0];

	kt_smp_run(smp, touch);
	kt_set_rip(vcpu, APIC_MMIO);
	kt_expect_exit(vcpu, KITE_EXIT_MEMORY_FAULT);
	EXPECT_EQ(APIC_MMIO, vcpu->run->fault.gpa);
	EXPECT_EQ(KITE_ACCESS_EXEC, vcpu->run->fault.access & KITE_ACCESS_EXEC);
}

KT_CODE64(undefined, "", "ud2", "");

KITE_TEST(stack_in_the_page)
{
	struct kt_smp *smp = kt_smp_new(1, false);
	struct kt_vcpu *vcpu = &smp->vcpu[0];

	kt_smp_call(smp, 0, touch, 0);
	kt_expect_done(vcpu);
	kt_start(vcpu, &undefined);
	kt_set_reg(vcpu, KITE_RSP, APIC_MMIO + 0x800);
	kt_expect_exit(vcpu, KITE_EXIT_INTERNAL);
	EXPECT_EQ(KITE_INTERNAL_DELIVERY, vcpu->run->internal.code);
}
