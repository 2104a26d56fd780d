// SPDX-License-Identifier: GPL-2.0-only
/*
 * An irqfd hangs in the wait queue of its event descriptor. Whoever signals the
 * descriptor, in any context, calls irqfd_wake() under that queue's lock, and it
 * delivers from there. The same lock ends it: once the entry is out of the queue, no
 * call is under way and none will come.
 *
 * When the last descriptor of the eventfd is closed, the queue says so. The irqfd is
 * then out of the queue and is freed with the next change, or with the VM: nothing
 * is left to do at that moment, so no work queue and no grace period is needed.
 */
#include "irqfd.h"

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "../uapi/kite.h"
#include "compat.h"
#include "request.h"
#include "route.h"
#include "vm.h"

struct irqfd {
	struct rcu_head rcu;
	struct list_head link;		/* of vm->irqfds: written under wiring_lock, RCU */
	struct kite_vm *vm;
	struct eventfd_ctx *ctx;
	struct eventfd_ctx *resample;	/* NULL: an edge */
	u32 gsi;
	bool closed;
	wait_queue_entry_t wait;
};

static void signal_gsi(struct irqfd *f)
{
	/* Without a route it goes nowhere. */
	(void)kite_gsi_event(f->vm, f->gsi, f->resample ? KITE_GSI_HOLD : KITE_GSI_PULSE);
}

static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *f = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		/* Nobody else reads it: it must not fill up. */
		eventfd_ctx_do_read(f->ctx, &count);
		signal_gsi(f);
	}
	if (events & EPOLLHUP) {
		list_del_init(&wait->entry);
		WRITE_ONCE(f->closed, true);
	}
	return 0;
}

static void irqfd_free(struct rcu_head *rcu)
{
	struct irqfd *f = container_of(rcu, struct irqfd, rcu);

	eventfd_ctx_put(f->ctx);
	if (f->resample)
		eventfd_ctx_put(f->resample);
	kfree(f);
}

u32 kite_resample_pins(struct kite_vm *vm)
{
	struct irqfd *f;
	u32 pins = 0;
	int pin;

	rcu_read_lock();
	list_for_each_entry_rcu(f, &vm->irqfds, link) {
		pin = f->resample ? kite_gsi_pin(vm, f->gsi) : -1;
		if (pin >= 0)
			pins |= BIT(pin);
	}
	rcu_read_unlock();
	return pins;
}

void kite_serve_resample(struct kite_vcpu *v)
{
	struct kite_vm *vm = v->vm;
	u32 pins = v->resample;
	struct irqfd *f;
	int pin;

	v->resample = 0;
	rcu_read_lock();
	list_for_each_entry_rcu(f, &vm->irqfds, link) {
		pin = f->resample && !READ_ONCE(f->closed) ? kite_gsi_pin(vm, f->gsi) : -1;
		if (pin >= 0 && pins & BIT(pin))
			kite_eventfd_signal(f->resample);
	}
	rcu_read_unlock();
}

static void leave_queue(struct irqfd *f)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(f->ctx, &f->wait, &count);
}

/* A pin that it held, and nobody else of its kind holds, goes low. */
static void remove(struct kite_vm *vm, struct irqfd *f)
{
	unsigned long flags;
	u32 pins;

	leave_queue(f);
	list_del_rcu(&f->link);
	vm->irqfd_count--;
	if (f->resample) {
		pins = kite_resample_pins(vm);
		raw_spin_lock_irqsave(&vm->ioapic_lock, flags);
		vm->ioapic.held &= pins;
		raw_spin_unlock_irqrestore(&vm->ioapic_lock, flags);
	}
	call_rcu(&f->rcu, irqfd_free);
}

static void remove_closed(struct kite_vm *vm)
{
	struct irqfd *f, *next;

	list_for_each_entry_safe(f, next, &vm->irqfds, link)
		if (READ_ONCE(f->closed))
			remove(vm, f);
}

/* Nobody looks at the list any more. */
void kite_irqfds_free(struct kite_vm *vm)
{
	struct irqfd *f, *next;

	list_for_each_entry_safe(f, next, &vm->irqfds, link) {
		leave_queue(f);
		irqfd_free(&f->rcu);
	}
}

