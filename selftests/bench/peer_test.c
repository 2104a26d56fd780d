// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Kite and KVM cost for the same guest in the same boot, in ticks of the time-stamp
 * counter of the host around the call. Not run with the tests: it asserts only that the
 * guest did its work. "make bench" runs it and makes a table of its lines.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "apic.h"
#include "face.h"

#define GPA		0x10000000ul	/* of the memory that is measured */
#define LEN		(64ul << 20)
#define LOG_LEN		(128ul << 20)
#define PAGES		(LEN / KT_PAGE)
#define SLOT		2
#define ROUNDS		2		/* the least of them counts */

/* A machine with memory that is measured. */
struct bench {
	const struct kt_face *face;
	struct kt_machine machine;
	u8 *mem;
	u64 len;
};

/* What the guest does with the memory; each pass ends with a call of the guest. */
static struct {
	u64 len;
	u64 passes;
} work;

static void touch(u64 unused)
{
	u64 pass, at;

	(void)unused;
	for (pass = 1;; pass++) {
		for (at = 0; at < work.len; at += KT_PAGE)
			*(volatile u64 *)(GPA + at) = pass;
		work.passes = pass;
		kt_sync(pass);
	}
}

static u64 run(struct bench *b)
{
	u64 start = kt_rdtsc(), passes = work.passes;

	ASSERT_EQ((u16)KT_PORT_SYNC, b->face->run(&b->machine));
	start = kt_rdtsc() - start;
	ASSERT_EQ(passes + 1, work.passes);
	return start;
}

/* Memory of @len bytes in pages of 4 KBytes, or in huge pages, aligned to those. */
static u8 *memory(u64 len, int advice)
{
	u64 huge = 2ul << 20;
	u8 *mem;

	mem = mmap(NULL, len + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(mem != MAP_FAILED);
	mem = (u8 *)(((u64)mem + huge - 1) & ~(huge - 1));
	ASSERT_EQ(0, madvise(mem, len, advice));
	return mem;
}

static void begin(struct bench *b, u64 len, int advice, bool log)
{
	work.len = LEN;
	work.passes = 0;
	b->face->create(&b->machine, touch, 0);
	b->len = len;
	b->mem = memory(len, advice);
	b->face->add_memory(&b->machine, SLOT, GPA, len, b->mem, log);
}

static void end(struct bench *b)
{
	b->face->destroy(&b->machine);
	ASSERT_EQ(0, munmap(b->mem, b->len));
}

static void measure_absent(struct bench *b, u64 *ticks)
{
	begin(b, LEN, MADV_NOHUGEPAGE, false);
	*ticks = run(b) / PAGES;
	end(b);
}

static void measure_present(struct bench *b, u64 *ticks)
{
	begin(b, LEN, MADV_NOHUGEPAGE, false);
	memset(b->mem, 1, LEN);
	*ticks = run(b) / PAGES;
	end(b);
}

static void measure_thp(struct bench *b, u64 *ticks)
{
	begin(b, LEN, MADV_HUGEPAGE, false);
	*ticks = run(b) / PAGES;
	end(b);
}

/* The bits of @bitmap, which has one for each page of LOG_LEN. */
static u64 count(const u64 *bitmap)
{
	u64 i, bits = 0;

	for (i = 0; i < LOG_LEN / KT_PAGE / 64; i++)
		bits += __builtin_popcountll(bitmap[i]);
	return bits;
}

/* Of LOG_LEN, all mapped, the guest writes the first LEN: ticks of that and of the get. */
static void log_round(struct bench *b, u64 *rewrite, u64 *get)
{
	u64 *bitmap = calloc(LOG_LEN / KT_PAGE / 64, sizeof(*bitmap));

	ASSERT_TRUE(bitmap);
	begin(b, LOG_LEN, MADV_NOHUGEPAGE, true);
	memset(b->mem, 1, LOG_LEN);
	work.len = LOG_LEN;
	run(b);
	work.len = LEN;
	b->face->get_dirty(&b->machine, SLOT, LOG_LEN / KT_PAGE, bitmap);
	ASSERT_EQ(LOG_LEN / KT_PAGE, count(bitmap));
	*rewrite = run(b) / PAGES;
	*get = kt_rdtsc();
	b->face->get_dirty(&b->machine, SLOT, LOG_LEN / KT_PAGE, bitmap);
	*get = kt_rdtsc() - *get;
	ASSERT_EQ(PAGES, count(bitmap));
	end(b);
	free(bitmap);
}

static void measure_rewrite(struct bench *b, u64 *ticks)
{
	u64 get;

	log_round(b, ticks, &get);
}

static void measure_get(struct bench *b, u64 *ticks)
{
	u64 rewrite;

	log_round(b, &rewrite, ticks);
}

/* @target: what Kite should cost of what KVM costs, in percent. */
static const struct row {
	const char *name;
	const char *unit;
	void (*measure)(struct bench *b, u64 *ticks);
	unsigned int target;
} rows[] = {
	{ "touch4k_absent", "ticks/page", measure_absent, 60 },
	{ "touch4k_present", "ticks/page", measure_present, 25 },
	{ "touch_thp", "ticks/4KiB", measure_thp, 100 },
	{ "dirty_rewrite", "ticks/page", measure_rewrite, 100 },
	{ "dirty_get", "ticks", measure_get, 33 },
};

static u64 least(const struct row *row, const struct kt_face *face)
{
	struct bench b = { .face = face };
	u64 ticks, best = ~0ull;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		row->measure(&b, &ticks);
		if (ticks < best)
			best = ticks;
	}
	return best;
}

static void compare(const struct row *row)
{
	u64 kite = least(row, &kt_face_kite);
	u64 kvm = least(row, &kt_face_kvm);

	kt_note("row %s %s %llu %llu %u", row->name, row->unit, kite, kvm, row->target);
}

KITE_TEST_TIMEOUT(guest_memory, 300)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		compare(&rows[i]);
}
