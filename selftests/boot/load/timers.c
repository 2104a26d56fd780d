// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every sleep arms a timer on the CPU of its process and ends by an interrupt of
 * that timer, later than it was asked for: as many sleeps in a row, as many timer
 * interrupts at least.
 */
#include "load.h"

#include <stdio.h>
#include <time.h>

#define SLEEP_NS	100000

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void sleeper(int cpu, unsigned long sleeps)
{
	const struct timespec ts = { .tv_nsec = SLEEP_NS };
	long long start, end;

	while (sleeps--) {
		start = now();
		if (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL))
			fail("timers: a sleep was interrupted");
		end = now();
		if (end - start < SLEEP_NS)
			fail("timers: CPU %d slept %lld ns", cpu, end - start);
	}
}

void timers(unsigned long sleeps)
{
	unsigned long before[MAX_CPUS];

	interrupts("LOC", before);
	on_all_cpus(sleeper, 1, sleeps);
	printf("load: timers: %lu sleeps on each CPU\n", sleeps);
	interrupts_since("LOC", before, sleeps);
}
