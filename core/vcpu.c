// SPDX-License-Identifier: GPL-2.0-only
#include "vcpu.h"

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "backend.h"
#include "clock.h"
#include "fpu.h"
#include "irqchip.h"
#include "timer.h"
#include "vm.h"

static int vcpu_init(struct kite_vcpu *v)
{
	int ret;

	mutex_init(&v->lock);
	init_swait_queue_head(&v->wait);
	v->cpu = -1;
	kite_timer_init(v);
	ret = kite_irqchip_init_vcpu(v);
	if (ret)
		return ret;
	v->run = (struct kite_run *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!v->run)
		return -ENOMEM;
	ret = kite_fpu_alloc(v);
	if (ret)
		return ret;
	ret = kite_ept_cache_fill(&v->ept_cache);
	return ret ? ret : kite_hw_vcpu_reset(v);
}

/* Nobody finds the vCPU any more, but a sender of an interrupt may still look at it under RCU. */
static void vcpu_free(struct kite_vcpu *v)
{
	kite_timer_stop(v);
	kite_clock_stop_vcpu(v);
	kite_ept_cache_drain(&v->ept_cache);
	kite_fpu_free(v);
	kite_ring_free(v);
	kite_irqchip_free_vcpu(v);
	if (v->trace)
		free_pages_exact(v->trace, KITE_TRACE_PAGES * PAGE_SIZE);
	free_page((unsigned long)v->run);
	kite_hw_vcpu_free(v);
}

static int publish(struct kite_vm *vm, struct kite_vcpu *v)
{
	int ret = -EEXIST;

	mutex_lock(&vm->vcpus_lock);
	if (!vm->vcpus[v->id]) {
		WRITE_ONCE(vm->vcpus[v->id], v);
		WRITE_ONCE(vm->vcpu_mask, vm->vcpu_mask | BIT_ULL(v->id));
		ret = 0;
	}
	mutex_unlock(&vm->vcpus_lock);
	return ret;
}

struct kite_vcpu *kite_vcpu_create(struct kite_vm *vm, u32 id)
{
	struct kite_vcpu *v;
	int ret;

	static_assert(offsetof(struct kite_run, data) + KITE_RUN_DATA <= PAGE_SIZE);
	static_assert(KITE_TRACE_OFFSET == PAGE_SIZE);
	if (id >= KITE_MAX_VCPUS)
		return ERR_PTR(-EINVAL);
	v = kite_hw_vcpu_alloc();
	if (IS_ERR(v))
		return v;
	v->vm = vm;
	v->id = id;
	ret = vcpu_init(v);
	if (!ret)
		ret = publish(vm, v);
	if (ret) {
		vcpu_free(v);
		return ERR_PTR(ret);
	}
	kite_vm_get(vm);
	return v;
}

void kite_vcpu_destroy(struct kite_vcpu *v)
{
	struct kite_vm *vm = v->vm;

	mutex_lock(&vm->vcpus_lock);
	WRITE_ONCE(vm->vcpus[v->id], NULL);
	WRITE_ONCE(vm->vcpu_mask, vm->vcpu_mask & ~BIT_ULL(v->id));
	mutex_unlock(&vm->vcpus_lock);
	vcpu_free(v);
	kite_vm_put(vm);
}

int kite_vcpu_set_debug(struct kite_vcpu *v, u32 flags)
{
	if (flags & ~(KITE_DEBUG_STEP | KITE_DEBUG_TRACE))
		return -EINVAL;
	if ((flags & KITE_DEBUG_STEP) && !kite_hw_has_step())
		return -EOPNOTSUPP;
	if ((flags & KITE_DEBUG_TRACE) && !v->trace) {
		void *trace = alloc_pages_exact(KITE_TRACE_PAGES * PAGE_SIZE,
						KITE_GFP_TABLE | __GFP_ZERO);

		if (!trace)
			return -ENOMEM;
		smp_store_release(&v->trace, trace);	/* zeroed, for the fault handler */
	}
	v->debug = flags;
	return 0;
}
