// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: whatever a guest and its peers do to a local APIC, in any order, no
 * interrupt is lost or invented, IRR, ISR, TMR and PPR agree with one another,
 * the timer fires neither early nor twice, and the state can be saved and restored.
 *
 * Random operations from fixed seeds, so that a failure comes again. What an
 * operation may do to IRR and ISR is predicted beside it; the count of the timer is
 * predicted from the time of its start. Some are done by a CPU with APIC virtualisation.
 */
#include <linux/kernel.h>

#include "lapic_util.h"
#include "lapic_random.h"
#include "unit.h"

#define SEEDS	100
#define STEPS	20000

/* A vector is one bit. */
struct vectors {
	u32 word[8];
};

struct fuzz {
	struct bench b;
	struct random random;
	struct vectors irr, isr;	/* before the operation */
	struct vectors arrived;		/* by the operation, each must be in IRR after it */
	struct vectors possible;	/* may be in IRR after it */
	bool was_reset;			/* the operation may clear all */
	u64 accepted, taken, dropped, expired;
	/* A count-down that started at @start and was not disturbed since. */
	bool counting;
	u64 start, initial;
	bool overdue;			/* it expired and lapic_timer_expire() was not called */
	u64 armed;			/* the last deadline written */
};

static void set_vector(struct vectors *v, u8 vector)
{
	v->word[vector / 32] |= 1u << vector % 32;
}

/* -1 is not a vector. */
static void clear_vector(struct vectors *v, int vector)
{
	if (vector >= 0)
		v->word[vector / 32] &= ~(1u << vector % 32);
}

static bool has_vector(const struct vectors *v, u8 vector)
{
	return v->word[vector / 32] >> vector % 32 & 1;
}

static struct vectors vectors_at(const struct fuzz *f, u32 offset)
{
	struct vectors v;
	int i;

	for (i = 0; i < 8; i++)
		v.word[i] = f->b.page[offset / 4 + i * 4];
	return v;
}

static int highest(const struct vectors *v)
{
	int vector;

	for (vector = 255; vector >= 0; vector--)
		if (has_vector(v, vector))
			return vector;
	return -1;
}

static unsigned int count(const struct vectors *v)
{
	unsigned int vector, n = 0;

	for (vector = 0; vector < 256; vector++)
		n += has_vector(v, vector);
	return n;
}

static u32 reg(const struct fuzz *f, u32 offset)
{
	return f->b.page[offset / 4];
}

static unsigned int divisor(const struct fuzz *f)
{
	static const unsigned int divisors[] = { 2, 4, 8, 16, 32, 64, 128, 1 };
	u32 tdcr = reg(f, APIC_TDCR);

	return 8 * divisors[(tdcr & 3) + (tdcr & 8 ? 4 : 0)];
}

static u32 timer_mode(const struct fuzz *f)
{
	return reg(f, APIC_LVTT) & (LVT_PERIODIC | LVT_DEADLINE);
}

/* The count that the start of the timer and the time since predict. */
static u32 expected_count(const struct fuzz *f)
{
	u64 ticks = (f->b.now - f->start) / divisor(f);

	if (timer_mode(f) == LVT_PERIODIC)
		return f->initial - ticks % f->initial;
	return ticks >= f->initial ? 0 : f->initial - ticks;
}

static u32 random_vector(struct fuzz *f)
{
	/* Few vectors, so that they meet; now and then an illegal one. */
	static const u8 some[] = { 0x10, 0x1f, 0x31, 0x32, 0x55, 0x5a, 0xf0, 0xff };
	u32 choice = random_below(&f->random, 40);

	if (choice < 24)
		return some[choice % 8];
	return choice == 39 ? random_below(&f->random, 16) : 16 + random_below(&f->random, 240);
}

static u32 random_register(struct fuzz *f)
{
	static const u16 busy[] = {
		APIC_TPR, APIC_EOI, APIC_SVR, APIC_ESR, APIC_ICR, APIC_LVTT, APIC_LVTERR,
		APIC_TMICT, APIC_TMCCT, APIC_TDCR, APIC_SELF, APIC_LDR, APIC_DFR, APIC_ICR2,
	};

	if (random_below(&f->random, 8))
		return busy[random_below(&f->random, ARRAY_SIZE(busy))];
	return random_below(&f->random, 64) * 16;
}

