// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: reset values, the way of a vector through IRR, ISR and EOI, task
 * and processor priority, software disable, errors and reserved registers are
 * those of the SDM, chapter "Advanced Programmable Interrupt Controller (APIC)".
 */
#include <linux/kernel.h>

#include "lapic_util.h"
#include "unit.h"

struct row {
	u32 offset;
	u32 value;
};

static const struct row reset_values[] = {
	{ APIC_ID, 0x03000000 }, { APIC_VERSION, 0x01050014 }, { APIC_TPR, 0 }, { APIC_APR, 0 },
	{ APIC_PPR, 0 }, { APIC_EOI, 0 }, { APIC_RRD, 0 }, { APIC_LDR, 0 },
	{ APIC_DFR, 0xffffffff }, { APIC_SVR, 0xff }, { APIC_ISR, 0 }, { APIC_ISR + 0x70, 0 },
	{ APIC_TMR, 0 }, { APIC_TMR + 0x70, 0 }, { APIC_IRR, 0 }, { APIC_IRR + 0x70, 0 },
	{ APIC_ESR, 0 }, { APIC_ICR, 0 }, { APIC_ICR2, 0 }, { APIC_LVTT, LVT_MASKED },
	{ APIC_THERMAL, LVT_MASKED }, { APIC_PMC, LVT_MASKED }, { APIC_LINT0, LVT_MASKED },
	{ APIC_LINT1, LVT_MASKED }, { APIC_LVTERR, LVT_MASKED }, { APIC_TMICT, 0 },
	{ APIC_TMCCT, 0 }, { APIC_TDCR, 0 },
};

static void expect_reset_values(struct bench *b)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reset_values); i++) {
		unit_context("register %#x", reset_values[i].offset);
		EXPECT_EQ(reset_values[i].value, rd(b, reset_values[i].offset));
	}
	unit_context("%s", "");
	EXPECT_EQ(0, b->l.errors);
	EXPECT_EQ(0, b->l.period);
	EXPECT_EQ(-1, lapic_pending(&b->l));
	EXPECT_EQ(0, lapic_timer_next(&b->l));
}

static void reset(void)
{
	struct bench b;

	power_up(&b, 3);
	EXPECT_EQ(LAPIC_DEFAULT_BASE | LAPIC_BASE_EN, b.l.base);
	expect_reset_values(&b);
	power_up(&b, 0);
	EXPECT_EQ(LAPIC_DEFAULT_BASE | LAPIC_BASE_EN | LAPIC_BASE_BSP, b.l.base);
}

static void init_keeps_id_and_base(void)
{
	struct bench b;
	u64 base;

	xapic_on(&b, 3);
	EXPECT_EQ(0, lapic_set_base(&b.l, 0x12345000 | LAPIC_BASE_EN, PHYS_MASK, &b.out));
	base = b.l.base;
	wr(&b, APIC_LDR, 0x08000000);
	wr(&b, APIC_TPR, 0x20);
	wr(&b, APIC_TDCR, DIVIDE_BY_1);
	wr(&b, APIC_LVTT, 0x31 | LVT_PERIODIC);
	wr(&b, APIC_TMICT, 100);
	wr(&b, 0x3d0, 0);
	lapic_accept(&b.l, 0x55, true);
	EXPECT_EQ(0x55, take(&b));
	lapic_accept(&b.l, 0x66, false);
	EXPECT_EQ(0x66, lapic_pending(&b.l));

	lapic_init(&b.l);
	EXPECT_EQ(base, b.l.base);
	expect_reset_values(&b);
	/* The EOI of an interrupt that INIT took away has no effect. */
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(0, b.out.todo);
}

static void init_in_x2apic_mode(void)
{
	struct bench b;
	u64 value;

	x2apic_on(&b, 0x25);
	lapic_init(&b.l);
	EXPECT_TRUE(lapic_is_x2apic(&b.l));
	EXPECT_EQ(0, rdmsr(&b, APIC_MSR(APIC_ID), &value));
	EXPECT_EQ(0x25, value);
	EXPECT_EQ(0, rdmsr(&b, APIC_MSR(APIC_LDR), &value));
	EXPECT_EQ(0x00020020, value);
	EXPECT_EQ(0, rdmsr(&b, APIC_MSR(APIC_SVR), &value));
	EXPECT_EQ(SVR_DISABLED, value);
}

