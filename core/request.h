/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests and kicks: how anybody makes a vCPU look at something.
 *
 *	sender				vCPU
 *	set the bit in requests		interrupts off
 *	barrier (A)			mode = IN_GUEST, barrier (B)
 *	look at mode			look at requests
 *
 * A and B make sure that one of the two sees the other: either the vCPU finds
 * the bit before it enters the guest, or the sender finds IN_GUEST and sends an
 * IPI. The IPI cannot be taken before the window closes, because interrupts are
 * off; it ends the guest's run as an external-interrupt exit. So no kick is
 * lost. EXITING keeps a second sender from a second IPI.
 */
#ifndef KITE_CORE_REQUEST_H
#define KITE_CORE_REQUEST_H

#include <linux/bitops.h>

#include "vcpu.h"

/* Bring @v out of its window or out of its sleep. Any context. */
void kite_vcpu_kick(struct kite_vcpu *v);

static inline void kite_vcpu_request(struct kite_vcpu *v, enum kite_request req)
{
	set_bit(req, &v->requests);
	smp_mb__after_atomic();		/* barrier A */
	kite_vcpu_kick(v);
}

/* The same for every vCPU of @vm. */
void kite_vm_request(struct kite_vm *vm, enum kite_request req);

/* For the vCPU's own thread, which needs no kick. */
static inline void kite_vcpu_request_self(struct kite_vcpu *v, enum kite_request req)
{
	set_bit(req, &v->requests);
}

static inline bool kite_vcpu_take(struct kite_vcpu *v, enum kite_request req)
{
	return test_bit(req, &v->requests) && test_and_clear_bit(req, &v->requests);
}

#endif