static u32 random_value(struct fuzz *f, u32 offset)
{
	u32 value = random_below(&f->random, 2) ? 0 : (u32)random_next(&f->random);

	switch (offset) {
	case APIC_SVR:
		/* Mostly enabled. */
		return random_below(&f->random, 16) ? value | 0x100 : value;
	case APIC_LVTT:
		return random_below(&f->random, 4) << 17 | random_vector(f) |
		       (random_below(&f->random, 4) ? 0 : LVT_MASKED);
	case APIC_LVTERR:
		return random_vector(f) | (random_below(&f->random, 4) ? 0 : LVT_MASKED);
	case APIC_TMICT:
		return random_below(&f->random, 4) ? random_below(&f->random, 500) : value;
	case APIC_ICR:
		return random_below(&f->random, 4) << 18 | random_below(&f->random, 8) << 8 |
		       random_below(&f->random, 4) << 14 | random_vector(f);
	case APIC_SELF:
		return random_vector(f);
	case APIC_TPR:
		return random_below(&f->random, 4) ? random_below(&f->random, 0x60) : value & 0xff;
	default:
		return value;
	}
}

/* The vector of an LVT entry may arrive if it is not masked. */
static void lvt_possible(struct fuzz *f, u32 lvt)
{
	if (!(reg(f, lvt) & LVT_MASKED))
		set_vector(&f->possible, reg(f, lvt));
}

/* A write that may start, stop or disturb the timer. */
static void predict_timer(struct fuzz *f, u32 offset, u32 value)
{
	if (offset == APIC_TMICT && !(timer_mode(f) & LVT_DEADLINE)) {
		f->counting = value;
		f->overdue = false;
		f->start = f->b.now;
		f->initial = value;
	} else if (offset == APIC_LVTT) {
		u32 mode = value & (LVT_PERIODIC | LVT_DEADLINE);

		if (mode != timer_mode(f))
			f->counting = false;
	} else if (offset == APIC_TDCR) {
		f->counting = false;
	}
}

static void predict_write(struct fuzz *f, u32 offset, u32 value)
{
	bool enabled = reg(f, APIC_SVR) & 0x100;
	bool self = offset == APIC_ICR && (value & 0xc0700) == 0x40000;

	/* An EOI by chance. */
	if (offset == APIC_EOI)
		clear_vector(&f->isr, highest(&f->isr));
	if (offset == APIC_SELF && lapic_is_x2apic(&f->b.l))
		self = true;
	if (self && enabled && (value & 0xff) >= 16) {
		set_vector(&f->arrived, value);
		set_vector(&f->possible, value);
	}
	predict_timer(f, offset, value);
}

static void op_write(struct fuzz *f)
{
	u32 offset = random_register(f), value = random_value(f, offset);
	bool x2apic = lapic_is_x2apic(&f->b.l);

	if (x2apic) {
		u64 high = offset == APIC_ICR ? random_next(&f->random) << 32 : 0;
		struct fuzz before = *f;

		before.b.l.regs = before.b.page;
		predict_write(f, offset, value);
		if (wrmsr(&f->b, APIC_MSR(offset), high | value)) {
			/* #GP: nothing happened. */
			EXPECT_FALSE(memcmp(before.b.page, f->b.page, sizeof(f->b.page)));
			*f = before;
			f->b.l.regs = f->b.page;
		}
	} else if (f->b.l.base & LAPIC_BASE_EN) {
		predict_write(f, offset, value);
		wr(&f->b, offset, value);
	}
}

static void op_read(struct fuzz *f)
{
	u32 offset = random_register(f);
	u64 value = 0;

	if (lapic_is_x2apic(&f->b.l)) {
		if (rdmsr(&f->b, APIC_MSR(offset), &value))
			return;
	} else if (f->b.l.base & LAPIC_BASE_EN) {
		value = rd(&f->b, offset);
	}
	if (offset == APIC_TMCCT && f->counting)
		EXPECT_EQ(expected_count(f), value);
}

static void op_accept(struct fuzz *f)
{
	u8 vector = random_vector(f);
	bool level = random_below(&f->random, 2);
	bool was_pending = has_vector(&f->irr, vector);
	bool was_level = reg(f, APIC_TMR + vector / 32 * 16) >> vector % 32 & 1;
	bool fresh;

	if (!(f->b.l.base & LAPIC_BASE_EN))
		return;
	fresh = lapic_accept(&f->b.l, vector, level);
	if (vector < 16)
		return;
	set_vector(&f->arrived, vector);
	set_vector(&f->possible, vector);
	EXPECT_EQ(!was_pending || was_level != level, fresh);
	EXPECT_EQ(level, reg(f, APIC_TMR + vector / 32 * 16) >> vector % 32 & 1);
}

