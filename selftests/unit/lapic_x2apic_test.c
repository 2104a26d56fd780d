// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: IA32_APIC_BASE makes the transitions that the SDM allows and no
 * other; the MSRs of x2APIC mode exist, read and write as the SDM's table says,
 * and all else is #GP, which changes nothing.
 */
#include <linux/kernel.h>

#include "lapic_util.h"
#include "unit.h"

#define DISABLED	0
#define INVALID		LAPIC_BASE_EXTD
#define XAPIC		LAPIC_BASE_EN
#define X2APIC		BASE_MODE

static void enter(struct bench *b, u64 mode)
{
	xapic_on(b, 0x23);
	if (mode != XAPIC)
		EXPECT_EQ(0, set_mode(b, mode));
}

static void transitions(void)
{
	static const struct {
		u64 from, to;
		bool legal;
	} rows[] = {
		{ DISABLED, DISABLED, true },	{ DISABLED, XAPIC, true },
		{ DISABLED, X2APIC, false },	{ DISABLED, INVALID, false },
		{ XAPIC, DISABLED, true },	{ XAPIC, XAPIC, true },
		{ XAPIC, X2APIC, true },	{ XAPIC, INVALID, false },
		{ X2APIC, DISABLED, true },	{ X2APIC, XAPIC, false },
		{ X2APIC, X2APIC, true },	{ X2APIC, INVALID, false },
	};
	struct bench b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 base;

		unit_context("from %#llx to %#llx", rows[i].from, rows[i].to);
		enter(&b, rows[i].from);
		base = b.l.base;
		EXPECT_EQ(rows[i].legal ? 0 : -22, set_mode(&b, rows[i].to));
		EXPECT_EQ(rows[i].legal ? rows[i].to : rows[i].from, b.l.base & BASE_MODE);
		EXPECT_EQ(rows[i].legal && rows[i].from != rows[i].to,
			  !!(b.out.todo & LAPIC_OUT_ROUTE));
		if (!rows[i].legal)
			EXPECT_EQ(base, b.l.base);

		/* A restore knows no order, only states. */
		unit_context("restore %#llx to %#llx", rows[i].from, rows[i].to);
		enter(&b, rows[i].from);
		base = LAPIC_DEFAULT_BASE | rows[i].to;
		EXPECT_EQ(rows[i].to == INVALID ? -22 : 0,
			  lapic_load_base(&b.l, base, PHYS_MASK, &b.out));
		EXPECT_EQ(rows[i].to == INVALID ? rows[i].from : rows[i].to, b.l.base & BASE_MODE);
	}
}

static void base_bits(void)
{
	struct bench b;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		bool legal = bit == 8 || bit == 11 || (bit >= 12 && bit < 39);
		u64 base, value;

		unit_context("bit %d", bit);
		power_up(&b, 0x23);
		base = b.l.base;
		value = LAPIC_BASE_EN | (1ull << bit);
		if (bit == 10)
			continue;
		EXPECT_EQ(legal ? 0 : -22, lapic_set_base(&b.l, value, PHYS_MASK, &b.out));
		EXPECT_EQ(legal ? value : base, b.l.base);
		EXPECT_EQ(legal ? 0 : -22, lapic_load_base(&b.l, value, PHYS_MASK, &b.out));
	}
	/* Bits of the page offset are reserved even if the mask of the caller has them. */
	EXPECT_EQ(-22, lapic_set_base(&b.l, LAPIC_BASE_EN | 1, ~0ull, &b.out));
}

/* What the SDM says is not preserved on the way to x2APIC mode, and what is. */
static void xapic_to_x2apic(void)
{
	struct bench b;
	u64 value;

	xapic_on(&b, 0x23);
	wr(&b, APIC_LDR, 0x40000000);
	wr(&b, APIC_ICR2, 0x77000000);
	wr(&b, APIC_ICR, 0x4066);
	wr(&b, APIC_TPR, 0x30);
	wr(&b, APIC_LINT0, 0x700);
	lapic_accept(&b.l, 0x55, true);
	EXPECT_EQ(0x55, take(&b));
	lapic_accept(&b.l, 0x44, false);
	EXPECT_EQ(0, set_mode(&b, X2APIC));

	EXPECT_EQ(0, rdmsr(&b, 0x802, &value));
	EXPECT_EQ(0x23, value);
	EXPECT_EQ(0, rdmsr(&b, 0x80d, &value));
	EXPECT_EQ(0x20008, value);
	EXPECT_EQ(0, rdmsr(&b, 0x830, &value));
	EXPECT_EQ(0x4066, value);
	EXPECT_EQ(0, rdmsr(&b, 0x808, &value));
	EXPECT_EQ(0x30, value);
	EXPECT_EQ(0, rdmsr(&b, 0x80f, &value));
	EXPECT_EQ(SVR_ENABLED, value);
	EXPECT_EQ(0, rdmsr(&b, 0x835, &value));
	EXPECT_EQ(0x700, value);
	EXPECT_EQ(0, wrmsr(&b, 0x80b, 0));
	EXPECT_EQ(0x55, b.out.eoi_vector);
	EXPECT_EQ(0x44, take(&b));
}

