// SPDX-License-Identifier: GPL-2.0-only
#include "ioeventfd.h"

#include <linux/eventfd.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../uapi/kite.h"
#include "compat.h"
#include "exit_record.h"
#include "request.h"
#include "vm.h"

static const struct doorbell *find(struct kite_vm *vm, const struct doorbell *write)
{
	const struct kite_doorbells *bells = rcu_dereference_check(vm->doorbells, irqs_disabled());

	return bells ? doorbell_find(bells->bell, bells->count, write) : NULL;
}

static u64 low_bytes(u64 value, u32 len)
{
	return len < sizeof(value) ? value & (BIT_ULL(8 * len) - 1) : value;
}

/* What most writes that ring nothing are told by: no doorbell has an address of this bit. */
static u64 address_bit(u64 addr)
{
	return BIT_ULL(hash_64(addr, 6));
}

/* Not inlined: a write that may ring nothing pays for no more than the look. */
static noinline bool ring(struct kite_vcpu *v, bool pio, u64 addr, u32 len, u64 value)
{
	const struct doorbell *bell;
	struct doorbell write = {
		.addr = addr, .data = low_bytes(value, len), .len = len, .match = true, .pio = pio,
	};

	bell = find(v->vm, &write);
	if (!bell)
		return false;
	v->host_data = true;
	/* The event descriptor has a spinlock, which sleeps in such a kernel. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		v->doorbell = write;
		kite_vcpu_request_self(v, KITE_REQ_DOORBELL);
	} else {
		kite_eventfd_signal(bell->target);
	}
	return true;
}

bool kite_doorbell(struct kite_vcpu *v, bool pio, u64 addr, u32 len, u64 value)
{
	const struct kite_doorbells *bells = rcu_dereference_check(v->vm->doorbells,
								   irqs_disabled());

	return bells && (bells->address_bits & address_bit(addr)) &&
	       ring(v, pio, addr, len, value);
}

int kite_serve_doorbell(struct kite_vcpu *v)
{
	const struct doorbell *bell, *w = &v->doorbell;

	rcu_read_lock();
	bell = find(v->vm, w);
	if (bell)
		kite_eventfd_signal(bell->target);
	rcu_read_unlock();
	if (bell)
		return 1;
	/* Taken away since: the write is user space's. */
	if (!w->pio)
		return kite_exit_mmio(v, w->addr, w->len, true, w->data);
	memcpy(v->run->data, &w->data, sizeof(u32));
	return kite_exit_io(v, w->addr, w->len, 0, 1);
}

static void bells_free(struct rcu_head *rcu)
{
	struct kite_doorbells *bells = container_of(rcu, struct kite_doorbells, rcu);

	if (bells->gone)
		eventfd_ctx_put(bells->gone);
	kvfree(bells);
}

/* No vCPU is left that could look. */
void kite_doorbells_free(struct kite_vm *vm)
{
	struct kite_doorbells *bells = rcu_dereference_protected(vm->doorbells, true);
	u32 i;

	for (i = 0; bells && i < bells->count; i++)
		eventfd_ctx_put(bells->bell[i].target);
	kvfree(bells);
}

size_t kite_doorbells_bytes(struct kite_vm *vm)
{
	const struct kite_doorbells *bells;
	size_t bytes;

	rcu_read_lock();
	bells = rcu_dereference(vm->doorbells);
	bytes = bells ? struct_size(bells, bell, bells->count) : 0;
	rcu_read_unlock();
	return bytes;
}

/* Replace @old by a copy with room for @count, of which the first @head are as before. */
static struct kite_doorbells *bells_copy(const struct kite_doorbells *old, u32 count, u32 head)
{
	struct kite_doorbells *new;

	new = kvzalloc(struct_size(new, bell, count), KITE_GFP_TABLE);
	if (!new)
		return NULL;
	new->count = count;
	if (old)
		memcpy(new->bell, old->bell, head * sizeof(*new->bell));
	return new;
}