static void op_take(struct fuzz *f)
{
	int vector = lapic_pending(&f->b.l);

	if (vector < 0)
		return;
	lapic_ack(&f->b.l, vector);
	EXPECT_TRUE(has_vector(&f->irr, vector));
	clear_vector(&f->irr, vector);
	set_vector(&f->isr, vector);
	f->taken++;
}

/* The handler of what is in service ends. */
static void op_eoi(struct fuzz *f)
{
	int top = highest(&f->isr);
	bool x2apic = lapic_is_x2apic(&f->b.l);
	bool broadcast;

	if (top < 0)
		return;
	broadcast = (reg(f, APIC_TMR + top / 32 * 16) >> top % 32 & 1) &&
		    !(reg(f, APIC_SVR) & SVR_SUPPRESS);
	if (x2apic)
		EXPECT_EQ(0, wrmsr(&f->b, 0x80b, 0));
	else
		wr(&f->b, APIC_EOI, 0);
	clear_vector(&f->isr, top);
	EXPECT_EQ(broadcast, !!(f->b.out.todo & LAPIC_OUT_EOI));
	if (broadcast)
		EXPECT_EQ(top, f->b.out.eoi_vector);
}

static void page_bit(struct fuzz *f, u32 offset, u8 vector, bool on)
{
	u32 *word = &f->b.page[offset / 4 + vector / 32 * 4];

	*word = on ? *word | 1u << vector % 32 : *word & ~(1u << vector % 32);
}

/* With virtual-interrupt delivery the CPU takes what lapic_interrupt_status() offers. */
static void op_cpu_take(struct fuzz *f)
{
	u16 status = lapic_interrupt_status(&f->b.l);
	u8 rvi = status, ppr = reg(f, APIC_PPR);

	EXPECT_EQ(highest(&f->irr) < 0 ? 0 : highest(&f->irr), rvi);
	EXPECT_EQ(highest(&f->isr) < 0 ? 0 : highest(&f->isr), status >> 8);
	if (rvi >> 4 <= ppr >> 4)
		return;
	page_bit(f, APIC_IRR, rvi, false);
	page_bit(f, APIC_ISR, rvi, true);
	f->b.l.stale = LAPIC_STALE_ALL;
	clear_vector(&f->irr, rvi);
	set_vector(&f->isr, rvi);
	f->taken++;
}

/* It ends an interrupt and leaves with a virtualized-EOI exit, if asked to. */
static void op_cpu_eoi(struct fuzz *f)
{
	int top = highest(&f->isr);
	u64 exits[4];
	bool level;

	lapic_eoi_exits(&f->b.l, exits);
	if (top < 0)
		return;
	level = reg(f, APIC_TMR + top / 32 * 16) >> top % 32 & 1;
	EXPECT_EQ(level, exits[top / 64] >> top % 64 & 1);
	page_bit(f, APIC_ISR, top, false);
	f->b.l.stale = LAPIC_STALE_ALL;
	clear_vector(&f->isr, top);
	f->b.out.todo = 0;
	if (level)
		lapic_eoi_done(&f->b.l, top, &f->b.out);
	level &= !(reg(f, APIC_SVR) & SVR_SUPPRESS);
	EXPECT_EQ(level, !!(f->b.out.todo & LAPIC_OUT_EOI));
}

static void op_cpu_self_ipi(struct fuzz *f)
{
	u8 vector = random_vector(f);

	vector |= vector < 16 ? 16 : 0;
	page_bit(f, APIC_IRR, vector, true);
	f->b.l.stale = LAPIC_STALE_ALL;
	set_vector(&f->arrived, vector);
	set_vector(&f->possible, vector);
}

/* MOV CR8; the threshold exits as soon as it lets through what waits for it. */
static void op_cpu_tpr(struct fuzz *f)
{
	u8 threshold = lapic_tpr_threshold(&f->b.l);
	u32 class = random_below(&f->random, 16);
	bool was_held = lapic_pending(&f->b.l) < 0;

	EXPECT_TRUE(threshold <= reg(f, APIC_TPR) >> 4);
	f->b.page[APIC_TPR / 4] = class << 4;
	f->b.l.stale = LAPIC_STALE_PPR;
	if (was_held && lapic_pending(&f->b.l) >= 0)
		EXPECT_TRUE(class < threshold);
}

/* How often the timer has expired since its start. */
static u64 expiries(const struct fuzz *f)
{
	u64 ticks = (f->b.now - f->start) / divisor(f);

	if (timer_mode(f) == LVT_PERIODIC)
		return ticks / f->initial;
	return ticks >= f->initial;
}

