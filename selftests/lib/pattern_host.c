// SPDX-License-Identifier: GPL-2.0-only
/* The host's side of pattern.h. */
#include "pattern_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mapping.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* Rounds after which the guests must have seen everything, and large pages are made again. */
#define BATCH		40

static const char *const kinds[KT_PATTERN_KINDS] = {
	"4k", "thp", "4k_logged", "thp_logged",
};

u8 *kt_mem;
struct kt_smp *kt_pattern_smp;

static bool thp;

/* What the log says has been written is copied here. */
static bool logged;
static u8 *image;
static u64 copied;

void kt_pattern_register(struct kt_test *tests, const char *name, void (*fn)(unsigned int))
{
	unsigned int i;

	for (i = 0; i < KT_PATTERN_KINDS; i++) {
		tests[i] = (struct kt_test){
			.name = name, .variant = kinds[i], .fn = fn, .param = i, .timeout = 120,
		};
		kt_register(&tests[i]);
	}
}

void kt_pattern_same(u64 same)
{
	kt_pattern.same = same;
}

void kt_pattern_write_every(u64 visits)
{
	kt_pattern.write_every = visits;
}

void kt_pattern_advise(u8 *at, size_t len)
{
	kt_advise_size(at, len, thp);
}

/* Zero before anybody writes: pages of the right size are behind it from the beginning. */
static void populate(void)
{
	kt_pattern_advise(kt_mem, KT_PATTERN_LEN);
	ASSERT_EQ(0, madvise(kt_mem, KT_PATTERN_LEN, MADV_POPULATE_WRITE));
	if (thp && !kt_huge_kb())
		SKIP("no large pages: not enabled, or no memory in one piece");
	ASSERT_EQ(thp ? KT_PATTERN_LEN / 1024 : 0, kt_huge_kb());
}

static void copy_page(u64 page)
{
	memcpy(image + page * KT_PAGE, kt_mem + page * KT_PAGE, KT_PAGE);
	copied++;
}

static void follow_log(void)
{
	u64 bits[KT_PATTERN_PAGES / 64], i;

	if (!logged)
		return;
	vm_get_dirty(kt_pattern_smp->vm->fd, KT_PATTERN_SLOT, KITE_DIRTY_CLEAR, 0,
		     KT_PATTERN_PAGES, bits);
	for (i = 0; i < KT_PATTERN_PAGES; i++)
		if (bits[i / 64] & BIT(i % 64))
			copy_page(i);
}

void kt_pattern_set_slot(void)
{
	static u8 *at;
	u64 i;

	vm_set_slot(kt_pattern_smp->vm->fd, KT_PATTERN_SLOT, logged ? KITE_SLOT_LOG_DIRTY : 0,
		    KT_PATTERN_GPA, KT_PATTERN_LEN, kt_mem);
	/* Where it has moved to a log begins that knows nothing yet. */
	for (i = 0; logged && at != kt_mem && i < KT_PATTERN_PAGES; i++)
		copy_page(i);
	at = kt_mem;
}

void kt_pattern_start(unsigned int param, enum kt_discards discards)
{
	struct kt_smp *smp = kt_smp_new(KT_PATTERN_VCPUS, false);
	unsigned int i;

	thp = param & KT_PATTERN_THP;
	logged = param & KT_PATTERN_LOGGED;
	kt_pattern_smp = smp;
	kt_pattern.discards = discards;
	kt_mem = kt_map_anonymous(KT_PATTERN_LEN);
	populate();
	if (logged)
		image = kt_map_anonymous(KT_PATTERN_LEN);
	kt_pattern_set_slot();
	for (i = 0; i < KT_PATTERN_VCPUS; i++)
		kt_smp_call(smp, i, kt_pattern_work, i);
	kt_smp_start(smp);
}

void kt_pattern_check(void)
{
	const struct kt_wrong *w = &kt_pattern.first_wrong;

	if (!kt_pattern.wrong)
		return;
	kt_note("%llu wrong; first page %llu word %llu: 0x%llx, last written 0x%llx",
		kt_pattern.wrong, w->page, w->word, w->got, w->last);
	FAIL("written from epoch %llu to %llu, now %llu", w->begun, w->ended, w->epoch);
}

