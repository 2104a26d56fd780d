// SPDX-License-Identifier: GPL-2.0-only
#include "request.h"

#include <linux/smp.h>
/* Some kernels trace in smp_send_reschedule() and leave it to the caller to know how. */
#include <trace/events/ipi.h>

#include "vm.h"

void kite_vcpu_kick(struct kite_vcpu *v)
{
	if (swq_has_sleeper(&v->wait))
		swake_up_one(&v->wait);
	preempt_disable();
	/*
	 * In its window on this CPU it can only be the sender itself. Where the
	 * window is may be asked only once EXITING keeps others from sending: a
	 * CPU read before may be that of an earlier window.
	 */
	if (READ_ONCE(v->mode) == KITE_IN_GUEST && READ_ONCE(v->cpu) != smp_processor_id() &&
	    cmpxchg(&v->mode, KITE_IN_GUEST, KITE_EXITING) == KITE_IN_GUEST)
		smp_send_reschedule(READ_ONCE(v->cpu));
	preempt_enable();
}

void kite_vm_request(struct kite_vm *vm, enum kite_request req)
{
	struct kite_vcpu *v;
	u64 left;

	rcu_read_lock();
	for (left = READ_ONCE(vm->vcpu_mask); (v = kite_next_vcpu(vm, &left));)
		kite_vcpu_request(v, req);
	rcu_read_unlock();
}

static void kite_flush_ack(void *unused)
{
}

void kite_vm_flush(struct kite_vm *vm)
{
	static DEFINE_PER_CPU(cpumask_t, flush_mask);
	struct cpumask *mask;
	struct kite_vcpu *v;
	u64 left;

	/* The tables changed before this looks at who is in the guest. */
	smp_mb();
	preempt_disable();
	mask = this_cpu_ptr(&flush_mask);
	cpumask_clear(mask);
	rcu_read_lock();
	for (left = READ_ONCE(vm->vcpu_mask); (v = kite_next_vcpu(vm, &left));)
		if (READ_ONCE(v->mode) != KITE_OUTSIDE)
			cpumask_set_cpu(READ_ONCE(v->cpu), mask);
	rcu_read_unlock();
	/* An answer means that the window there has closed. */
	smp_call_function_many(mask, kite_flush_ack, NULL, true);
	preempt_enable();
}
