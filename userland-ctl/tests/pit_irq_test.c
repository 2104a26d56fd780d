// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: channel 0 of the 8254 makes an interrupt for each rise of its output,
 * none lost to a late timer or to one that still waits, and asks for its timer
 * when the next one is due.
 */
#include "dev_util.h"

#include "dev/pit.h"

#define HZ1000		1193

static struct pit pit;
static unsigned int interrupts;
static bool last_level;

static void count_irq(struct dev_host *host, u32 gsi, bool level)
{
	(void)host;
	EXPECT_EQ(PIT_GSI, gsi);
	EXPECT_TRUE(level != last_level);
	last_level = level;
	interrupts += level;
}

static u64 ns_of(u64 tick)
{
	return (tick * 88000 + 104) / 105;
}

static void at(u64 tick)
{
	notes.clock = ns_of(tick);
}

static void reset(void)
{
	struct dev_host *host = notes_reset();

	host->irq = count_irq;
	interrupts = 0;
	last_level = false;
	notes.timer[DEV_TIMER_PIT] = DEV_TIMER_OFF;
	EXPECT_EQ(0, pit_attach(&pit, &bus, host));
	at(1000);
}

static void program(u8 mode, u16 count)
{
	out8(0x43, 0x30 | mode << 1);
	out8(0x40, count);
	out8(0x40, count >> 8);
}

static void fire(u64 tick)
{
	at(tick);
	pit_update(&pit);
}

/* Firmware's 18.2 Hz go on, unheard, until the guest takes the timer over. */
static void quiet_at_boot(void)
{
	u8 low;

	reset();
	out8(0x43, 0);
	low = in8(0x40);
	(void)in8(0x40);
	at(1010);
	out8(0x43, 0);
	EXPECT_TRUE(low != in8(0x40));
	fire(70000);
	out8(0x43, 0xb6);
	out8(0x42, 1);
	out8(0x42, 1);
	EXPECT_EQ(0, interrupts);
	EXPECT_EQ(DEV_TIMER_OFF, notes.timer[DEV_TIMER_PIT]);
}

static void periodic(void)
{
	static const u8 modes[] = { 2, 3 };
	u64 due;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		reset();
		program(modes[i], HZ1000);
		for (k = 1; k <= 1000; k++) {
			due = 1001 + k * HZ1000;
			unit_context("mode %u, interrupt %u", modes[i], k);
			EXPECT_EQ(ns_of(due), notes.timer[DEV_TIMER_PIT]);
			fire(due - 1);
			EXPECT_EQ(k - 1, interrupts);
			fire(due);
			EXPECT_EQ(k, interrupts);
		}
	}
}

static void one_shot(void)
{
	reset();
	program(0, HZ1000);
	EXPECT_EQ(ns_of(1001 + HZ1000), notes.timer[DEV_TIMER_PIT]);
	fire(1000 + HZ1000);
	EXPECT_EQ(0, interrupts);
	fire(1001 + HZ1000);
	EXPECT_EQ(1, interrupts);
	EXPECT_TRUE(last_level);
	EXPECT_EQ(DEV_TIMER_OFF, notes.timer[DEV_TIMER_PIT]);
	fire(100000);
	EXPECT_EQ(1, interrupts);
	/* The next one begins with a line that is down. */
	out8(0x40, 100);
	EXPECT_FALSE(last_level);
	out8(0x40, 0);
	fire(100101);
	EXPECT_EQ(2, interrupts);
}

static void strobe(void)
{
	reset();
	program(4, 100);
	EXPECT_EQ(ns_of(1102), notes.timer[DEV_TIMER_PIT]);
	fire(1101);
	EXPECT_EQ(0, interrupts);
	fire(1102);
	EXPECT_EQ(1, interrupts);
	EXPECT_EQ(DEV_TIMER_OFF, notes.timer[DEV_TIMER_PIT]);
}

static void no_gate_no_interrupt(void)
{
	static const u8 modes[] = { 1, 5 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		reset();
		program(modes[i], 100);
		EXPECT_EQ(DEV_TIMER_OFF, notes.timer[DEV_TIMER_PIT]);
		fire(2000);
		EXPECT_EQ(0, interrupts);
	}
}

/* OUT rises when mode 0 gives way to a mode that rests high. */
static void rise_by_control_word(void)
{
	reset();
	program(0, 100);
	out8(0x43, 0x34);
	EXPECT_EQ(1, interrupts);
}

