// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: what was mapped is found until it is stripped, nothing else is; a page
 * that was written to is told to the host when its translation or its dirty flag
 * goes; tables that map nothing any more are unlinked; every table page is given
 * back.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>

#include "ept/ept.h"
#include "unit.h"

#define RWX	KITE_EPT_PERM
#define RX	(KITE_EPT_READ | KITE_EPT_EXEC)
#define W	KITE_EPT_WRITE
#define A	KITE_EPT_ACCESSED
#define D	KITE_EPT_DIRTY
#define HPA	0x123456000ull
#define MB2	0x200000ull
#define GB1	0x40000000ull

long unit_pages;
long unit_pages_left = -1;
unsigned long unit_dirty_pfn;
long unit_dirty;

static struct kite_ept ept;
static struct kite_ept_cache cache;

static void setup_with(bool ad)
{
	memset(&ept, 0, sizeof(ept));
	unit_pages = 0;
	unit_pages_left = -1;
	unit_dirty = 0;
	unit_dirty_pfn = 0;
	EXPECT_EQ(0, kite_ept_init(&ept, ad));
}

static void setup(void)
{
	setup_with(true);
}

static void teardown(void)
{
	EXPECT_EQ(unit_pages - cache.count, atomic_long_read(&ept.tables));
	kite_ept_cache_drain(&cache);
	kite_ept_fini(&ept);
	EXPECT_EQ(0, unit_pages);
}

/* Where it went, or NULL. */
static u64 *map_at(u64 gpa, u64 hpa, unsigned int level, u64 perm)
{
	unsigned int at = level;
	u64 *place;

	EXPECT_EQ(0, kite_ept_cache_fill(&cache));
	place = kite_ept_place(&ept, &cache, gpa, &at);
	EXPECT_EQ(level, at);
	kite_ept_set(place, kite_ept_entry(hpa, at, perm));
	return place;
}

static u64 *map(u64 gpa, u64 perm)
{
	return map_at(gpa, HPA, 1, perm);
}

static u64 strip(u64 gpa, u64 len, u64 mask)
{
	struct kite_ept_batch batch = {};
	u64 end = gpa + len, taken = 0;

	while (gpa < end) {
		gpa = kite_ept_strip(&ept, gpa, end, mask, &batch);
		taken |= batch.taken;
		kite_ept_batch_free(&ept, &batch);
	}
	return taken;
}

static u64 lookup(u64 gpa)
{
	return kite_ept_lookup(&ept, gpa, gpa + 0x1000);
}

/* The entry at @gpa by a walk of our own; *@shift says of what size. */
static u64 entry_at(u64 gpa, int *shift)
{
	u64 *table = ept.root;

	for (*shift = 39;; *shift -= 9) {
		u64 entry = table[(gpa >> *shift) & 511];

		if (!(entry & 7) || *shift == 12 || (entry & 0x80))
			return entry;
		table = (u64 *)(unsigned long)(entry & 0xffffffffff000ull);
	}
}

static void pointer(void)
{
	setup();
	/* Write-back tables, four levels, accessed and dirty flags. */
	EXPECT_EQ(6 | (3 << 3) | (1 << 6), ept.eptp & 0xfff);
	EXPECT_EQ((unsigned long)ept.root, ept.eptp & ~0xfffull);
	EXPECT_TRUE(kite_ept_ad(&ept));
	teardown();
	setup_with(false);
	EXPECT_EQ(6 | (3 << 3), ept.eptp & 0xfff);
	EXPECT_FALSE(kite_ept_ad(&ept));
	teardown();
}

static void map_and_strip(void)
{
	static const u64 gpas[] = {
		0, 0x1000, 0x1ff000, 0x200000, 0x3ffff000, 0x40000000, 0x7fffffffff,
		0x8000000000ull, 0xfffffffff000ull,
	};
	unsigned int i, j;
	int shift;

	setup();
	for (i = 0; i < ARRAY_SIZE(gpas); i++) {
		u64 gpa = gpas[i] & ~0xfffull;

		unit_context("gpa %llx", (unsigned long long)gpa);
		map(gpa, RWX);
		/* Write-back, the guest's PAT ignored. */
		EXPECT_EQ(HPA | RWX | (6 << 3) | 0x40, entry_at(gpa, &shift));
		EXPECT_EQ(12, shift);
	}
	for (i = 0; i < ARRAY_SIZE(gpas); i++) {
		s64 gen = atomic64_read(&ept.gen);

		unit_context("strip %u", i);
		EXPECT_EQ(RWX, strip(gpas[i] & ~0xfffull, 0x1000, KITE_EPT_ALL) & RWX);
		EXPECT_TRUE(atomic64_read(&ept.gen) > gen);
		gen = atomic64_read(&ept.gen);
		EXPECT_EQ(0, strip(gpas[i] & ~0xfffull, 0x1000, KITE_EPT_ALL));
		EXPECT_EQ(gen, atomic64_read(&ept.gen));
		for (j = 0; j < ARRAY_SIZE(gpas); j++)
			EXPECT_EQ(j > i ? RWX : 0, lookup(gpas[j] & ~0xfffull) & RWX);
	}
	teardown();
}