/* Only a restore goes this way: what belongs to x2APIC mode is gone. */
static void x2apic_to_xapic(void)
{
	struct bench b;

	x2apic_on(&b, 0x23);
	EXPECT_EQ(0, wrmsr(&b, 0x830, 0x0000002500004066));
	EXPECT_EQ(0, lapic_load_base(&b.l, LAPIC_DEFAULT_BASE | XAPIC, PHYS_MASK, &b.out));
	EXPECT_EQ(0x23000000, rd(&b, APIC_ID));
	EXPECT_EQ(0, rd(&b, APIC_LDR));
	EXPECT_EQ(0x4066, rd(&b, APIC_ICR));
	EXPECT_EQ(0, rd(&b, APIC_ICR2));
	EXPECT_EQ(0, b.page[APIC_ICR / 4 + 1]);
}

static void disable_resets(void)
{
	static const u64 modes[] = { XAPIC, X2APIC };
	struct bench b;
	int i;

	for (i = 0; i < 2; i++) {
		unit_context("mode %#llx", modes[i]);
		enter(&b, modes[i]);
		lapic_accept(&b.l, 0x55, true);
		EXPECT_EQ(0, set_mode(&b, DISABLED));
		EXPECT_EQ(LAPIC_OUT_ROUTE | LAPIC_OUT_TIMER | LAPIC_OUT_PENDING, b.out.todo);
		EXPECT_EQ(-1, lapic_pending(&b.l));
		EXPECT_EQ(0, set_mode(&b, XAPIC));
		EXPECT_EQ(0x23000000, rd(&b, APIC_ID));
		EXPECT_EQ(SVR_DISABLED, rd(&b, APIC_SVR));
		EXPECT_EQ(0, rd(&b, APIC_LDR));
	}
}

/* R, W and the bits a write may have, by MSR; all other MSRs do not exist. */
static const struct msr_row {
	u32 first, last;
	const char *access;
	u64 writable;
} msr_rows[] = {
	{ 0x802, 0x803, "R", 0 },
	{ 0x808, 0x808, "RW", 0xff },
	{ 0x80a, 0x80a, "R", 0 },
	{ 0x80b, 0x80b, "W", 0 },
	{ 0x80d, 0x80d, "R", 0 },
	{ 0x80f, 0x80f, "RW", 0x13ff },
	{ 0x810, 0x827, "R", 0 },
	{ 0x828, 0x828, "RW", 0 },
	{ 0x830, 0x830, "RW", 0xffffffff000cdfff },
	{ 0x832, 0x832, "RW", 0x710ff },
	{ 0x833, 0x834, "RW", 0x117ff },
	{ 0x835, 0x836, "RW", 0x1f7ff },
	{ 0x837, 0x837, "RW", 0x110ff },
	{ 0x838, 0x838, "RW", 0xffffffff },
	{ 0x839, 0x839, "R", 0 },
	{ 0x83e, 0x83e, "RW", 0xb },
	{ 0x83f, 0x83f, "W", 0xff },
};

static const struct msr_row *msr_row(u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msr_rows); i++)
		if (msr >= msr_rows[i].first && msr <= msr_rows[i].last)
			return &msr_rows[i];
	return NULL;
}