/* A timer that is late makes up for it, at no more than twice the rate. */
static void late_timer(void)
{
	u64 late = 1001 + 10 * HZ1000 + 5;
	unsigned int fired = 0;
	u64 wait;

	reset();
	program(2, HZ1000);
	fire(late);
	EXPECT_EQ(1, interrupts);
	while (pit.owed) {
		wait = notes.timer[DEV_TIMER_PIT] - notes.clock;
		EXPECT_TRUE(wait > 0 && wait <= ns_of(HZ1000 / 2) + 1);
		notes.clock += wait;
		pit_update(&pit);
		fired++;
	}
	EXPECT_TRUE(fired < 30);
	EXPECT_EQ((notes.clock - ns_of(1001)) / ns_of(HZ1000), interrupts);
}

/* One that still waits at the PIC is not run into; the next comes with its acknowledgment. */
static void acknowledged_late(void)
{
	unsigned int k;

	reset();
	program(2, HZ1000);
	fire(1001 + HZ1000);
	EXPECT_EQ(1, interrupts);
	notes.waits = true;
	for (k = 2; k <= 5; k++)
		fire(1001 + k * HZ1000);
	EXPECT_EQ(1, interrupts);
	EXPECT_EQ(4, pit.owed);
	notes.waits = false;
	for (k = 2; k <= 5; k++) {
		pit_update(&pit);
		EXPECT_EQ(k, interrupts);
	}
	pit_update(&pit);
	EXPECT_EQ(5, interrupts);
}

/* Who sleeps for long is not woken by a storm. */
static void backlog_is_bounded(void)
{
	reset();
	program(2, HZ1000);
	fire(1000 + 1193182ull * 3600);
	EXPECT_EQ(1, interrupts);
	EXPECT_TRUE(pit.owed > 900 && pit.owed <= 1001);
	/* What was owed is gone with the mode. */
	program(2, HZ1000);
	EXPECT_EQ(0, pit.owed);
	EXPECT_EQ(1, interrupts);
}

/* The rate at which the host is asked is bounded, the number of interrupts is not changed. */
static void fast_counts(void)
{
	u64 asked;

	reset();
	program(2, 2);
	asked = notes.timer[DEV_TIMER_PIT];
	EXPECT_TRUE(asked >= ns_of(1000 + 60));
	fire(1061);
	EXPECT_EQ(30, interrupts + pit.owed);
	/* One is no wave. */
	program(2, 1);
	EXPECT_EQ(DEV_TIMER_OFF, notes.timer[DEV_TIMER_PIT]);
	program(3, 1);
	EXPECT_EQ(DEV_TIMER_OFF, notes.timer[DEV_TIMER_PIT]);
}

/* A new count in the middle of a cycle loses no interrupt and makes none. */
static void new_count(void)
{
	static const u8 modes[] = { 2, 3 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		unit_context("mode %u", modes[i]);
		reset();
		program(modes[i], 1000);
		at(1001 + 700);
		out8(0x40, 500 & 0xff);
		out8(0x40, 500 >> 8);
		EXPECT_EQ(ns_of(2001), notes.timer[DEV_TIMER_PIT]);
		fire(2001);
		EXPECT_EQ(1, interrupts);
		EXPECT_EQ(ns_of(2501), notes.timer[DEV_TIMER_PIT]);
		fire(2501);
		EXPECT_EQ(2, interrupts);
		/* And in mode 3's first half: the cycle is 250 high, then 500 low. */
		at(2501 + 100);
		out8(0x40, 1000 & 0xff);
		out8(0x40, 1000 >> 8);
		fire(modes[i] == 3 ? 3250 : 3000);
		EXPECT_EQ(2, interrupts);
		fire(modes[i] == 3 ? 3251 : 3001);
		EXPECT_EQ(3, interrupts);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(quiet_at_boot),
	UNIT_TEST(periodic),
	UNIT_TEST(one_shot),
	UNIT_TEST(strobe),
	UNIT_TEST(no_gate_no_interrupt),
	UNIT_TEST(rise_by_control_word),
	UNIT_TEST(late_timer),
	UNIT_TEST(acknowledged_late),
	UNIT_TEST(backlog_is_bounded),
	UNIT_TEST(fast_counts),
	UNIT_TEST(new_count),
};

UNIT_MAIN(tests)
