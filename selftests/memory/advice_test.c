// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: madvise() has the same effect on a guest's memory as on any other, and
 * what the process has given back the guest cannot reach any more.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "pattern.h"

static void advise(const struct kt_range *r, int advice)
{
	ASSERT_EQ(0, madvise(r->at, r->len, advice));
}

static void dontneed(u64 round)
{
	struct kt_range r = kt_pick();

	(void)round;
	kt_discard_begin(&r);
	advise(&r, MADV_DONTNEED);
	kt_discard_end(&r);
}

KT_PATTERN_TEST(pages_are_dropped, dontneed, 20, KT_ZEROES)

/* Reclaim drops what has been freed and not been written since. */
static void lazily_free(u64 round)
{
	struct kt_range r = kt_pick();

	kt_discard_begin(&r);
	advise(&r, MADV_FREE);
	kt_discard_end(&r);
	if (round % 2) {
		kt_pattern_rest(&r);
		advise(&r, MADV_PAGEOUT);
		kt_pattern_no_rest();
	} else {
		kt_pattern_linger();
	}
	advise(&r, MADV_PAGEOUT);
}

KT_PATTERN_TEST(pages_are_freed_lazily, lazily_free, 20, KT_MAY_ZERO)

static void make_cold(u64 round)
{
	struct kt_range r = kt_pick();

	(void)round;
	advise(&r, MADV_COLD);
}

KT_PATTERN_TEST(pages_are_cold, make_cold, 20, KT_KEEPS)

/* A page that the guest has lost is somebody else's: the guest must not write to it. */
static void lose(u64 round)
{
	struct kt_range all = { .count = KT_PATTERN_PAGES, .at = kt_mem, .len = KT_PATTERN_LEN };
	u64 i, words = KT_PATTERN_LEN / 2 / sizeof(u64);
	u64 *other;

	dontneed(round);
	kt_discard_begin(&all);
	advise(&all, MADV_DONTNEED);
	kt_discard_end(&all);
	/* What the slot loses the next mapping is likely to get. */
	other = mmap(NULL, words * sizeof(u64), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_TRUE(other != MAP_FAILED);
	kt_pattern_linger();
	for (i = 0; i < words; i++)
		ASSERT_EQ(0ull, other[i]);
	munmap(other, words * sizeof(u64));
}

KT_PATTERN_TEST(pages_of_others_are_left_alone, lose, 20, KT_ZEROES)
