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

#include "vm.h"

struct kite_mm {
	struct mmu_notifier notifier;
	spinlock_t lock;	/* the members below; taken before an EPT lock */
	struct list_head vms;
	unsigned int invalidating;	/* invalidations under way */
};

static struct kite_mm *to_kite_mm(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct kite_mm, notifier);
}

/* Call @zap for the part of each slot that lies in [@start, @end) of the process. */
static bool vm_zap_range(struct kite_vm *vm, unsigned long start, unsigned long end)
{
	const struct kite_slots *slots;
	bool zapped = false;
	u32 i;

	rcu_read_lock();
	slots = rcu_dereference(vm->slots);
	for (i = 0; i < slots->count; i++) {
		const struct kite_slot_entry *slot = &slots->slot[i];
		unsigned long lo = max(start, slot->uaddr);
		unsigned long hi = min(end, slot->uaddr + (unsigned long)slot->len);

		if (lo < hi)
			zapped |= kite_ept_zap(&vm->ept, slot->gpa + (lo - slot->uaddr), hi - lo);
	}
	rcu_read_unlock();
	return zapped;
}

static int kite_mm_invalidate_start(struct mmu_notifier *notifier,
				    const struct mmu_notifier_range *range)
{
	struct kite_mm *kmm = to_kite_mm(notifier);
	struct kite_vm *vm;

	spin_lock(&kmm->lock);
	kmm->invalidating++;
	list_for_each_entry(vm, &kmm->vms, kmm_link) {
		kite_ept_invalidate_begin(&vm->ept);
		if (vm_zap_range(vm, range->start, range->end))
			kite_vm_flush(vm);
	}
	spin_unlock(&kmm->lock);
	return 0;
}

static void kite_mm_invalidate_end(struct mmu_notifier *notifier,
				   const struct mmu_notifier_range *range)
{
	struct kite_mm *kmm = to_kite_mm(notifier);
	struct kite_vm *vm;

	spin_lock(&kmm->lock);
	kmm->invalidating--;
	list_for_each_entry(vm, &kmm->vms, kmm_link)
		kite_ept_invalidate_end(&vm->ept);
	spin_unlock(&kmm->lock);
}

/* The process ends: its pages are about to go. */
static void kite_mm_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct kite_mm *kmm = to_kite_mm(notifier);
	struct kite_vm *vm;

	spin_lock(&kmm->lock);
	list_for_each_entry(vm, &kmm->vms, kmm_link)
		if (vm_zap_range(vm, 0, TASK_SIZE_MAX))
			kite_vm_flush(vm);
	spin_unlock(&kmm->lock);
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
	/* The ends of invalidations under way will be told to this VM too. */
	vm->ept.invalidating = kmm->invalidating;
	list_add(&vm->kmm_link, &kmm->vms);
	spin_unlock(&kmm->lock);
	return 0;
}

void kite_mm_detach(struct kite_vm *vm)
{
	struct kite_mm *kmm = vm->kmm;

	spin_lock(&kmm->lock);
	list_del(&vm->kmm_link);
	spin_unlock(&kmm->lock);
	mmu_notifier_put(&kmm->notifier);
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
