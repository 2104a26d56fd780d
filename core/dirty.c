// SPDX-License-Identifier: GPL-2.0-only
#include "dirty.h"

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../uapi/kite.h"
#include "backend.h"
#include "maps.h"
#include "ring.h"
#include "vm.h"

static size_t log_bytes(u64 pages)
{
	/* Not struct_size_t(): Debian's older 6.1 kernels lack it. */
	return struct_size((struct kite_log *)NULL, bits, BITS_TO_LONGS(pages));
}

struct kite_log *kite_log_alloc(u64 len)
{
	u64 pages = len >> PAGE_SHIFT;
	struct kite_log *log = kvzalloc(log_bytes(pages), KITE_GFP_TABLE);

	if (log)
		log->pages = pages;
	return log;
}

size_t kite_log_bytes(const struct kite_log *log)
{
	return log ? log_bytes(log->pages) : 0;
}

/* The CPUs note pages from their next window on: before a page is mapped that they are to note. */
void kite_log_start(struct kite_vm *vm)
{
	WRITE_ONCE(vm->logs, vm->logs + 1);
	kite_vm_flush(vm);
}

void kite_log_stop(struct kite_vm *vm)
{
	WRITE_ONCE(vm->logs, vm->logs - 1);
}

u64 kite_log_mask(void)
{
	return kite_hw_has_pml() ? KITE_EPT_DIRTY : KITE_EPT_WRITE;
}

void kite_dirty_mark(struct kite_vcpu *v, const struct kite_slot_entry *slot, u64 gfn)
{
	struct kite_log *log = slot->log;
	u64 page = array_index_nospec(gfn - (slot->gpa >> PAGE_SHIFT), log->pages);

	if (!test_bit(page, log->bits) && !test_and_set_bit(page, log->bits))
		kite_ring_push(v, slot->id, page);
}

void kite_dirty_noted(struct kite_vcpu *v, const u64 *gpa, u32 count)
{
	const struct kite_slot_entry *slot = NULL;

	while (count--) {
		if (!slot || gpa[count] - slot->gpa >= slot->len)
			slot = kite_slot_find(v->vm, gpa[count]);
		/* CPUs note pages of all slots. */
		if (slot && slot->log)
			kite_dirty_mark(v, slot, gpa[count] >> PAGE_SHIFT);
	}
}

/*
 * The slot is looked for after the write: a log that has begun meanwhile gets the page,
 * because who began it may have copied the page before.
 */
void kite_dirty_wrote(struct kite_vcpu *v, u64 gpa)
{
	const struct kite_slot_entry *slot;

	smp_mb();	/* pairs with that of kite_vm_flush() */
	if (!READ_ONCE(v->vm->logs))
		return;
	rcu_read_lock();
	slot = kite_slot_find(v->vm, gpa);
	if (slot && slot->log)
		kite_dirty_mark(v, slot, gpa >> PAGE_SHIFT);
	rcu_read_unlock();
}

static void protect_run(struct kite_protect *p)
{
	struct kite_ept_batch batch = {};
	u64 gpa = p->slot->gpa + (p->first << PAGE_SHIFT);
	u64 end = p->slot->gpa + (p->end << PAGE_SHIFT);

	while (gpa < end) {
		gpa = kite_ept_strip(&p->vm->ept, gpa, end, kite_log_mask(), &batch);
		cond_resched();
	}
}

/* Pages in between are protected for nothing: cheaper than another walk for so few. */
#define GAP	16

void kite_protect(struct kite_protect *p, const struct kite_slot_entry *slot, u64 first, u64 end)
{
	if (p->end && p->slot == slot && first <= p->end + GAP && end + GAP >= p->first) {
		p->first = min(p->first, first);
		p->end = max(p->end, end);
		return;
	}
	if (p->end)
		protect_run(p);
	p->slot = slot;
	p->first = first;
	p->end = end;
}

void kite_protect_end(struct kite_protect *p)
{
	if (!p->end)
		return;
	protect_run(p);
	/*
	 * Also if no entry had to change: somebody else may have taken it away and still
	 * wait for CPUs that use it.
	 */
	kite_vm_flush(p->vm);
}