static void publish(struct kite_vm *vm, struct kite_doorbells *old, struct kite_doorbells *new)
{
	u32 i;

	for (i = 0; i < new->count; i++)
		new->address_bits |= address_bit(new->bell[i].addr);
	rcu_assign_pointer(vm->doorbells, new);
	if (old)
		call_rcu(&old->rcu, bells_free);
}

static int add(struct kite_vm *vm, struct kite_doorbells *old, const struct doorbell *bell)
{
	u32 count = old ? old->count : 0, at = 0;
	struct kite_doorbells *new;

	if (old && doorbell_place(old->bell, count, bell, &at))
		return -EEXIST;
	if (count == KITE_IOEVENTFDS)
		return -ENOSPC;
	new = bells_copy(old, count + 1, at);
	if (!new)
		return -ENOMEM;
	new->bell[at] = *bell;
	if (old)
		memcpy(&new->bell[at + 1], &old->bell[at], (count - at) * sizeof(*bell));
	publish(vm, old, new);
	return 0;
}

static bool same(const struct doorbell *a, const struct doorbell *b)
{
	return a->len == b->len && a->match == b->match && a->data == b->data &&
	       a->target == b->target;
}

static int remove(struct kite_vm *vm, struct kite_doorbells *old, const struct doorbell *bell)
{
	struct kite_doorbells *new;
	u32 at;

	if (!old || !doorbell_place(old->bell, old->count, bell, &at) ||
	    !same(&old->bell[at], bell))
		return -ENOENT;
	new = bells_copy(old, old->count - 1, at);
	if (!new)
		return -ENOMEM;
	memcpy(&new->bell[at], &old->bell[at + 1], (new->count - at) * sizeof(*bell));
	old->gone = bell->target;
	publish(vm, old, new);
	/*
	 * Who still rings by the old table is in a window: wait for its end, not for
	 * RCU's, except where they ring outside of windows.
	 */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		synchronize_rcu();
	else
		kite_vm_flush(vm);
	return 0;
}

#define FLAGS	(KITE_IOEVENTFD_DEASSIGN | KITE_IOEVENTFD_PIO | KITE_IOEVENTFD_DATAMATCH)

static bool valid(const struct kite_ioeventfd *arg, u32 phys_bits)
{
	bool pio = arg->flags & KITE_IOEVENTFD_PIO;
	u64 end = pio ? 0x10000 : BIT_ULL(phys_bits);

	if (arg->flags & ~FLAGS || arg->len > (pio ? 4 : 8) || arg->len & (arg->len - 1))
		return false;
	if (arg->addr >= end || arg->len > end - arg->addr)
		return false;
	if (!(arg->flags & KITE_IOEVENTFD_DATAMATCH))
		return !arg->datamatch;
	return arg->len && arg->datamatch == low_bytes(arg->datamatch, arg->len);
}

int kite_ioeventfd(struct kite_vm *vm, const struct kite_ioeventfd *arg, u32 phys_bits)
{
	bool deassign = arg->flags & KITE_IOEVENTFD_DEASSIGN;
	struct kite_doorbells *old;
	struct doorbell bell = {
		.addr = arg->addr, .data = arg->datamatch, .len = arg->len,
		.match = arg->flags & KITE_IOEVENTFD_DATAMATCH,
		.pio = arg->flags & KITE_IOEVENTFD_PIO,
	};
	struct eventfd_ctx *ctx;
	int ret;

	if (!valid(arg, phys_bits))
		return -EINVAL;
	ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	bell.target = ctx;
	ret = mutex_lock_killable(&vm->wiring_lock);
	if (!ret) {
		old = rcu_dereference_protected(vm->doorbells, lockdep_is_held(&vm->wiring_lock));
		ret = deassign ? remove(vm, old, &bell) : add(vm, old, &bell);
		mutex_unlock(&vm->wiring_lock);
	}
	/* The table keeps the reference of one that was added. */
	if (ret || deassign)
		eventfd_ctx_put(ctx);
	return ret;
}
