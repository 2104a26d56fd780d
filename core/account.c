// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects are looked at when somebody asks, so that nobody has to count who
 * allocates or frees one. All of them are charged to the memory cgroup of whoever
 * had them allocated (GFP_KERNEL_ACCOUNT).
 */
#include "account.h"

#include <linux/overflow.h>
#include <linux/string.h>

#include "backend.h"
#include "dirty.h"
#include "fpu.h"
#include "ioeventfd.h"
#include "irqfd.h"
#include "perm.h"
#include "route.h"
#include "vm.h"

static void add_slots(struct kite_vm *vm, struct kite_account *a)
{
	const struct kite_slots *slots;
	u32 i;

	rcu_read_lock();
	slots = rcu_dereference(vm->slots);
	a->slots = slots->count;
	for (i = 0; i < slots->count; i++) {
		a->memory += slots->slot[i].len;
		a->overhead += kite_log_bytes(slots->slot[i].log);
	}
	a->overhead += struct_size(slots, slot, slots->count);
	rcu_read_unlock();
}

/* Under vcpus_lock the vCPU stays. What it counts may change meanwhile. */
static void add_vcpu(struct kite_vcpu *v, struct kite_account *a)
{
	unsigned int pages = 1 + READ_ONCE(v->ept_cache.count);	/* 1: the run page */

	if (v->irqchip)
		pages++;
	if (READ_ONCE(v->trace))
		pages += KITE_TRACE_PAGES;
	a->vcpus++;
	a->overhead += kite_hw_vcpu_bytes() + kite_fpu_bytes() + kite_ring_bytes(v) +
		       pages * PAGE_SIZE;
	a->entries += READ_ONCE(v->stats.entries);
	a->faults += READ_ONCE(v->stats.faults);
}

void kite_vm_account(struct kite_vm *vm, struct kite_account *a)
{
	unsigned int i;

	memset(a, 0, sizeof(*a));
	a->tables = atomic_long_read(&vm->ept.tables) * PAGE_SIZE;
	a->overhead = sizeof(*vm) + (vm->apic_page ? PAGE_SIZE : 0) + kite_routes_bytes(vm) +
		      kite_doorbells_bytes(vm) + kite_irqfds_bytes(vm) + kite_perms_bytes(vm);
	add_slots(vm, a);
	mutex_lock(&vm->vcpus_lock);
	for (i = 0; i < KITE_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			add_vcpu(vm->vcpus[i], a);
	mutex_unlock(&vm->vcpus_lock);
}
