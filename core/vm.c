// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <linux/err.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "backend.h"
#include "ioeventfd.h"
#include "irqchip.h"
#include "irqfd.h"
#include "mm.h"
#include "perm.h"
#include "route.h"

/* Who may open the device is bounded by this and by memory cgroups. */
static int max_vms = 4096;
module_param(max_vms, int, 0644);
MODULE_PARM_DESC(max_vms, "VMs that may exist at once, of all users (default 4096)");

static atomic_t vm_count;
static atomic64_t vm_numbers;

static struct kite_vm *vm_create(u32 flags, u32 tsc_khz)
{
	struct kite_vm *vm;
	int ret;

	if (flags & ~(KITE_VM_IRQCHIP | KITE_VM_PVCLOCK))
		return ERR_PTR(-EINVAL);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->ref);
	mutex_init(&vm->vcpus_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	vm->flags = flags;
	vm->number = atomic64_inc_return(&vm_numbers);
	ret = kite_clock_init_vm(vm, tsc_khz);
	if (ret)
		goto free_vm;
	ret = kite_irqchip_init_vm(vm);
	if (ret)
		goto free_vm;
	ret = kite_routes_init(vm);
	if (ret)
		goto free_irqchip;
	ret = kite_slots_init(vm);
	if (ret)
		goto free_routes;
	ret = kite_ept_init(&vm->ept, kite_hw_ept_ad());
	if (ret)
		goto free_slots;
	ret = kite_mm_attach(vm);
	if (ret)
		goto fini_ept;
	return vm;

fini_ept:
	kite_ept_fini(&vm->ept);
free_slots:
	kite_slots_free(vm);
free_routes:
	kite_routes_free(vm);
free_irqchip:
	kite_irqchip_free_vm(vm);
free_vm:
	kfree(vm);
	return ERR_PTR(ret);
}

struct kite_vm *kite_vm_create(u32 flags, u32 tsc_khz)
{
	struct kite_vm *vm = ERR_PTR(-ENOSPC);

	if (atomic_inc_return(&vm_count) <= READ_ONCE(max_vms))
		vm = vm_create(flags, tsc_khz);
	if (IS_ERR(vm))
		atomic_dec(&vm_count);
	return vm;
}

void kite_vm_get(struct kite_vm *vm)
{
	kref_get(&vm->ref);
}

static void vm_release(struct kref *ref)
{
	struct kite_vm *vm = container_of(ref, struct kite_vm, ref);

	kite_irqfds_free(vm);	/* from here on nobody signals */
	kite_mm_detach(vm);
	kite_ept_fini(&vm->ept);
	kite_slots_free(vm);
	kite_perms_free(vm);
	kite_doorbells_free(vm);
	kite_routes_free(vm);
	kite_irqchip_free_vm(vm);
	kfree(vm);
	atomic_dec(&vm_count);
}

void kite_vm_put(struct kite_vm *vm)
{
	kref_put(&vm->ref, vm_release);
}
