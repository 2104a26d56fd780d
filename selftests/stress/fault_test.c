// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: vCPUs that fault on the same pages and tables at the same moment, while
 * the host takes translations and tables away, all go on, and no write is lost.
 */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "mapping.h"
#include "smp.h"

#define SLOT	9
#define GPA	0x40000000ull
#define LEN	(8 * KT_2M)
#define PAGES	(LEN / KT_PAGE)
#define VCPUS	4
#define STRIDE	7919		/* a prime: every page once a round */

/* Shared with the guest. */
static u64 rounds;
static volatile u64 finished;

/* Each vCPU counts in a word of its own in every page. */
static void count_in_every_page(u64 me)
{
	u64 round, i, at;

	for (round = 0; round < rounds; round++) {
		at = me * PAGES / VCPUS;
		for (i = 0; i < PAGES; i++) {
			((volatile u64 *)(GPA + at * KT_PAGE))[me]++;
			at = (at + (me & 1 ? STRIDE : PAGES - STRIDE)) % PAGES;
		}
	}
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

/* Takes every translation of the range away; the process may still do all it may do now. */
static void take_away(u8 *from, u64 len, int prot)
{
	ASSERT_EQ(0, mprotect(from, len, PROT_READ | PROT_WRITE | prot));
}

/* Whole tables, and single pages in them. */
static u64 disturb(u8 *mem)
{
	u64 n, done = 0;

	while (finished < VCPUS) {
		n = kt_random();
		take_away(mem + n % 8 * KT_2M, KT_2M, n & 16 ? PROT_EXEC : 0);
		n = kt_random() % (PAGES - 8);
		take_away(mem + n * KT_PAGE, 8 * KT_PAGE, n & 1 ? PROT_EXEC : 0);
		done += 2;
		sched_yield();
	}
	return done;
}

static void run(bool large, bool disturbed)
{
	struct kt_smp *smp = kt_smp_new(VCPUS, false);
	u8 *mem = kt_map_anonymous(LEN);
	u64 i, me, times = 0;

	rounds = kt_times(disturbed ? 20 : 2);
	finished = 0;
	kt_advise_size(mem, LEN, large);
	vm_set_slot(smp->vm->fd, SLOT, 0, GPA, LEN, mem);
	for (i = 0; i < VCPUS; i++)
		kt_smp_call(smp, i, count_in_every_page, i);
	kt_smp_start(smp);
	if (disturbed)
		times = disturb(mem);
	kt_smp_finish(smp);
	if (disturbed)
		kt_note("%llu rounds, taken away %llu times", rounds, times);
	for (i = 0; i < PAGES; i++)
		for (me = 0; me < VCPUS; me++)
			EXPECT_EQ(rounds, ((u64 *)(mem + i * KT_PAGE))[me]);
}

KITE_TEST(small_pages_together)
{
	run(false, false);
}

KITE_TEST(large_pages_together)
{
	run(true, false);
}

KITE_TEST(small_pages_taken_away)
{
	run(false, true);
}

KITE_TEST(large_pages_taken_away)
{
	run(true, true);
}
