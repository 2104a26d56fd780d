// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the timer counts at TSC >> LAPIC_TIMER_SHIFT over the divide
 * configuration, fires once per expiry without drift or backlog, is masked and
 * disarmed when the SDM says so, and TSC-deadline mode compares with the TSC.
 */
#include "lapic_util.h"
#include "unit.h"

#define VECTOR	0x31

/* TSC cycles per count when divided by 1. */
#define UNIT	BIT(LAPIC_TIMER_SHIFT)

static void timer_on(struct bench *b, u32 mode)
{
	xapic_on(b, 0);
	wr(b, APIC_TDCR, DIVIDE_BY_1);
	wr(b, APIC_LVTT, mode | VECTOR);
}

static void eoi(struct bench *b)
{
	EXPECT_EQ(VECTOR, take(b));
	wr(b, APIC_EOI, 0);
}

static void deadline(struct bench *b, u64 tsc)
{
	b->out.todo = 0;
	lapic_set_deadline(&b->l, tsc, b->now, &b->out);
}

static void one_shot(void)
{
	struct bench b;

	timer_on(&b, LVT_ONE_SHOT);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	wr(&b, APIC_TMICT, 100);
	EXPECT_EQ(LAPIC_OUT_TIMER, b.out.todo);
	EXPECT_EQ(b.now + 100 * UNIT, lapic_timer_next(&b.l));
	EXPECT_EQ(100, rd(&b, APIC_TMICT));
	EXPECT_EQ(100, rd(&b, APIC_TMCCT));

	b.now += UNIT;
	EXPECT_EQ(99, rd(&b, APIC_TMCCT));
	b.now += 98 * UNIT + UNIT - 1;
	EXPECT_EQ(1, rd(&b, APIC_TMCCT));
	EXPECT_FALSE(lapic_timer_expire(&b.l, b.now));
	EXPECT_EQ(-1, lapic_pending(&b.l));

	b.now++;
	EXPECT_EQ(0, rd(&b, APIC_TMCCT));
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));
	EXPECT_FALSE(lapic_timer_expire(&b.l, b.now));
	eoi(&b);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	EXPECT_EQ(0, rd(&b, APIC_TMCCT));
	EXPECT_EQ(100, rd(&b, APIC_TMICT));
	EXPECT_FALSE(lapic_timer_expire(&b.l, b.now + 1000000));
}

static void periodic(void)
{
	struct bench b;
	u64 start;
	int i;

	timer_on(&b, LVT_PERIODIC);
	wr(&b, APIC_TMICT, 100);
	start = b.now;
	for (i = 1; i <= 1000; i++) {
		EXPECT_EQ(start + i * 100 * UNIT, lapic_timer_next(&b.l));
		/* Late, but by less than a period: no drift. */
		b.now = lapic_timer_next(&b.l) + i % 799;
		EXPECT_EQ(100 - (i % 799) / UNIT, rd(&b, APIC_TMCCT));
		EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));
		eoi(&b);
	}
	/* Seven and a bit periods late: one interrupt, and on with the phase. */
	b.now = lapic_timer_next(&b.l) + 7 * 100 * UNIT + 3 * UNIT;
	EXPECT_EQ(97, rd(&b, APIC_TMCCT));
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));
	EXPECT_EQ(b.now + 97 * UNIT, lapic_timer_next(&b.l));
	EXPECT_FALSE(lapic_timer_expire(&b.l, b.now));
	eoi(&b);
	EXPECT_EQ(-1, take(&b));

	wr(&b, APIC_TMICT, 0);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	EXPECT_EQ(0, rd(&b, APIC_TMCCT));
}

static void divide_configuration(void)
{
	static const struct {
		u32 value, divisor;
	} rows[] = {
		{ 0x0, 2 }, { 0x1, 4 }, { 0x2, 8 }, { 0x3, 16 },
		{ 0x8, 32 }, { 0x9, 64 }, { 0xa, 128 }, { 0xb, 1 },
	};
	struct bench b;
	int i;

	for (i = 0; i < 8; i++) {
		unit_context("divide configuration %#x", rows[i].value);
		xapic_on(&b, 0);
		wr(&b, APIC_LVTT, VECTOR);
		wr(&b, APIC_TDCR, rows[i].value);
		wr(&b, APIC_TMICT, 0xffffffff);
		EXPECT_EQ(b.now + 0xffffffffull * rows[i].divisor * UNIT, lapic_timer_next(&b.l));
		EXPECT_EQ(0xffffffff, rd(&b, APIC_TMCCT));
		b.now += 10ull * rows[i].divisor * UNIT;
		EXPECT_EQ(0xffffffff - 10, rd(&b, APIC_TMCCT));
	}
}