/* What sticks of all ones and of all zeroes, in an APIC that is enabled. */
static void writable_bits(void)
{
	static const struct {
		u32 offset, ones, zeroes;
	} rows[] = {
		{ APIC_ID, 0x03000000, 0x03000000 },	{ APIC_VERSION, 0x01050014, 0x01050014 },
		{ APIC_TPR, 0xff, 0 },			{ APIC_APR, 0, 0 },
		{ APIC_PPR, 0, 0 },			{ APIC_EOI, 0, 0 },
		{ APIC_RRD, 0, 0 },			{ APIC_LDR, 0xff000000, 0 },
		{ APIC_DFR, 0xffffffff, 0x0fffffff },	{ APIC_ISR, 0, 0 },
		{ APIC_TMR + 0x10, 0, 0 },		{ APIC_IRR + 0x70, 0, 0 },
		{ APIC_ESR, 0, 0 },			{ APIC_ICR, 0xccfff, 0 },
		{ APIC_ICR2, 0xff000000, 0 },		{ APIC_LVTT, 0x500ff, 0 },
		{ APIC_THERMAL, 0x107ff, 0 },		{ APIC_PMC, 0x107ff, 0 },
		{ APIC_LINT0, 0x1a7ff, 0 },		{ APIC_LINT1, 0x1a7ff, 0 },
		{ APIC_LVTERR, 0x100ff, 0 },		{ APIC_TMICT, 0xffffffff, 0 },
		{ APIC_TMCCT, 0, 0 },			{ APIC_TDCR, 0xb, 0 },
		{ APIC_SVR, 0x13ff, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;

		xapic_on(&b, 3);
		unit_context("register %#x", rows[i].offset);
		wr(&b, rows[i].offset, 0xffffffff);
		EXPECT_EQ(rows[i].ones, rd(&b, rows[i].offset));
		xapic_on(&b, 3);
		wr(&b, rows[i].offset, 0);
		EXPECT_EQ(rows[i].zeroes, rd(&b, rows[i].offset));
		EXPECT_EQ(rows[i].offset == APIC_ICR ? ESR_SEND : 0, b.l.errors);
	}
}

static void vector_life(void)
{
	struct bench b;

	xapic_on(&b, 0);
	EXPECT_EQ(-1, lapic_pending(&b.l));
	EXPECT_TRUE(lapic_accept(&b.l, 0x41, false));
	EXPECT_FALSE(lapic_accept(&b.l, 0x41, false));
	EXPECT_EQ(2, rd(&b, APIC_IRR + 0x20));
	EXPECT_EQ(0x41, lapic_pending(&b.l));
	lapic_ack(&b.l, 0x41);
	EXPECT_EQ(0, rd(&b, APIC_IRR + 0x20));
	EXPECT_EQ(2, rd(&b, APIC_ISR + 0x20));
	EXPECT_EQ(0x40, rd(&b, APIC_PPR));

	/* Again while in service: held until EOI, as anything of its class. */
	EXPECT_TRUE(lapic_accept(&b.l, 0x41, false));
	EXPECT_TRUE(lapic_accept(&b.l, 0x4f, false));
	EXPECT_EQ(-1, lapic_pending(&b.l));
	/* A higher class nests. */
	EXPECT_TRUE(lapic_accept(&b.l, 0x50, false));
	EXPECT_EQ(0x50, take(&b));
	EXPECT_EQ(0x50, rd(&b, APIC_PPR));

	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(0x40, rd(&b, APIC_PPR));
	EXPECT_EQ(-1, lapic_pending(&b.l));
	wr(&b, APIC_EOI, 0x1234);
	EXPECT_EQ(0, rd(&b, APIC_PPR));
	EXPECT_EQ(0x4f, take(&b));
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(0x41, take(&b));
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(-1, take(&b));
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(0, b.out.todo);
}

static void every_vector(void)
{
	struct bench b;
	int vector;

	xapic_on(&b, 0);
	for (vector = 16; vector < 256; vector++)
		EXPECT_TRUE(lapic_accept(&b.l, vector, false));
	for (vector = 255; vector >= 16; vector--) {
		EXPECT_EQ(vector, take(&b));
		wr(&b, APIC_EOI, 0);
	}
	EXPECT_EQ(-1, take(&b));
}

static void priority(void)
{
	struct bench b;
	u32 tpr;

	xapic_on(&b, 0);
	lapic_accept(&b.l, 0x52, false);
	for (tpr = 0; tpr < 256; tpr++) {
		unit_context("TPR %#x", tpr);
		wr(&b, APIC_TPR, tpr);
		EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);
		EXPECT_EQ(tpr, rd(&b, APIC_PPR));
		EXPECT_EQ(tpr < 0x50 ? 0x52 : -1, lapic_pending(&b.l));
	}
	unit_context("%s", "");
	wr(&b, APIC_TPR, 0);
	EXPECT_EQ(0x52, take(&b));
	/* The class of ISR counts without its low bits, unless TPR is of that class. */
	EXPECT_EQ(0x50, rd(&b, APIC_PPR));
	wr(&b, APIC_TPR, 0x4f);
	EXPECT_EQ(0x50, rd(&b, APIC_PPR));
	wr(&b, APIC_TPR, 0x57);
	EXPECT_EQ(0x57, rd(&b, APIC_PPR));
	wr(&b, APIC_TPR, 0x63);
	EXPECT_EQ(0x63, rd(&b, APIC_PPR));
}

