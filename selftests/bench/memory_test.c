// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest's memory costs: the first touch of it, by one vCPU and by several side by
 * side, and its dirty log. Part of "make bench".
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "apic.h"
#include "bench.h"
#include "files.h"

#define GPA		0x10000000ul	/* of the memory that is measured */
#define LEN		(64ul << 20)
#define LOG_LEN		(128ul << 20)
#define PAGES		(LEN / KT_PAGE)
#define HUGE		(2ul << 20)
#define SLOT		KT_FACE_SLOTS
#define CYCLES		3u

/* Where the memory comes from. */
enum { ABSENT, PRESENT, THP, HUGETLB };
#define VCPUS_SHIFT	8
#define KIND(vcpus, kind) ((vcpus) << VCPUS_SHIFT | (kind))

/* Written by vCPU 0. */
static struct kt_sample sample;
static u64 meetings;

/* What the guest writes to in a pass: a word in every page, or in every @step-th. */
static struct {
	u64 len;
	u64 step;
	u64 passes;
} work;

/* Every vCPU its own part, all at the same time. */
static void touch(u64 arg)
{
	u64 me = kt_me()->number, vcpus = arg >> VCPUS_SHIFT, part = LEN / vcpus, at;

	kt_meet(vcpus, meetings + 1);
	if (!me)
		kt_sample_begin(&sample);
	kt_meet(vcpus, meetings + 2);
	for (at = 0; at < part; at += KT_PAGE)
		*(volatile u64 *)(GPA + me * part + at) = 1;
	kt_meet(vcpus, meetings + 3);
	if (!me)
		kt_sample_end(&sample, PAGES);
	kt_done();
}

static void rewrite(u64 unused)
{
	u64 pass, at;

	(void)unused;
	for (pass = 1;; pass++) {
		kt_sample_begin(&sample);
		for (at = 0; at < work.len; at += work.step * KT_PAGE)
			*(volatile u64 *)(GPA + at) = pass;
		kt_sample_end(&sample, work.len / KT_PAGE / work.step);
		work.passes = pass;
		kt_sync(pass);
	}
}

struct memory {
	u8 *map;
	u8 *mem;			/* aligned to huge pages */
	u64 len;
};

static void reserve_huge_pages(void)
{
	static const char path[] = "/proc/sys/vm/nr_hugepages";

	ASSERT_TRUE(kt_write_file(path, "40"));
	ASSERT_GE(kt_read_number(path), LEN / HUGE);
}