/* A new divisor while the timer runs: the count stays, later periods are of the new length. */
static void divide_while_running(void)
{
	struct bench b;

	timer_on(&b, LVT_PERIODIC);
	wr(&b, APIC_TMICT, 100);
	b.now += 60 * UNIT;
	wr(&b, APIC_TDCR, DIVIDE_BY_16);
	EXPECT_EQ(LAPIC_OUT_TIMER, b.out.todo);
	EXPECT_EQ(40, rd(&b, APIC_TMCCT));
	EXPECT_EQ(b.now + 40 * 16 * UNIT, lapic_timer_next(&b.l));
	b.now = lapic_timer_next(&b.l);
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));
	EXPECT_EQ(b.now + 100 * 16 * UNIT, lapic_timer_next(&b.l));
	eoi(&b);

	/* An expiry that was due is not lost. */
	b.now = lapic_timer_next(&b.l);
	wr(&b, APIC_TDCR, DIVIDE_BY_1);
	EXPECT_EQ(LAPIC_OUT_TIMER | LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(b.now + 100 * UNIT, lapic_timer_next(&b.l));
}

/* Masked it counts without interrupts and without asking for a wake-up. */
static void masked(void)
{
	struct bench b;
	u64 start;

	timer_on(&b, LVT_PERIODIC | LVT_MASKED);
	start = b.now;
	wr(&b, APIC_TMICT, 100);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	b.now += 250 * UNIT;
	EXPECT_EQ(50, rd(&b, APIC_TMCCT));
	EXPECT_FALSE(lapic_timer_expire(&b.l, b.now));
	b.now += 100 * UNIT;
	wr(&b, APIC_LVTT, LVT_PERIODIC | VECTOR);
	EXPECT_EQ(LAPIC_OUT_TIMER, b.out.todo);
	EXPECT_EQ(-1, lapic_pending(&b.l));
	EXPECT_EQ(start + 400 * UNIT, lapic_timer_next(&b.l));

	/* And what was due before the mask is not lost. */
	b.now = start + 400 * UNIT;
	wr(&b, APIC_LVTT, LVT_PERIODIC | LVT_MASKED | VECTOR);
	EXPECT_TRUE(b.out.todo & LAPIC_OUT_PENDING);
	EXPECT_EQ(VECTOR, take(&b));
}

/* To write the initial count starts anew, and first raises what is due. */
static void restart(void)
{
	struct bench b;

	timer_on(&b, LVT_ONE_SHOT);
	wr(&b, APIC_TMICT, 100);
	b.now += 50 * UNIT;
	wr(&b, APIC_TMICT, 100);
	EXPECT_EQ(LAPIC_OUT_TIMER, b.out.todo);
	EXPECT_EQ(b.now + 100 * UNIT, lapic_timer_next(&b.l));
	b.now += 100 * UNIT;
	wr(&b, APIC_TMICT, 7);
	EXPECT_EQ(LAPIC_OUT_TIMER | LAPIC_OUT_PENDING, b.out.todo);
	eoi(&b);
	EXPECT_EQ(b.now + 7 * UNIT, lapic_timer_next(&b.l));
}

/* One-shot to periodic and back: the count runs on; one that reached zero stays there. */
static void counting_modes(void)
{
	struct bench b;

	timer_on(&b, LVT_ONE_SHOT);
	wr(&b, APIC_TMICT, 100);
	b.now += 60 * UNIT;
	wr(&b, APIC_LVTT, LVT_PERIODIC | VECTOR);
	EXPECT_EQ(40, rd(&b, APIC_TMCCT));
	b.now += 40 * UNIT;
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));
	EXPECT_EQ(100, rd(&b, APIC_TMCCT));
	b.now += 70 * UNIT;
	wr(&b, APIC_LVTT, LVT_ONE_SHOT | VECTOR);
	EXPECT_EQ(30, rd(&b, APIC_TMCCT));
	b.now += 30 * UNIT;
	lapic_timer_expire(&b.l, b.now);
	EXPECT_EQ(0, rd(&b, APIC_TMCCT));
	wr(&b, APIC_LVTT, LVT_PERIODIC | VECTOR);
	EXPECT_EQ(0, rd(&b, APIC_TMCCT));
	EXPECT_EQ(0, lapic_timer_next(&b.l));
}

