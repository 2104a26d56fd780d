// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: large pages of the host are made of small ones and fall into small
 * ones again under a guest, and it does not notice.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pattern.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define KHUGEPAGED	THP "khugepaged/"
#define SPLIT		"/sys/kernel/debug/split_huge_pages"

static void need(const char *path)
{
	if (access(path, W_OK))
		SKIP("no %s", path);
}

/* Or not, when somebody else holds a page, or is just changing the mappings. */
static void try_collapse(void)
{
	if (madvise(kt_mem, KT_PATTERN_LEN, MADV_COLLAPSE))
		ASSERT_TRUE(errno == EAGAIN || errno == EBUSY || errno == ENOMEM ||
			    errno == EINVAL);
}

/* At once, and mapped in small ones again by what comes next. */
static void collapse(u64 round)
{
	struct kt_range r = kt_pick();

	(void)round;
	ASSERT_EQ(0, madvise(kt_mem, KT_PATTERN_LEN, MADV_HUGEPAGE));
	try_collapse();
	kt_pattern_linger();
	ASSERT_EQ(0, mprotect(r.at, r.len, PROT_READ));
	ASSERT_EQ(0, mprotect(r.at, r.len, PROT_READ | PROT_WRITE));
}

static void pages_collapse(unsigned int param)
{
	u64 made, before = kt_vmstat("thp_collapse_alloc"), split = kt_vmstat("thp_split_pmd");

	if (madvise(NULL, 0, MADV_COLLAPSE))
		SKIP("no MADV_COLLAPSE: errno %d", errno);
	kt_pattern_rounds(&(const struct kt_action){ "collapse", collapse, 20, KT_KEEPS }, param);
	made = kt_vmstat("thp_collapse_alloc") - before;
	split = kt_vmstat("thp_split_pmd") - split;
	kt_note("%llu large pages made, %llu mappings of one split", made, split);
	EXPECT_GT(made, 0ull);
	EXPECT_GT(split, 0ull);
}

KT_PATTERN_REGISTER(pages_collapse)

/* The page itself, not only its mapping, falls into small ones. */
static void split_all(u64 round)
{
	char range[64];

	(void)round;
	try_collapse();
	kt_pattern_linger();
	snprintf(range, sizeof(range), "%d,0x%llx,0x%llx", getpid(), (u64)kt_mem,
		 (u64)kt_mem + KT_PATTERN_LEN);
	ASSERT_TRUE(kt_write_file(SPLIT, range));
}

KITE_TEST_TIMEOUT(pages_split, 120)
{
	u64 before = kt_vmstat("thp_split_page");

	need(SPLIT);
	kt_pattern_rounds(&(const struct kt_action){ "split", split_all, 20, KT_KEEPS },
			  KT_PATTERN_THP);
	kt_note("%llu large pages split", kt_vmstat("thp_split_page") - before);
	EXPECT_GT(kt_vmstat("thp_split_page"), before);
}

static u64 scans(void)
{
	return kt_read_number(KHUGEPAGED "full_scans");
}

/* Back and forth by advice, and the kernel's own thread looks at each change. */
static void advise_size(u64 round)
{
	u64 before = scans();
	struct kt_range r = kt_pick();

	ASSERT_EQ(0, madvise(r.at, r.len, round % 4 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
	if (round % 4 == 0)
		ASSERT_EQ(0, mprotect(r.at, r.len, PROT_READ));
	ASSERT_EQ(0, mprotect(r.at, r.len, PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, madvise(kt_mem, KT_PATTERN_LEN, MADV_HUGEPAGE));
	while (scans() == before)
		usleep(1000);
}

static void khugepaged_works(unsigned int param)
{
	u64 before = kt_read_number(KHUGEPAGED "pages_collapsed");
	u64 first = scans();

	need(KHUGEPAGED "scan_sleep_millisecs");
	ASSERT_TRUE(kt_write_file(KHUGEPAGED "scan_sleep_millisecs", "0"));
	ASSERT_TRUE(kt_write_file(KHUGEPAGED "alloc_sleep_millisecs", "0"));
	/* As little as that thread has: guests would leave it no CPU. */
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, 19));
	kt_pattern_rounds(&(const struct kt_action){ "khugepaged", advise_size, 20, KT_KEEPS },
			  param);
	kt_note("%llu scans, %llu large pages made",
		scans() - first,
		kt_read_number(KHUGEPAGED "pages_collapsed") - before);
	ASSERT_TRUE(kt_write_file(KHUGEPAGED "scan_sleep_millisecs", "10000"));
	ASSERT_TRUE(kt_write_file(KHUGEPAGED "alloc_sleep_millisecs", "60000"));
	EXPECT_GE(scans() - first, 20ull);
}

KT_PATTERN_REGISTER(khugepaged_works)
