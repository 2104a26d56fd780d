// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: what was mapped is found until it is zapped, nothing else is; an
 * invalidation since the look-up, or under way, keeps a page out; every table
 * page is given back.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>

#include "ept/ept.h"
#include "unit.h"

#define RWX	KITE_EPT_PERM
#define RX	(KITE_EPT_READ | KITE_EPT_EXEC)
#define HPA	0x123456000ull

long unit_pages;
long unit_pages_left = -1;

static struct kite_ept ept;
static struct kite_ept_cache cache;

static void setup(void)
{
	memset(&ept, 0, sizeof(ept));
	unit_pages = 0;
	unit_pages_left = -1;
	EXPECT_EQ(0, kite_ept_init(&ept));
}

static void teardown(void)
{
	kite_ept_cache_drain(&cache);
	kite_ept_fini(&ept);
	EXPECT_EQ(0, unit_pages);
}

static int map(u64 gpa, u64 perm)
{
	EXPECT_EQ(0, kite_ept_cache_fill(&cache));
	return kite_ept_map(&ept, &cache, gpa, HPA, perm, kite_ept_begin(&ept));
}

/* The entry at @gpa by a walk of our own. */
static u64 entry_at(u64 gpa)
{
	u64 *table = ept.root;
	int shift;

	for (shift = 39; shift > 12; shift -= 9) {
		u64 entry = table[(gpa >> shift) & 511];

		if (!(entry & 7))
			return 0;
		/* Tables are at lower levels, never large pages. */
		EXPECT_EQ(0, entry & 0x80);
		table = (u64 *)(unsigned long)(entry & 0xffffffffff000ull);
	}
	return table[(gpa >> 12) & 511];
}

static void pointer(void)
{
	setup();
	/* Write-back tables, four levels, no accessed and dirty flags. */
	EXPECT_EQ(6 | (3 << 3), ept.eptp & 0xfff);
	EXPECT_EQ((unsigned long)ept.root, ept.eptp & ~0xfffull);
	teardown();
}

static void map_and_zap(void)
{
	static const u64 gpas[] = {
		0, 0x1000, 0x1ff000, 0x200000, 0x3ffff000, 0x40000000, 0x7fffffffff,
		0x8000000000ull, 0xfffffffff000ull,
	};
	unsigned int i, j;

	setup();
	for (i = 0; i < ARRAY_SIZE(gpas); i++) {
		u64 gpa = gpas[i] & ~0xfffull;

		unit_context("gpa %llx", (unsigned long long)gpa);
		EXPECT_EQ(0, map(gpa, RWX));
		/* Write-back, the guest's PAT ignored. */
		EXPECT_EQ(HPA | RWX | (6 << 3) | 0x40, entry_at(gpa));
		EXPECT_EQ(RWX, kite_ept_lookup(&ept, gpa));
	}
	for (i = 0; i < ARRAY_SIZE(gpas); i++) {
		u64 gen = ept.gen;

		unit_context("zap %u", i);
		EXPECT_TRUE(kite_ept_zap(&ept, gpas[i] & ~0xfffull, 0x1000));
		EXPECT_TRUE(ept.gen > gen);
		gen = ept.gen;
		EXPECT_FALSE(kite_ept_zap(&ept, gpas[i] & ~0xfffull, 0x1000));
		EXPECT_EQ(gen, ept.gen);
		for (j = 0; j < ARRAY_SIZE(gpas); j++)
			EXPECT_EQ(j > i ? RWX : 0, kite_ept_lookup(&ept, gpas[j] & ~0xfffull));
	}
	teardown();
}

static void zap_ranges(void)
{
	u64 gpa;

	setup();
	for (gpa = 0x1fe000; gpa < 0x203000; gpa += 0x1000)
		EXPECT_EQ(0, map(gpa, RWX));
	/* Across a table, but neither the first nor the last page. */
	EXPECT_TRUE(kite_ept_zap(&ept, 0x1ff000, 0x3000));
	EXPECT_EQ(RWX, kite_ept_lookup(&ept, 0x1fe000));
	EXPECT_EQ(0, kite_ept_lookup(&ept, 0x1ff000));
	EXPECT_EQ(0, kite_ept_lookup(&ept, 0x200000));
	EXPECT_EQ(0, kite_ept_lookup(&ept, 0x201000));
	EXPECT_EQ(RWX, kite_ept_lookup(&ept, 0x202000));
	EXPECT_TRUE(kite_ept_zap(&ept, 0, 1ull << 40));
	EXPECT_EQ(0, kite_ept_lookup(&ept, 0x202000));
	teardown();
}

static void permissions(void)
{
	setup();
	EXPECT_EQ(0, map(0x1000, RX));
	EXPECT_EQ(RX, kite_ept_lookup(&ept, 0x1000));
	EXPECT_EQ(0, map(0x1000, RWX));
	EXPECT_EQ(RWX, kite_ept_lookup(&ept, 0x1000));
	/* A read that was on its way does not take the right to write. */
	EXPECT_EQ(0, map(0x1000, RX));
	EXPECT_EQ(RWX, kite_ept_lookup(&ept, 0x1000));
	teardown();
}

static void invalidation(void)
{
	unsigned long seq;

	setup();
	EXPECT_EQ(0, kite_ept_cache_fill(&cache));
	seq = kite_ept_begin(&ept);
	kite_ept_invalidate_begin(&ept);
	EXPECT_EQ(-EAGAIN, kite_ept_map(&ept, &cache, 0x1000, HPA, RWX, seq));
	/* Looked up while it was under way: as stale as before. */
	EXPECT_EQ(-EAGAIN, kite_ept_map(&ept, &cache, 0x1000, HPA, RWX, kite_ept_begin(&ept)));
	kite_ept_invalidate_begin(&ept);
	kite_ept_invalidate_end(&ept);
	EXPECT_EQ(-EAGAIN, kite_ept_map(&ept, &cache, 0x1000, HPA, RWX, kite_ept_begin(&ept)));
	kite_ept_invalidate_end(&ept);
	EXPECT_EQ(-EAGAIN, kite_ept_map(&ept, &cache, 0x1000, HPA, RWX, seq));
	EXPECT_EQ(0, kite_ept_lookup(&ept, 0x1000));
	EXPECT_EQ(0, map(0x1000, RWX));
	teardown();
}

static void out_of_memory(void)
{
	long left;

	for (left = 0; left < KITE_EPT_CACHE_PAGES; left++) {
		setup();
		unit_pages_left = left;
		unit_context("%ld pages left", left);
		EXPECT_EQ(-ENOMEM, kite_ept_cache_fill(&cache));
		EXPECT_FALSE(kite_ept_cache_full(&cache));
		teardown();
	}
	unit_pages = 0;
	unit_pages_left = 0;
	memset(&ept, 0, sizeof(ept));
	EXPECT_EQ(-ENOMEM, kite_ept_init(&ept));
	kite_ept_fini(&ept);
	EXPECT_EQ(0, unit_pages);
}

static const struct unit_test tests[] = {
	UNIT_TEST(pointer),
	UNIT_TEST(map_and_zap),
	UNIT_TEST(zap_ranges),
	UNIT_TEST(permissions),
	UNIT_TEST(invalidation),
	UNIT_TEST(out_of_memory),
};

UNIT_MAIN(tests)