static void deadline_fires(void)
{
	struct bench b;

	timer_on(&b, LVT_DEADLINE);
	EXPECT_EQ(0, lapic_get_deadline(&b.l));
	deadline(&b, 5000);
	EXPECT_EQ(LAPIC_OUT_TIMER, b.out.todo);
	EXPECT_EQ(5000, lapic_get_deadline(&b.l));
	EXPECT_EQ(5000, lapic_timer_next(&b.l));
	EXPECT_FALSE(lapic_timer_expire(&b.l, 4999));
	EXPECT_EQ(5000, lapic_get_deadline(&b.l));
	EXPECT_TRUE(lapic_timer_expire(&b.l, 5000));
	EXPECT_EQ(0, lapic_get_deadline(&b.l));
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	EXPECT_FALSE(lapic_timer_expire(&b.l, 6000));
	eoi(&b);

	/* In the past: at once. */
	b.now = 7000;
	deadline(&b, 6999);
	EXPECT_EQ(LAPIC_OUT_TIMER | LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(0, lapic_get_deadline(&b.l));
	eoi(&b);
	deadline(&b, 7000);
	eoi(&b);

	/* Disarmed by 0; but not one that was due already. */
	deadline(&b, 8000);
	deadline(&b, 0);
	EXPECT_EQ(LAPIC_OUT_TIMER, b.out.todo);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	deadline(&b, 8000);
	b.now = 8000;
	deadline(&b, 8500);
	EXPECT_EQ(LAPIC_OUT_TIMER | LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(8500, lapic_timer_next(&b.l));
	eoi(&b);
	b.now = 8500;
	deadline(&b, 0);
	eoi(&b);

	/* Masked, it passes and is gone. */
	wr(&b, APIC_LVTT, LVT_DEADLINE | LVT_MASKED | VECTOR);
	deadline(&b, 9000);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	EXPECT_EQ(9000, lapic_get_deadline(&b.l));
	b.now = 9500;
	wr(&b, APIC_LVTT, LVT_DEADLINE | VECTOR);
	EXPECT_EQ(0, lapic_get_deadline(&b.l));
	EXPECT_EQ(-1, take(&b));
}

/* The modes do not see each other's registers, and to change over disarms. */
static void deadline_is_a_mode(void)
{
	static const u32 counting[] = { LVT_ONE_SHOT, LVT_PERIODIC };
	struct bench b;
	int i;

	for (i = 0; i < 2; i++) {
		unit_context("LVT mode %#x", counting[i]);
		timer_on(&b, counting[i]);
		deadline(&b, 5000);
		EXPECT_EQ(0, b.out.todo);
		EXPECT_EQ(0, lapic_get_deadline(&b.l));
		EXPECT_EQ(0, lapic_timer_next(&b.l));
		wr(&b, APIC_TMICT, 100);
		EXPECT_EQ(0, lapic_get_deadline(&b.l));
		wr(&b, APIC_LVTT, LVT_DEADLINE | VECTOR);
		EXPECT_EQ(LAPIC_OUT_TIMER, b.out.todo);
		EXPECT_EQ(0, lapic_timer_next(&b.l));
		EXPECT_EQ(0, rd(&b, APIC_TMICT));

		deadline(&b, 5000);
		wr(&b, APIC_TMICT, 100);
		EXPECT_EQ(0, rd(&b, APIC_TMICT));
		EXPECT_EQ(0, rd(&b, APIC_TMCCT));
		wr(&b, APIC_TDCR, DIVIDE_BY_16);
		EXPECT_EQ(5000, lapic_get_deadline(&b.l));
		wr(&b, APIC_LVTT, LVT_DEADLINE | (VECTOR + 1));
		EXPECT_EQ(5000, lapic_timer_next(&b.l));
		wr(&b, APIC_LVTT, counting[i] | VECTOR);
		EXPECT_EQ(0, lapic_timer_next(&b.l));
		wr(&b, APIC_LVTT, LVT_DEADLINE | VECTOR);
		EXPECT_EQ(0, lapic_get_deadline(&b.l));
	}
}

/* 11B is reserved: it cannot be had, and so need not be restored. */
static void reserved_mode(void)
{
	struct bench b;

	timer_on(&b, LVT_DEADLINE | LVT_PERIODIC);
	EXPECT_EQ(LVT_DEADLINE | VECTOR, rd(&b, APIC_LVTT));
	wr(&b, APIC_TMICT, 100);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
	deadline(&b, 5000);
	EXPECT_EQ(5000, lapic_timer_next(&b.l));
	wr(&b, APIC_LVTT, LVT_PERIODIC | VECTOR);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
}

static void illegal_vector(void)
{
	struct bench b;

	xapic_on(&b, 0);
	wr(&b, APIC_LVTT, 0x0f);
	wr(&b, APIC_LVTERR, 0xfe);
	wr(&b, APIC_TMICT, 1);
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now + 1000));
	EXPECT_EQ(ESR_RECEIVE, b.l.errors);
	EXPECT_EQ(0xfe, take(&b));
}

