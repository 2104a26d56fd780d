// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a register image that was taken from an APIC makes another one with
 * the same ID behave the same; an image that no APIC can have is refused and
 * changes nothing.
 */
#include <linux/kernel.h>

#include "lapic_util.h"
#include "unit.h"

#define XAPIC	LAPIC_BASE_EN
#define X2APIC	BASE_MODE

static int set(struct bench *b, const u32 *image)
{
	memset(&b->out, 0, sizeof(b->out));
	return lapic_set_regs(&b->l, image, b->now, &b->out);
}

/* An APIC with something in every register. */
static void busy(struct bench *b, u64 mode)
{
	xapic_on(b, 0x23);
	wr(b, APIC_TPR, 0x21);
	wr(b, APIC_LDR, 0x04000000);
	wr(b, APIC_DFR, 0);
	wr(b, APIC_SVR, SVR_ENABLED | SVR_SUPPRESS);
	wr(b, APIC_LINT0, 0x8700);
	wr(b, APIC_LINT1, 0x400);
	wr(b, APIC_LVTERR, 0xfe);
	rd(b, 0x3d0);
	wr(b, APIC_ESR, 0);
	EXPECT_EQ(0xfe, take(b));
	wr(b, APIC_EOI, 0);
	lapic_accept(&b->l, 0x33, true);
	EXPECT_EQ(0x33, take(b));
	lapic_accept(&b->l, 0x95, true);
	EXPECT_EQ(0x95, take(b));
	lapic_accept(&b->l, 0x41, false);
	if (mode == X2APIC) {
		EXPECT_EQ(0, set_mode(b, X2APIC));
		EXPECT_EQ(0, wrmsr(b, 0x830, 0xabcd00004066));
	} else {
		wr(b, APIC_ICR2, 0x44000000);
		wr(b, APIC_ICR, 0x4066);
	}
	lapic_accept(&b->l, 7, false);
	lapic_write(&b->l, APIC_TDCR, DIVIDE_BY_16, b->now, &b->out);
	lapic_write(&b->l, APIC_LVTT, LVT_PERIODIC | 0xa1, b->now, &b->out);
	lapic_write(&b->l, APIC_TMICT, 1000, b->now, &b->out);
	b->now += 300 * 16 * 8;
}

static void expect_same(const struct bench *a, const struct bench *b)
{
	EXPECT_FALSE(memcmp(a->page, b->page, sizeof(a->page)));
	EXPECT_EQ(a->l.base, b->l.base);
	EXPECT_EQ(a->l.expiry, b->l.expiry);
	EXPECT_EQ(a->l.period, b->l.period);
	EXPECT_EQ(a->l.errors, b->l.errors);
	EXPECT_EQ(a->l.irr_top, b->l.irr_top);
	EXPECT_EQ(a->l.isr_top, b->l.isr_top);
	EXPECT_EQ(a->l.enabled, b->l.enabled);
	EXPECT_EQ(a->l.timer_mode, b->l.timer_mode);
	EXPECT_EQ(a->l.timer_shift, b->l.timer_shift);
	EXPECT_EQ(lapic_route(&a->l), lapic_route(&b->l));
}

static void round_trip(void)
{
	static const u64 modes[] = { XAPIC, X2APIC };
	u32 image[LAPIC_IMAGE_WORDS], again[LAPIC_IMAGE_WORDS];
	struct bench a, b;
	int i;

	for (i = 0; i < 2; i++) {
		unit_context("mode %#llx", modes[i]);
		busy(&a, modes[i]);
		lapic_get_regs(&a.l, image, a.now);
		EXPECT_EQ(700, image[APIC_TMCCT / 4]);
		EXPECT_EQ(ESR_RECEIVE, image[APIC_ESR / 4 + 1]);

		power_up(&b, 0x23);
		b.now = a.now;
		EXPECT_EQ(0, lapic_load_base(&b.l, a.l.base, PHYS_MASK, &b.out));
		EXPECT_EQ(0, set(&b, image));
		EXPECT_EQ(LAPIC_OUT_ROUTE | LAPIC_OUT_TIMER | LAPIC_OUT_PENDING, b.out.todo);
		expect_same(&a, &b);
		lapic_get_regs(&b.l, again, b.now);
		EXPECT_FALSE(memcmp(image, again, sizeof(image)));
		/* On itself: no change either. */
		EXPECT_EQ(0, set(&a, image));
		expect_same(&a, &b);
	}
}

/* A CPU that delivers self-IPIs leaves their vector in the page. */
static void self_ipi_of_the_cpu(void)
{
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench a;

	busy(&a, X2APIC);
	a.l.regs[APIC_SELF / 4] = 0x51;
	lapic_get_regs(&a.l, image, a.now);
	EXPECT_EQ(0, image[APIC_SELF / 4]);
	EXPECT_EQ(0, set(&a, image));
}

/* The registers that a CPU lets a guest write in the page by itself. */
static const u16 written_by_cpu[] = {
	APIC_ID, APIC_TPR, APIC_EOI, APIC_LDR, APIC_DFR, APIC_SVR, APIC_ESR, APIC_ICR, APIC_ICR2,
	APIC_LVTT, APIC_THERMAL, APIC_PMC, APIC_LINT0, APIC_LINT1, APIC_LVTERR, APIC_TMICT,
	APIC_TDCR,
};

