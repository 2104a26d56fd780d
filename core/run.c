// SPDX-License-Identifier: GPL-2.0-only
/*
 * THE run loop. One turn is: what needs the host (signals, scheduling, requests,
 * sleep), then with interrupts off a last look, then a window in which the back
 * end enters the guest as often as it can.
 */
#include "run.h"

#include <linux/context_tracking.h>
#include <linux/sched.h>
#include <linux/vtime.h>

#include "backend.h"
#include "clock.h"
#include "deliver.h"
#include "exit_record.h"
#include "fault.h"
#include "halt.h"
#include "ioeventfd.h"
#include "irqchip.h"
#include "irqfd.h"
#include "mmio.h"
#include "pvclock.h"
#include "request.h"
#include "ring.h"
#include "timer.h"
#include "vm.h"
#include "yield.h"

void kite_serve_inside(struct kite_vcpu *v)
{
	if (kite_vcpu_take(v, KITE_REQ_PIR))
		kite_irqchip_merge_pir(v);
	if (kite_vcpu_take(v, KITE_REQ_TIMER))
		kite_timer_expire(v);
	if (kite_vcpu_take(v, KITE_REQ_NMI)) {
		v->nmi_pending = true;
		v->need_inject = true;
	}
	if (kite_vcpu_take(v, KITE_REQ_EXTINT)) {
		v->extint_pending = true;
		v->need_inject = true;
	}
	if (kite_vcpu_take(v, KITE_REQ_LINT0))
		kite_irqchip_lint0(v);
}

/* An INIT that was sent before the SIPI is there by now, and goes first. */
static bool take_sipi(struct kite_vcpu *v)
{
	unsigned long sent = READ_ONCE(v->requests);

	do {
		if ((sent & BIT(KITE_REQ_INIT)) || !(sent & BIT(KITE_REQ_SIPI)))
			return false;
	} while (!try_cmpxchg(&v->requests, &sent, sent & ~BIT(KITE_REQ_SIPI)));
	return true;
}

/* INIT and SIPI. > 0, or -errno: then the request stays. */
static int serve_init(struct kite_vcpu *v)
{
	int ret = 0;

	if (kite_vcpu_take(v, KITE_REQ_INIT)) {
		ret = kite_hw_init_signal(v);
		if (!ret)
			kite_irqchip_init_signal(v);
		else
			kite_vcpu_request_self(v, KITE_REQ_INIT);
	}
	if (!ret && take_sipi(v) &&
	    v->activity == KITE_ACTIVITY_WAIT_FOR_SIPI) {
		ret = kite_hw_start_up(v, READ_ONCE(v->sipi_vector));
		if (ret)
			kite_vcpu_request_self(v, KITE_REQ_SIPI);
	}
	return ret ? ret : 1;
}

int kite_vcpu_settle(struct kite_vcpu *v)
{
	int ret = serve_init(v);

	kite_clock_enter(v);
	kite_serve_inside(v);
	return ret < 0 ? ret : 0;
}

static int thread_work(struct kite_vcpu *v)
{
	unsigned long flags = read_thread_flags();

	if (flags & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL))
		return -EINTR;
	/* cond_resched() and need_resched() do not know of lazy preemption. */
	if (flags & (_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY)) {
		kite_pvclock_preempted(v, true);
		schedule();
		kite_pvclock_preempted(v, false);
	}
	/* Task work runs on the way to user space; the ioctl starts again by itself. */
	if (flags & _TIF_NOTIFY_RESUME)
		return restart_syscall();
	return 1;
}

static void serve_clock(struct kite_vcpu *v)
{
	if (kite_vcpu_take(v, KITE_REQ_CLOCK))
		kite_clock_serve(v);
	if (kite_vcpu_take(v, KITE_REQ_WALL_CLOCK))
		kite_pvclock_wall_clock(v);
}

