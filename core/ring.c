// SPDX-License-Identifier: GPL-2.0-only
#include "ring.h"

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/vmalloc.h>

#include "../uapi/kite.h"
#include "dirty.h"
#include "exit_record.h"
#include "request.h"
#include "vm.h"

/*
 * Elements that may come between two looks at whether there is room: all that a CPU
 * notes before it exits, and what is written for the guest to finish an exit.
 */
#define RESERVE		(512 + 96)

static_assert(sizeof(struct kite_ring) == 128);
static_assert(sizeof(struct kite_ring_entry) == 16);
static_assert(KITE_RING_HEADER == PAGE_SIZE);
static_assert(KITE_RING_OFFSET >= KITE_VCPU_MMAP_SIZE);

static size_t ring_size(u32 entries)
{
	return KITE_RING_HEADER + entries * sizeof(struct kite_ring_entry);
}

int kite_ring_set(struct kite_vcpu *v, const struct kite_set_ring *arg)
{
	struct kite_ring *shared;

	if (arg->flags || arg->reserved || !is_power_of_2(arg->entries) ||
	    arg->entries < KITE_RING_MIN || arg->entries > KITE_RING_MAX)
		return -EINVAL;
	if (v->ring.shared)
		return -EEXIST;
	shared = __vmalloc(ring_size(arg->entries), KITE_GFP_TABLE | __GFP_ZERO);
	if (!shared)
		return -ENOMEM;
	shared->entries = arg->entries;
	v->ring.entries = arg->entries;
	v->ring.entry = (void *)shared + KITE_RING_HEADER;
	/* Pairs with the acquire of those who find the ring. */
	smp_store_release(&v->ring.shared, shared);
	return 0;
}

/* What is still mapped keeps the vCPU's file open. */
void kite_ring_free(struct kite_vcpu *v)
{
	vfree(v->ring.shared);
}

size_t kite_ring_bytes(const struct kite_vcpu *v)
{
	/* Pairs with the release in kite_ring_set(). */
	return smp_load_acquire(&v->ring.shared) ? ring_size(v->ring.entries) : 0;
}

struct page *kite_ring_page(struct kite_vcpu *v, unsigned long index)
{
	/* Pairs with the release in kite_ring_set(). */
	void *shared = smp_load_acquire(&v->ring.shared);

	if (!shared || index >= ring_size(v->ring.entries) / PAGE_SIZE)
		return NULL;
	return vmalloc_to_page(shared + index * PAGE_SIZE);
}

static u32 used(const struct kite_vcpu_ring *ring)
{
	return ring->head - READ_ONCE(ring->clean);
}

bool kite_ring_full(const struct kite_vcpu *v)
{
	return v->ring.shared && used(&v->ring) > v->ring.entries - RESERVE;
}

void kite_ring_push(struct kite_vcpu *v, u32 slot, u64 page)
{
	struct kite_vcpu_ring *ring = &v->ring;

	if (!ring->shared)
		return;
	ring->entry[ring->head & (ring->entries - 1)] = (struct kite_ring_entry){
		.page = page, .slot = slot,
	};
	WRITE_ONCE(ring->head, ring->head + 1);
	smp_store_release(&ring->shared->head, ring->head);	/* behind the element */
	if (kite_ring_full(v))
		kite_vcpu_request_self(v, KITE_REQ_RING);
}

int kite_serve_ring(struct kite_vcpu *v)
{
	return kite_ring_full(v) ? kite_exit_plain(v, KITE_EXIT_RING_FULL) : 1;
}

/* Read once what user space says of its ring. */
static int read_tail(struct kite_vcpu_ring *ring, const struct kite_ring *shared)
{
	u32 tail = READ_ONCE(shared->tail);

	if (tail - ring->clean > READ_ONCE(ring->head) - ring->clean)
		return -EINVAL;
	ring->tail = tail;
	return 0;
}

/* Take the page of an element from its log; whatever stands there, only clean pages are made. */
static bool reset_one(struct kite_vm *vm, struct kite_protect *p,
		      const struct kite_ring_entry *entry)
{
	const struct kite_slot_entry *slot = p->slot;
	u32 id = READ_ONCE(entry->slot);
	u64 page = READ_ONCE(entry->page);

	if (!slot || slot->id != id)
		slot = kite_slot_by_id(vm, id);
	if (!slot || !slot->log || page >= slot->log->pages)
		return false;
	page = array_index_nospec(page, slot->log->pages);
	if (!test_and_clear_bit(page, slot->log->bits))
		return false;
	kite_protect(p, slot, page, page + 1);
	return true;
}

static int rings_reset(struct kite_vm *vm)
{
	struct kite_protect p = { .vm = vm };
	struct kite_vcpu *v;
	int ret, count = 0;
	u64 left;
	u32 at;

	for (left = vm->vcpu_mask; (v = kite_next_vcpu(vm, &left));) {
		/* Pairs with the release in kite_ring_set(). */
		struct kite_ring *shared = smp_load_acquire(&v->ring.shared);

		ret = shared ? read_tail(&v->ring, shared) : 0;
		if (ret)
			return ret;
	}
	for (left = vm->vcpu_mask; (v = kite_next_vcpu(vm, &left));) {
		for (at = v->ring.clean; at != v->ring.tail; at++) {
			count += reset_one(vm, &p, &v->ring.entry[at & (v->ring.entries - 1)]);
			cond_resched();
		}
		WRITE_ONCE(v->ring.clean, at);
	}
	kite_protect_end(&p);
	return count;
}

int kite_rings_reset(struct kite_vm *vm)
{
	int ret;

	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	mutex_lock(&vm->vcpus_lock);
	ret = rings_reset(vm);
	mutex_unlock(&vm->vcpus_lock);
	mutex_unlock(&vm->slots_lock);
	return ret;
}
