/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of an interrupt message from its sender to the vCPUs it is for. A sender,
 * in any context, takes no lock: it posts the vector and kicks.
 */
#ifndef KITE_CORE_DELIVER_H
#define KITE_CORE_DELIVER_H

#include <linux/types.h>

struct irq_msg;
struct kite_vcpu;
struct kite_vm;

/* Send @msg from @self, or from outside if NULL. True if an APIC took it. */
bool kite_deliver(struct kite_vm *vm, const struct irq_msg *msg, struct kite_vcpu *self);

/* The same from outside, as the I/O APIC's ioapic_emit_fn; @vm is a struct kite_vm. */
bool kite_emit(void *vm, const struct irq_msg *msg);

/* KITE_REQ_PIR, on the vCPU's own thread: move posted vectors to the local APIC. */
void kite_irqchip_merge_pir(struct kite_vcpu *v);

#endif
