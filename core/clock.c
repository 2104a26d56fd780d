// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"

#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/ktime.h>
#include <asm/tsc.h>

#include "backend.h"
#include "compat.h"
#include "pvclock.h"
#include "request.h"
#include "timer.h"
#include "timescale.h"
#include "vm.h"

#define KHZ_MIN		1000u
#define KHZ_MAX		100000000u
/* A crystal is off by as much: what differs by less is the same frequency. */
#define TOLERANCE	4000u		/* one part in this: 250 ppm */

int kite_clock_init_vm(struct kite_vm *vm, u32 khz)
{
	struct kite_vm_clock *c = &vm->clock;
	u32 real = tsc_khz;

	if (khz && (khz < KHZ_MIN || khz > KHZ_MAX))
		return -EINVAL;
	/* A host without a TSC to speak of; the multiplier has 16 bits before the point. */
	if (tsc_khz <= KHZ_MAX >> 16)
		return -EOPNOTSUPP;
	c->khz = khz ?: tsc_khz;
	if (c->khz != tsc_khz && kite_hw_has_tsc_scaling()) {
		c->ratio = kite_tsc_ratio(c->khz, tsc_khz);
		real = c->khz;
	} else if (max(c->khz, tsc_khz) - min(c->khz, tsc_khz) > tsc_khz / TOLERANCE) {
		return -EOPNOTSUPP;
	}
	kite_ns_scale(real, &c->mul, &c->shift);
	raw_spin_lock_init(&c->lock);
	c->offset = -kite_tsc_scale(rdtsc(), c->ratio);
	return 0;
}

u64 kite_guest_tsc(const struct kite_vcpu *v)
{
	return kite_tsc_scale(rdtsc(), v->vm->clock.ratio) + v->tsc_offset;
}

/* The VM's counter, as far as @v has heard of it. */
static u64 vm_tsc(const struct kite_vcpu *v)
{
	return kite_tsc_scale(rdtsc(), v->vm->clock.ratio) + v->clock_offset;
}

u64 kite_clock_ns(const struct kite_vm *vm, u64 ticks)
{
	return kite_ticks_to_ns(ticks, vm->clock.mul, vm->clock.shift);
}

/* The paravirtual clock is stable only while all TSCs of the VM are the same. */
static void note_skew(struct kite_vcpu *v)
{
	bool skewed = v->tsc_offset != v->clock_offset;

	if (skewed == v->skewed)
		return;
	v->skewed = skewed;
	atomic_add(skewed ? 1 : -1, &v->vm->clock.skewed);
	kite_vm_request(v->vm, KITE_REQ_CLOCK);
}

void kite_set_tsc_offset(struct kite_vcpu *v, u64 offset)
{
	u64 before = kite_guest_tsc(v);
	u64 after = before - v->tsc_offset + offset;

	v->tsc_offset = offset;
	note_skew(v);
	kite_vcpu_request_self(v, KITE_REQ_CLOCK);
	if (v->irqchip) {
		lapic_tsc_moved(&v->lapic, before, after);
		kite_timer_program(v);
	}
}

/* Take over the VM's counter. True if KITE_VM_SET_CLOCK changed it. */
static bool follow(struct kite_vcpu *v)
{
	struct kite_vm_clock *c = &v->vm->clock;
	unsigned long flags;
	bool set;

	raw_spin_lock_irqsave(&c->lock, flags);
	set = (s32)(c->set_gen - v->clock_gen) > 0;
	v->clock_offset = c->offset;
	WRITE_ONCE(v->clock_gen, c->gen);
	WRITE_ONCE(v->clock_last, 0);
	raw_spin_unlock_irqrestore(&c->lock, flags);
	return set;
}

static noinline void sync(struct kite_vcpu *v)
{
	u64 off = v->tsc_offset - v->clock_offset;

	if (follow(v)) {
		/* A saved VM's clock: the TSCs are together again, but for the guest's own wish. */
		kite_set_tsc_offset(v, v->clock_offset + v->msrs.tsc_adjust);
		return;
	}
	/* For the guest nothing has happened. */
	v->tsc_offset = v->clock_offset + off;
	if (v->irqchip)
		kite_timer_program(v);
}

static bool changed(const struct kite_vcpu *v)
{
	return v->clock_gen != READ_ONCE(v->vm->clock.gen);
}

/*
 * The host's counter is behind: go on from what any vCPU of the VM can have seen last.
 * Not inlined, like sync(): both are rare, and each window asks for them.
 */