static struct irqfd *find(struct kite_vm *vm, const struct eventfd_ctx *ctx)
{
	struct irqfd *f;

	list_for_each_entry(f, &vm->irqfds, link)
		if (f->ctx == ctx)
			return f;
	return NULL;
}

struct queue_entry {
	poll_table table;
	struct irqfd *f;
};

static void enter_queue(struct file *file, wait_queue_head_t *queue, poll_table *table)
{
	struct irqfd *f = container_of(table, struct queue_entry, table)->f;

	add_wait_queue(queue, &f->wait);
}

/* @file is open, so the queue does not say that it is closed. */
static int add(struct kite_vm *vm, struct irqfd *f, struct file *file)
{
	struct queue_entry entry = { .f = f };

	remove_closed(vm);
	if (find(vm, f->ctx))
		return -EBUSY;
	if (vm->irqfd_count == KITE_IRQFDS)
		return -ENOSPC;
	list_add_tail_rcu(&f->link, &vm->irqfds);
	vm->irqfd_count++;
	init_poll_funcptr(&entry.table, enter_queue);
	if (vfs_poll(file, &entry.table) & EPOLLIN)
		signal_gsi(f);		/* from before */
	return 0;
}

/* @f has no event descriptors yet; what it has got is the caller's to free. */
static int take_descriptors(struct irqfd *f, struct file *file, const struct kite_irqfd *arg)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	f->ctx = ctx;
	if (!(arg->flags & KITE_IRQFD_RESAMPLE))
		return 0;
	ctx = eventfd_ctx_fdget(arg->resample_fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	f->resample = ctx;
	/* Every end would be a new beginning. */
	return f->resample == f->ctx ? -EINVAL : 0;
}

static int assign(struct kite_vm *vm, const struct kite_irqfd *arg, struct file *file)
{
	struct irqfd *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!f)
		return -ENOMEM;
	f->vm = vm;
	f->gsi = arg->gsi;
	init_waitqueue_func_entry(&f->wait, irqfd_wake);
	ret = take_descriptors(f, file, arg);
	if (!ret && mutex_lock_killable(&vm->wiring_lock))
		ret = -EINTR;
	if (!ret) {
		ret = add(vm, f, file);
		mutex_unlock(&vm->wiring_lock);
	}
	if (!ret)
		return 0;
	if (f->ctx)
		eventfd_ctx_put(f->ctx);
	if (f->resample)
		eventfd_ctx_put(f->resample);
	kfree(f);
	return ret;
}

static int deassign(struct kite_vm *vm, const struct kite_irqfd *arg, struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);
	struct irqfd *f;
	int ret = -ENOENT;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	if (mutex_lock_killable(&vm->wiring_lock)) {
		ret = -EINTR;
	} else {
		f = find(vm, ctx);
		if (f && f->gsi == arg->gsi) {
			remove(vm, f);
			ret = 0;
		}
		mutex_unlock(&vm->wiring_lock);
	}
	eventfd_ctx_put(ctx);
	return ret;
}

int kite_irqfd(struct kite_vm *vm, const struct kite_irqfd *arg)
{
	struct file *file;
	int ret;

	if (!(vm->flags & KITE_VM_IRQCHIP))
		return -ENODEV;
	/* One flag or none; a second descriptor for one that resamples only. */
	if (arg->flags > KITE_IRQFD_RESAMPLE || arg->reserved || arg->gsi >= KITE_GSIS ||
	    (!(arg->flags & KITE_IRQFD_RESAMPLE) && arg->resample_fd))
		return -EINVAL;
	file = fget(arg->fd);
	if (!file)
		return -EBADF;
	ret = arg->flags & KITE_IRQFD_DEASSIGN ? deassign(vm, arg, file) : assign(vm, arg, file);
	fput(file);
	return ret;
}

size_t kite_irqfds_bytes(const struct kite_vm *vm)
{
	return READ_ONCE(vm->irqfd_count) * sizeof(struct irqfd);
}