static void op_time(struct fuzz *f)
{
	static const u32 scale[] = { 4, 100, 10000, 1000000 };
	u64 before = f->counting ? expiries(f) : 0;
	u32 lvtt = reg(f, APIC_LVTT);
	bool raised;

	f->b.now += random_below(&f->random, scale[random_below(&f->random, 4)]);
	if (f->counting && expiries(f) > before)
		f->overdue = true;
	if (!random_below(&f->random, 4))
		return;

	raised = lapic_timer_expire(&f->b.l, f->b.now);
	if (!f->counting)
		return;
	if (!f->overdue)
		EXPECT_FALSE(raised);
	f->overdue = false;
	if (expiries(f) > before && !(lvtt & LVT_MASKED) && (lvtt & 0xff) >= 16) {
		set_vector(&f->arrived, lvtt);
		f->expired++;
	}
}

static void op_deadline(struct fuzz *f)
{
	u64 tsc = f->b.now + random_below(&f->random, 2000) - 200;

	if (!random_below(&f->random, 8))
		tsc = 0;
	if (timer_mode(f) == LVT_DEADLINE)
		f->armed = tsc;
	lapic_set_deadline(&f->b.l, tsc, f->b.now, &f->b.out);
	if (timer_mode(f) == LVT_DEADLINE && tsc > f->b.now)
		EXPECT_EQ(tsc, lapic_get_deadline(&f->b.l));
	else
		EXPECT_EQ(0, lapic_get_deadline(&f->b.l));
}

static void op_tsc(struct fuzz *f)
{
	u64 after = random_next(&f->random) >> (1 + random_below(&f->random, 30));

	lapic_tsc_moved(&f->b.l, f->b.now, after);
	f->start += after - f->b.now;
	/* A count-down that is over: only that it is over is kept. */
	if (f->counting && f->b.l.expiry && f->b.l.expiry <= after)
		f->counting = false;
	f->b.now = after;
}

static void op_save(struct fuzz *f)
{
	u32 image[LAPIC_IMAGE_WORDS];

	lapic_get_regs(&f->b.l, image, f->b.now);
	EXPECT_EQ(0, lapic_set_regs(&f->b.l, image, f->b.now, &f->b.out));
	/* The count is saved, the fraction of it is not. */
	if (f->counting)
		f->start = f->b.now - (u64)(f->initial - image[APIC_TMCCT / 4]) * divisor(f);
	if (f->counting && !image[APIC_TMCCT / 4])
		f->counting = false;
}

/* Power is cut, or software changes the mode. Rare, as it empties IRR. */
static void op_mode(struct fuzz *f)
{
	u32 choice = random_below(&f->random, 200);
	static const u64 modes[] = { 0, LAPIC_BASE_EXTD, LAPIC_BASE_EN, BASE_MODE };

	if (choice == 0) {
		lapic_init(&f->b.l);
		f->was_reset = true;
	} else if (choice < 5) {
		u64 mode = modes[choice - 1];

		if (!set_mode(&f->b, mode))
			f->was_reset = !mode;
	}
	if (f->was_reset)
		f->counting = false;
	/* Come back soon. */
	if (!(f->b.l.base & LAPIC_BASE_EN))
		EXPECT_EQ(0, set_mode(&f->b, LAPIC_BASE_EN));
	if (!(reg(f, APIC_SVR) & 0x100))
		lapic_is_x2apic(&f->b.l) ? (void)wrmsr(&f->b, 0x80f, SVR_ENABLED) :
					   wr(&f->b, APIC_SVR, SVR_ENABLED);
}

static void check_vectors(struct fuzz *f)
{
	struct vectors irr = vectors_at(f, APIC_IRR), isr = vectors_at(f, APIC_ISR);
	int i;

	if (f->was_reset) {
		f->dropped += count(&f->irr);
		EXPECT_EQ(-1, highest(&irr));
		EXPECT_EQ(-1, highest(&isr));
		return;
	}
	for (i = 0; i < 8; i++) {
		u32 expected = f->irr.word[i] | f->arrived.word[i];
		u32 allowed = expected | f->possible.word[i];

		EXPECT_EQ(0, expected & ~irr.word[i]);
		EXPECT_EQ(0, irr.word[i] & ~allowed);
		EXPECT_EQ(f->isr.word[i], isr.word[i]);
		f->accepted += __builtin_popcount(irr.word[i] & ~f->irr.word[i]);
	}
}