/* The part of a log that a call is about. */
struct part {
	struct kite_vm *vm;
	const struct kite_slot_entry *slot;
	u64 first;		/* page */
	unsigned long *log;	/* its word */
	size_t words;
	void __user *user;
};

static int part_find(struct kite_vm *vm, const struct kite_dirty *arg, struct part *part)
{
	const struct kite_slot_entry *slot = kite_slot_by_id(vm, arg->slot);
	u64 end;

	if (!slot || !slot->log)
		return -ENOENT;
	if (!arg->pages || arg->first % BITS_PER_LONG ||
	    check_add_overflow(arg->first, arg->pages, &end) || end > slot->log->pages ||
	    (arg->pages % BITS_PER_LONG && end != slot->log->pages))
		return -EINVAL;
	*part = (struct part){
		.vm = vm, .slot = slot, .first = arg->first,
		.log = slot->log->bits + arg->first / BITS_PER_LONG,
		.words = BITS_TO_LONGS(arg->pages),
		.user = u64_to_user_ptr(arg->uaddr),
	};
	return 0;
}

/* What was written until now is in the log. */
static void settle(struct kite_vm *vm)
{
	if (kite_hw_has_pml())
		kite_vm_flush(vm);	/* windows end with what their CPUs have noted */
	else
		kite_vm_sync_maps(vm);
}

/* Make the pages of @bits clean. Of @bits those are left that were not. */
static void take(const struct part *part, unsigned long *bits)
{
	struct kite_protect p = { .vm = part->vm };
	u64 first = part->first;
	size_t i;

	for (i = 0; i < part->words; i++, first += BITS_PER_LONG) {
		if (!(i % 4096))
			cond_resched();
		bits[i] &= READ_ONCE(part->log[i]);
		if (!bits[i])
			continue;
		bits[i] &= atomic_long_fetch_andnot(bits[i], (atomic_long_t *)&part->log[i]);
		if (bits[i])
			kite_protect(&p, part->slot, first + __ffs(bits[i]),
				     first + __fls(bits[i]) + 1);
	}
	kite_protect_end(&p);
}

static int get_and_clear(const struct part *part)
{
	unsigned long *bits = kvmalloc_array(part->words, sizeof(*bits), KITE_GFP_TABLE);
	int ret = 0;
	size_t i;

	if (!bits)
		return -ENOMEM;
	memset(bits, 0xff, part->words * sizeof(*bits));
	take(part, bits);
	if (copy_to_user(part->user, bits, part->words * sizeof(*bits))) {
		for (i = 0; i < part->words; i++)
			atomic_long_or(bits[i], (atomic_long_t *)&part->log[i]);
		ret = -EFAULT;
	}
	kvfree(bits);
	return ret;
}

int kite_dirty_get(struct kite_vm *vm, const struct kite_dirty *arg)
{
	struct part part;
	int ret;

	if ((arg->flags & ~KITE_DIRTY_CLEAR) || arg->reserved)
		return -EINVAL;
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	ret = part_find(vm, arg, &part);
	if (!ret) {
		settle(vm);
		if (arg->flags & KITE_DIRTY_CLEAR)
			ret = get_and_clear(&part);
		else if (copy_to_user(part.user, part.log, part.words * sizeof(*part.log)))
			ret = -EFAULT;
	}
	mutex_unlock(&vm->slots_lock);
	return ret;
}

int kite_dirty_clear(struct kite_vm *vm, const struct kite_dirty *arg)
{
	unsigned long *bits;
	struct part part;
	int ret;

	if (arg->flags || arg->reserved)
		return -EINVAL;
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	ret = part_find(vm, arg, &part);
	if (ret)
		goto unlock;
	bits = kvmalloc_array(part.words, sizeof(*bits), KITE_GFP_TABLE);
	ret = -ENOMEM;
	if (!bits)
		goto unlock;
	ret = -EFAULT;
	if (!copy_from_user(bits, part.user, part.words * sizeof(*bits))) {
		take(&part, bits);
		ret = 0;
	}
	kvfree(bits);
unlock:
	mutex_unlock(&vm->slots_lock);
	return ret;
}
