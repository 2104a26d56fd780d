// SPDX-License-Identifier: GPL-2.0-only
#include "timer.h"

#include <linux/ktime.h>
#include <linux/minmax.h>

#include "backend.h"
#include "clock.h"
#include "compat.h"
#include "request.h"
#include "timescale.h"
#include "vm.h"

#define SECS_PER_HOUR	3600
/* A period so short that the hrtimer is due again before the guest has run is stretched. */
#define FALLBACK_MIN	50	/* parts of a millisecond: 20 us */

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	kite_vcpu_request(container_of(timer, struct kite_vcpu, timer), KITE_REQ_TIMER);
	return HRTIMER_NORESTART;
}

void kite_timer_init(struct kite_vcpu *v)
{
	hrtimer_setup(&v->timer, timer_fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
}

void kite_timer_stop(struct kite_vcpu *v)
{
	hrtimer_cancel(&v->timer);
}

/* Fires a little late, never early. */
static void start(struct kite_vcpu *v, u64 guest_ticks)
{
	hrtimer_start(&v->timer, ns_to_ktime(kite_clock_ns(v->vm, guest_ticks) + 1),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/* @host: the TSC now; @now: the guest's. */
static void program(struct kite_vcpu *v, u64 host, u64 now)
{
	const struct kite_vm_clock *c = &v->vm->clock;
	u64 next = lapic_timer_next(&v->lapic), wait;

	v->timer_due = 0;
	if (!next) {
		/* A timer that fires all the same finds nothing to do. */
		if (!kite_hw_has_timer())
			hrtimer_try_to_cancel(&v->timer);
		return;
	}
	/* A deadline may be centuries away, beyond what the host can count: look again before. */
	wait = next > now ? next - now : 0;
	wait = min_t(u64, wait, (u64)c->khz * MSEC_PER_SEC * SECS_PER_HOUR);
	if (kite_hw_has_timer())
		v->timer_due = host + kite_tsc_unscale(wait, c->ratio);
	else
		start(v, max_t(u64, wait, c->khz / FALLBACK_MIN));
}

static u64 to_guest(const struct kite_vcpu *v, u64 host)
{
	return kite_tsc_scale(host, v->vm->clock.ratio) + v->tsc_offset;
}

void kite_timer_program(struct kite_vcpu *v)
{
	u64 host = rdtsc();

	program(v, host, to_guest(v, host));
}

void kite_timer_set_deadline(struct kite_vcpu *v, u64 tsc)
{
	u64 host = rdtsc(), now = to_guest(v, host);
	struct lapic_out out = {};

	lapic_set_deadline(&v->lapic, tsc, now, &out);
	if (out.todo & LAPIC_OUT_PENDING)
		v->need_inject = true;
	if (out.todo & LAPIC_OUT_TIMER)
		program(v, host, now);
}

void kite_timer_expire(struct kite_vcpu *v)
{
	u64 host = rdtsc(), now = to_guest(v, host);

	if (lapic_timer_expire(&v->lapic, now))
		v->need_inject = true;
	program(v, host, now);
}

bool kite_timer_due(const struct kite_vcpu *v)
{
	return v->timer_due && rdtsc() >= v->timer_due;
}

void kite_timer_sleep(struct kite_vcpu *v)
{
	u64 due = v->timer_due, now = rdtsc();

	if (!due)
		return;
	if (now >= due)
		kite_vcpu_request_self(v, KITE_REQ_TIMER);
	else
		start(v, kite_tsc_scale(due - now, v->vm->clock.ratio));
}

void kite_timer_wake(struct kite_vcpu *v)
{
	if (v->timer_due)
		hrtimer_try_to_cancel(&v->timer);
}
