/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages of a slot are written to, while it has KITE_SLOT_LOG_DIRTY.
 *
 * The log of a slot is a bitmap. With page-modification logging the CPU notes a page
 * that gets its EPT dirty flag; without, a page is mapped for writing only after a
 * write has exited. In both, a page that is taken from the log loses what lets the
 * guest write unseen (kite_log_mask()). docs/locking.md says why no write is lost.
 */
#ifndef KITE_CORE_DIRTY_H
#define KITE_CORE_DIRTY_H

#include <linux/rcupdate.h>
#include <linux/types.h>

struct kite_dirty;
struct kite_slot_entry;
struct kite_vcpu;
struct kite_vm;

struct kite_log {
	struct rcu_head rcu;
	u64 pages;
	unsigned long bits[];	/* anybody sets and takes, atomically */
};

/* For @len bytes, all clean; NULL without memory. Freed by kvfree_rcu(). */
struct kite_log *kite_log_alloc(u64 len);

size_t kite_log_bytes(const struct kite_log *log);

/* One more slot, or one less, of @vm has a log: before and after it can be found. */
void kite_log_start(struct kite_vm *vm);
void kite_log_stop(struct kite_vm *vm);

/* KITE_EPT_WRITE or KITE_EPT_DIRTY: what a clean page must not have. */
u64 kite_log_mask(void);

/*
 * A page of @slot, which has a log, was written to, or can be from now on. The caller
 * is an RCU reader and @v its own vCPU; a full barrier is behind the write.
 */
void kite_dirty_mark(struct kite_vcpu *v, const struct kite_slot_entry *slot, u64 gfn);

/* The same for @count addresses that the CPU has noted, the last first; in the window. */
void kite_dirty_noted(struct kite_vcpu *v, const u64 *gpa, u32 count);

/* The kernel wrote to the page of @gpa, as far as it is in a slot. */
void kite_dirty_wrote(struct kite_vcpu *v, u64 gpa);

/* KITE_VM_GET_DIRTY and KITE_VM_CLEAR_DIRTY. */
int kite_dirty_get(struct kite_vm *vm, const struct kite_dirty *arg);
int kite_dirty_clear(struct kite_vm *vm, const struct kite_dirty *arg);

/* Pages that are clean again are gathered to runs, for one walk of EPT and one flush. */
struct kite_protect {
	struct kite_vm *vm;
	const struct kite_slot_entry *slot;
	u64 first;
	u64 end;		/* 0: no run yet */
};

/* Pages [@first, @end) of @slot were taken from its log. */
void kite_protect(struct kite_protect *p, const struct kite_slot_entry *slot, u64 first, u64 end);
/* That was all. When this returns, the next write to each of them marks it. */
void kite_protect_end(struct kite_protect *p);

#endif
