/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_CORE_VM_H
#define KITE_CORE_VM_H

#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/kref.h>
#include <linux/mutex.h>

#include "../ept/ept.h"
#include "../irq/ioapic.h"
#include "clock.h"
#include "memslot.h"
#include "vcpu.h"

#define KITE_MAX_VCPUS	64

/* For what has the size that user space wants: it is told of a failure, the kernel log is not. */
#define KITE_GFP_TABLE	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

struct kite_doorbells;
struct kite_mm;
struct kite_perms;
struct kite_routes_table;

struct kite_vm {
	struct kref ref;	/* the VM fd and each vCPU fd hold one */
	u32 flags;		/* KITE_VM_* */
	u64 number;		/* never given to another VM */
	struct kite_vm_clock clock;

	struct kite_mm *kmm;	/* the address space the memory comes from */
	struct list_head kmm_link;

	struct kite_slots __rcu *slots;	/* written under slots_lock, read under RCU */
	struct mutex slots_lock;	/* changes of slots and permissions, looks into logs */
	struct kite_perms __rcu *perms;	/* the same way; NULL: all is allowed everywhere */
	u32 logs;			/* slots with a log; written under slots_lock */

	struct kite_ept ept;

	raw_spinlock_t ioapic_lock;
	struct ioapic ioapic;
	bool pic_intr;		/* LINT0 of every local APIC; any thread reads and writes it */

	struct mutex wiring_lock;	/* serialises changes of the next */
	struct kite_routes_table __rcu *routes;	/* NULL without KITE_VM_IRQCHIP */
	struct kite_doorbells __rcu *doorbells;	/* NULL before the first */
	struct list_head irqfds;		/* read under RCU */
	u32 irqfd_count;

	/*
	 * What EPT has at the LAPICs for the CPU to find their accesses by; NULL: nothing.
	 * Once a guest has moved an APIC, or has it in another mode, its VM does without.
	 */
	void *apic_page;
	bool apic_page_off;

	struct mutex vcpus_lock;	/* creating and removing vCPUs */
	u64 vcpu_mask;			/* bit n: vcpus[n] is there; read with READ_ONCE */
	u32 last_yield;			/* vCPU that kite_yield() helped last; a hint */
	struct kite_vcpu *vcpus[KITE_MAX_VCPUS];	/* read with READ_ONCE under RCU */
};

/*
 * Under RCU: the vCPU of the lowest bit in *@left, which is taken out; NULL when none is
 * left. "for (left = READ_ONCE(vm->vcpu_mask); (v = kite_next_vcpu(vm, &left));)".
 */
static inline struct kite_vcpu *kite_next_vcpu(const struct kite_vm *vm, u64 *left)
{
	struct kite_vcpu *v = NULL;

	while (*left && !v) {
		v = READ_ONCE(vm->vcpus[__ffs64(*left)]);
		*left &= *left - 1;
	}
	return v;
}

struct kite_vm *kite_vm_create(u32 flags, u32 tsc_khz);
void kite_vm_get(struct kite_vm *vm);
void kite_vm_put(struct kite_vm *vm);

/* True in the process whose memory the VM uses. */
bool kite_vm_is_mine(const struct kite_vm *vm);

/* Make every vCPU that is in a window leave it, and wait until all have. */
void kite_vm_flush(struct kite_vm *vm);

#endif