static void cr8(void)
{
	struct bench b;

	xapic_on(&b, 0);
	wr(&b, APIC_TPR, 0x4f);
	EXPECT_EQ(4, lapic_get_cr8(&b.l));
	lapic_accept(&b.l, 0x52, false);
	b.out.todo = 0;
	lapic_set_cr8(&b.l, 15, &b.out);
	EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(0xf0, rd(&b, APIC_TPR));
	EXPECT_EQ(0xf0, rd(&b, APIC_PPR));
	EXPECT_EQ(-1, lapic_pending(&b.l));
	lapic_set_cr8(&b.l, 4, &b.out);
	EXPECT_EQ(0x40, rd(&b, APIC_TPR));
	EXPECT_EQ(0x52, lapic_pending(&b.l));
}

static void eoi_broadcast(void)
{
	struct bench b;

	xapic_on(&b, 0);
	lapic_accept(&b.l, 0x61, true);
	EXPECT_EQ(2, rd(&b, APIC_TMR + 0x30));
	EXPECT_EQ(0x61, take(&b));
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(LAPIC_OUT_EOI | LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(0x61, b.out.eoi_vector);

	/* An edge on the same vector clears TMR. */
	lapic_accept(&b.l, 0x61, false);
	EXPECT_EQ(0, rd(&b, APIC_TMR + 0x30));
	EXPECT_EQ(0x61, take(&b));
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);

	wr(&b, APIC_SVR, SVR_ENABLED | SVR_SUPPRESS);
	lapic_accept(&b.l, 0x61, true);
	EXPECT_EQ(0x61, take(&b));
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);
}

/* A self-IPI and the local vector table are edges, whatever came on the vector before. */
static void local_sources_are_edges(void)
{
	struct bench b;

	xapic_on(&b, 0);
	lapic_accept(&b.l, 0x61, true);
	wr(&b, APIC_ICR, 0x44061);
	EXPECT_EQ(0, rd(&b, APIC_TMR + 0x30));
	wr(&b, APIC_LVTERR, 0x62);
	lapic_accept(&b.l, 0x62, true);
	rd(&b, 0x3d0);
	EXPECT_EQ(0, rd(&b, APIC_TMR + 0x30));
}

/*
 * With APIC-register virtualisation the CPU has changed the page before the
 * write is handled. The outcome is the same.
 */
