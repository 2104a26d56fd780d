// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a vCPU that spins for another one, on one CPU of the host, gives way to it
 * long before its time slice is over, unless PAUSE-loop exiting is switched off.
 */
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "smp.h"

#define ROUNDS		200
#define REASON_PAUSE	40
#define PAUSES		200000u
#define FEW_EXITS	40u		/* the first window again and again would make 140 */

static volatile u64 turn;

/* Each waits for the other one's turn to end. */
static void take_turns(u64 number)
{
	u64 i;

	for (i = 0; i < ROUNDS; i++) {
		while (turn % 2 != number)
			asm volatile("pause" : : : "memory");
		turn++;
	}
	kt_done();
}

static bool switched_on(void)
{
	int fd = open("/sys/module/kite/parameters/pause_loop", O_RDONLY);
	char c = 0;

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(1, read(fd, &c, 1));
	close(fd);
	return c == 'Y';
}

static void on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
}

KITE_TEST(spinning_vcpus_take_turns)
{
	u64 exits = 0, yields = 0;
	struct kite_stats stats;
	struct kt_smp *smp;
	unsigned int i;

	on_one_cpu();
	smp = kt_smp_new(2, false);
	kt_smp_run(smp, take_turns);
	EXPECT_EQ(2ull * ROUNDS, turn);
	for (i = 0; i < 2; i++) {
		vcpu_get_stats(smp->vcpu[i].fd, &stats);
		exits += stats.exits[REASON_PAUSE];
		yields += stats.directed_yields;
	}
	if (switched_on()) {
		EXPECT_GT(exits, 0);
		EXPECT_GT(yields, 0);
	} else {
		EXPECT_EQ(0, exits);
		EXPECT_EQ(0, yields);
	}
	kt_note("%llu exits, %llu yields", exits, yields);
}

static void wait_in_vain(u64 number)
{
	u32 i;

	(void)number;
	for (i = 0; i < PAUSES; i++)
		asm volatile("pause" : : : "memory");
	kt_done();
}

/* Nobody waits for its CPU: exits become rarer. */
KITE_TEST(lone_spinner_is_left_alone)
{
	struct kite_stats stats;
	struct kt_smp *smp = kt_smp_new(1, false);

	kt_smp_run(smp, wait_in_vain);
	vcpu_get_stats(smp->vcpu[0].fd, &stats);
	if (switched_on())
		EXPECT_GT(stats.exits[REASON_PAUSE], 0);
	else
		EXPECT_EQ(0, stats.exits[REASON_PAUSE]);
	EXPECT_GT(FEW_EXITS, stats.exits[REASON_PAUSE]);
	kt_note("%llu exits", stats.exits[REASON_PAUSE]);
}