static void tsc_moves(void)
{
	struct bench b;

	/* 40 counts are left, whatever the TSC says. */
	timer_on(&b, LVT_PERIODIC);
	wr(&b, APIC_TMICT, 100);
	b.now += 60 * UNIT;
	lapic_tsc_moved(&b.l, b.now, 5);
	b.now = 5;
	EXPECT_EQ(40, rd(&b, APIC_TMCCT));
	EXPECT_EQ(b.now + 40 * UNIT, lapic_timer_next(&b.l));
	lapic_tsc_moved(&b.l, b.now, 1ull << 63);
	b.now = 1ull << 63;
	EXPECT_EQ(40, rd(&b, APIC_TMCCT));

	/* What was due stays due. */
	b.now += 40 * UNIT;
	lapic_tsc_moved(&b.l, b.now, 0);
	b.now = 1;
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));

	/* A deadline is a point in TSC time. */
	timer_on(&b, LVT_DEADLINE);
	deadline(&b, 5000);
	lapic_tsc_moved(&b.l, b.now, 4000);
	EXPECT_EQ(5000, lapic_timer_next(&b.l));
	lapic_tsc_moved(&b.l, 4000, 6000);
	EXPECT_TRUE(lapic_timer_expire(&b.l, 6000));

	/* Nothing armed, nothing moved. */
	timer_on(&b, LVT_ONE_SHOT);
	lapic_tsc_moved(&b.l, b.now, 6000);
	EXPECT_EQ(0, lapic_timer_next(&b.l));
}

/* At the end of TSC time the expiry saturates instead of wrapping into the past. */
static void tsc_end(void)
{
	struct bench b;

	timer_on(&b, LVT_PERIODIC);
	b.now = ~0ull - 10;
	wr(&b, APIC_TMICT, 0xffffffff);
	EXPECT_EQ(~0ull, lapic_timer_next(&b.l));
	EXPECT_FALSE(lapic_timer_expire(&b.l, b.now));
	b.now = ~0ull;
	EXPECT_TRUE(lapic_timer_expire(&b.l, b.now));
	EXPECT_EQ(~0ull, lapic_timer_next(&b.l));
}

static const struct unit_test tests[] = {
	UNIT_TEST(one_shot),
	UNIT_TEST(periodic),
	UNIT_TEST(divide_configuration),
	UNIT_TEST(divide_while_running),
	UNIT_TEST(masked),
	UNIT_TEST(restart),
	UNIT_TEST(counting_modes),
	UNIT_TEST(deadline_fires),
	UNIT_TEST(deadline_is_a_mode),
	UNIT_TEST(reserved_mode),
	UNIT_TEST(illegal_vector),
	UNIT_TEST(tsc_moves),
	UNIT_TEST(tsc_end),
};

UNIT_MAIN(tests)