static void page_written_before(void)
{
	static const u32 modes[] = {
		LVT_ONE_SHOT, LVT_PERIODIC, LVT_DEADLINE, LVT_ONE_SHOT | LVT_MASKED,
	};
	static const u32 offsets[] = {
		APIC_ID, APIC_TPR, APIC_EOI, APIC_LDR, APIC_DFR, APIC_SVR, APIC_ESR, APIC_ICR2,
		APIC_ICR, APIC_LVTT, APIC_THERMAL, APIC_PMC, APIC_LINT0, APIC_LINT1, APIC_LVTERR,
		APIC_TMICT, APIC_TDCR,
	};
	static const u32 values[] = { 0, 0xffffffff, 0x6a041 };
	struct bench a, b;
	unsigned int i;

	/* Before the timer is due and after it. */
	for (i = 0; i < 2 * 4 * 3 * ARRAY_SIZE(offsets); i++) {
		u32 offset = offsets[i / 24], value = values[i / 8 % 3], mode = modes[i % 4];

		unit_context("offset %#x value %#x mode %#x", offset, value, mode);
		xapic_on(&a, 3);
		lapic_accept(&a.l, 0x61, true);
		EXPECT_EQ(0x61, take(&a));
		wr(&a, APIC_LVTT, mode | 0x31);
		wr(&a, APIC_TMICT, 100);
		lapic_set_deadline(&a.l, a.now + 5000, a.now, &a.out);
		a.now += i / 4 % 2 ? 6000 : 160;

		b = a;
		b.l.regs = b.page;
		b.page[offset / 4] = value;
		wr(&a, offset, value);
		memset(&b.out, 0, sizeof(b.out));
		lapic_written(&b.l, offset, b.now, &b.out);
		b.l.regs = a.l.regs;
		EXPECT_FALSE(memcmp(a.page, b.page, sizeof(a.page)));
		EXPECT_EQ(a.l.expiry, b.l.expiry);
		EXPECT_EQ(a.l.period, b.l.period);
		EXPECT_EQ(a.l.timer_mode, b.l.timer_mode);
		EXPECT_EQ(a.l.timer_shift, b.l.timer_shift);
		EXPECT_EQ(a.l.errors, b.l.errors);
		EXPECT_EQ(a.out.todo, b.out.todo);
	}
	unit_context("%s", "");
	/* A self-IPI that the CPU leaves to us: its vector is illegal. */
	x2apic_on(&a, 3);
	a.page[APIC_SELF / 4] = 0x0f;
	lapic_written(&a.l, APIC_SELF, a.now, &a.out);
	EXPECT_EQ(0, a.page[APIC_SELF / 4]);
	EXPECT_EQ(ESR_SEND, a.l.errors);
	/* No CPU says this. */
	lapic_written(&a.l, 0x400, a.now, &a.out);
}

/* What the CPU does to the page while the guest runs is found when it is needed. */
static void page_changed_by_the_cpu(void)
{
	struct bench b;
	u64 value;

	xapic_on(&b, 0);
	lapic_accept(&b.l, 0x52, false);
	EXPECT_EQ(0x0052, lapic_interrupt_status(&b.l));
	/* Delivered. */
	b.page[(APIC_IRR + 0x20) / 4] = 0;
	b.page[(APIC_ISR + 0x20) / 4] = BIT(0x12);
	b.l.stale = LAPIC_STALE_ALL;
	EXPECT_EQ(-1, lapic_pending(&b.l));
	EXPECT_EQ(0x50, b.page[APIC_PPR / 4]);
	EXPECT_EQ(0x5200, lapic_interrupt_status(&b.l));
	/* TPR raised, PPR read. */
	b.page[APIC_TPR / 4] = 0x70;
	b.l.stale = LAPIC_STALE_PPR;
	EXPECT_EQ(0x70, rd(&b, APIC_PPR));
	/* The model's EOI ends what the CPU began. */
	b.page[(APIC_ISR + 0x30) / 4] = BIT(1);
	b.l.stale = LAPIC_STALE_ALL;
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(0x52, b.l.isr_top);
	b.l.stale = LAPIC_STALE_ALL;
	wr(&b, APIC_TPR, 0x10);
	EXPECT_EQ(0x50, b.page[APIC_PPR / 4]);

	x2apic_on(&b, 0);
	b.page[(APIC_ISR + 0x30) / 4] = BIT(1);
	b.l.stale = LAPIC_STALE_ALL;
	EXPECT_EQ(0, rdmsr(&b, APIC_MSR(APIC_PPR), &value));
	EXPECT_EQ(0x60, value);
}

static void tpr_threshold(void)
{
	struct bench b;

	xapic_on(&b, 0);
	EXPECT_EQ(0, lapic_tpr_threshold(&b.l));
	lapic_accept(&b.l, 0x52, false);
	/* Nothing holds it back. */
	EXPECT_EQ(0, lapic_tpr_threshold(&b.l));
	wr(&b, APIC_TPR, 0x4f);
	EXPECT_EQ(0, lapic_tpr_threshold(&b.l));
	wr(&b, APIC_TPR, 0x50);
	EXPECT_EQ(5, lapic_tpr_threshold(&b.l));
	wr(&b, APIC_TPR, 0xff);
	EXPECT_EQ(5, lapic_tpr_threshold(&b.l));
}

