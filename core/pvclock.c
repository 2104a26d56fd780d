// SPDX-License-Identifier: GPL-2.0-only
#include "pvclock.h"

#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/ktime.h>
#include <asm/tsc.h>

#include "clock.h"
#include "compat.h"
#include "gwalk.h"
#include "request.h"
#include "vm.h"

#define FEATURE_CLOCKSOURCE2	BIT(3)
#define FEATURE_STEAL_TIME	BIT(5)
#define FEATURE_STABLE		BIT(24)

#define SYSTEM_TIME_RESERVED	BIT_ULL(1)
#define STEAL_TIME_RESERVED	GENMASK_ULL(5, 1)

#define TSC_STABLE		BIT(0)

/* What guests read; the layout is published with the MSRs. An odd version: being written. */
struct system_time {
	u32 version;
	u32 pad0;
	u64 tsc;
	u64 ns;
	u32 mul;
	s8 shift;
	u8 flags;
	u8 pad1[2];
};

struct wall_clock {
	u32 version;
	u32 sec;
	u32 nsec;
};

struct steal_time {
	u64 ns;
	u32 version;
	u32 flags;
	u8 preempted;
};

static_assert(sizeof(struct system_time) == 32);
static_assert(sizeof(struct wall_clock) == 12);
static_assert(offsetof(struct steal_time, preempted) == 16);

u32 kite_pvclock_features(void)
{
	return FEATURE_CLOCKSOURCE2 | FEATURE_STABLE | (KITE_HAVE_STEAL ? FEATURE_STEAL_TIME : 0);
}

bool kite_pvclock_valid(const struct kite_vcpu *v, const struct kite_pvclock *s)
{
	if (!(v->vm->flags & KITE_VM_PVCLOCK))
		return !s->wall_clock && !s->system_time && !s->steal_time;
	return !(s->wall_clock & 3) && !(s->system_time & SYSTEM_TIME_RESERVED) &&
	       !(s->steal_time & STEAL_TIME_RESERVED) && (KITE_HAVE_STEAL || !s->steal_time);
}

static u64 *slot(struct kite_pvclock *s, u32 msr)
{
	switch (msr) {
	case KITE_MSR_PV_WALL_CLOCK:
		return &s->wall_clock;
	case KITE_MSR_PV_SYSTEM_TIME:
		return &s->system_time;
	default:
		return &s->steal_time;
	}
}

int kite_pvclock_read_msr(struct kite_vcpu *v, u32 msr, u64 *value)
{
	*value = *slot(&v->pvclock, msr);
	return v->vm->flags & KITE_VM_PVCLOCK ? 0 : -EINVAL;
}

int kite_pvclock_write_msr(struct kite_vcpu *v, u32 msr, u64 value)
{
	struct kite_pvclock new = v->pvclock;

	*slot(&new, msr) = value;
	if (!(v->vm->flags & KITE_VM_PVCLOCK) || !kite_pvclock_valid(v, &new))
		return -EINVAL;
	v->pvclock = new;
	/* Served before the guest's next instruction. */
	if (msr == KITE_MSR_PV_WALL_CLOCK)
		kite_vcpu_request_self(v, KITE_REQ_WALL_CLOCK);
	else
		kite_vcpu_request_self(v, KITE_REQ_CLOCK);
	return 0;
}

/*
 * Write what stands behind @version, which is at @gpa, between two changes of it.
 * Nothing happens where no memory is.
 */
static void put_versioned(struct kite_vcpu *v, u64 gpa, const void *data, u64 at, u32 len)
{
	u32 version;

	if (kite_guest_get(v, gpa, &version, sizeof(version)))
		return;
	version = (version | 1) + (version & 1 ? 2 : 0);
	if (kite_guest_put(v, gpa, &version, sizeof(version)))
		return;
	smp_wmb();	/* odd before the data change, ... */
	if (kite_guest_put(v, at, data, len))
		return;
	smp_wmb();	/* ... even after; the guest reads in the other order */
	version++;
	kite_guest_put(v, gpa, &version, sizeof(version));
}

void kite_pvclock_update(struct kite_vcpu *v)
{
	const struct kite_vm_clock *c = &v->vm->clock;
	struct system_time t = { .mul = c->mul, .shift = c->shift };
	u64 gpa = v->pvclock.system_time & ~KITE_PV_ENABLED;
	u32 head = offsetof(struct system_time, tsc);

	if (!(v->pvclock.system_time & KITE_PV_ENABLED))
		return;
	kite_clock_base(v, &t.tsc, &t.ns);
	if (!check_tsc_unstable() && !atomic_read(&c->skewed))
		t.flags = TSC_STABLE;
	put_versioned(v, gpa, &t.tsc, gpa + head, sizeof(t) - head);
}

void kite_pvclock_wall_clock(struct kite_vcpu *v)
{
	u64 start = ktime_get_real_ns() - kite_clock_now(v->vm), gpa = v->pvclock.wall_clock;
	struct wall_clock w = {};

	if (!gpa)
		return;
	w.sec = div_u64_rem(start, NSEC_PER_SEC, &w.nsec);
	put_versioned(v, gpa, &w.sec, gpa + offsetof(struct wall_clock, sec),
		      sizeof(w) - offsetof(struct wall_clock, sec));
}

static noinline void add_steal(struct kite_vcpu *v, u64 delay)
{
	u64 gpa = v->pvclock.steal_time & ~KITE_PV_ENABLED, stolen, ns;

	/* A thread that has not run this vCPU before brings a count of its own. */
	stolen = v->run_thread == current && delay > v->run_delay ? delay - v->run_delay : 0;
	v->run_thread = current;
	v->run_delay = delay;
	if (!stolen || kite_guest_get(v, gpa, &ns, sizeof(ns)))
		return;
	ns += stolen;
	put_versioned(v, gpa + offsetof(struct steal_time, version), &ns, gpa, sizeof(ns));
}

void kite_pvclock_steal(struct kite_vcpu *v)
{
	u64 delay = kite_run_delay();

	if (v->run_delay != delay)
		add_steal(v, delay);
}

void kite_pvclock_preempted(struct kite_vcpu *v, bool preempted)
{
	u64 gpa = v->pvclock.steal_time & ~KITE_PV_ENABLED;
	u8 byte = preempted;

	if (kite_pvclock_tells_steal(v))
		kite_guest_put(v, gpa + offsetof(struct steal_time, preempted), &byte, 1);
}
