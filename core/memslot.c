// SPDX-License-Identifier: GPL-2.0-only
#include "memslot.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "../uapi/kite.h"
#include "dirty.h"
#include "maps.h"
#include "mm.h"
#include "vm.h"

static struct kite_slots *slots_alloc(u32 count)
{
	struct kite_slots *slots;

	slots = kvzalloc(struct_size(slots, slot, count), KITE_GFP_TABLE);
	if (slots)
		slots->count = count;
	return slots;
}

int kite_slots_init(struct kite_vm *vm)
{
	struct kite_slots *slots = slots_alloc(0);

	if (!slots)
		return -ENOMEM;
	slots->generation = 1;
	mutex_init(&vm->slots_lock);
	rcu_assign_pointer(vm->slots, slots);
	return 0;
}

void kite_slots_free(struct kite_vm *vm)
{
	struct kite_slots *slots = rcu_dereference_protected(vm->slots, true);
	u32 i;

	for (i = 0; i < slots->count; i++)
		kvfree(slots->slot[i].log);
	kvfree(slots);
}

const struct kite_slot_entry *kite_slot_find(struct kite_vm *vm, u64 gpa)
{
	const struct kite_slots *slots = rcu_dereference_check(vm->slots, irqs_disabled());
	u32 lo = 0, hi = slots->count;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (gpa < slots->slot[mid].gpa)
			hi = mid;
		else if (gpa - slots->slot[mid].gpa >= slots->slot[mid].len)
			lo = mid + 1;
		else
			return &slots->slot[mid];
	}
	return NULL;
}

u64 kite_slots_generation(struct kite_vm *vm)
{
	return rcu_dereference_check(vm->slots, irqs_disabled())->generation;
}

unsigned long kite_gpa_to_uaddr(struct kite_vm *vm, u64 gpa, bool write)
{
	const struct kite_slot_entry *slot;
	unsigned long uaddr = 0;

	rcu_read_lock();
	slot = kite_slot_find(vm, gpa);
	if (slot && !(write && (slot->flags & KITE_SLOT_READONLY)))
		uaddr = slot->uaddr + (gpa - slot->gpa);
	rcu_read_unlock();
	return uaddr;
}

/* Rules for a slot by itself; @arg->len is not zero. */
static int slot_check(const struct kite_slot *arg, u32 phys_bits)
{
	u64 gpa_end, uaddr_end;

	if (!PAGE_ALIGNED(arg->gpa) || !PAGE_ALIGNED(arg->len) || !PAGE_ALIGNED(arg->uaddr))
		return -EINVAL;
	/* Address 0 says "no memory" elsewhere. */
	if (!arg->uaddr)
		return -EINVAL;
	if (check_add_overflow(arg->gpa, arg->len, &gpa_end) || gpa_end > BIT_ULL(phys_bits))
		return -EINVAL;
	if (check_add_overflow(arg->uaddr, arg->len, &uaddr_end) || uaddr_end > TASK_SIZE_MAX)
		return -EINVAL;
	return 0;
}

static bool overlaps(const struct kite_slot_entry *slot, const struct kite_slot *arg)
{
	return arg->gpa < slot->gpa + slot->len && slot->gpa < arg->gpa + arg->len;
}

/* Copy @old without slot @arg->slot and with @arg in its place, sorted. */
static int slots_edit(const struct kite_slots *old, struct kite_slots *new,
		      const struct kite_slot *arg, struct kite_log *log)
{
	const struct kite_slot_entry entry = {
		.gpa = arg->gpa, .len = arg->len, .uaddr = arg->uaddr,
		.id = arg->slot, .flags = arg->flags, .log = log,
	};
	bool todo = arg->len;
	u32 i, n = 0;

	for (i = 0; i < old->count; i++) {
		if (old->slot[i].id == arg->slot)
			continue;
		if (arg->len && overlaps(&old->slot[i], arg))
			return -EEXIST;
		if (todo && old->slot[i].gpa > arg->gpa) {
			new->slot[n++] = entry;
			todo = false;
		}
		new->slot[n++] = old->slot[i];
	}
	if (todo)
		new->slot[n++] = entry;
	new->count = n;
	new->generation = old->generation + 1;
	return 0;
}

const struct kite_slot_entry *kite_slot_by_id(struct kite_vm *vm, u32 id)
{
	const struct kite_slots *slots;
	u32 i;

	slots = rcu_dereference_protected(vm->slots, lockdep_is_held(&vm->slots_lock));

	for (i = 0; i < slots->count; i++)
		if (slots->slot[i].id == id)
			return &slots->slot[i];
	return NULL;
}

/*
 * From the publication on the host's invalidations do not find the old slot: the lock
 * keeps them waiting until no CPU can use its translations any more.
 */
static void slots_publish(struct kite_vm *vm, struct kite_slots *new,
			  const struct kite_slot_entry *gone)
{
	kite_mm_lock(vm);
	rcu_assign_pointer(vm->slots, new);
	kite_vm_sync_maps(vm);
	if (gone)
		kite_vm_strip(vm, gone->gpa, gone->len, KITE_EPT_ALL);
	kite_mm_unlock(vm);
}

/* The log of a slot that is set again at the same place goes on. */
static int slot_log(const struct kite_slot *arg, const struct kite_slot_entry *gone,
		    struct kite_log **log)
{
	*log = NULL;
	if (!arg->len || !(arg->flags & KITE_SLOT_LOG_DIRTY))
		return 0;
	if (gone && gone->gpa == arg->gpa && gone->len == arg->len && gone->uaddr == arg->uaddr)
		*log = gone->log;
	if (!*log)
		*log = kite_log_alloc(arg->len);
	return *log ? 0 : -ENOMEM;
}

static int slots_set_locked(struct kite_vm *vm, const struct kite_slot *arg)
{
	struct kite_slots *old, *new;
	const struct kite_slot_entry *gone;
	struct kite_log *log, *gone_log;
	int ret;

	old = rcu_dereference_protected(vm->slots, lockdep_is_held(&vm->slots_lock));
	gone = kite_slot_by_id(vm, arg->slot);
	if (!arg->len && !gone)
		return -ENOENT;
	gone_log = gone ? gone->log : NULL;
	new = slots_alloc(old->count + 1);
	if (!new)
		return -ENOMEM;
	ret = slot_log(arg, gone, &log);
	if (!ret)
		ret = slots_edit(old, new, arg, log);
	if (ret) {
		if (log != gone_log)
			kvfree(log);
		kvfree(new);
		return ret;
	}
	if (log && log != gone_log)
		kite_log_start(vm);
	slots_publish(vm, new, gone);
	if (gone_log && log != gone_log) {
		kite_log_stop(vm);
		kvfree_rcu(gone_log, rcu);
	}
	kvfree_rcu(old, rcu);
	return 0;
}

int kite_slots_set(struct kite_vm *vm, const struct kite_slot *arg, u32 phys_bits)
{
	int ret;

	if ((arg->flags & ~(KITE_SLOT_READONLY | KITE_SLOT_LOG_DIRTY)) || arg->reserved ||
	    arg->slot >= KITE_MAX_SLOTS)
		return -EINVAL;
	if (arg->len) {
		ret = slot_check(arg, phys_bits);
		if (ret)
			return ret;
	}
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	ret = slots_set_locked(vm, arg);
	mutex_unlock(&vm->slots_lock);
	return ret;
}
