// SPDX-License-Identifier: GPL-2.0-only
#include "yield.h"

#include <linux/sched.h>
#include <linux/sched/task.h>

#include "compat.h"
#include "vm.h"

static bool wants_cpu(const struct kite_vcpu *v)
{
	return READ_ONCE(v->task) && READ_ONCE(v->mode) == KITE_OUTSIDE &&
	       READ_ONCE(v->activity) == KITE_ACTIVITY_ACTIVE;
}

bool kite_may_yield(struct kite_vcpu *v)
{
	u64 left = READ_ONCE(v->vm->vcpu_mask) & ~BIT_ULL(v->id);
	struct kite_vcpu *other;
	bool found = false;

	rcu_read_lock();
	while (!found && (other = kite_next_vcpu(v->vm, &left)))
		found = wants_cpu(other);
	rcu_read_unlock();
	return found;
}

/* The task of vCPU @id, counted, if it would run the guest but has no CPU; else NULL. */
static struct task_struct *waiting_task(struct kite_vm *vm, unsigned int id)
{
	struct task_struct *task = NULL;
	struct kite_vcpu *v;

	rcu_read_lock();
	v = READ_ONCE(vm->vcpus[id]);
	if (v && wants_cpu(v))
		task = READ_ONCE(v->task);
	/* A task that leaves the run loop now still has its structure for a grace period. */
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

void kite_yield(struct kite_vcpu *v)
{
	struct kite_vm *vm = v->vm;
	struct task_struct *task;
	unsigned int i, id;
	bool done;

	/* From the one after the last that was helped, so that each has its turn. */
	for (i = 1; i <= KITE_MAX_VCPUS; i++) {
		id = (READ_ONCE(vm->last_yield) + i) % KITE_MAX_VCPUS;
		task = id != v->id ? waiting_task(vm, id) : NULL;
		if (!task)
			continue;
		done = kite_yield_to(task) > 0;
		put_task_struct(task);
		if (!done)
			continue;
		WRITE_ONCE(vm->last_yield, id);
		v->stats.directed_yields++;
		return;
	}
}
