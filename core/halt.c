// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU in HLT. To sleep and wake up again costs more than many waits are long, so
 * the vCPU first looks around for a while that depends on how long it waited before.
 */
#include "halt.h"

#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sched/stat.h>

#include "clock.h"
#include "deliver.h"
#include "exit_record.h"
#include "irqchip.h"
#include "request.h"
#include "run.h"
#include "timer.h"

#define POLL_START	10000u	/* ns; the shortest window that is worth it */

static unsigned int halt_poll_ns __ro_after_init = 200000;
module_param(halt_poll_ns, uint, 0444);
MODULE_PARM_DESC(halt_poll_ns, "longest time that a vCPU polls in HLT before it sleeps; 0: never");

/* An event is there that ends HLT. */
static bool wakes(struct kite_vcpu *v, bool interrupts, bool nmis)
{
	if (v->event.valid && (interrupts || v->event.type != KITE_INTR_EXTERNAL))
		return true;
	return (nmis && v->nmi_pending) ||
	       (interrupts && v->irqchip &&
		(lapic_pending(&v->lapic) >= 0 || kite_irqchip_extint(v)));
}

int kite_halt(struct kite_vcpu *v, bool interrupts, bool nmis)
{
	if (!v->irqchip)
		return kite_exit_plain(v, KITE_EXIT_HLT);
	if (wakes(v, interrupts, nmis))
		return KITE_RESUME;
	v->activity = KITE_ACTIVITY_HLT;
	v->halt_if = interrupts;
	v->halt_nmi = nmis;
	return KITE_LEAVE;
}

/* True if something happened; false if it is time to sleep, or another thread wants the CPU. */
static bool poll(struct kite_vcpu *v, u64 end)
{
	while (single_task_running() && !(read_thread_flags() & KITE_TIF_LEAVE)) {
		if (kite_timer_due(v))
			kite_vcpu_request_self(v, KITE_REQ_TIMER);
		if (READ_ONCE(v->requests))
			return true;
		if (ktime_get_ns() >= end)
			return false;
		cpu_relax();
	}
	return false;
}

/* A longer window would have caught this one, or no window that is allowed. */
static void adapt(struct kite_vcpu *v, u64 waited)
{
	if (waited <= v->poll_ns)
		return;
	if (waited <= halt_poll_ns)
		v->poll_ns = clamp(2 * v->poll_ns, min(POLL_START, halt_poll_ns), halt_poll_ns);
	else
		v->poll_ns = v->poll_ns < 2 * POLL_START ? 0 : v->poll_ns / 2;
}

/* Until a request or a signal comes; it may be about something else than waking up. */
static void block(struct kite_vcpu *v)
{
	bool halted = v->activity == KITE_ACTIVITY_HLT;
	u64 start = ktime_get_ns();

	if (halted && v->poll_ns && poll(v, start + v->poll_ns)) {
		v->stats.halt_polls++;
	} else {
		v->stats.halts++;
		kite_timer_sleep(v);
		swait_event_interruptible_exclusive(v->wait, READ_ONCE(v->requests));
		kite_timer_wake(v);
	}
	if (halted)
		adapt(v, ktime_get_ns() - start);
}

int kite_halted(struct kite_vcpu *v)
{
	/* A suspend of the host may have come while it slept; its timer is to fire all the same. */
	kite_clock_enter(v);
	kite_serve_inside(v);
	if (v->activity == KITE_ACTIVITY_HLT && wakes(v, v->halt_if, v->halt_nmi))
		v->activity = KITE_ACTIVITY_ACTIVE;
	else
		block(v);
	return 1;
}
