// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the counters of the 8254 count, and drive OUT, pulse by pulse as in the
 * wave forms of the datasheet; latches, status and port 61H show it.
 */
#include "dev_util.h"

#include "dev/pit.h"

static struct pit pit;
static struct speaker speaker;

/* The first nanosecond of a pulse of the 105/88 MHz clock. */
static void at(u64 tick)
{
	notes.clock = (tick * 88000 + 104) / 105;
}

static void reset(void)
{
	struct dev_host *host = notes_reset();

	EXPECT_EQ(0, pit_attach(&pit, &bus, host));
	EXPECT_EQ(0, speaker_attach(&speaker, &bus, &pit));
	at(1000);
	out8(0x61, 1);
}

static bool out2(void)
{
	return in8(0x61) & 0x20;
}

/* Counter 2 by both bytes of its count, at the present tick. */
static void program(u8 mode, u16 count)
{
	out8(0x43, 0xb0 | mode << 1);
	out8(0x42, count);
	out8(0x42, count >> 8);
}

static u16 read2(void)
{
	u16 low;

	out8(0x43, 0x80);
	low = in8(0x42);
	return low | in8(0x42) << 8;
}

/* @wave: OUT at tick 1000 and after it, "-" for high. */
static void expect_wave(const char *wave)
{
	unsigned int i;

	for (i = 0; wave[i]; i++) {
		unit_context("mode %u, tick %u of %s", pit.ch[2].counter.mode, i, wave);
		at(1000 + i);
		EXPECT_EQ(wave[i] == '-', out2());
	}
}

static void expect_counts(const u16 *counts, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		unit_context("mode %u, tick %u", pit.ch[2].counter.mode, i);
		at(1001 + i);
		EXPECT_EQ(counts[i], read2());
	}
}

static void mode0(void)
{
	static const u16 counts[] = { 4, 3, 2, 1, 0, 0xffff, 0xfffe };

	reset();
	program(0, 4);
	expect_wave("_____---");
	reset();
	program(0, 4);
	expect_counts(counts, ARRAY_SIZE(counts));
}

static void mode0_gate(void)
{
	reset();
	program(0, 4);
	at(1003);
	out8(0x61, 0);
	EXPECT_EQ(2, read2());
	at(1100);
	EXPECT_EQ(2, read2());
	EXPECT_FALSE(out2());
	out8(0x61, 1);
	at(1101);
	EXPECT_EQ(1, read2());
	EXPECT_FALSE(out2());
	at(1102);
	EXPECT_TRUE(out2());
}

static void mode0_written_without_gate(void)
{
	reset();
	out8(0x61, 0);
	program(0, 4);
	at(1050);
	EXPECT_EQ(4, read2());
	out8(0x61, 1);
	at(1053);
	EXPECT_FALSE(out2());
	at(1054);
	EXPECT_TRUE(out2());
}

static void mode0_first_byte_stops(void)
{
	reset();
	program(0, 4);
	at(1010);
	EXPECT_TRUE(out2());
	out8(0x42, 4);
	EXPECT_FALSE(out2());
	at(1020);
	EXPECT_FALSE(out2());
	out8(0x42, 0);
	at(1024);
	EXPECT_FALSE(out2());
	at(1025);
	EXPECT_TRUE(out2());
}

static void mode1(void)
{
	reset();
	out8(0x61, 0);
	program(1, 3);
	at(1100);
	EXPECT_TRUE(out2());
	at(1000);
	out8(0x61, 1);
	expect_wave("-___-----");
	/* The gate's fall changes nothing, its rise starts anew. */
	at(1100);
	out8(0x61, 0);
	out8(0x61, 1);
	at(1102);
	out8(0x61, 0);
	EXPECT_FALSE(out2());
	at(1103);
	out8(0x61, 1);
	at(1106);
	EXPECT_FALSE(out2());
	at(1107);
	EXPECT_TRUE(out2());
}

