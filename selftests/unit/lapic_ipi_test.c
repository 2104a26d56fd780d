// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the ICR sends what the SDM's table of valid combinations allows and
 * nothing else; a destination matches by the rules of the receiver's mode; a
 * lowest-priority interrupt goes to exactly one of the candidates.
 */
#include <linux/kernel.h>

#include "lapic_util.h"
#include "unit.h"

#define LOGICAL		0x800
#define ASSERT		0x4000
#define LEVEL		0x8000
#define SELF		0x40000
#define ALL		0x80000
#define OTHERS		0xc0000

#define MODE(mode)	((mode) << 8)

static void modes(void)
{
	/* Delivery modes that go out, by shorthand, one bit a mode; self is delivered at once. */
	static const u8 sent[] = { 0x77, 0x00, 0x01, 0x77 };
	unsigned int shorthand, mode;
	struct bench b;

	for (shorthand = 0; shorthand < 4; shorthand++) {
		for (mode = 0; mode < 8; mode++) {
			bool expected = sent[shorthand] & 1 << mode;

			unit_context("shorthand %u mode %u", shorthand, mode);
			xapic_on(&b, 0);
			wr(&b, APIC_ICR2, 0x05000000);
			EXPECT_EQ(0, b.out.todo);
			wr(&b, APIC_ICR, shorthand << 18 | MODE(mode) | ASSERT | 0x66);
			EXPECT_EQ(expected ? LAPIC_OUT_IPI : 0, b.out.todo & LAPIC_OUT_IPI);
			EXPECT_EQ(shorthand == 1 && !mode ? 0x66 : -1, take(&b));
			if (!expected)
				continue;
			EXPECT_EQ(5, b.out.ipi.dest);
			EXPECT_EQ(0x66, b.out.ipi.vector);
			EXPECT_EQ(mode, b.out.ipi.mode);
			EXPECT_EQ(shorthand, b.out.ipi.shorthand);
			EXPECT_FALSE(b.out.ipi.logical);
			EXPECT_FALSE(b.out.ipi.level);
		}
	}
}

static void destinations(void)
{
	struct bench b;

	xapic_on(&b, 0);
	wr(&b, APIC_ICR2, 0xff000000);
	wr(&b, APIC_ICR, LOGICAL | ASSERT | 0x66);
	EXPECT_EQ(IRQ_DEST_BROADCAST, b.out.ipi.dest);
	EXPECT_TRUE(b.out.ipi.logical);
	/* Edge or level: always an edge. */
	wr(&b, APIC_ICR, LEVEL | ASSERT | 0x66);
	EXPECT_TRUE(b.out.todo & LAPIC_OUT_IPI);
	EXPECT_FALSE(b.out.ipi.level);
	EXPECT_EQ(LEVEL | ASSERT | 0x66, rd(&b, APIC_ICR));

	x2apic_on(&b, 0);
	EXPECT_EQ(0, wrmsr(&b, APIC_MSR(APIC_ICR), 0xff00000000 | ASSERT | 0x66));
	EXPECT_EQ(0xff, b.out.ipi.dest);
	EXPECT_EQ(0, wrmsr(&b, APIC_MSR(APIC_ICR), 0xffffffff00000000 | LOGICAL | ASSERT | 0x66));
	EXPECT_EQ(IRQ_DEST_BROADCAST, b.out.ipi.dest);
	EXPECT_TRUE(b.out.ipi.logical);
}

static void init_deassert(void)
{
	struct bench b;

	xapic_on(&b, 0);
	wr(&b, APIC_ICR, ALL | MODE(IRQ_MODE_INIT) | LEVEL);
	EXPECT_EQ(0, b.out.todo);
	wr(&b, APIC_ICR, MODE(IRQ_MODE_INIT) | LEVEL);
	EXPECT_EQ(0, b.out.todo);
	wr(&b, APIC_ICR, MODE(IRQ_MODE_INIT) | LEVEL | ASSERT);
	EXPECT_EQ(LAPIC_OUT_IPI, b.out.todo);
	EXPECT_FALSE(b.out.ipi.level);
}

