// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: pages that the kernel moves to another place in memory are the guest's
 * all the same.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pattern.h"

#define COMPACT		"/proc/sys/vm/compact_memory"
/* An entry of /proc/PID/pagemap. */
#define PRESENT		BIT(63)
#define FRAME		(BIT(55) - 1)

static void frames(u64 *entry)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(KT_PATTERN_PAGES * 8, pread(fd, entry, KT_PATTERN_PAGES * 8,
					      (u64)kt_mem / KT_PAGE * 8));
	close(fd);
}

/* How many pages compaction has put elsewhere: nothing else moves a page that stays mapped. */
static u64 compact(void)
{
	static u64 before[KT_PATTERN_PAGES], after[KT_PATTERN_PAGES];
	u64 i, moved = 0;

	frames(before);
	ASSERT_TRUE(kt_write_file(COMPACT, "1"));
	frames(after);
	for (i = 0; i < KT_PATTERN_PAGES; i++)
		moved += before[i] & after[i] & PRESENT && (before[i] ^ after[i]) & FRAME;
	return moved;
}

/* Compaction packs all pages at the end of a zone: new ones lie before it. */
static void renew(void)
{
	struct kt_range r = kt_pick();

	kt_discard_begin(&r);
	ASSERT_EQ(0, madvise(r.at, r.len, MADV_DONTNEED));
	kt_discard_end(&r);
	kt_pattern_pass();
}

/* A round is a page that was moved. */
static void pages_migrate(unsigned int param)
{
	u64 rounds = kt_times(20), moved = 0, runs = 0, done = kt_vmstat("pgmigrate_success");

	if (access(COMPACT, W_OK))
		SKIP("no %s", COMPACT);
	kt_pattern_start(param, KT_ZEROES);
	kt_pattern_pass();
	for (; moved < rounds; runs++) {
		moved += compact();
		renew();
	}
	kt_pattern_finish();
	kt_note("%llu rounds: %llu times compacted, %llu pages moved in all", moved, runs,
		kt_vmstat("pgmigrate_success") - done);
}

KT_PATTERN_REGISTER(pages_migrate)