static void mode2(void)
{
	static const u16 counts[] = { 3, 2, 1, 3, 2, 1, 3 };

	reset();
	program(2, 3);
	expect_wave("---_--_--_--");
	reset();
	program(2, 3);
	expect_counts(counts, ARRAY_SIZE(counts));
	/* A count of 0 is 65536. */
	reset();
	program(2, 0);
	at(1001 + 65535);
	EXPECT_FALSE(out2());
	EXPECT_EQ(1, read2());
	at(1001 + 65536);
	EXPECT_TRUE(out2());
	EXPECT_EQ(0, read2());
}

static void mode2_gate(void)
{
	reset();
	program(2, 3);
	at(1003);
	EXPECT_FALSE(out2());
	out8(0x61, 0);
	EXPECT_TRUE(out2());
	at(1050);
	EXPECT_TRUE(out2());
	out8(0x61, 1);
	at(1052);
	EXPECT_TRUE(out2());
	at(1053);
	EXPECT_FALSE(out2());
}

/* A new count waits for the end of the cycle. */
static void mode2_new_count(void)
{
	reset();
	program(2, 4);
	at(1002);
	out8(0x42, 2);
	out8(0x42, 0);
	at(1003);
	EXPECT_EQ(2, read2());
	at(1005);
	EXPECT_EQ(2, read2());
	EXPECT_TRUE(out2());
	at(1006);
	EXPECT_FALSE(out2());
	at(1007);
	EXPECT_TRUE(out2());
}

static void mode3(void)
{
	static const u16 even[] = { 4, 2, 4, 2, 4, 2 };
	static const u16 odd[] = { 4, 2, 0, 4, 2, 4, 2, 0, 4, 2 };

	reset();
	program(3, 4);
	expect_wave("---__--__--__");
	reset();
	program(3, 4);
	expect_counts(even, ARRAY_SIZE(even));
	reset();
	program(3, 5);
	expect_wave("----__---__---");
	reset();
	program(3, 5);
	expect_counts(odd, ARRAY_SIZE(odd));
}

/* A new count waits for the end of the half of the cycle. */
static void mode3_new_count(void)
{
	reset();
	program(3, 4);
	out8(0x42, 8);
	out8(0x42, 0);
	expect_wave("---____----____----");
	reset();
	program(3, 4);
	at(1003);
	out8(0x42, 8);
	out8(0x42, 0);
	expect_wave("---__----____----");
}

static void mode4(void)
{
	static const u16 counts[] = { 3, 2, 1, 0, 0xffff, 0xfffe };

	reset();
	program(4, 3);
	expect_wave("----_----");
	reset();
	program(4, 3);
	expect_counts(counts, ARRAY_SIZE(counts));
}

static void mode5(void)
{
	reset();
	program(5, 3);
	at(1100);
	EXPECT_TRUE(out2());
	out8(0x61, 0);
	at(1000);
	out8(0x61, 1);
	expect_wave("----_----");
}

static void bcd(void)
{
	static const u16 counts[] = { 0x0002, 0x0001, 0x0000, 0x9999, 0x9998 };

	reset();
	out8(0x43, 0xb1);
	out8(0x42, 0x02);
	out8(0x42, 0x00);
	expect_counts(counts, ARRAY_SIZE(counts));
	/* A count of 0 is 10000. */
	reset();
	out8(0x43, 0xb5);
	out8(0x42, 0);
	out8(0x42, 0);
	at(1001);
	EXPECT_EQ(0, read2());
	at(1002);
	EXPECT_EQ(0x9999, read2());
	at(1001 + 10000);
	EXPECT_EQ(0, read2());
}

static void byte_access(void)
{
	reset();
	/* Low byte only. */
	out8(0x43, 0x94);
	out8(0x42, 0x34);
	at(1001);
	EXPECT_EQ(0x34, in8(0x42));
	EXPECT_EQ(0x34, in8(0x42));
	/* High byte only. */
	reset();
	out8(0x43, 0xa4);
	out8(0x42, 0x12);
	at(1001);
	EXPECT_EQ(0x12, in8(0x42));
	at(1002);
	EXPECT_EQ(0x11, in8(0x42));
	out8(0x43, 0x80);
	EXPECT_EQ(0x11, in8(0x42));
	/* Both, low byte first, without a latch. */
	reset();
	program(2, 0x1234);
	at(1001);
	EXPECT_EQ(0x34, in8(0x42));
	EXPECT_EQ(0x12, in8(0x42));
	EXPECT_EQ(0x34, in8(0x42));
}