static void illegal_vector(void)
{
	static const u32 bad[] = { 0, 15, MODE(IRQ_MODE_LOWEST) | 8, SELF | 15, ALL | 3, OTHERS };
	static const u32 good[] = { 16, MODE(IRQ_MODE_NMI), MODE(IRQ_MODE_SIPI) | 8,
				    MODE(IRQ_MODE_INIT), MODE(IRQ_MODE_SMI) };
	struct bench b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		unit_context("ICR %#x", bad[i]);
		xapic_on(&b, 0);
		wr(&b, APIC_LVTERR, 0xfe);
		wr(&b, APIC_ICR, bad[i] | ASSERT);
		EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);
		EXPECT_EQ(ESR_SEND, b.l.errors);
		EXPECT_EQ(0xfe, take(&b));
	}
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		unit_context("ICR %#x", good[i]);
		xapic_on(&b, 0);
		wr(&b, APIC_ICR, good[i] | ASSERT);
		EXPECT_EQ(LAPIC_OUT_IPI, b.out.todo);
		EXPECT_EQ(0, b.l.errors);
	}
}

static void self(void)
{
	struct bench b;

	xapic_on(&b, 0);
	wr(&b, APIC_ICR, SELF | ASSERT | 0x70);
	EXPECT_EQ(LAPIC_OUT_PENDING, b.out.todo);
	EXPECT_EQ(0x70, take(&b));
	/* A software-disabled APIC sends, but takes no vector, not even its own. */
	wr(&b, APIC_EOI, 0);
	wr(&b, APIC_SVR, SVR_DISABLED);
	wr(&b, APIC_ICR, SELF | ASSERT | 0x70);
	EXPECT_EQ(0, b.out.todo);
	EXPECT_EQ(-1, take(&b));
	wr(&b, APIC_ICR, ASSERT | 0x70);
	EXPECT_EQ(LAPIC_OUT_IPI, b.out.todo);
}

enum receiver { FLAT, CLUSTER, X2APIC };

/* The route of an APIC with @id and, in xAPIC mode, logical ID @ldr. */
static u64 route(enum receiver mode, u32 id, u8 ldr)
{
	struct bench b;

	if (mode == X2APIC) {
		x2apic_on(&b, id);
	} else {
		xapic_on(&b, id);
		wr(&b, APIC_LDR, (u32)ldr << 24);
		EXPECT_TRUE(b.out.todo & LAPIC_OUT_ROUTE);
		wr(&b, APIC_DFR, mode == CLUSTER ? 0 : 0xf0000000);
		EXPECT_TRUE(b.out.todo & LAPIC_OUT_ROUTE);
	}
	return lapic_route(&b.l);
}