static void strip_ranges(void)
{
	u64 gpa;

	setup();
	for (gpa = 0x1fe000; gpa < 0x203000; gpa += 0x1000)
		map(gpa, RWX);
	/* Across a table, but neither the first nor the last page. */
	EXPECT_TRUE(strip(0x1ff000, 0x3000, KITE_EPT_ALL));
	EXPECT_TRUE(lookup(0x1fe000));
	EXPECT_FALSE(lookup(0x1ff000));
	EXPECT_FALSE(lookup(0x200000));
	EXPECT_FALSE(lookup(0x201000));
	EXPECT_TRUE(lookup(0x202000));
	/* Longer than one go. */
	map(1ull << 39, RWX);
	EXPECT_TRUE(strip(0, 1ull << 40, KITE_EPT_ALL));
	EXPECT_FALSE(lookup(0x202000));
	EXPECT_FALSE(lookup(1ull << 39));
	teardown();
}

static void permissions(void)
{
	setup();
	map(0x1000, RX);
	EXPECT_EQ(RX, lookup(0x1000) & RWX);
	map(0x1000, RWX);
	EXPECT_EQ(RWX, lookup(0x1000) & RWX);
	/* A read that was on its way does not take the right to write. */
	map(0x1000, RX);
	EXPECT_EQ(RWX, lookup(0x1000) & RWX);
	EXPECT_EQ(W, strip(0x1000, 0x1000, W));
	EXPECT_EQ(RX, lookup(0x1000) & RWX);
	EXPECT_EQ(0, strip(0x1000, 0x1000, W));
	teardown();
}

static void large_pages(void)
{
	unsigned int level;
	u64 *place;
	int shift;

	setup();
	map_at(MB2 + 0x5000, HPA, 2, RWX);
	EXPECT_EQ((HPA & ~(MB2 - 1)) | RWX | (6 << 3) | 0x40 | 0x80, entry_at(MB2, &shift));
	EXPECT_EQ(21, shift);
	map_at(5 * GB1, GB1 + HPA, 3, RX);
	EXPECT_EQ(GB1 | ((HPA & ~(GB1 - 1)) & ~GB1) | RX | (6 << 3) | 0x40 | 0x80,
		  entry_at(5 * GB1 + 0x12345000, &shift));
	EXPECT_EQ(30, shift);
	/* A small page does not go below a large one ... */
	level = 1;
	EXPECT_EQ(0, kite_ept_cache_fill(&cache));
	place = kite_ept_place(&ept, &cache, MB2 + 0x7000, &level);
	EXPECT_EQ(2, level);
	EXPECT_TRUE(*place & KITE_EPT_LARGE);
	/* ... nor a large page above a table. */
	map(0x3000, RWX);
	level = 2;
	place = kite_ept_place(&ept, &cache, 0x4000, &level);
	EXPECT_EQ(1, level);
	EXPECT_EQ(0, *place);
	/* Without a cache only what is there is found. */
	level = 1;
	EXPECT_EQ(0, (unsigned long)kite_ept_place(&ept, NULL, 7 * GB1, &level));
	/* A part of it takes all of it. */
	EXPECT_EQ(RWX, strip(MB2 + 0x5000, 0x1000, W) & RWX);
	EXPECT_FALSE(kite_ept_lookup(&ept, MB2, 2 * MB2));
	EXPECT_EQ(RX, strip(5 * GB1, GB1, KITE_EPT_ALL) & RWX);
	teardown();
}

static void what_came_in_between_stays(void)
{
	u64 *place, table;

	setup();
	/* A vCPU has found nothing where its large page belongs; another has linked a table. */
	map(MB2 + 0x1000, RWX);
	place = (u64 *)(unsigned long)(ept.root[0] & KITE_EPT_ADDR);
	place = (u64 *)(unsigned long)(place[0] & KITE_EPT_ADDR) + 1;
	table = *place;
	kite_ept_set(place, kite_ept_entry(MB2, 2, RWX));
	EXPECT_EQ(table, *place);
	/* Kite's own page and one of the process do not take each other's place. */
	place = map(0x1000, RWX | KITE_EPT_OWN);
	kite_ept_set(place, kite_ept_entry(HPA + 0x1000, 1, RWX));
	EXPECT_TRUE(*place & KITE_EPT_OWN);
	place = map(0x2000, RWX);
	kite_ept_set(place, kite_ept_entry(HPA, 1, RWX | KITE_EPT_OWN));
	EXPECT_FALSE(*place & KITE_EPT_OWN);
	teardown();
}