/* What was written there without the model being told makes an image like any other. */
static void writes_that_the_model_missed(void)
{
	static const u32 values[] = { 0, ~0u, 0x16547, 0x700ff };
	static const u32 svrs[] = { SVR_ENABLED, SVR_DISABLED };
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench a, b;
	u32 i, v, s;

	for (i = 0; i < ARRAY_SIZE(written_by_cpu); i++)
		for (v = 0; v < ARRAY_SIZE(values); v++)
			for (s = 0; s < ARRAY_SIZE(svrs); s++) {
				unit_context("%#x at %#x, SVR %#x", values[v], written_by_cpu[i],
					     svrs[s]);
				busy(&a, XAPIC);
				wr(&a, APIC_SVR, svrs[s]);
				a.l.regs[written_by_cpu[i] / 4] = values[v];
				a.l.stale = LAPIC_STALE_PPR;
				lapic_get_regs(&a.l, image, a.now);
				EXPECT_EQ(0, set(&a, image));
				power_up(&b, 0x23);
				b.now = a.now;
				EXPECT_EQ(0, lapic_load_base(&b.l, a.l.base, PHYS_MASK, &b.out));
				EXPECT_EQ(0, set(&b, image));
			}
}

/* A periodic timer with an initial count of 0 would count for ever, or divide by it. */
static void initial_count_that_the_model_missed(void)
{
	struct bench b;

	xapic_on(&b, 0x23);
	wr(&b, APIC_LVTT, LVT_PERIODIC | 0x31);
	wr(&b, APIC_TMICT, 1000);
	b.l.regs[APIC_TMICT / 4] = 0;
	wr(&b, APIC_TDCR, DIVIDE_BY_1);
	b.now = lapic_timer_next(&b.l);
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));
	EXPECT_EQ(b.now + 1000 * 8, lapic_timer_next(&b.l));
}

/* At another time the timer has the same count left. */
static void later(void)
{
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench a, b;

	busy(&a, XAPIC);
	lapic_get_regs(&a.l, image, a.now);
	power_up(&b, 0x23);
	b.now = a.now + 123456789;
	EXPECT_EQ(0, set(&b, image));
	EXPECT_EQ(lapic_timer_next(&a.l) - a.now, lapic_timer_next(&b.l) - b.now);
	b.now = lapic_timer_next(&b.l);
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));
	EXPECT_EQ(b.now + 1000 * 16 * 8, lapic_timer_next(&b.l));
}

/* An expiry that is due is in the image as an interrupt. */
static void due(void)
{
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench b;

	xapic_on(&b, 0x23);
	wr(&b, APIC_LVTT, 0x31);
	wr(&b, APIC_TMICT, 10);
	lapic_get_regs(&b.l, image, lapic_timer_next(&b.l));
	EXPECT_EQ(1u << 17, image[(APIC_IRR + 0x10) / 4]);
	EXPECT_EQ(0, image[APIC_TMCCT / 4]);
}

static void deadline(void)
{
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench b;

	xapic_on(&b, 0x23);
	wr(&b, APIC_LVTT, LVT_DEADLINE | 0x31);
	lapic_set_deadline(&b.l, 5000, b.now, &b.out);
	lapic_get_regs(&b.l, image, b.now);
	EXPECT_EQ(0, set(&b, image));
	EXPECT_EQ(5000, lapic_timer_next(&b.l));
	/* From another mode there is no deadline, and the count takes over. */
	image[APIC_LVTT / 4] = 0x31;
	image[APIC_TMICT / 4] = 10;
	EXPECT_EQ(0, set(&b, image));
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	image[APIC_TMCCT / 4] = 10;
	EXPECT_EQ(0, set(&b, image));
	EXPECT_EQ(b.now + 10 * 2 * 8, lapic_timer_next(&b.l));
	image[APIC_LVTT / 4] = LVT_DEADLINE | 0x31;
	image[APIC_TMICT / 4] = 0;
	image[APIC_TMCCT / 4] = 0;
	EXPECT_EQ(0, set(&b, image));
	EXPECT_EQ(0, lapic_timer_next(&b.l));
}

static void disabled_apic(void)
{
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench b;

	xapic_on(&b, 0x23);
	EXPECT_EQ(0, set_mode(&b, 0));
	lapic_get_regs(&b.l, image, b.now);
	EXPECT_EQ(0, set(&b, image));
	image[APIC_TPR / 4] = 0x10;
	image[APIC_PPR / 4] = 0x10;
	EXPECT_EQ(-22, set(&b, image));
}

