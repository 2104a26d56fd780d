/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extended page tables of a VM: guest-physical to host-physical.
 *
 * The tables hold translations only, never a reference to a page.
 *
 * Who adds a translation (map.c) takes no lock: entries and tables are stored by
 * compare-and-exchange. It keeps interrupts off from the first look at a table to
 * the last store, and lets others find out when it has ended (core/maps.h).
 *
 * Who takes something away (strip.c) holds @lock, so that there is one at a time.
 * It has made sure that nobody adds again what it takes away. Tables that it
 * unlinks go into a batch and are freed only when no CPU and nobody who adds
 * translations can find them any more.
 */
#ifndef KITE_EPT_EPT_H
#define KITE_EPT_EPT_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "entry.h"

struct kite_ept {
	spinlock_t lock;	/* who takes something away, one at a time */
	u64 *root;
	u64 eptp;
	atomic64_t gen;		/* grows when a translation is taken away */
	atomic_long_t tables;	/* pages of tables, the root too */
};

/*
 * Table pages that a vCPU keeps at hand, because a mapping cannot allocate. It
 * needs at most one page for each level below the root.
 */
#define KITE_EPT_CACHE_PAGES	(KITE_EPT_LEVELS - 1)

struct kite_ept_cache {
	unsigned int count;
	u64 *page[KITE_EPT_CACHE_PAGES];
};

/* @ad: the CPU is to keep accessed and dirty flags. */
int kite_ept_init(struct kite_ept *ept, bool ad);
/* Frees all that is left, whatever it maps. Nobody uses the tables any more. */
void kite_ept_fini(struct kite_ept *ept);

/* Fill @cache; may sleep. */
int kite_ept_cache_fill(struct kite_ept_cache *cache);
void kite_ept_cache_drain(struct kite_ept_cache *cache);

static inline bool kite_ept_cache_full(const struct kite_ept_cache *cache)
{
	return cache->count == KITE_EPT_CACHE_PAGES;
}

/* The CPU keeps accessed and dirty flags. */
static inline bool kite_ept_ad(const struct kite_ept *ept)
{
	return ept->eptp & KITE_EPTP_AD;
}

/*
 * Where a mapping of @gpa belongs: its entry at *@level, or below, if there is a
 * table already, or above, if a large page is there; *@level says which. Tables
 * that are missing come from @cache, which is full; NULL if one is missing and
 * @cache is NULL. Entries of one table follow each other.
 */
u64 *kite_ept_place(struct kite_ept *ept, struct kite_ept_cache *cache, u64 gpa,
		    unsigned int *level);

/*
 * The entry for the page at @hpa. At level 2 and 3 @hpa may be anywhere in the
 * large page. @perm: KITE_EPT_READ, _WRITE, _EXEC, _OWN.
 */
u64 kite_ept_entry(u64 hpa, unsigned int level, u64 perm);

/*
 * Store @entry at @place. A mapping of the same page that is there keeps its
 * permissions and flags: of two vCPUs that fault on one page the weaker does not win.
 * Nothing happens where a table has been linked meanwhile, or where a page of the
 * other kind is (KITE_EPT_OWN): the guest comes again.
 */
void kite_ept_set(u64 *place, u64 entry);

/* Replace the large page of @level at @place by a table that maps the same. @cache is full. */
void kite_ept_split(struct kite_ept *ept, struct kite_ept_cache *cache, u64 *place,
		    unsigned int level);

/* What was taken away and is still to be made known to the CPUs. */
#define KITE_EPT_BATCH		61

struct kite_ept_batch {
	u64 taken;		/* bits that entries had, flags too */
	unsigned int count;
	u64 *table[KITE_EPT_BATCH];
};

/*
 * Take the bits of @mask from all entries that map something of [@gpa, @end):
 * KITE_EPT_ALL removes them, and tables that map nothing else. A large page that
 * is not covered whole is removed whole, unless it is only about KITE_EPT_ACCESSED.
 * A page that the guest has written to, and that loses its dirty flag, is set dirty
 * for the host.
 * Return: how far it came; there is more to do if that is less than @end.
 */
u64 kite_ept_strip(struct kite_ept *ept, u64 gpa, u64 end, u64 mask,
		   struct kite_ept_batch *batch);

/* Free what @batch has, once nobody can find it any more. */
void kite_ept_batch_free(struct kite_ept *ept, struct kite_ept_batch *batch);

/* Bits of the entries that map something of [@gpa, @end), or-ed. */
u64 kite_ept_lookup(struct kite_ept *ept, u64 gpa, u64 end);

#endif