void kt_pattern_pass(void)
{
	u64 since[KT_PATTERN_VCPUS];
	unsigned int i;

	for (i = 0; i < KT_PATTERN_VCPUS; i++)
		since[i] = kt_pattern.passes[i];
	/* The pass under way had begun before. */
	for (i = 0; i < KT_PATTERN_VCPUS; i++)
		while (kt_pattern.passes[i] < since[i] + 2)
			usleep(200);
	kt_pattern_check();
	follow_log();
}

void kt_pattern_finish(void)
{
	u64 page;

	kt_pattern_pass();
	kt_pattern.stop = 1;
	kt_smp_finish(kt_pattern_smp);
	kt_pattern_check();
	for (page = 0; page < KT_PATTERN_PAGES; page++)
		kt_pattern_visit(page, (volatile u64 *)(kt_mem + page * KT_PAGE));
	kt_pattern_check();
	if (!logged)
		return;
	follow_log();
	kt_note("%llu pages copied", copied);
	/* What the host takes away is no write of the guest. */
	if (kt_pattern.discards == KT_KEEPS)
		EXPECT_EQ(0, memcmp(image, kt_mem, KT_PATTERN_LEN));
}

void kt_pattern_rounds(const struct kt_action *action, unsigned int param)
{
	u64 round, n = kt_times(action->rounds), huge = 0;

	kt_pattern_start(param, action->discards);
	kt_pattern_pass();
	for (round = 0; round < n; round++) {
		action->fn(round);
		kt_pattern_linger();
		follow_log();
		if (round % BATCH)
			continue;
		kt_pattern_pass();
		if (thp && !madvise(kt_mem, KT_PATTERN_LEN, MADV_COLLAPSE))
			huge++;
	}
	kt_pattern_finish();
	kt_note("%s: %llu rounds, %llu visits of pages, %llu found empty, %llu faults told",
		action->name, n, kt_pattern_visits(), kt_pattern.emptied, kt_pattern_faults());
	if (thp)
		kt_note("large again %llu times", huge);
	if (action->discards != KT_KEEPS)
		EXPECT_GT(kt_pattern.emptied, 0ull);
}

u64 kt_pattern_visits(void)
{
	u64 i, sum = 0;

	for (i = 0; i < KT_PATTERN_VCPUS; i++)
		sum += kt_pattern.visits[i];
	return sum;
}

u64 kt_pattern_faults(void)
{
	u64 i, sum = 0;

	for (i = 0; i < KT_PATTERN_VCPUS; i++)
		sum += kt_pattern_smp->runner[i].faults;
	return sum;
}

struct kt_range kt_pick(void)
{
	u64 huge = KT_PATTERN_HUGE / KT_PAGE;
	struct kt_range r = { .count = 1 };

	switch (kt_random() % 8) {
	case 0:
		r.count = KT_PATTERN_PAGES;
		break;
	case 1:
		r.count = huge;
		break;
	case 2 ... 5:
		r.count = 1 + kt_random() % 16;
		break;
	}
	r.first = kt_random() % (KT_PATTERN_PAGES - r.count + 1);
	if (r.count == huge)
		r.first -= r.first % huge;
	r.at = kt_mem + r.first * KT_PAGE;
	r.len = r.count * KT_PAGE;
	return r;
}

void kt_pattern_linger(void)
{
	u32 us = kt_random() % 64;

	if (us)
		usleep(us);
}

static void next_epoch(const struct kt_range *range)
{
	u64 i;

	for (i = range->first; i < range->first + range->count; i++)
		__atomic_fetch_add(&kt_pattern.epoch[i], 1, __ATOMIC_SEQ_CST);
}

void kt_pattern_rest(const struct kt_range *range)
{
	kt_pattern.rest_to = 0;
	kt_pattern.rest_from = range->first;
	kt_pattern.rest_to = range->first + range->count;
}

void kt_pattern_no_rest(void)
{
	kt_pattern.rest_to = 0;
}

void kt_discard_begin(const struct kt_range *range)
{
	next_epoch(range);
}

void kt_discard_end(const struct kt_range *range)
{
	next_epoch(range);
}

u64 kt_huge_kb(void)
{
	unsigned long from, to;
	char line[256];
	bool here = false;
	u64 kb, sum = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f)) {
		/* A line of a mapping; no name of a number has a dash. */
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from < (u64)kt_mem + KT_PATTERN_LEN && to > (u64)kt_mem;
		else if (here && sscanf(line, "AnonHugePages: %llu", &kb) == 1)
			sum += kb;
	}
	fclose(f);
	return sum;
}