static void msr_access(void)
{
	struct bench b;
	u32 msr;

	/* Two MSRs beyond the range at each end, too. */
	for (msr = 0x7fe; msr <= 0x901; msr++) {
		const struct msr_row *row = msr_row(msr);
		bool readable = row && strchr(row->access, 'R');
		bool writable = row && strchr(row->access, 'W');
		u32 before[LAPIC_IMAGE_WORDS];
		u64 value = 0x5a5a;
		int bit;

		unit_context("MSR %#x", msr);
		x2apic_on(&b, 0x23);
		memcpy(before, b.page, sizeof(before));
		EXPECT_EQ(readable ? 0 : -22, rdmsr(&b, msr, &value));
		if (!readable)
			EXPECT_EQ(0x5a5a, value);
		EXPECT_EQ(writable ? 0 : -22, wrmsr(&b, msr, 0));

		for (bit = 0; bit < 64; bit++) {
			bool legal = writable && (row->writable >> bit & 1);

			unit_context("MSR %#x bit %d", msr, bit);
			x2apic_on(&b, 0x23);
			EXPECT_EQ(legal ? 0 : -22, wrmsr(&b, msr, 1ull << bit));
			if (!legal)
				EXPECT_FALSE(memcmp(before, b.page, sizeof(before)) || b.out.todo);
		}
	}
}

static void msrs_need_x2apic_mode(void)
{
	static const u64 modes[] = { DISABLED, XAPIC };
	struct bench b;
	u64 value;
	u32 msr;
	int i;

	for (i = 0; i < 2; i++) {
		enter(&b, modes[i]);
		for (msr = LAPIC_MSR_FIRST; msr <= LAPIC_MSR_LAST; msr++) {
			unit_context("mode %#llx MSR %#x", modes[i], msr);
			EXPECT_EQ(-22, rdmsr(&b, msr, &value));
			EXPECT_EQ(-22, wrmsr(&b, msr, 0));
		}
	}
}

static void values(void)
{
	struct bench b;
	u64 value;

	x2apic_on(&b, 0x23);
	EXPECT_EQ(0, wrmsr(&b, 0x830, 0x0000002500004066));
	EXPECT_EQ(LAPIC_OUT_IPI, b.out.todo);
	EXPECT_EQ(0x25, b.out.ipi.dest);
	EXPECT_EQ(0, rdmsr(&b, 0x830, &value));
	EXPECT_EQ(0x0000002500004066, value);

	/* Read-only bits may be written back, but do not stick. */
	EXPECT_EQ(0, wrmsr(&b, 0x835, 0x1f7ff));
	EXPECT_EQ(0, rdmsr(&b, 0x835, &value));
	EXPECT_EQ(0x1a7ff, value);
	EXPECT_EQ(0, wrmsr(&b, 0x830, 0x5066));
	EXPECT_EQ(0, rdmsr(&b, 0x830, &value));
	EXPECT_EQ(0x4066, value);

	EXPECT_EQ(0, wrmsr(&b, 0x83f, 0x70));
	EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(0x70, lapic_pending(&b.l));
	EXPECT_EQ(0, wrmsr(&b, 0x83f, 0x0f));
	EXPECT_EQ(ESR_SEND, b.l.errors);
	EXPECT_EQ(0, wrmsr(&b, 0x828, 0));
	EXPECT_EQ(0, rdmsr(&b, 0x828, &value));
	EXPECT_EQ(ESR_SEND, value);

	EXPECT_EQ(0, wrmsr(&b, 0x83e, DIVIDE_BY_1));
	EXPECT_EQ(0, wrmsr(&b, 0x838, 100));
	EXPECT_EQ(LAPIC_OUT_TIMER, b.out.todo);
	b.now += 8 * 10;
	EXPECT_EQ(0, rdmsr(&b, 0x839, &value));
	EXPECT_EQ(90, value);
}

static void logical_id(void)
{
	struct bench b;
	u64 value;
	u32 id;

	for (id = 0; id < 300; id++) {
		unit_context("ID %u", id);
		x2apic_on(&b, id);
		EXPECT_EQ(0, rdmsr(&b, 0x80d, &value));
		EXPECT_EQ((id / 16) << 16 | 1u << id % 16, value);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(transitions),
	UNIT_TEST(base_bits),
	UNIT_TEST(xapic_to_x2apic),
	UNIT_TEST(x2apic_to_xapic),
	UNIT_TEST(disable_resets),
	UNIT_TEST(msr_access),
	UNIT_TEST(msrs_need_x2apic_mode),
	UNIT_TEST(values),
	UNIT_TEST(logical_id),
};

UNIT_MAIN(tests)
