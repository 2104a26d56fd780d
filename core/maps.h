/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who adds translations to the EPT of a VM and who takes them away, side by side
 * without a lock between them.
 *
 * A vCPU adds translations in a map section: everything the translation is made
 * from (the slot, the host's page tables, permissions) is looked up, and the entry
 * stored, with interrupts off between kite_map_begin() and kite_map_end(). In it,
 * nothing is waited for.
 *
 * Who takes away first makes the new truth visible (the new slots, the range that
 * the host invalidates), then calls kite_vm_sync_maps(): sections that began before
 * have ended then, later ones see the new truth. What is removed after that does
 * not come back.
 */
#ifndef KITE_CORE_MAPS_H
#define KITE_CORE_MAPS_H

#include <linux/lockdep.h>
#include <asm/barrier.h>

#include "vcpu.h"

struct kite_vm;

static inline void kite_map_begin(struct kite_vcpu *v)
{
	lockdep_assert_irqs_disabled();
	/* A full barrier: what is looked up now is not older. */
	smp_store_mb(v->map_section, v->map_section + 1);
}

static inline void kite_map_end(struct kite_vcpu *v)
{
	/* What was stored in the section is there when it is over. */
	smp_store_release(&v->map_section, v->map_section + 1);
}

/*
 * Wait until map sections that have begun are over. Short, so it spins; not in a
 * section.
 */
void kite_vm_sync_maps(struct kite_vm *vm);

/*
 * kite_ept_strip() for the whole of [@gpa, @gpa + @len), after which no CPU uses what
 * was taken. May be called where sleeping is not allowed, with interrupts on.
 * Return: the bits that were taken, or-ed.
 */
u64 kite_vm_strip(struct kite_vm *vm, u64 gpa, u64 len, u64 mask);

#endif
