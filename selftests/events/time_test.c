// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the host's time of day is set forth and back, its rate is changed: guests
 * run on, their time-stamp counters go forward only, their timers interrupt.
 */
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "apic.h"
#include "guests.h"

#define VECTOR	0x61
#define YEAR	(365 * 24 * 3600l)

static volatile u64 went_back, stop;
static struct kt_smp *smp;

/* A periodic timer interrupts while the counter is read. */
static void look_at_the_time(u64 unused)
{
	u64 last = 0, now;

	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_LVTT, LVT_PERIODIC | VECTOR);
	kt_apic_write(APIC_TMICT, 1000000);
	asm volatile("sti");
	while (!stop) {
		now = kt_rdtsc();
		went_back += now < last;
		last = now;
	}
	asm volatile("cli");
	kt_apic_write(APIC_TMICT, 0);
}

static u64 ticks(void)
{
	return kt_cpu[0].taken[VECTOR] + kt_cpu[1].taken[VECTOR];
}

static void expect_ticks(void)
{
	u64 tries, before = ticks();

	for (tries = 0; ticks() < before + 2; tries++) {
		if (tries == 60000)
			FAIL("no more interrupts of the timer");
		usleep(1000);
	}
	EXPECT_EQ(0ull, went_back);
}

static void set_time(time_t seconds)
{
	struct timespec t = { .tv_sec = seconds, .tv_nsec = kt_random() % 1000000000 };

	ASSERT_EQ(0, clock_settime(CLOCK_REALTIME, &t));
}

static void jump(u64 round)
{
	static const long jumps[] = { 1, -1, 3600, -3600, YEAR, -YEAR, 10 * YEAR, -10 * YEAR };
	struct timespec now;

	ASSERT_EQ(0, clock_gettime(CLOCK_REALTIME, &now));
	set_time(now.tv_sec + jumps[round % ARRAY_SIZE(jumps)]);
	expect_ticks();
}

/* As far as adjtimex() goes: 500 ppm by frequency, 10 % by tick. */
static void change_rate(u64 round)
{
	struct timex t = {
		.modes = ADJ_FREQUENCY | ADJ_TICK,
		.freq = round & 1 ? 500 << 16 : -(500 << 16),
		.tick = round & 2 ? 11000 : 9000,
	};

	ASSERT_GE(adjtimex(&t), 0);
	expect_ticks();
}

static void through(void (*event)(u64 round), u64 rounds)
{
	u64 round;

	smp = kt_smp_new(2, false);
	kt_smp_call(smp, 0, look_at_the_time, 0);
	kt_smp_call(smp, 1, look_at_the_time, 1);
	kt_smp_start(smp);
	expect_ticks();
	for (round = 0; round < rounds; round++)
		event(round);
	stop = 1;
	kt_smp_finish(smp);
	kt_note("%llu rounds, %llu interrupts", rounds, ticks());
}

KITE_TEST_TIMEOUT(the_time_of_day_jumps, 300)
{
	struct timespec before;

	ASSERT_EQ(0, clock_gettime(CLOCK_REALTIME, &before));
	through(jump, kt_times(24));
	set_time(before.tv_sec);
}

KITE_TEST_TIMEOUT(the_rate_changes, 300)
{
	struct timex usual = { .modes = ADJ_FREQUENCY | ADJ_TICK, .tick = 10000 };

	through(change_rate, kt_times(24));
	ASSERT_GE(adjtimex(&usual), 0);
}