static void check_registers(struct fuzz *f)
{
	struct vectors irr = vectors_at(f, APIC_IRR), isr = vectors_at(f, APIC_ISR);
	int irr_top = highest(&irr), isr_top = highest(&isr), class;
	u32 tpr = reg(f, APIC_TPR), ppr = tpr;
	int pending = lapic_pending(&f->b.l);

	EXPECT_EQ(irr_top, f->b.l.irr_top);
	EXPECT_EQ(isr_top, f->b.l.isr_top);
	if (isr_top >= 0 && isr_top / 16 > (int)tpr / 16)
		ppr = isr_top & 0xf0;
	EXPECT_EQ(ppr, reg(f, APIC_PPR));
	EXPECT_EQ(irr_top / 16 > (int)ppr / 16 ? irr_top : -1, pending);
	EXPECT_EQ(0, (irr.word[0] | isr.word[0] | reg(f, APIC_TMR)) & 0xffff);
	/* Nesting needs a higher class each time. */
	for (class = 0; class < 16; class++) {
		u32 bits = isr.word[class / 2] >> class % 2 * 16 & 0xffff;

		EXPECT_FALSE(bits & (bits - 1));
	}
	EXPECT_EQ(f->b.l.enabled, !!(reg(f, APIC_SVR) & 0x100));
}

/* After what is due at @now is done, nothing is due at @now. */
static void check_timer(struct fuzz *f)
{
	struct lapic copy = f->b.l;
	u32 page[LAPIC_PAGE_SIZE / sizeof(u32)];
	u64 next;

	memcpy(page, f->b.page, sizeof(page));
	copy.regs = page;
	lapic_timer_expire(&copy, f->b.now);
	next = lapic_timer_next(&copy);
	EXPECT_TRUE(!next || next > f->b.now);
	EXPECT_FALSE(lapic_timer_expire(&copy, f->b.now));
	if (timer_mode(f) == LVT_DEADLINE)
		EXPECT_TRUE(!copy.expiry || copy.expiry == f->armed);
}

static void step(struct fuzz *f)
{
	static void (*const ops[])(struct fuzz *f) = {
		op_write, op_write, op_write, op_write, op_read, op_read, op_accept, op_accept,
		op_accept, op_take, op_take, op_take, op_eoi, op_eoi, op_eoi, op_time, op_time,
		op_time, op_deadline, op_tsc, op_save, op_mode, op_cpu_take, op_cpu_eoi,
		op_cpu_self_ipi, op_cpu_tpr,
	};
	void (*op)(struct fuzz *f) = ops[random_below(&f->random, ARRAY_SIZE(ops))];

	f->irr = vectors_at(f, APIC_IRR);
	f->isr = vectors_at(f, APIC_ISR);
	memset(&f->arrived, 0, sizeof(f->arrived));
	memset(&f->possible, 0, sizeof(f->possible));
	f->was_reset = false;
	lvt_possible(f, APIC_LVTT);
	lvt_possible(f, APIC_LVTERR);
	op(f);
	check_vectors(f);
	check_registers(f);
	check_timer(f);
}

static struct fuzz fuzz;

static void run(bool x2apic)
{
	u64 seed, accepted = 0, taken = 0, expired = 0;
	struct vectors irr;
	int i;

	for (seed = 1; seed <= SEEDS; seed++) {
		memset(&fuzz, 0, sizeof(fuzz));
		random_seed(&fuzz.random, seed);
		if (x2apic)
			x2apic_on(&fuzz.b, seed);
		else
			xapic_on(&fuzz.b, seed & 0x3f);
		for (i = 0; i < STEPS; i++) {
			unit_context("seed %llu step %d", seed, i);
			step(&fuzz);
		}
		irr = vectors_at(&fuzz, APIC_IRR);
		EXPECT_EQ(fuzz.accepted, fuzz.taken + fuzz.dropped + count(&irr));
		accepted += fuzz.accepted;
		taken += fuzz.taken;
		expired += fuzz.expired;
	}
	printf("  # %d steps, %llu interrupts accepted, %llu taken, %llu by a predicted expiry\n",
	       SEEDS * STEPS, accepted, taken, expired);
	EXPECT_TRUE(taken > SEEDS * STEPS / 20);
	EXPECT_TRUE(expired > SEEDS * STEPS / 500);
}

static void xapic(void)
{
	run(false);
}

static void x2apic(void)
{
	run(true);
}

static const struct unit_test tests[] = {
	UNIT_TEST(xapic),
	UNIT_TEST(x2apic),
};

UNIT_MAIN(tests)