static void get_memory(struct memory *mem, u64 len, unsigned int kind)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (kind == HUGETLB ? MAP_HUGETLB : 0);

	if (kind == HUGETLB)
		reserve_huge_pages();
	mem->len = kind == HUGETLB ? len : len + HUGE;
	mem->map = mmap(NULL, mem->len, PROT_READ | PROT_WRITE, flags, -1, 0);
	ASSERT_TRUE(mem->map != MAP_FAILED);
	mem->mem = (u8 *)(((u64)mem->map + HUGE - 1) & ~(HUGE - 1));
	if (kind != HUGETLB)
		ASSERT_EQ(0, madvise(mem->mem, len, kind == THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
	if (kind == PRESENT)
		memset(mem->mem, 1, len);
}

static void put_memory(const struct memory *mem)
{
	ASSERT_EQ(0, munmap(mem->map, mem->len));
}

static void measure_touch(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	struct memory mem;
	struct kt_machine m;
	struct kt_guest g;

	kt_guest_init(&g, row->arg >> VCPUS_SHIFT, false, row->guest, row->arg);
	kt_machine_new(&m, face, &g);
	get_memory(&mem, LEN, row->arg & (BIT(VCPUS_SHIFT) - 1));
	face->set_slot(&m, SLOT, GPA, LEN, mem.mem, false);
	kt_machine_start(&m);
	kt_machine_finish(&m);
	meetings += 3;
	*s = sample;
	kt_machine_free(&m);
	kt_guest_free(&g);
	put_memory(&mem);
}

/* A slot with a log, all of its pages mapped and clean. */
struct logged {
	struct memory mem;
	struct kt_machine m;
	struct kt_guest g;
	u64 bitmap[LOG_LEN / KT_PAGE / 64];
};

static void run(struct logged *l)
{
	u64 passes = work.passes;

	ASSERT_EQ(KT_PORT_SYNC, l->m.face->run(&l->m, 0));
	ASSERT_EQ(passes + 1, work.passes);
}

static void get_dirty(struct logged *l, u64 expected)
{
	u64 i, bits = 0;

	l->m.face->get_dirty(&l->m, SLOT, LOG_LEN / KT_PAGE, l->bitmap);
	for (i = 0; i < ARRAY_SIZE(l->bitmap); i++)
		bits += __builtin_popcountll(l->bitmap[i]);
	ASSERT_EQ(expected, bits);
}

static struct logged *log_begin(const struct kt_row *row, const struct kt_face *face)
{
	struct logged *l = calloc(1, sizeof(*l));

	ASSERT_TRUE(l);
	work.passes = 0;
	work.len = LOG_LEN;
	work.step = 1;
	kt_guest_init(&l->g, 1, false, row->guest, 0);
	kt_machine_new(&l->m, face, &l->g);
	get_memory(&l->mem, LOG_LEN, PRESENT);
	face->set_slot(&l->m, SLOT, GPA, LOG_LEN, l->mem.mem, true);
	run(l);
	get_dirty(l, LOG_LEN / KT_PAGE);
	work.len = LEN;
	return l;
}

static void log_end(struct logged *l)
{
	kt_machine_free(&l->m);
	kt_guest_free(&l->g);
	put_memory(&l->mem);
	free(l);
}

static void measure_rewrite(const struct kt_row *row, const struct kt_face *face,
			    struct kt_sample *s)
{
	struct logged *l = log_begin(row, face);

	run(l);
	*s = sample;
	log_end(l);
}

static void measure_get(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	struct logged *l = log_begin(row, face);

	run(l);
	kt_sample_begin(s);
	l->m.face->get_dirty(&l->m, SLOT, LOG_LEN / KT_PAGE, l->bitmap);
	kt_sample_end(s, 1);
	log_end(l);
}

/* The guest writes to some pages, in all of the slot; the log is taken. */
static void measure_cycle(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	struct logged *l = log_begin(row, face);
	unsigned int i;

	work.len = LOG_LEN;
	work.step = 100 / row->arg;
	kt_sample_begin(s);
	for (i = 0; i < CYCLES; i++) {
		run(l);
		l->m.face->get_dirty(&l->m, SLOT, LOG_LEN / KT_PAGE, l->bitmap);
	}
	kt_sample_end(s, CYCLES);
	run(l);
	get_dirty(l, (LOG_LEN / KT_PAGE + work.step - 1) / work.step);
	log_end(l);
}

static const struct kt_row rows[] = {
	{ "touch4k_absent", "ticks/page", measure_touch, touch, KIND(1, ABSENT), 60 },
	{ "touch4k_present", "ticks/page", measure_touch, touch, KIND(1, PRESENT), 25 },
	{ "touch_thp", "ticks/4KiB", measure_touch, touch, KIND(1, THP), 100 },
	{ "touch_hugetlb", "ticks/4KiB", measure_touch, touch, KIND(1, HUGETLB), 100 },
	{ "touch4k_absent_2", "ticks/page", measure_touch, touch, KIND(2, ABSENT), 60, 2, 2 },
	{ "touch4k_present_2", "ticks/page", measure_touch, touch, KIND(2, PRESENT), 25, 2, 2 },
	{ "touch_thp_2", "ticks/4KiB", measure_touch, touch, KIND(2, THP), 100, 2, 2 },
	{ "touch_hugetlb_2", "ticks/4KiB", measure_touch, touch, KIND(2, HUGETLB), 100, 2, 2 },
	{ "touch4k_absent_4", "ticks/page", measure_touch, touch, KIND(4, ABSENT), 60, 4, 2 },
	{ "touch4k_present_4", "ticks/page", measure_touch, touch, KIND(4, PRESENT), 25, 4, 2 },
	{ "touch_thp_4", "ticks/4KiB", measure_touch, touch, KIND(4, THP), 100, 4, 2 },
	{ "touch_hugetlb_4", "ticks/4KiB", measure_touch, touch, KIND(4, HUGETLB), 100, 4, 2 },
	{ "dirty_rewrite", "ticks/page", measure_rewrite, rewrite, 0, 100 },
	{ "dirty_get", "ticks", measure_get, rewrite, 0, 33 },
	{ "dirty_cycle_1", "ticks", measure_cycle, rewrite, 1, 100 },
	{ "dirty_cycle_10", "ticks", measure_cycle, rewrite, 10, 100 },
	{ "dirty_cycle_100", "ticks", measure_cycle, rewrite, 100, 100 },
};

KT_ROWS(rows)
