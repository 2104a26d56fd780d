/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rings of dirty pages: what the bitmaps say, in the order in which it came, at a
 * cost in proportion to it. A page is put into the ring of the vCPU whose write made
 * its bit 1. The ring is shared with user space; nothing is read there but the tail
 * and the elements, once each, and all of it is checked.
 */
#ifndef KITE_CORE_RING_H
#define KITE_CORE_RING_H

#include <linux/types.h>

struct kite_ring;
struct kite_ring_entry;
struct kite_set_ring;
struct kite_vcpu;
struct kite_vm;

struct kite_vcpu_ring {
	struct kite_ring *shared;	/* NULL: none */
	struct kite_ring_entry *entry;
	u32 entries;
	u32 head;	/* written by the vCPU's thread */
	u32 clean;	/* elements whose place is free again; written under slots_lock */
	u32 tail;	/* what user space has consumed, as it said last; under slots_lock */
};

/* KITE_VCPU_SET_RING. */
int kite_ring_set(struct kite_vcpu *v, const struct kite_set_ring *arg);
void kite_ring_free(struct kite_vcpu *v);
size_t kite_ring_bytes(const struct kite_vcpu *v);
/* Page @index of the ring's mapping, or NULL. */
struct page *kite_ring_page(struct kite_vcpu *v, unsigned long index);

/* @v has made page @page of slot @slot dirty; does nothing without a ring. */
void kite_ring_push(struct kite_vcpu *v, u32 slot, u64 page);
/* The vCPU must not run on: until it next comes out there may be no room. */
bool kite_ring_full(const struct kite_vcpu *v);
/* Serve KITE_REQ_RING. */
int kite_serve_ring(struct kite_vcpu *v);

/* KITE_VM_RESET_RINGS. */
int kite_rings_reset(struct kite_vm *vm);

#endif