static void match(void)
{
	static const struct {
		enum receiver mode;
		u32 id;
		u8 ldr;
		u32 dest;
		bool logical, matches;
	} rows[] = {
		/* Physical. */
		{ FLAT, 5, 0x20, 5, false, true },
		{ FLAT, 5, 0x20, 4, false, false },
		{ FLAT, 5, 0x20, 0x105, false, false },
		{ FLAT, 5, 0x20, 0xff, false, false },
		{ FLAT, 5, 0x20, IRQ_DEST_BROADCAST, false, true },
		{ CLUSTER, 5, 0x12, 5, false, true },
		{ X2APIC, 5, 0, 5, false, true },
		{ X2APIC, 0x105, 0, 0x105, false, true },
		{ X2APIC, 0x105, 0, 5, false, false },
		{ X2APIC, 5, 0, 0xff, false, false },
		{ X2APIC, 0xff, 0, 0xff, false, true },
		{ X2APIC, 5, 0, IRQ_DEST_BROADCAST, false, true },
		/* Logical, flat: one bit in common. */
		{ FLAT, 5, 0x20, 0x20, true, true },
		{ FLAT, 5, 0x20, 0x31, true, true },
		{ FLAT, 5, 0x20, 0xdf, true, false },
		{ FLAT, 5, 0x20, 0, true, false },
		{ FLAT, 5, 0, 0x20, true, false },
		{ FLAT, 5, 0x20, 0xff, true, true },
		{ FLAT, 5, 0x20, 0x120, true, false },
		{ FLAT, 5, 0, IRQ_DEST_BROADCAST, true, true },
		/* Logical, cluster: the same cluster and one bit in common. */
		{ CLUSTER, 5, 0x12, 0x12, true, true },
		{ CLUSTER, 5, 0x12, 0x1f, true, true },
		{ CLUSTER, 5, 0x12, 0x1d, true, false },
		{ CLUSTER, 5, 0x12, 0x22, true, false },
		{ CLUSTER, 5, 0x12, 0x32, true, false },
		{ CLUSTER, 5, 0x12, 0x112, true, false },
		{ CLUSTER, 5, 0x12, IRQ_DEST_BROADCAST, true, true },
		/* Logical, x2APIC: cluster ID 31:16, one bit in common in 15:0. */
		{ X2APIC, 5, 0, 0x20, true, true },
		{ X2APIC, 5, 0, 0xffdf, true, false },
		{ X2APIC, 5, 0, 0x10020, true, false },
		{ X2APIC, 0x1f, 0, 0x18000, true, true },
		{ X2APIC, 0x1f, 0, 0x14000, true, false },
		{ X2APIC, 0x1f, 0, 0x8000, true, false },
		{ X2APIC, 0x1f, 0, IRQ_DEST_BROADCAST, true, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct irq_msg msg = { .dest = rows[i].dest, .logical = rows[i].logical,
				       .vector = 0x40 };

		unit_context("row %u: mode %d id %#x dest %#x", i, rows[i].mode, rows[i].id,
			     rows[i].dest);
		EXPECT_EQ(rows[i].matches, lapic_match(route(rows[i].mode, rows[i].id, rows[i].ldr),
						       &msg, false));
	}
}

static void shorthands(void)
{
	/* Who receives, by shorthand: bit 0 others, bit 1 the sender. */
	static const u8 receives[] = { [IRQ_TO_SELF] = 2, [IRQ_TO_ALL] = 3, [IRQ_TO_OTHERS] = 1 };
	u64 word = route(FLAT, 5, 0x20);
	unsigned int shorthand;

	for (shorthand = IRQ_TO_SELF; shorthand <= IRQ_TO_OTHERS; shorthand++) {
		struct irq_msg msg = { .vector = 0x40, .shorthand = shorthand, .dest = 99 };

		unit_context("shorthand %u", shorthand);
		EXPECT_EQ(receives[shorthand] & 1, lapic_match(word, &msg, false));
		EXPECT_EQ(receives[shorthand] >> 1, lapic_match(word, &msg, true));
	}
}

/* Disabled by software: all but vectors. Disabled by IA32_APIC_BASE: nothing. */
static void disabled(void)
{
	struct irq_msg msg = { .dest = 5, .vector = 0x40 };
	struct bench b;
	u64 off, on, soft;
	u8 mode;

	xapic_on(&b, 5);
	on = lapic_route(&b.l);
	wr(&b, APIC_SVR, SVR_DISABLED);
	soft = lapic_route(&b.l);
	EXPECT_EQ(0, set_mode(&b, 0));
	EXPECT_TRUE(b.out.todo & LAPIC_OUT_ROUTE);
	off = lapic_route(&b.l);
	EXPECT_EQ(0, off);

	for (mode = 0; mode < 8; mode++) {
		unit_context("mode %u", mode);
		msg.mode = mode;
		EXPECT_TRUE(lapic_match(on, &msg, false));
		EXPECT_EQ(mode > IRQ_MODE_LOWEST, lapic_match(soft, &msg, false));
		EXPECT_FALSE(lapic_match(off, &msg, false));
	}
	unit_context("%s", "");
	msg.dest = IRQ_DEST_BROADCAST;
	EXPECT_FALSE(lapic_match(off, &msg, false));
	msg.shorthand = IRQ_TO_ALL;
	EXPECT_FALSE(lapic_match(off, &msg, true));
}

static void lowest(void)
{
	unsigned int vector, hits[64] = { 0 };

	EXPECT_EQ(-1, lapic_lowest(0, 0x40));
	EXPECT_EQ(0, lapic_lowest(1, 0x41));
	EXPECT_EQ(63, lapic_lowest(1ull << 63, 0x41));
	for (vector = 0; vector < 256; vector++) {
		int cpu = lapic_lowest(0x8000000100000012, vector);

		unit_context("vector %u", vector);
		EXPECT_TRUE(cpu >= 0 && cpu < 64);
		if (cpu < 0 || cpu > 63)
			continue;
		EXPECT_TRUE(0x8000000100000012 >> cpu & 1);
		hits[cpu]++;
		EXPECT_EQ(vector % 64, lapic_lowest(~0ull, vector));
	}
	/* Vectors are spread evenly. */
	EXPECT_EQ(64, hits[1]);
	EXPECT_EQ(64, hits[4]);
	EXPECT_EQ(64, hits[32]);
	EXPECT_EQ(64, hits[63]);
}

static const struct unit_test tests[] = {
	UNIT_TEST(modes),
	UNIT_TEST(destinations),
	UNIT_TEST(init_deassert),
	UNIT_TEST(illegal_vector),
	UNIT_TEST(self),
	UNIT_TEST(match),
	UNIT_TEST(shorthands),
	UNIT_TEST(disabled),
	UNIT_TEST(lowest),
};

UNIT_MAIN(tests)
