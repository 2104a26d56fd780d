/* SPDX-License-Identifier: GPL-2.0-only */
/* Event descriptors that interrupt the guest, and those that hear of the end of an interrupt. */
#ifndef KITE_CORE_IRQFD_H
#define KITE_CORE_IRQFD_H

#include <linux/types.h>

struct kite_irqfd;
struct kite_vcpu;
struct kite_vm;

/* KITE_VM_IRQFD. */
int kite_irqfd(struct kite_vm *vm, const struct kite_irqfd *arg);
void kite_irqfds_free(struct kite_vm *vm);
size_t kite_irqfds_bytes(const struct kite_vm *vm);

/* Pins that the event descriptors of KITE_IRQFD_RESAMPLE hold until EOI. */
u32 kite_resample_pins(struct kite_vm *vm);

/* Window closed: KITE_REQ_RESAMPLE. */
void kite_serve_resample(struct kite_vcpu *v);

#endif
