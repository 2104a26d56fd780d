// SPDX-License-Identifier: GPL-2.0-only
/* Making and freeing the tables, and adding translations. */
#include "ept.h"

#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "table.h"

int kite_ept_init(struct kite_ept *ept, bool ad)
{
	ept->root = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!ept->root)
		return -ENOMEM;
	spin_lock_init(&ept->lock);
	atomic_long_set(&ept->tables, 1);
	ept->eptp = __pa(ept->root) | KITE_EPTP_WB | KITE_EPTP_WALK_4 | (ad ? KITE_EPTP_AD : 0);
	return 0;
}

static void free_table(u64 *table, unsigned int level);

static void free_group(const u64 *entry, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < KITE_EPT_GROUP; i++)
		if (kite_ept_present(entry[i]) && !kite_ept_leaf(entry[i], level))
			free_table(kite_ept_table(entry[i]), level - 1);
}

static void free_table(u64 *table, unsigned int level)
{
	const u64 *entry, *end = table + KITE_EPT_ENTRIES;

	/* Tables of the last level point at no others. */
	for (entry = table; level > 1 && entry < end; entry += KITE_EPT_GROUP)
		if (kite_ept_group(entry))
			free_group(entry, level);
	free_page((unsigned long)table);
	cond_resched();
}

/* No vCPU is left: a CPU that still caches the tables drops them before their next user. */
void kite_ept_fini(struct kite_ept *ept)
{
	if (ept->root)
		free_table(ept->root, KITE_EPT_LEVELS);
	ept->root = NULL;
}

int kite_ept_cache_fill(struct kite_ept_cache *cache)
{
	while (!kite_ept_cache_full(cache)) {
		u64 *page = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

		if (!page)
			return -ENOMEM;
		cache->page[cache->count++] = page;
	}
	return 0;
}

void kite_ept_cache_drain(struct kite_ept_cache *cache)
{
	while (cache->count)
		free_page((unsigned long)cache->page[--cache->count]);
}

/* Have @place point at the cache's next table. False, and *@old new: another was faster. */
static bool link_table(struct kite_ept *ept, struct kite_ept_cache *cache, u64 *place, u64 *old)
{
	u64 table = __pa(cache->page[cache->count - 1]) | KITE_EPT_PERM;

	/* A full barrier: what the table holds is there before the CPU finds it. */
	if (!try_cmpxchg(place, old, table))
		return false;
	cache->count--;
	atomic_long_inc(&ept->tables);
	*old = table;
	return true;
}

u64 *kite_ept_place(struct kite_ept *ept, struct kite_ept_cache *cache, u64 gpa,
		    unsigned int *level)
{
	unsigned int at = KITE_EPT_LEVELS;
	u64 *table = ept->root;

	for (;; at--) {
		u64 *place = &table[kite_ept_index(gpa, at)];
		u64 entry = READ_ONCE(*place);

		if (at > *level && !kite_ept_present(entry)) {
			if (!cache)
				return NULL;
			link_table(ept, cache, place, &entry);
		}
		if (!kite_ept_present(entry) || kite_ept_leaf(entry, at)) {
			*level = at;
			return place;
		}
		table = kite_ept_table(entry);
	}
}

u64 kite_ept_entry(u64 hpa, unsigned int level, u64 perm)
{
	u64 base = hpa & KITE_EPT_ADDR & ~(kite_ept_span(level) - 1);

	return base | perm | KITE_EPT_MT_WB | KITE_EPT_IPAT | (level > 1 ? KITE_EPT_LARGE : 0);
}

void kite_ept_set(u64 *place, u64 entry)
{
	u64 old = READ_ONCE(*place), new;

	do {
		new = entry;
		if (kite_ept_present(old)) {
			/* A table that was linked meanwhile, or the other owner's page. */
			if ((old ^ entry) & (KITE_EPT_LARGE | KITE_EPT_OWN))
				return;
			/* Another page cannot be there: the host would have had it removed. */
			if (!((old ^ entry) & KITE_EPT_ADDR))
				new |= old;
		}
	} while (new != old && !try_cmpxchg(place, &old, new));
}

void kite_ept_split(struct kite_ept *ept, struct kite_ept_cache *cache, u64 *place,
		    unsigned int level)
{
	u64 *table = cache->page[cache->count - 1];
	u64 old = READ_ONCE(*place), entry;
	unsigned int i;

	if (level == 1 || !kite_ept_present(old) || !(old & KITE_EPT_LARGE))
		return;
	/* Translations of the large page may stay in a TLB: the small ones say the same. */
	entry = level > 2 ? old : old & ~KITE_EPT_LARGE;
	for (i = 0; i < KITE_EPT_ENTRIES; i++)
		table[i] = entry + i * kite_ept_span(level - 1);
	/* If it changed meanwhile the caller comes again. */
	if (!link_table(ept, cache, place, &old))
		memset(table, 0, KITE_EPT_ENTRIES * sizeof(*table));
}
