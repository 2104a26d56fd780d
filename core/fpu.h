/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's x87, SSE, AVX and AVX-512 state. It is in the registers while a
 * window is open and in v->fpu otherwise.
 */
#ifndef KITE_CORE_FPU_H
#define KITE_CORE_FPU_H

#include <linux/types.h>

struct kite_vcpu;
struct kite_xsave;

/* -EOPNOTSUPP if the host has no XSAVE. */
int kite_fpu_init(void);

/* Components of the extended state that guests may use. */
u64 kite_fpu_xcr0(void);

/* Size of the image of a vCPU. */
size_t kite_fpu_bytes(void);
int kite_fpu_alloc(struct kite_vcpu *v);
void kite_fpu_free(struct kite_vcpu *v);

/* Around the time that a window is open; interrupts are off throughout. */
void kite_fpu_load(struct kite_vcpu *v);
void kite_fpu_save(struct kite_vcpu *v);

/* XSETBV by the guest while a window is open. -EINVAL: #GP. */
int kite_fpu_set_xcr0(struct kite_vcpu *v, u64 value);
bool kite_fpu_xcr0_valid(u64 value);

/* KITE_VCPU_GET_XSAVE and KITE_VCPU_SET_XSAVE. */
int kite_fpu_get(struct kite_vcpu *v, const struct kite_xsave *arg);
int kite_fpu_set(struct kite_vcpu *v, const struct kite_xsave *arg);

#endif