/* Requests that mean something only with the window closed. > 0: the guest may run. */
static int serve_outside(struct kite_vcpu *v)
{
	int ret = serve_init(v);

	if (ret > 0)
		serve_clock(v);
	if (ret > 0 && test_bit(KITE_REQ_STOP, &v->requests))
		ret = kite_exit_plain(v, KITE_EXIT_STOP);
	if (ret > 0 && kite_vcpu_take(v, KITE_REQ_USER_KICK))
		ret = kite_exit_plain(v, KITE_EXIT_KICK);
	if (ret > 0 && kite_vcpu_take(v, KITE_REQ_YIELD))
		kite_yield(v);
	if (ret > 0 && kite_vcpu_take(v, KITE_REQ_FAULT))
		ret = kite_serve_fault(v);
	if (ret > 0 && kite_vcpu_take(v, KITE_REQ_FAULT_IN))
		ret = kite_serve_fault_in(v);
	if (ret > 0 && kite_vcpu_take(v, KITE_REQ_RING))
		ret = kite_serve_ring(v);
	if (ret > 0 && kite_vcpu_take(v, KITE_REQ_RELEASE))
		kite_hw_release(v);
	return ret;
}

/* Everything that needs interrupts on. > 0: the guest may run. */
static int outside(struct kite_vcpu *v)
{
	int ret = 1;

	/* What others wait for, even if user space does not come back soon. */
	if (kite_vcpu_take(v, KITE_REQ_RESAMPLE))
		kite_serve_resample(v);
	if (kite_vcpu_take(v, KITE_REQ_DOORBELL))
		ret = kite_serve_doorbell(v);
	if (ret > 0)
		ret = thread_work(v);
	if (ret > 0 && (READ_ONCE(v->requests) & KITE_REQ_OUTSIDE))
		ret = serve_outside(v);
	if (ret > 0 && kite_pvclock_tells_steal(v))
		kite_pvclock_steal(v);
	return ret;
}

/* One window. Interrupts go off before the last look at requests; see request.h. */
static int window(struct kite_vcpu *v)
{
	int ret = KITE_LEAVE;

	local_irq_disable();
	v->cpu = smp_processor_id();
	smp_store_mb(v->mode, KITE_IN_GUEST);	/* barrier B */
	if (!kite_must_leave(v)) {
		vtime_account_guest_enter();
		kite_clock_enter(v);
		ret = kite_hw_run(v);
		kite_clock_leave(v);
		smp_store_release(&v->mode, KITE_OUTSIDE);	/* closed, for kite_vm_flush() */
		if (unlikely(v->left_over))
			kite_hw_after_run(v);
		/* The tick that ended the window is guest time: let it in first. */
		local_irq_enable();
		/* STI lets interrupts in only after the instruction that follows it. */
		asm volatile("nop");
		local_irq_disable();
		vtime_account_guest_exit();
	}
	smp_store_release(&v->mode, KITE_OUTSIDE);	/* closed, for kite_vm_flush() */
	local_irq_enable();
	if (unlikely(v->left_over)) {
		v->left_over = false;
		kite_hw_log(v);
	}
	return ret;
}

static int run_loop(struct kite_vcpu *v)
{
	int ret;

	WRITE_ONCE(v->task, current);
	do {
		ret = outside(v);
		if (ret <= 0)
			break;
		ret = v->activity == KITE_ACTIVITY_ACTIVE ? window(v) : kite_halted(v);
	} while (ret > 0);
	WRITE_ONCE(v->task, NULL);
	/* Others wait for it, even if user space does not come back. */
	if (kite_vcpu_take(v, KITE_REQ_RESAMPLE))
		kite_serve_resample(v);
	return ret;
}

int kite_vcpu_run(struct kite_vcpu *v)
{
	int ret = 0;

	v->run->exit_reason = KITE_EXIT_NONE;
	v->recorded = false;
	if (v->completion)
		ret = kite_complete(v);
	if (!ret && READ_ONCE(v->run->immediate_exit))
		ret = kite_exit_plain(v, KITE_EXIT_KICK);
	else if (!ret && v->ring.shared && kite_ring_full(v))
		ret = kite_exit_plain(v, KITE_EXIT_RING_FULL);
	else if (!ret)
		ret = run_loop(v);
	v->run->trace_count = v->trace_count;
	/* A call that the kernel starts again goes on with the same trace. */
	if (ret != -ERESTARTNOINTR)
		v->trace_count = 0;
	if (!ret)
		v->stats.user_exits++;
	return ret;
}