static noinline void repair(struct kite_vcpu *v)
{
	struct kite_vm *vm = v->vm;
	struct kite_vm_clock *c = &vm->clock;
	u64 last = v->clock_last, now = vm_tsc(v), left = READ_ONCE(vm->vcpu_mask);
	struct kite_vcpu *other;
	unsigned long flags;

	rcu_read_lock();
	raw_spin_lock_irqsave(&c->lock, flags);
	while ((other = kite_next_vcpu(vm, &left)))
		if (READ_ONCE(other->clock_gen) == c->gen)
			last = max(last, READ_ONCE(other->clock_last));
	/* Unless another vCPU was faster. */
	if (v->clock_gen == c->gen) {
		c->offset += last - now;
		WRITE_ONCE(c->gen, c->gen + 1);
	}
	raw_spin_unlock_irqrestore(&c->lock, flags);
	rcu_read_unlock();
	kite_vm_request(vm, KITE_REQ_CLOCK);
	sync(v);
}

void kite_clock_enter(struct kite_vcpu *v)
{
	if (changed(v))
		sync(v);
	if (vm_tsc(v) < v->clock_last)
		repair(v);
}

void kite_clock_leave(struct kite_vcpu *v)
{
	WRITE_ONCE(v->clock_last, vm_tsc(v));
}

void kite_clock_serve(struct kite_vcpu *v)
{
	if (changed(v))
		sync(v);
	kite_pvclock_update(v);
}

void kite_clock_init_vcpu(struct kite_vcpu *v)
{
	follow(v);
	kite_set_tsc_offset(v, v->clock_offset);
}

void kite_clock_stop_vcpu(struct kite_vcpu *v)
{
	if (!v->skewed)
		return;
	atomic_dec(&v->vm->clock.skewed);
	kite_vm_request(v->vm, KITE_REQ_CLOCK);
}

void kite_clock_base(struct kite_vcpu *v, u64 *tsc, u64 *ns)
{
	struct kite_vm_clock *c = &v->vm->clock;
	unsigned long flags;

	raw_spin_lock_irqsave(&c->lock, flags);
	*tsc = c->base_tsc;
	*ns = c->base_ns;
	raw_spin_unlock_irqrestore(&c->lock, flags);
	*tsc += v->tsc_offset - v->clock_offset;
}

/* Under the lock. A host whose counters differ may be behind the base. */
static u64 clock_at(const struct kite_vm_clock *c, u64 tsc)
{
	u64 ticks = max_t(s64, tsc - c->base_tsc, 0);

	return c->base_ns + kite_ticks_to_ns(ticks, c->mul, c->shift);
}

u64 kite_clock_now(struct kite_vm *vm)
{
	struct kite_vm_clock *c = &vm->clock;
	unsigned long flags;
	u64 ns;

	raw_spin_lock_irqsave(&c->lock, flags);
	ns = clock_at(c, kite_tsc_scale(rdtsc(), c->ratio) + c->offset);
	raw_spin_unlock_irqrestore(&c->lock, flags);
	return ns;
}

int kite_clock_get(struct kite_vm *vm, struct kite_clock *arg)
{
	struct kite_vm_clock *c = &vm->clock;
	unsigned long flags;

	if (arg->flags || arg->reserved)
		return -EINVAL;
	raw_spin_lock_irqsave(&c->lock, flags);
	arg->host_tsc = rdtsc();
	arg->real_ns = ktime_get_real_ns();
	arg->tsc = kite_tsc_scale(arg->host_tsc, c->ratio) + c->offset;
	arg->ns = clock_at(c, arg->tsc);
	raw_spin_unlock_irqrestore(&c->lock, flags);
	arg->tsc_khz = c->khz;
	return 0;
}

int kite_clock_set(struct kite_vm *vm, const struct kite_clock *arg)
{
	struct kite_vm_clock *c = &vm->clock;
	u64 now = rdtsc(), then = arg->host_tsc ?: now;
	unsigned long flags;

	if (arg->flags || arg->reserved || then > now || (arg->tsc_khz && arg->tsc_khz != c->khz))
		return -EINVAL;
	raw_spin_lock_irqsave(&c->lock, flags);
	c->offset = arg->tsc - kite_tsc_scale(then, c->ratio);
	c->base_tsc = arg->tsc;
	c->base_ns = arg->ns;
	WRITE_ONCE(c->gen, c->gen + 1);
	c->set_gen = c->gen;
	raw_spin_unlock_irqrestore(&c->lock, flags);
	kite_vm_request(vm, KITE_REQ_CLOCK);
	return 0;
}