/* The registers that RDMSR can find in the page: those that exist, but for the count. */
static void msrs_in_the_page(void)
{
	static const u32 none[] = {
		APIC_APR, APIC_EOI, APIC_DFR, APIC_ICR2, APIC_TMCCT, APIC_SELF, APIC_CMCI, 0,
	};
	static const u32 some[] = {
		APIC_ID, APIC_VERSION, APIC_TPR, APIC_PPR, APIC_LDR, APIC_SVR, APIC_ISR, APIC_TMR,
		APIC_IRR + 0x70, APIC_ESR, APIC_ICR, APIC_LVTT, APIC_TMICT, APIC_TDCR,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		EXPECT_FALSE(lapic_msr_in_page(APIC_MSR(none[i])));
	for (i = 0; i < ARRAY_SIZE(some); i++)
		EXPECT_TRUE(lapic_msr_in_page(APIC_MSR(some[i])));
	EXPECT_FALSE(lapic_msr_in_page(0x7ff));
	EXPECT_FALSE(lapic_msr_in_page(0x840));
}

/* What the caller has not done yet stays in @todo. */
static void todo_is_added_to(void)
{
	static const u32 offsets[] = { APIC_TPR, APIC_EOI, APIC_LDR, APIC_DFR, APIC_SVR, APIC_ESR,
				       APIC_ICR, APIC_LVTT, APIC_TMICT, APIC_TDCR, 0x3d0 };
	const u32 mark = BIT(31);
	u32 image[LAPIC_IMAGE_WORDS];
	struct bench b;
	unsigned int i;

	xapic_on(&b, 0);
	lapic_accept(&b.l, 0x61, true);
	EXPECT_EQ(0x61, take(&b));
	b.out.todo = mark;
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		lapic_write(&b.l, offsets[i], 0x4161, b.now, &b.out);
	EXPECT_EQ(mark | 0x1f, b.out.todo);
	lapic_set_cr8(&b.l, 0, &b.out);
	lapic_write(&b.l, APIC_LVTT, LVT_DEADLINE | 0x31, b.now, &b.out);
	lapic_set_deadline(&b.l, b.now, b.now, &b.out);
	lapic_get_regs(&b.l, image, b.now);
	EXPECT_EQ(0, lapic_set_regs(&b.l, image, b.now, &b.out));
	EXPECT_EQ(0, lapic_set_base(&b.l, b.l.base | LAPIC_BASE_EXTD, PHYS_MASK, &b.out));
	EXPECT_EQ(mark, b.out.todo & mark);
}

static void software_disable(void)
{
	static const u32 lvts[] = { APIC_LVTT, APIC_THERMAL, APIC_PMC, APIC_LINT0, APIC_LINT1,
				    APIC_LVTERR };
	struct bench b;
	unsigned int i;

	power_up(&b, 0);
	for (i = 0; i < 6; i++) {
		unit_context("LVT %#x", lvts[i]);
		wr(&b, lvts[i], 0x40 + i);
		EXPECT_EQ(LVT_MASKED | (0x40 + i), rd(&b, lvts[i]));
	}
	wr(&b, APIC_SVR, SVR_ENABLED);
	EXPECT_TRUE(b.out.todo & LAPIC_OUT_ROUTE);
	for (i = 0; i < 6; i++) {
		unit_context("LVT %#x", lvts[i]);
		EXPECT_EQ(LVT_MASKED | (0x40 + i), rd(&b, lvts[i]));
		wr(&b, lvts[i], 0x40 + i);
		EXPECT_EQ(0x40 + i, rd(&b, lvts[i]));
	}
	unit_context("%s", "");

	/* What has arrived is held and can be handled. */
	lapic_accept(&b.l, 0x33, false);
	wr(&b, APIC_SVR, SVR_DISABLED);
	EXPECT_EQ(LAPIC_OUT_ROUTE | LAPIC_OUT_TIMER | LAPIC_OUT_PENDING, b.out.todo);
	for (i = 0; i < 6; i++)
		EXPECT_EQ(LVT_MASKED | (0x40 + i), rd(&b, lvts[i]));
	EXPECT_EQ(0x33, take(&b));
	wr(&b, APIC_EOI, 0);
	EXPECT_EQ(0, rd(&b, APIC_PPR));

	/* A timer that was due before is not lost; later it is masked. */
	wr(&b, APIC_SVR, SVR_ENABLED);
	wr(&b, APIC_LVTT, 0x40);
	wr(&b, APIC_TMICT, 10);
	b.now = lapic_timer_next(&b.l);
	wr(&b, APIC_SVR, SVR_DISABLED);
	EXPECT_TRUE(b.out.todo & LAPIC_OUT_PENDING);
	EXPECT_EQ(0x40, take(&b));
}

/* Not registers: holes, beyond the last, between two, and what only x2APIC mode or CMCI has. */
static void reserved_registers(void)
{
	static const u32 offsets[] = {
		0x000, 0x010, 0x040, 0x070, 0x290, 0x2e0, APIC_CMCI, 0x3a0, 0x3d0, APIC_SELF,
		0x400, 0xff0, 0x084, 0x0b4, 0x30c, 0x3e4,
	};
	unsigned int i;
	struct bench b;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		unit_context("read %#x", offsets[i]);
		xapic_on(&b, 0);
		EXPECT_EQ(0, rd(&b, offsets[i]));
		EXPECT_EQ(0, b.out.todo);
		wr(&b, APIC_ESR, 0);
		EXPECT_EQ(ESR_REGISTER, rd(&b, APIC_ESR));

		unit_context("write %#x", offsets[i]);
		xapic_on(&b, 0);
		wr(&b, offsets[i], 0xfb);
		EXPECT_EQ(0, b.out.todo);
		EXPECT_EQ(ESR_REGISTER, b.l.errors);
		EXPECT_EQ(-1, take(&b));
		EXPECT_EQ(0, b.page[offsets[i] / 4]);
	}
}

