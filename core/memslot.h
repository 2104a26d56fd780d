/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory slots: which part of the process stands at which guest-physical address. */
#ifndef KITE_CORE_MEMSLOT_H
#define KITE_CORE_MEMSLOT_H

#include <linux/rcupdate.h>
#include <linux/types.h>

struct kite_log;
struct kite_slot;
struct kite_vm;

#define KITE_MAX_SLOTS	512

struct kite_slot_entry {
	u64 gpa;
	u64 len;
	unsigned long uaddr;
	u32 id;
	u32 flags;		/* KITE_SLOT_* */
	struct kite_log *log;	/* with KITE_SLOT_LOG_DIRTY, else NULL */
};

/* Sorted by @gpa, without overlaps; never changed once published. */
struct kite_slots {
	struct rcu_head rcu;
	u64 generation;		/* one more than that of the table it replaced */
	u32 count;
	struct kite_slot_entry slot[];
};

int kite_slots_init(struct kite_vm *vm);
void kite_slots_free(struct kite_vm *vm);

/* KITE_VM_SET_SLOT; @phys_bits limits guest-physical addresses. */
int kite_slots_set(struct kite_vm *vm, const struct kite_slot *arg, u32 phys_bits);

/* The slot at @gpa or NULL; the caller is in an RCU read-side section. */
const struct kite_slot_entry *kite_slot_find(struct kite_vm *vm, u64 gpa);

/* The slot of number @id or NULL; slots_lock is held. */
const struct kite_slot_entry *kite_slot_by_id(struct kite_vm *vm, u32 id);

/* A number that no other table of slots of this VM has; the caller as for kite_slot_find(). */
u64 kite_slots_generation(struct kite_vm *vm);

/* Host address of @gpa, for writing if @write; 0 if there is none. */
unsigned long kite_gpa_to_uaddr(struct kite_vm *vm, u64 gpa, bool write);

#endif
