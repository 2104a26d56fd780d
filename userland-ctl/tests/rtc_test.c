// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the time of the host plus what the guest set; the memory size where
 * firmware puts it.
 */
#include "dev_util.h"

#define NS	1000000000ull
/* 2023-11-14 22:13:20 UTC, a Tuesday. */
#define T0	1700000000ull

static struct rtc rtc;

static void reset(u64 low, u64 high)
{
	struct dev_host *host = notes_reset();

	notes.ns = T0 * NS;
	EXPECT_EQ(0, rtc_attach(&rtc, &bus, host, low, high));
}

static u8 get(u8 reg)
{
	out8(0x70, reg);
	return in8(0x71);
}

static void set(u8 reg, u8 value)
{
	out8(0x70, reg);
	out8(0x71, value);
}

static void expect_time(const u8 *want)
{
	static const u8 regs[] = { 0x32, 9, 8, 7, 6, 4, 2, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		unit_context("register 0x%x", regs[i]);
		EXPECT_EQ(want[i], get(regs[i]));
	}
	unit_context("%s", "");
}

static void reads_host_time(void)
{
	reset(MIB(256), 0);
	expect_time((const u8[]){ 0x20, 0x23, 0x11, 0x14, 3, 0x22, 0x13, 0x20 });
	notes.ns += 3600 * 2 * NS;
	expect_time((const u8[]){ 0x20, 0x23, 0x11, 0x15, 4, 0x00, 0x13, 0x20 });
}

static void binary_mode(void)
{
	reset(MIB(256), 0);
	set(0x0b, 0x06);
	expect_time((const u8[]){ 20, 23, 11, 14, 3, 22, 13, 20 });
}

static void twelve_hours(void)
{
	static const struct { u8 hour, want; } rows[] = {
		{ 0, 0x12 }, { 1, 0x01 }, { 11, 0x11 }, { 12, 0x92 }, { 13, 0x81 }, { 23, 0x91 },
	};
	unsigned int i;

	reset(MIB(256), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("hour %u", rows[i].hour);
		set(0x0b, 0x02);
		set(0x04, (rows[i].hour / 10) << 4 | rows[i].hour % 10);
		set(0x0b, 0x00);
		EXPECT_EQ(rows[i].want, get(0x04));
		set(0x04, rows[i].want);
		set(0x0b, 0x02);
		EXPECT_EQ((rows[i].hour / 10) << 4 | rows[i].hour % 10, get(0x04));
	}
}

/* Day 31 is written while the month still has 30 days. */
static void set_time_while_held(void)
{
	reset(MIB(256), 0);
	set(0x0b, 0x82);
	set(0x07, 0x31);
	set(0x08, 0x12);
	set(0x09, 0x99);
	set(0x32, 0x19);
	set(0x04, 0x23);
	set(0x02, 0x59);
	set(0x00, 0x58);
	notes.ns += 100 * NS;
	EXPECT_EQ(0x58, get(0));
	EXPECT_EQ(0x31, get(7));
	set(0x0b, 0x02);
	expect_time((const u8[]){ 0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x58 });
	notes.ns += 2 * NS;
	expect_time((const u8[]){ 0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00 });
}

static void update_in_progress(void)
{
	reset(MIB(256), 0);
	EXPECT_EQ(0x26, get(0x0a));
	notes.ns = T0 * NS + NS - 1000000;
	EXPECT_EQ(0xa6, get(0x0a));
	/* Not while the guest holds the clock. */
	set(0x0b, 0x82);
	EXPECT_EQ(0x26, get(0x0a));
	set(0x0a, 0xff);
	EXPECT_EQ(0x7f, get(0x0a));
}

static void status_registers(void)
{
	reset(MIB(256), 0);
	set(0x0c, 0xff);
	EXPECT_EQ(0, get(0x0c));
	set(0x0d, 0);
	EXPECT_EQ(0x80, get(0x0d));
	EXPECT_EQ(0xff, in8(0x70));
	/* The NMI mask is not part of the index. */
	EXPECT_EQ(0x80, get(0x8d));
	set(0x0f, 0x5a);
	EXPECT_EQ(0x5a, get(0x0f));
}

static u32 get16(u8 reg)
{
	return get(reg) | get(reg + 1) << 8;
}

static void memory_size(void)
{
	static const struct { u64 low, high; u32 above_1m, above_16m, above_4g; } rows[] = {
		{ MIB(2), 0, 1024, 0, 0 },
		{ MIB(16), 0, 15360, 0, 0 },
		{ MIB(64), 0, 64512, 768, 0 },
		{ MIB(256), 0, 65535, 3840, 0 },
		{ GIB(3), GIB(1), 65535, 48896, 16384 },
		{ GIB(3), GIB(1021), 65535, 48896, 0xff4000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("row %u", i);
		reset(rows[i].low, rows[i].high);
		EXPECT_EQ(640, get16(0x15));
		EXPECT_EQ(rows[i].above_1m, get16(0x17));
		EXPECT_EQ(rows[i].above_1m, get16(0x30));
		EXPECT_EQ(rows[i].above_16m, get16(0x34));
		EXPECT_EQ(rows[i].above_4g, get16(0x5b) | get(0x5d) << 16);
	}
}

static void checksum(void)
{
	u32 sum = 0;
	u8 reg;

	reset(MIB(256), 0);
	for (reg = 0x10; reg <= 0x2d; reg++)
		sum += get(reg);
	EXPECT_EQ(sum >> 8, get(0x2e));
	EXPECT_EQ(sum & 0xff, get(0x2f));
}

/* Whatever a guest writes, nothing overflows; UBSan watches. */
static void any_value(void)
{
	u32 i, seed = 1;

	reset(MIB(256), 0);
	for (i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		set(seed >> 24, seed >> 16);
		get(seed >> 8);
	}
	EXPECT_EQ(0x80, get(0x0d));
}

static const struct unit_test tests[] = {
	UNIT_TEST(reads_host_time),
	UNIT_TEST(binary_mode),
	UNIT_TEST(twelve_hours),
	UNIT_TEST(set_time_while_held),
	UNIT_TEST(update_in_progress),
	UNIT_TEST(status_registers),
	UNIT_TEST(memory_size),
	UNIT_TEST(checksum),
	UNIT_TEST(any_value),
};

UNIT_MAIN(tests)
