// SPDX-License-Identifier: GPL-2.0-only
/* Taking translations away, or a part of what they allow. */
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "ept.h"
#include "table.h"

/* How much is looked at in one go: another who takes away may have to spin meanwhile. */
#define CHUNK_TABLES	(32ull << 20)
#define CHUNK_ENTRIES	(64ull << 30)

/* The guest has written there, or may have, if the CPU does not say. */
static bool written(const struct kite_ept *ept, u64 entry)
{
	return entry & (kite_ept_ad(ept) ? KITE_EPT_DIRTY : KITE_EPT_WRITE);
}

/* The guest wrote without a trace in the host's page tables. */
static void tell_host(const struct kite_ept *ept, u64 entry)
{
	if (kite_ept_present(entry) && written(ept, entry) && !(entry & KITE_EPT_OWN))
		folio_set_dirty(page_folio(pfn_to_page((entry & KITE_EPT_ADDR) >> PAGE_SHIFT)));
}

static void tell_host_group(const struct kite_ept *ept, const u64 *entry)
{
	unsigned int i;

	for (i = 0; i < KITE_EPT_GROUP; i++)
		tell_host(ept, entry[i]);
}

/* False: the large page of @level that was there has been split meanwhile. */
static bool strip_entry(struct kite_ept *ept, u64 *place, unsigned int level, u64 mask,
			struct kite_ept_batch *batch)
{
	u64 old = READ_ONCE(*place), new;

	do {
		if (!kite_ept_present(old))
			return true;
		if (!kite_ept_leaf(old, level))
			return false;
		new = mask == KITE_EPT_ALL ? 0 : old & ~mask;
		if (new == old)
			return true;
	} while (!try_cmpxchg(place, &old, new));
	batch->taken |= old & mask;
	if (written(ept, old) && !written(ept, new))
		tell_host(ept, old);
	return true;
}

/* The bits to take from a large page of which [@gpa, @next) is a part. */
static u64 mask_for(u64 mask, u64 gpa, u64 next, unsigned int level)
{
	bool whole = next - gpa == kite_ept_span(level);

	return whole || mask == KITE_EPT_ACCESSED ? mask : KITE_EPT_ALL;
}

/* The last level, of which most entries may have nothing to take. */
static void strip_pages(struct kite_ept *ept, u64 *place, u64 *end, u64 mask,
			struct kite_ept_batch *batch)
{
	for (; place < end; place++)
		if (READ_ONCE(*place) & mask)
			strip_entry(ept, place, 1, mask, batch);
}

/* @place has nothing. Where to go on: past all of its group, if the group begins here. */
static u64 skip_empty(const u64 *place, unsigned int level, u64 gpa, u64 next, u64 end)
{
	u64 span = KITE_EPT_GROUP * kite_ept_span(level);

	return (gpa & (span - 1)) || kite_ept_group(place) ? next : min(end, gpa + span);
}

static u64 strip_table(struct kite_ept *ept, u64 *table, unsigned int level, u64 gpa, u64 end,
		       u64 mask, struct kite_ept_batch *batch)
{
	u64 next, at;

	if (level == 1) {
		table += kite_ept_index(gpa, 1);
		strip_pages(ept, table, table + ((end - gpa) >> KITE_EPT_PAGE_SHIFT), mask, batch);
		return end;
	}
	for (; gpa < end; gpa = next) {
		u64 *place = &table[kite_ept_index(gpa, level)];
		u64 entry = READ_ONCE(*place);

		next = min(end, (gpa & ~(kite_ept_span(level) - 1)) + kite_ept_span(level));
		if (!kite_ept_present(entry)) {
			next = skip_empty(place, level, gpa, next, end);
			continue;
		}
		if (kite_ept_leaf(entry, level)) {
			if (!strip_entry(ept, place, level, mask_for(mask, gpa, next, level),
					 batch))
				next = gpa;	/* look again */
		} else if (mask == KITE_EPT_ALL && level == 2 &&
			   next - gpa == kite_ept_span(level)) {
			if (batch->count == KITE_EPT_BATCH)
				return gpa;
			/* What its entries say is read when no CPU changes them any more. */
			WRITE_ONCE(*place, 0);
			batch->table[batch->count++] = kite_ept_table(entry);
			batch->taken |= KITE_EPT_PERM;
		} else {
			at = strip_table(ept, kite_ept_table(entry), level - 1, gpa, next, mask,
					 batch);
			if (at < next)
				return at;
		}
	}
	return end;
}

u64 kite_ept_strip(struct kite_ept *ept, u64 gpa, u64 end, u64 mask,
		   struct kite_ept_batch *batch)
{
	u64 stop = min(end, gpa + (mask == KITE_EPT_ALL ? CHUNK_ENTRIES : CHUNK_TABLES));

	spin_lock(&ept->lock);
	stop = strip_table(ept, ept->root, KITE_EPT_LEVELS, gpa, stop, mask, batch);
	if (batch->taken)
		atomic64_inc(&ept->gen);
	spin_unlock(&ept->lock);
	return stop;
}

void kite_ept_batch_free(struct kite_ept *ept, struct kite_ept_batch *batch)
{
	unsigned int i, k;

	for (i = 0; i < batch->count; i++) {
		for (k = 0; k < KITE_EPT_ENTRIES; k += KITE_EPT_GROUP)
			if (kite_ept_group(&batch->table[i][k]))
				tell_host_group(ept, &batch->table[i][k]);
		free_page((unsigned long)batch->table[i]);
	}
	atomic_long_sub(batch->count, &ept->tables);
	batch->count = 0;
	batch->taken = 0;
}

static u64 lookup_table(u64 *table, unsigned int level, u64 gpa, u64 end)
{
	u64 next, found = 0;

	for (; gpa < end; gpa = next) {
		u64 entry = READ_ONCE(table[kite_ept_index(gpa, level)]);

		next = min(end, (gpa & ~(kite_ept_span(level) - 1)) + kite_ept_span(level));
		if (!kite_ept_present(entry))
			continue;
		if (kite_ept_leaf(entry, level))
			found |= entry;
		else
			found |= lookup_table(kite_ept_table(entry), level - 1, gpa, next);
	}
	return found;
}

u64 kite_ept_lookup(struct kite_ept *ept, u64 gpa, u64 end)
{
	u64 found;

	spin_lock(&ept->lock);
	found = lookup_table(ept->root, KITE_EPT_LEVELS, gpa, end);
	spin_unlock(&ept->lock);
	return found;
}