static void split(void)
{
	unsigned int i;
	u64 *place;
	int shift;

	setup();
	place = map_at(MB2, MB2, 2, RX);
	*place |= D;
	kite_ept_split(&ept, &cache, place, 2);
	for (i = 0; i < 512; i++) {
		EXPECT_EQ((MB2 + i * 0x1000) | RX | D | (6 << 3) | 0x40,
			  entry_at(MB2 + i * 0x1000, &shift));
		EXPECT_EQ(12, shift);
	}
	place = map_at(GB1, GB1, 3, RWX);
	EXPECT_EQ(0, kite_ept_cache_fill(&cache));
	kite_ept_split(&ept, &cache, place, 3);
	EXPECT_EQ((GB1 + 3 * MB2) | RWX | (6 << 3) | 0x40 | 0x80,
		  entry_at(GB1 + 3 * MB2 + 0x1000, &shift));
	EXPECT_EQ(21, shift);
	/* Nothing to split. */
	place = map(0x1000, RX);
	kite_ept_split(&ept, &cache, place, 1);
	EXPECT_EQ(RX, lookup(0x1000) & RWX);
	teardown();
}

static void the_host_hears_of_writes(void)
{
	u64 *place;

	setup();
	place = map(0x1000, RWX);
	/* Writable, but not written. */
	strip(0x1000, 0x1000, KITE_EPT_ALL);
	EXPECT_EQ(0, unit_dirty);
	place = map(0x1000, RWX);
	*place |= A | D;
	EXPECT_EQ(A, strip(0x1000, 0x1000, A));
	EXPECT_EQ(0, unit_dirty);
	EXPECT_EQ(D, strip(0x1000, 0x1000, D));
	EXPECT_EQ(1, unit_dirty);
	EXPECT_EQ(HPA >> 12, unit_dirty_pfn);
	strip(0x1000, 0x1000, KITE_EPT_ALL);
	EXPECT_EQ(1, unit_dirty);
	/* In a table that goes whole, and is not looked at before it is freed. */
	place = map(0x1000, RWX);
	*place |= D;
	strip(0, MB2, KITE_EPT_ALL);
	EXPECT_EQ(2, unit_dirty);
	/* A page of Kite's has no host to tell. */
	place = map(0x1000, RWX | KITE_EPT_OWN);
	*place |= D;
	strip(0, 0x2000, KITE_EPT_ALL);
	EXPECT_EQ(2, unit_dirty);
	teardown();
	/* Without flags every page that can be written counts. */
	setup_with(false);
	map(0x1000, RX);
	strip(0, 0x2000, KITE_EPT_ALL);
	EXPECT_EQ(0, unit_dirty);
	map(0x1000, RWX);
	strip(0, 0x2000, W);
	EXPECT_EQ(1, unit_dirty);
	teardown();
}

static void accessed_leaves_large_pages(void)
{
	u64 *place;

	setup();
	place = map_at(MB2, MB2, 2, RWX);
	*place |= A;
	EXPECT_EQ(A, strip(MB2 + 0x3000, 0x1000, A));
	EXPECT_EQ(RWX, lookup(MB2) & (RWX | A));
	teardown();
}

static void empty_tables_go(void)
{
	struct kite_ept_batch batch = {};
	unsigned int i, rounds = 0;
	u64 gpa = 0, end = 128 * MB2;
	long tables;

	setup();
	tables = atomic_long_read(&ept.tables);
	for (i = 0; i < 128; i++)
		map(i * MB2, RWX);
	EXPECT_EQ(tables + 2 + 128, atomic_long_read(&ept.tables));
	/* More than a batch holds: it comes back to be emptied. */
	while (gpa < end) {
		gpa = kite_ept_strip(&ept, gpa, end, KITE_EPT_ALL, &batch);
		EXPECT_TRUE(batch.count <= KITE_EPT_BATCH);
		kite_ept_batch_free(&ept, &batch);
		rounds++;
	}
	EXPECT_EQ(128 / KITE_EPT_BATCH + 1, rounds);
	EXPECT_EQ(tables + 2, atomic_long_read(&ept.tables));
	/* Then a large page fits there. */
	map_at(MB2, MB2, 2, RWX);
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
	EXPECT_EQ(-ENOMEM, kite_ept_init(&ept, true));
	kite_ept_fini(&ept);
	EXPECT_EQ(0, unit_pages);
}

static const struct unit_test tests[] = {
	UNIT_TEST(pointer),
	UNIT_TEST(map_and_strip),
	UNIT_TEST(strip_ranges),
	UNIT_TEST(permissions),
	UNIT_TEST(large_pages),
	UNIT_TEST(what_came_in_between_stays),
	UNIT_TEST(split),
	UNIT_TEST(the_host_hears_of_writes),
	UNIT_TEST(accessed_leaves_large_pages),
	UNIT_TEST(empty_tables_go),
	UNIT_TEST(out_of_memory),
};

UNIT_MAIN(tests)
