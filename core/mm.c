// SPDX-License-Identifier: GPL-2.0-only
/*
 * One MMU notifier an address space, shared by its VMs: a VM comes and goes by a
 * list operation, so neither waits for a grace period. The notifier itself is
 * freed by the kernel, after its own grace period and in its own time.
 */
#include "mm.h"

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "maps.h"
#include "vm.h"

struct kite_mm {
	struct mmu_notifier notifier;
	spinlock_t lock;	/* the members below; taken before an EPT lock */
	struct list_head vms;
	/*
	 * Invalidations under way, and a range that holds them all. Read by map sections
	 * without the lock: the range only grows while there is one.
	 */
	unsigned int invalidating;
	unsigned long start;
	unsigned long end;
};

static struct kite_mm *to_kite_mm(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct kite_mm, notifier);
}

bool kite_mm_changing(const struct kite_vm *vm, unsigned long uaddr, u64 len)
{
	const struct kite_mm *kmm = vm->kmm;

	/* Pairs with the release in note_start(). */
	return smp_load_acquire(&kmm->invalidating) && uaddr < READ_ONCE(kmm->end) &&
	       uaddr + len > READ_ONCE(kmm->start);
}

static void note_start(struct kite_mm *kmm, unsigned long start, unsigned long end)
{
	bool first = !kmm->invalidating;

	WRITE_ONCE(kmm->start, first ? start : min(kmm->start, start));
	WRITE_ONCE(kmm->end, first ? end : max(kmm->end, end));
	/* The range first; pairs with the acquire in kite_mm_changing(). */
	smp_store_release(&kmm->invalidating, kmm->invalidating + 1);
}

/* Take @mask from the part of each slot that lies in [@start, @end) of the process. */
static u64 vm_strip(struct kite_vm *vm, unsigned long start, unsigned long end, u64 mask)
{
	const struct kite_slots *slots;
	u64 taken = 0;
	u32 i;

	rcu_read_lock();
	slots = rcu_dereference(vm->slots);
	for (i = 0; i < slots->count; i++) {
		const struct kite_slot_entry *slot = &slots->slot[i];
		unsigned long lo = max(start, slot->uaddr);
		unsigned long hi = min(end, slot->uaddr + (unsigned long)slot->len);
		u64 gpa = slot->gpa + (lo - slot->uaddr);

		if (lo < hi)
			taken |= mask ? kite_vm_strip(vm, gpa, hi - lo, mask) :
					kite_ept_lookup(&vm->ept, gpa, gpa + (hi - lo));
	}
	rcu_read_unlock();
	return taken;
}

static int kite_mm_invalidate_start(struct mmu_notifier *notifier,
				    const struct mmu_notifier_range *range)
{
	struct kite_mm *kmm = to_kite_mm(notifier);
	struct kite_vm *vm;

	spin_lock(&kmm->lock);
	note_start(kmm, range->start, range->end);
	list_for_each_entry(vm, &kmm->vms, kmm_link) {
		kite_vm_sync_maps(vm);
		vm_strip(vm, range->start, range->end, KITE_EPT_ALL);
	}
	spin_unlock(&kmm->lock);
	return 0;
}

static void kite_mm_invalidate_end(struct mmu_notifier *notifier,
				   const struct mmu_notifier_range *range)
{
	struct kite_mm *kmm = to_kite_mm(notifier);

	spin_lock(&kmm->lock);
	/* Pairs with the acquire in kite_mm_changing(): what the host did is seen. */
	smp_store_release(&kmm->invalidating, kmm->invalidating - 1);
	spin_unlock(&kmm->lock);
}

/* A guest used a page of [@start, @end) since this was asked last; @forget: ask anew from now. */
static bool was_used(struct kite_mm *kmm, unsigned long start, unsigned long end, bool forget)
{
	struct kite_vm *vm;
	bool used = false;
	u64 bit, mask;

	spin_lock(&kmm->lock);
	list_for_each_entry(vm, &kmm->vms, kmm_link) {
		/* Without flags only taking the translation away shows the next use. */
		bit = kite_ept_ad(&vm->ept) ? KITE_EPT_ACCESSED : KITE_EPT_READ;
		mask = kite_ept_ad(&vm->ept) ? bit : KITE_EPT_ALL;
		used |= !!(vm_strip(vm, start, end, forget ? mask : 0) & bit);
	}
	spin_unlock(&kmm->lock);
	return used;
}

