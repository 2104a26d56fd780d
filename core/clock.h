/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's time-stamp counter and what follows from it. Every VM has one
 * counter: that of the host, scaled, plus an offset. A vCPU's TSC is the VM's
 * counter plus what the guest or user space has set that TSC off by; the
 * paravirtual clock is the VM's counter in nanoseconds. So all vCPUs agree.
 */
#ifndef KITE_CORE_CLOCK_H
#define KITE_CORE_CLOCK_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct kite_clock;
struct kite_vcpu;
struct kite_vm;

struct kite_vm_clock {
	u32 khz;		/* frequency of the guest's TSC */
	u32 mul;		/* kite_ticks_to_ns() */
	s8 shift;
	u64 ratio;		/* kite_tsc_scale() */
	atomic_t skewed;	/* vCPUs whose TSC is not the VM's counter */

	raw_spinlock_t lock;	/* held for a few instructions, interrupts off; for the next ones */
	u32 gen;		/* of @offset; read without the lock to see that it changed */
	u32 set_gen;		/* the last that came from KITE_VM_SET_CLOCK */
	u64 offset;		/* the VM's counter is the scaled host's plus this */
	u64 base_tsc;		/* when the VM's counter had this value ... */
	u64 base_ns;		/* ... the paravirtual clock had this one */
};

/* @khz: 0 for the host's frequency. -EINVAL, or -EOPNOTSUPP if the CPU cannot scale. */
int kite_clock_init_vm(struct kite_vm *vm, u32 khz);
/* A vCPU's TSC is the VM's counter; again after a reset. */
void kite_clock_init_vcpu(struct kite_vcpu *v);
void kite_clock_stop_vcpu(struct kite_vcpu *v);

/* The guest's time-stamp counter. */
u64 kite_guest_tsc(const struct kite_vcpu *v);
/* Nanoseconds of @ticks of a guest's TSC. */
u64 kite_clock_ns(const struct kite_vm *vm, u64 ticks);
/* Move the TSC by changing its offset; deadlines of the APIC timer follow. */
void kite_set_tsc_offset(struct kite_vcpu *v, u64 offset);

/*
 * Before everything that looks at the guest's TSC, and after the guest ran: follow the
 * VM's counter, and see to it that it does not go backwards where the host's does,
 * after a suspend or on a CPU that is behind the one before.
 */
void kite_clock_enter(struct kite_vcpu *v);
void kite_clock_leave(struct kite_vcpu *v);

/* KITE_REQ_CLOCK, window closed. */
void kite_clock_serve(struct kite_vcpu *v);

/* What the paravirtual clock structure of @v says: at TSC @tsc the clock is @ns. */
void kite_clock_base(struct kite_vcpu *v, u64 *tsc, u64 *ns);
/* The paravirtual clock now. */
u64 kite_clock_now(struct kite_vm *vm);

/* The ioctls. */
int kite_clock_get(struct kite_vm *vm, struct kite_clock *arg);
int kite_clock_set(struct kite_vm *vm, const struct kite_clock *arg);

#endif