static void latch(void)
{
	reset();
	program(2, 0x1234);
	at(1001);
	out8(0x43, 0x80);
	at(1010);
	/* A second latch before the first is read counts for nothing. */
	out8(0x43, 0x80);
	EXPECT_EQ(0x34, in8(0x42));
	EXPECT_EQ(0x12, in8(0x42));
	EXPECT_EQ(0x2b, in8(0x42));
	EXPECT_EQ(0x12, in8(0x42));
	/* The control word drops it. */
	out8(0x43, 0x80);
	program(2, 0x5678);
	at(1011);
	EXPECT_EQ(0x78, in8(0x42));
}

static void read_back(void)
{
	reset();
	program(3, 0x1234);
	/* Status only: no count taken yet, then taken. */
	out8(0x43, 0xe8);
	EXPECT_EQ(0xf6, in8(0x42));
	at(1001);
	out8(0x43, 0xe8);
	EXPECT_EQ(0xb6, in8(0x42));
	/* Status and count: the status comes first. */
	out8(0x43, 0xc8);
	at(1100);
	EXPECT_EQ(0xb6, in8(0x42));
	EXPECT_EQ(0x34, in8(0x42));
	EXPECT_EQ(0x12, in8(0x42));
	/* Count of all three. */
	out8(0x43, 0xde);
	at(1200);
	EXPECT_EQ(0x6e, in8(0x42));
	EXPECT_EQ(0x11, in8(0x42));
	EXPECT_EQ(2, pit.ch[0].latched);
	EXPECT_EQ(2, pit.ch[1].latched);
	/* Mode 2 waits for the end of its cycle with the new count. */
	reset();
	program(2, 0x100);
	at(1010);
	out8(0x42, 0x80);
	out8(0x42, 0);
	out8(0x43, 0xe8);
	EXPECT_EQ(0xf4, in8(0x42));
	at(1001 + 0x100);
	out8(0x43, 0xe8);
	EXPECT_EQ(0xb4, in8(0x42));
	/* Before any count. */
	out8(0x43, 0xb0);
	out8(0x43, 0xe8);
	EXPECT_EQ(0x70, in8(0x42));
}

static void odd_modes_and_ports(void)
{
	reset();
	program(6, 3);
	EXPECT_EQ(2, pit.ch[2].counter.mode);
	program(7, 3);
	EXPECT_EQ(3, pit.ch[2].counter.mode);
	EXPECT_EQ(0xff, in8(0x43));
	/* Counts that no mode can make a wave of do no harm. */
	program(2, 1);
	at(1234);
	(void)read2();
	program(3, 1);
	at(2345);
	(void)read2();
	EXPECT_TRUE(out2());
}

static void port61(void)
{
	u8 first;

	reset();
	out8(0x61, 0xfe);
	EXPECT_EQ(0x0e, in8(0x61) & 0xcf);
	first = in8(0x61) & 0x10;
	at(1000 + 18);
	EXPECT_EQ(first ^ 0x10, in8(0x61) & 0x10);
	at(1000 + 36);
	EXPECT_EQ(first, in8(0x61) & 0x10);
}

static const struct unit_test tests[] = {
	UNIT_TEST(mode0),
	UNIT_TEST(mode0_gate),
	UNIT_TEST(mode0_written_without_gate),
	UNIT_TEST(mode0_first_byte_stops),
	UNIT_TEST(mode1),
	UNIT_TEST(mode2),
	UNIT_TEST(mode2_gate),
	UNIT_TEST(mode2_new_count),
	UNIT_TEST(mode3),
	UNIT_TEST(mode3_new_count),
	UNIT_TEST(mode4),
	UNIT_TEST(mode5),
	UNIT_TEST(bcd),
	UNIT_TEST(byte_access),
	UNIT_TEST(latch),
	UNIT_TEST(read_back),
	UNIT_TEST(odd_modes_and_ports),
	UNIT_TEST(port61),
};

UNIT_MAIN(tests)
