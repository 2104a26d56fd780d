// SPDX-License-Identifier: GPL-2.0-only
#include "ept.h"

#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/sched.h>

static u64 *table_of(u64 entry)
{
	return __va(entry & KITE_EPT_ADDR);
}

int kite_ept_init(struct kite_ept *ept)
{
	ept->root = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!ept->root)
		return -ENOMEM;
	raw_spin_lock_init(&ept->lock);
	ept->eptp = __pa(ept->root) | KITE_EPTP_WB | KITE_EPTP_WALK_4;
	return 0;
}

static void free_table(u64 *table, unsigned int level)
{
	unsigned int i;

	/* Tables of the last level point at no others. */
	for (i = 0; level > 1 && i < KITE_EPT_ENTRIES; i++)
		if (kite_ept_present(table[i]) && !kite_ept_leaf(table[i], level))
			free_table(table_of(table[i]), level - 1);
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

/* The entry of level 1 for @gpa; tables missing on the way come from @cache, or NULL without. */
static u64 *walk(struct kite_ept *ept, u64 gpa, struct kite_ept_cache *cache)
{
	u64 *table = ept->root;
	unsigned int level;

	for (level = KITE_EPT_LEVELS; level > 1; level--) {
		u64 *entry = &table[kite_ept_index(gpa, level)];

		if (!kite_ept_present(*entry)) {
			if (!cache)
				return NULL;
			/* The page is zero before the CPU can find it: WRITE_ONCE() after. */
			smp_wmb();
			WRITE_ONCE(*entry, __pa(cache->page[--cache->count]) | KITE_EPT_PERM);
		}
		table = table_of(*entry);
	}
	return &table[kite_ept_index(gpa, 1)];
}

int kite_ept_map(struct kite_ept *ept, struct kite_ept_cache *cache, u64 gpa, u64 hpa,
		 u64 perm, unsigned long seq)
{
	unsigned long flags;
	u64 *entry, old, new;
	int ret = -EAGAIN;

	raw_spin_lock_irqsave(&ept->lock, flags);
	if (ept->invalidating || ept->seq != seq)
		goto unlock;
	entry = walk(ept, gpa, cache);
	old = *entry;
	new = (hpa & KITE_EPT_ADDR) | KITE_EPT_MT_WB | KITE_EPT_IPAT | perm;
	/*
	 * Two vCPUs may fault on one page: the weaker of the two must not win.
	 * Another page cannot be there: the host would have zapped it first.
	 */
	if ((old & KITE_EPT_ADDR) == (new & KITE_EPT_ADDR))
		new |= old & KITE_EPT_PERM;
	WRITE_ONCE(*entry, new);
	ret = 0;
unlock:
	raw_spin_unlock_irqrestore(&ept->lock, flags);
	return ret;
}

void kite_ept_invalidate_begin(struct kite_ept *ept)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ept->lock, flags);
	ept->invalidating++;
	raw_spin_unlock_irqrestore(&ept->lock, flags);
}

void kite_ept_invalidate_end(struct kite_ept *ept)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ept->lock, flags);
	/* Pairs with the acquire in kite_ept_begin(). */
	smp_store_release(&ept->seq, ept->seq + 1);
	ept->invalidating--;
	raw_spin_unlock_irqrestore(&ept->lock, flags);
}

/* Remove what lies in [@gpa, @end) below @table, which translates from the start of its span. */
static bool zap_table(u64 *table, unsigned int level, u64 gpa, u64 end)
{
	bool zapped = false;
	u64 next;

	for (; gpa < end; gpa = next) {
		u64 *entry = &table[kite_ept_index(gpa, level)];

		next = min(end, (gpa & ~(kite_ept_span(level) - 1)) + kite_ept_span(level));
		if (!kite_ept_present(*entry))
			continue;
		if (kite_ept_leaf(*entry, level)) {
			WRITE_ONCE(*entry, 0);
			zapped = true;
		} else {
			zapped |= zap_table(table_of(*entry), level - 1, gpa, next);
		}
	}
	return zapped;
}

/* How much is removed under the lock at a time: vCPUs spin on it with interrupts off. */
#define ZAP_CHUNK	(32ull << 20)

/* Where the absent entry that covers @gpa ends; @gpa if there is a table. */
static u64 skip_absent(struct kite_ept *ept, u64 gpa)
{
	u64 *table = ept->root;
	unsigned int level;

	for (level = KITE_EPT_LEVELS; level > 1; level--) {
		u64 entry = table[kite_ept_index(gpa, level)];

		if (!kite_ept_present(entry))
			return (gpa | (kite_ept_span(level) - 1)) + 1;
		if (kite_ept_leaf(entry, level))
			return gpa;
		table = table_of(entry);
	}
	return gpa;
}

bool kite_ept_zap(struct kite_ept *ept, u64 gpa, u64 len)
{
	u64 end = gpa + len, next;
	bool zapped = false;
	unsigned long flags;

	for (; gpa < end; gpa = next) {
		raw_spin_lock_irqsave(&ept->lock, flags);
		next = skip_absent(ept, gpa);
		if (next == gpa) {
			next = min(end, gpa + ZAP_CHUNK);
			if (zap_table(ept->root, KITE_EPT_LEVELS, gpa, next)) {
				ept->gen++;
				zapped = true;
			}
		}
		raw_spin_unlock_irqrestore(&ept->lock, flags);
	}
	return zapped;
}

u64 kite_ept_lookup(struct kite_ept *ept, u64 gpa)
{
	unsigned long flags;
	u64 *entry, perm;

	raw_spin_lock_irqsave(&ept->lock, flags);
	entry = walk(ept, gpa, NULL);
	perm = entry ? *entry & KITE_EPT_PERM : 0;
	raw_spin_unlock_irqrestore(&ept->lock, flags);
	return perm;
}