static kite_young_t kite_mm_clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
					unsigned long start, unsigned long end)
{
	return was_used(to_kite_mm(notifier), start, end, true);
}

static kite_young_t kite_mm_test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				       unsigned long address)
{
	return was_used(to_kite_mm(notifier), address, address + PAGE_SIZE, false);
}

/* Take back up to 1 GiB of the VM's memory; false if nothing was left. */
static bool strip_some(struct kite_vm *vm)
{
	const struct kite_slots *slots;
	u64 at, taken = 0;
	u32 i;

	rcu_read_lock();
	slots = rcu_dereference(vm->slots);
	for (i = 0; i < slots->count && !taken; i++) {
		const struct kite_slot_entry *slot = &slots->slot[i];

		for (at = 0; at < slot->len && !taken; at += kite_ept_span(3))
			taken = kite_vm_strip(vm, slot->gpa + at,
					      min(kite_ept_span(3), slot->len - at), KITE_EPT_ALL);
	}
	rcu_read_unlock();
	return taken;
}

/* The process ends: its pages are about to go. No vCPU runs; VMs may still come to their end. */
static void kite_mm_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct kite_mm *kmm = to_kite_mm(notifier);
	struct kite_vm *vm;
	bool more;

	do {
		more = false;
		cond_resched();
		spin_lock(&kmm->lock);
		list_for_each_entry(vm, &kmm->vms, kmm_link)
			more = more || strip_some(vm);
		spin_unlock(&kmm->lock);
	} while (more);
}

static struct mmu_notifier *kite_mm_alloc(struct mm_struct *mm)
{
	struct kite_mm *kmm = kzalloc(sizeof(*kmm), GFP_KERNEL_ACCOUNT);

	if (!kmm)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&kmm->lock);
	INIT_LIST_HEAD(&kmm->vms);
	return &kmm->notifier;
}

static void kite_mm_free(struct mmu_notifier *notifier)
{
	kfree(to_kite_mm(notifier));
}

static const struct mmu_notifier_ops kite_mm_ops = {
	.release = kite_mm_release,
	.invalidate_range_start = kite_mm_invalidate_start,
	.invalidate_range_end = kite_mm_invalidate_end,
	.clear_flush_young = kite_mm_clear_young,
	.clear_young = kite_mm_clear_young,
	.test_young = kite_mm_test_young,
	.alloc_notifier = kite_mm_alloc,
	.free_notifier = kite_mm_free,
};

int kite_mm_attach(struct kite_vm *vm)
{
	struct mmu_notifier *notifier = mmu_notifier_get(&kite_mm_ops, current->mm);
	struct kite_mm *kmm;

	if (IS_ERR(notifier))
		return PTR_ERR(notifier);
	kmm = to_kite_mm(notifier);
	vm->kmm = kmm;
	spin_lock(&kmm->lock);
	list_add(&vm->kmm_link, &kmm->vms);
	spin_unlock(&kmm->lock);
	return 0;
}

void kite_mm_detach(struct kite_vm *vm)
{
	struct kite_mm *kmm = vm->kmm;
	bool more;

	/* The host is told what the guest wrote, while invalidations still wait for us. */
	do {
		cond_resched();
		spin_lock(&kmm->lock);
		more = strip_some(vm);
		if (!more)
			list_del(&vm->kmm_link);
		spin_unlock(&kmm->lock);
	} while (more);
	mmu_notifier_put(&kmm->notifier);
}

struct mm_struct *kite_vm_mm(const struct kite_vm *vm)
{
	return vm->kmm->notifier.mm;
}

bool kite_vm_is_mine(const struct kite_vm *vm)
{
	return vm->kmm->notifier.mm == current->mm;
}

void kite_mm_lock(struct kite_vm *vm) __acquires(mm)
{
	spin_lock(&vm->kmm->lock);
}

void kite_mm_unlock(struct kite_vm *vm) __releases(mm)
{
	spin_unlock(&vm->kmm->lock);
}

void kite_mm_exit(void)
{
	mmu_notifier_synchronize();
}
