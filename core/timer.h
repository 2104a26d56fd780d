/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the timer of a vCPU's local APIC expires. In the guest the back end's timer sees
 * to it, or rather to @timer_due, and costs the host nothing; for a vCPU that sleeps, and
 * where there is no such timer, it is an hrtimer, which only makes a request. While the
 * vCPU is in user space or waits for its CPU nothing runs: the next entry finds it due.
 */
#ifndef KITE_CORE_TIMER_H
#define KITE_CORE_TIMER_H

#include <linux/types.h>

struct kite_vcpu;

void kite_timer_init(struct kite_vcpu *v);
void kite_timer_stop(struct kite_vcpu *v);	/* it does not fire any more */

/* For the vCPU's own thread. lapic_timer_next() may have changed. */
void kite_timer_program(struct kite_vcpu *v);
/* IA32_TSC_DEADLINE is written. */
void kite_timer_set_deadline(struct kite_vcpu *v, u64 tsc);
/* The time may have come. */
void kite_timer_expire(struct kite_vcpu *v);
bool kite_timer_due(const struct kite_vcpu *v);

/* Around a sleep in HLT. */
void kite_timer_sleep(struct kite_vcpu *v);
void kite_timer_wake(struct kite_vcpu *v);

#endif
