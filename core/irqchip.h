/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks, timers and kicks around the models of irq/. */
#ifndef KITE_CORE_IRQCHIP_H
#define KITE_CORE_IRQCHIP_H

#include <linux/types.h>

struct kite_vcpu;
struct kite_vm;
struct kite_ioapic;
struct kite_irq_line;
struct kite_lapic;
struct kite_msi;
struct lapic_out;

int kite_irqchip_init_vm(struct kite_vm *vm);
void kite_irqchip_free_vm(struct kite_vm *vm);
int kite_irqchip_init_vcpu(struct kite_vcpu *v);
void kite_irqchip_free_vcpu(struct kite_vcpu *v);

/* For the vCPU's own thread: do what an operation on its LAPIC asks for. */
void kite_lapic_out(struct kite_vcpu *v, const struct lapic_out *out);

/* INIT, for the vCPU's own thread. */
void kite_irqchip_init_signal(struct kite_vcpu *v);

/* Whether an external interrupt controller has an interrupt for this vCPU. */
bool kite_irqchip_extint(const struct kite_vcpu *v);
/* A request: LINT0 rose. */
void kite_irqchip_lint0(struct kite_vcpu *v);

/* Whether something of [@gpa, @gpa + @len) belongs to the APICs, and accesses there. */
bool kite_irqchip_claims(const struct kite_vcpu *v, u64 gpa, u64 len);
/* The page that EPT is to have there, NULL: none. */
void *kite_irqchip_page(const struct kite_vcpu *v, u64 gpa);
u64 kite_irqchip_read(struct kite_vcpu *v, u64 gpa, u32 width);
void kite_irqchip_write(struct kite_vcpu *v, u64 gpa, u32 width, u64 value);

/* KITE_REQ_TIMER, on the vCPU's own thread. */

/* The ioctls. */
int kite_irqchip_pic_intr(struct kite_vm *vm, const struct kite_irq_line *arg);
int kite_irqchip_send_msi(struct kite_vm *vm, const struct kite_msi *arg);
int kite_irqchip_get_ioapic(struct kite_vm *vm, struct kite_ioapic *arg);
int kite_irqchip_set_ioapic(struct kite_vm *vm, const struct kite_ioapic *arg);
int kite_irqchip_get_lapic(struct kite_vcpu *v, struct kite_lapic *arg);
int kite_irqchip_set_lapic(struct kite_vcpu *v, const struct kite_lapic *arg);

#endif
