// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: CPUs go offline and come back while guests run on them and between them:
 * each guest goes on elsewhere, unharmed, and runs on the CPU that is new.
 */
#include "guests.h"

static void two_cpus(void)
{
	if (kt_cpus() < 2)
		SKIP("needs two CPUs");
}

static unsigned int cpus;

static void one(u64 unused)
{
	unsigned int cpu = 1 + kt_random() % (cpus - 1);

	(void)unused;
	kt_online(cpu, false);
	kt_pattern_linger();
	kt_online(cpu, true);
	/* Its guest was moved away. */
	kt_pin(kt_guests_tid(cpu), cpu);
}

KITE_TEST_TIMEOUT(a_cpu_goes_and_comes_back, 300)
{
	two_cpus();
	cpus = kt_cpus();
	kt_guests_through_but(one, kt_times(25), KT_DEBUG_REGISTERS);
}

static void all_but_the_first(u64 unused)
{
	unsigned int cpu;

	(void)unused;
	for (cpu = 1; cpu < cpus; cpu++)
		kt_online(cpu, false);
	kt_guests_pass();
	for (cpu = 1; cpu < cpus; cpu++) {
		kt_online(cpu, true);
		kt_pin(kt_guests_tid(cpu), cpu);
	}
}

KITE_TEST_TIMEOUT(all_cpus_but_one_go, 300)
{
	two_cpus();
	cpus = kt_cpus();
	kt_guests_through_but(all_but_the_first, kt_times(8), KT_DEBUG_REGISTERS);
}
