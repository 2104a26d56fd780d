// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: periodic, alarm and update interrupts of the clock come when they are due
 * and enabled, show in register C, and wait for it to be read.
 */
#include "dev_util.h"

#define NS	1000000000ull
/* 2023-11-14 22:13:20 UTC. */
#define T0	1700000000ull

#define PIE	0x40
#define AIE	0x20
#define UIE	0x10
#define H24	0x02

static struct rtc rtc;

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

static void reset(void)
{
	struct dev_host *host = notes_reset();

	notes.ns = T0 * NS;
	notes.clock = 5 * NS;
	notes.timer[DEV_TIMER_RTC] = DEV_TIMER_OFF;
	EXPECT_EQ(0, rtc_attach(&rtc, &bus, host, MIB(64), 0));
}

/* Lets the timer come, if it is set. */
static bool fire(void)
{
	u64 due = notes.timer[DEV_TIMER_RTC];

	if (due == DEV_TIMER_OFF)
		return false;
	notes.timer[DEV_TIMER_RTC] = DEV_TIMER_OFF;
	EXPECT_TRUE(due > notes.clock);
	notes.ns += due - notes.clock;
	notes.clock = due;
	rtc_update(&rtc);
	return true;
}

static void none_by_itself(void)
{
	reset();
	set(0x0a, 0x26);
	set(0x0b, H24);
	EXPECT_EQ(DEV_TIMER_OFF, notes.timer[DEV_TIMER_RTC]);
	EXPECT_EQ(0, get(0x0c));
	/* The flags rise all the same. */
	notes.ns += NS;
	EXPECT_EQ(0x50, get(0x0c));
	EXPECT_EQ(0, get(0x0c));
	EXPECT_EQ(0, notes.edges);
}

static void update_ended(void)
{
	unsigned int i;

	reset();
	notes.ns += NS / 4;
	set(0x0b, UIE | H24);
	EXPECT_EQ(notes.clock + NS * 3 / 4, notes.timer[DEV_TIMER_RTC]);
	for (i = 1; i <= 100; i++) {
		unit_context("update %u", i);
		EXPECT_TRUE(fire());
		EXPECT_EQ((T0 + i) * NS, notes.ns);
		EXPECT_TRUE(notes.line[RTC_GSI]);
		EXPECT_EQ(2 * i - 1, notes.edges);
		/* Nothing more before it is taken note of. */
		EXPECT_EQ(DEV_TIMER_OFF, notes.timer[DEV_TIMER_RTC]);
		EXPECT_EQ(0x90, get(0x0c) & 0xb0);
		EXPECT_FALSE(notes.line[RTC_GSI]);
	}
}

static void periodic_rates(void)
{
	static const u16 hz[16] = {
		0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2,
	};
	unsigned int rate, count;

	for (rate = 0; rate < 16; rate++) {
		unit_context("rate %u", rate);
		reset();
		set(0x0a, 0x20 | rate);
		set(0x0b, PIE | H24);
		count = 0;
		while (count < 20000 && fire() && notes.ns <= (T0 + 1) * NS) {
			EXPECT_EQ(0xc0, get(0x0c) & 0xc0);
			count++;
		}
		EXPECT_EQ(hz[rate], count);
	}
}

static void alarm_once_a_day(void)
{
	unsigned int fired = 0;

	reset();
	set(0x01, 0x30);
	set(0x03, 0x13);
	set(0x05, 0x22);
	set(0x0b, AIE | H24);
	while (fired < 100 && fire() && !notes.line[RTC_GSI])
		fired++;
	EXPECT_EQ((T0 + 10) * NS, notes.ns);
	EXPECT_EQ(0xa0, get(0x0c) & 0xa0);
	/* One that is slept over is found. */
	notes.ns += 86400 * NS + NS;
	rtc_update(&rtc);
	EXPECT_TRUE(notes.line[RTC_GSI]);
	EXPECT_EQ(0xa0, get(0x0c) & 0xa0);
	notes.ns += 3600 * NS;
	rtc_update(&rtc);
	EXPECT_FALSE(notes.line[RTC_GSI]);
}

/* Two high bits: any second, minute or hour. */
static void alarm_any(void)
{
	unsigned int minute;

	reset();
	set(0x01, 0x00);
	set(0x03, 0xff);
	set(0x05, 0xc0);
	set(0x0b, AIE | H24);
	for (minute = 0; minute < 3; minute++) {
		while (fire() && !notes.line[RTC_GSI])
			;
		EXPECT_EQ(T0 + 40 + 60 * minute, notes.ns / NS);
		(void)get(0x0c);
	}
}

static void held_clock(void)
{
	reset();
	set(0x0b, 0x80 | UIE | AIE | H24);
	/* SET takes UIE away. */
	EXPECT_EQ(0x80 | AIE | H24, get(0x0b));
	set(0x01, 0xff);
	set(0x03, 0xff);
	set(0x05, 0xff);
	notes.ns += 5 * NS;
	rtc_update(&rtc);
	EXPECT_EQ(0, get(0x0c) & 0x30);
	EXPECT_FALSE(notes.line[RTC_GSI]);
}

static void enabling_shows_what_waits(void)
{
	reset();
	notes.ns += NS;
	set(0x0b, UIE | H24);
	EXPECT_TRUE(notes.line[RTC_GSI]);
	set(0x0b, H24);
	EXPECT_FALSE(notes.line[RTC_GSI]);
	EXPECT_EQ(0x10, get(0x0c) & 0x90);
}

static void host_clock_goes_back(void)
{
	reset();
	set(0x0b, UIE | H24);
	notes.ns -= 3600 * NS;
	rtc_update(&rtc);
	EXPECT_FALSE(notes.line[RTC_GSI]);
	EXPECT_TRUE(fire());
	EXPECT_TRUE(notes.line[RTC_GSI]);
}

static const struct unit_test tests[] = {
	UNIT_TEST(none_by_itself),
	UNIT_TEST(update_ended),
	UNIT_TEST(periodic_rates),
	UNIT_TEST(alarm_once_a_day),
	UNIT_TEST(alarm_any),
	UNIT_TEST(held_clock),
	UNIT_TEST(enabling_shows_what_waits),
	UNIT_TEST(host_clock_goes_back),
};

UNIT_MAIN(tests)