/* One word of a good image each; @mode is the mode in which it is bad. */
static void bad_images(void)
{
	static const struct {
		u64 mode;
		u32 offset, value;
	} rows[] = {
		{ XAPIC, APIC_ID, 0x24000000 },		{ XAPIC, APIC_ID, 0x23 },
		{ X2APIC, APIC_ID, 0x24 },		{ X2APIC, APIC_ID, 0x23000000 },
		{ XAPIC, APIC_VERSION, 0x01050015 },	{ XAPIC, APIC_VERSION, 0 },
		{ XAPIC, APIC_TPR, 0x121 },		{ XAPIC, APIC_TPR, 0xa0 },
		{ XAPIC, APIC_APR, 1 },			{ XAPIC, APIC_PPR, 0 },
		{ XAPIC, APIC_PPR, 0x95 },		{ XAPIC, APIC_EOI, 1 },
		{ XAPIC, APIC_RRD, 1 },			{ XAPIC, APIC_LDR, 0x04000001 },
		{ X2APIC, APIC_LDR, 0x04000000 },	{ XAPIC, APIC_DFR, 0 },
		{ XAPIC, APIC_DFR, 0xfffffffe },	{ XAPIC, APIC_SVR, 0x21ff },
		{ XAPIC, APIC_SVR, 0xff },		{ XAPIC, APIC_ISR, 1 },
		{ XAPIC, APIC_TMR, 0x8000 },		{ XAPIC, APIC_IRR, 0x80 },
		{ XAPIC, APIC_ISR + 0x70, 1 },		{ XAPIC, APIC_ESR, 1 },
		{ XAPIC, APIC_ESR + 4, 0x100 },		{ XAPIC, APIC_ICR, 0x5066 },
		{ XAPIC, APIC_ICR, 0x100000 },		{ XAPIC, APIC_ICR2, 1 },
		{ X2APIC, APIC_ICR2, 0x44000000 },	{ XAPIC, APIC_ICR + 4, 1 },
		{ XAPIC, APIC_LVTT, 0x80031 },		{ XAPIC, APIC_LVTT, 0x1031 },
		{ XAPIC, APIC_LVTT, LVT_DEADLINE | 0x31 }, { XAPIC, APIC_LVTT, 0x60031 },
		{ XAPIC, APIC_THERMAL, 0x2000 },	{ XAPIC, APIC_PMC, 0x8000 },
		{ XAPIC, APIC_LINT0, 0x4000 },		{ XAPIC, APIC_LINT1, 0x800 },
		{ XAPIC, APIC_LVTERR, 0x100 },		{ XAPIC, APIC_TMICT, 699 },
		{ XAPIC, APIC_TMCCT, 1001 },		{ XAPIC, APIC_TDCR, 4 },
		{ XAPIC, APIC_SELF, 0x40 },		{ XAPIC, APIC_CMCI, LVT_MASKED },
		{ XAPIC, 0x000, 1 },			{ XAPIC, 0x3d0, 1 },
		{ XAPIC, APIC_TPR + 4, 1 },		{ XAPIC, APIC_IRR + 0x7c, 1 },
	};
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench b, before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("mode %#llx offset %#x value %#x", rows[i].mode, rows[i].offset,
			     rows[i].value);
		busy(&b, rows[i].mode);
		lapic_get_regs(&b.l, image, b.now);
		before = b;
		before.l.regs = before.page;
		image[rows[i].offset / 4] = rows[i].value;
		EXPECT_EQ(-22, set(&b, image));
		EXPECT_EQ(0, b.out.todo);
		expect_same(&before, &b);
	}
}

/* A software-disabled APIC has all of its LVT masked; in TSC-deadline mode there is no count. */
static void bad_combinations(void)
{
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench b;
	u32 lvt;

	power_up(&b, 0x23);
	for (lvt = APIC_LVTT; lvt <= APIC_LVTERR; lvt += 16) {
		unit_context("LVT %#x", lvt);
		lapic_get_regs(&b.l, image, b.now);
		EXPECT_EQ(0, set(&b, image));
		image[lvt / 4] = 0x31;
		EXPECT_EQ(-22, set(&b, image));
	}
	unit_context("%s", "");
	lapic_get_regs(&b.l, image, b.now);
	image[APIC_LVTT / 4] |= LVT_DEADLINE;
	EXPECT_EQ(0, set(&b, image));
	image[APIC_LVTT / 4] |= LVT_PERIODIC;
	EXPECT_EQ(-22, set(&b, image));
	image[APIC_LVTT / 4] &= ~LVT_PERIODIC;
	image[APIC_TMICT / 4] = 1;
	EXPECT_EQ(-22, set(&b, image));
	image[APIC_TMCCT / 4] = 1;
	EXPECT_EQ(-22, set(&b, image));
	image[APIC_TMICT / 4] = 0;
	EXPECT_EQ(-22, set(&b, image));
}

static const struct unit_test tests[] = {
	UNIT_TEST(round_trip),
	UNIT_TEST(self_ipi_of_the_cpu),
	UNIT_TEST(writes_that_the_model_missed),
	UNIT_TEST(initial_count_that_the_model_missed),
	UNIT_TEST(later),
	UNIT_TEST(due),
	UNIT_TEST(deadline),
	UNIT_TEST(disabled_apic),
	UNIT_TEST(bad_images),
	UNIT_TEST(bad_combinations),
};

UNIT_MAIN(tests)
