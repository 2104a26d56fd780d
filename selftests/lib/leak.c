// SPDX-License-Identifier: GPL-2.0-only
#include "leak.h"

#include <stdio.h>
#include <unistd.h>

#include "files.h"

#define BATCHES		5
#define SLACK_KB	1024

/* What the kernel has left and what it uses for itself, in kB. */
struct usage {
	u64 free;
	u64 slab;
	u64 tables;
};

/* kB on the lists of free pages that each CPU keeps; MemFree does not count them. */
static u64 free_on_lists(void)
{
	u64 pages = 0, count;
	char line[128];
	FILE *f = fopen("/proc/zoneinfo", "r");

	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %llu", &count) == 1)
			pages += count;
	fclose(f);
	return pages * (KT_PAGE / 1024);
}

static struct usage usage(void)
{
	/* Freeing goes through RCU and workers: give it time. */
	usleep(300000);
	return (struct usage){
		.free = kt_meminfo("MemFree") + free_on_lists(),
		.slab = kt_meminfo("Slab"),
		.tables = kt_meminfo("PageTables") + kt_meminfo("SecPageTables"),
	};
}

/* What caches of the kernel take they take once. A leak takes as much in every batch. */
void kt_expect_no_leak(void (*once)(void), u64 rounds)
{
	struct usage before, after;
	unsigned int batch;
	u64 i;

	for (batch = 0; batch < BATCHES; batch++) {
		before = usage();
		for (i = 0; i < rounds; i++)
			once();
		after = usage();
		kt_note("%llu rounds: free %llu to %llu kB, Slab %llu to %llu, tables %llu to %llu",
			rounds, before.free, after.free, before.slab, after.slab, before.tables,
			after.tables);
		if (after.free + SLACK_KB >= before.free && before.slab + SLACK_KB >= after.slab &&
		    before.tables + SLACK_KB / 8 >= after.tables)
			return;
	}
	FAIL("memory is lost in each of %u batches", BATCHES);
}