static void error_register(void)
{
	struct bench b;

	xapic_on(&b, 0);
	lapic_accept(&b.l, 15, false);
	EXPECT_EQ(0, rd(&b, APIC_IRR));
	/* ESR changes on a write only, and shows what came since the last. */
	EXPECT_EQ(0, rd(&b, APIC_ESR));
	wr(&b, APIC_ESR, 0xff);
	EXPECT_EQ(ESR_RECEIVE, rd(&b, APIC_ESR));
	rd(&b, 0x3d0);
	EXPECT_EQ(ESR_RECEIVE, rd(&b, APIC_ESR));
	wr(&b, APIC_ESR, 0);
	EXPECT_EQ(ESR_REGISTER, rd(&b, APIC_ESR));
	wr(&b, APIC_ESR, 0);
	EXPECT_EQ(0, rd(&b, APIC_ESR));

	lapic_accept(&b.l, 0, true);
	wr(&b, APIC_ICR, 0x0f);
	rd(&b, 0x3d0);
	wr(&b, APIC_ESR, 0);
	EXPECT_EQ(ESR_RECEIVE | ESR_SEND | ESR_REGISTER, rd(&b, APIC_ESR));
}

static void error_interrupt(void)
{
	struct bench b;

	xapic_on(&b, 0);
	wr(&b, APIC_LVTERR, 0xfe);
	EXPECT_EQ(0, rd(&b, 0x3d0));
	EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(0xfe, take(&b));
	wr(&b, APIC_EOI, 0);
	/* Not again before ESR is written, but for an error of another kind. */
	rd(&b, 0x3d0);
	EXPECT_EQ(-1, take(&b));
	EXPECT_TRUE(lapic_accept(&b.l, 3, false));
	EXPECT_EQ(0xfe, take(&b));
	wr(&b, APIC_EOI, 0);
	wr(&b, APIC_ESR, 0);
	wr(&b, 0x3d0, 0);
	EXPECT_EQ(0xfe, take(&b));

	/* An illegal vector in the error entry is itself an error, and ends there. */
	xapic_on(&b, 0);
	wr(&b, APIC_LVTERR, 0x05);
	rd(&b, 0x3d0);
	EXPECT_EQ(ESR_REGISTER | ESR_RECEIVE, b.l.errors);
	EXPECT_EQ(-1, take(&b));

	/* Masked. */
	xapic_on(&b, 0);
	wr(&b, APIC_LVTERR, LVT_MASKED | 0xfe);
	rd(&b, 0x3d0);
	EXPECT_EQ(ESR_REGISTER, b.l.errors);
	EXPECT_EQ(-1, take(&b));
}

static const struct unit_test tests[] = {
	UNIT_TEST(reset),
	UNIT_TEST(init_keeps_id_and_base),
	UNIT_TEST(init_in_x2apic_mode),
	UNIT_TEST(writable_bits),
	UNIT_TEST(vector_life),
	UNIT_TEST(every_vector),
	UNIT_TEST(priority),
	UNIT_TEST(cr8),
	UNIT_TEST(eoi_broadcast),
	UNIT_TEST(local_sources_are_edges),
	UNIT_TEST(page_written_before),
	UNIT_TEST(page_changed_by_the_cpu),
	UNIT_TEST(tpr_threshold),
	UNIT_TEST(msrs_in_the_page),
	UNIT_TEST(todo_is_added_to),
	UNIT_TEST(software_disable),
	UNIT_TEST(reserved_registers),
	UNIT_TEST(error_register),
	UNIT_TEST(error_interrupt),
};

UNIT_MAIN(tests)
