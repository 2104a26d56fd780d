/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extended page tables of a VM: guest-physical to host-physical.
 *
 * The tables hold translations only, never a reference to a page: a page is
 * mapped under @lock after its user has seen that the host's mapping is still
 * the one it looked up (kite_ept_retry()), and the MMU notifier takes it away
 * under the same lock. @lock is raw and taken with interrupts on or off; nobody
 * waits for another CPU while holding it, so a vCPU may spin on it inside its
 * window.
 */
#ifndef KITE_EPT_EPT_H
#define KITE_EPT_EPT_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "entry.h"

struct kite_ept {
	raw_spinlock_t lock;
	u64 *root;
	u64 eptp;
	u64 gen;		/* grows when a translation is taken away */
	unsigned long seq;	/* grows when an invalidation ends */
	unsigned int invalidating;	/* invalidations under way */
};

/*
 * Table pages that a vCPU keeps at hand, because kite_ept_map() cannot allocate.
 * One mapping needs at most one page for each level below the root.
 */
#define KITE_EPT_CACHE_PAGES	(KITE_EPT_LEVELS - 1)

struct kite_ept_cache {
	unsigned int count;
	u64 *page[KITE_EPT_CACHE_PAGES];
};

int kite_ept_init(struct kite_ept *ept);
void kite_ept_fini(struct kite_ept *ept);

/* Fill @cache; may sleep. */
int kite_ept_cache_fill(struct kite_ept_cache *cache);
void kite_ept_cache_drain(struct kite_ept_cache *cache);

static inline bool kite_ept_cache_full(const struct kite_ept_cache *cache)
{
	return cache->count == KITE_EPT_CACHE_PAGES;
}

/* Before looking up a host page; pass the result to kite_ept_map(). */
static inline unsigned long kite_ept_begin(struct kite_ept *ept)
{
	/* Pairs with the release in kite_ept_invalidate_end(). */
	return smp_load_acquire(&ept->seq);
}

/*
 * Map the page at @hpa to @gpa with @perm (KITE_EPT_READ and so on), unless the
 * host changed its mind since kite_ept_begin() gave @seq: -EAGAIN. @cache is
 * full. A mapping that is there already is replaced if it differs.
 */
int kite_ept_map(struct kite_ept *ept, struct kite_ept_cache *cache, u64 gpa, u64 hpa,
		 u64 perm, unsigned long seq);

/*
 * The host takes away the pages behind [@gpa, @gpa + @len): from here until
 * kite_ept_invalidate_end() nothing is mapped. kite_ept_zap() is true if a
 * translation was removed: the caller has every CPU drop it before it lets the
 * page go.
 */
void kite_ept_invalidate_begin(struct kite_ept *ept);
bool kite_ept_zap(struct kite_ept *ept, u64 gpa, u64 len);
void kite_ept_invalidate_end(struct kite_ept *ept);

/* Permissions of the mapping at @gpa, 0 if there is none. */
u64 kite_ept_lookup(struct kite_ept *ept, u64 gpa);

#endif
