/* SPDX-License-Identifier: GPL-2.0-only */
/* Resident mode: VMX stays on from one window to the next. */
#ifndef KITE_VMX_RESIDENT_H
#define KITE_VMX_RESIDENT_H

#include <linux/init.h>
#include <linux/types.h>

struct vmx_vcpu;

/* Kbuild defines it where the kernel lets a module keep VMX on. */
#ifdef KITE_RESIDENT

int __init vmx_resident_init(void);
void vmx_resident_exit(void);

/*
 * Interrupts are off for these. Whether Kite keeps VMX on here; if not, turn it on to stay
 * so, by the VMXON region at @pa, if that is wanted and nobody else may need VMX.
 */
bool vmx_resident_on(void);
bool vmx_resident_begin(u64 pa);

/* No VMCS of another vCPU is active here any more; then, @x's is. */
void vmx_resident_make_room(void);
void vmx_resident_keep(struct vmx_vcpu *x);

/* Interrupts are on: @x's VMCS is not active on any CPU. */
void vmx_resident_release(struct vmx_vcpu *x);

#else

static inline int vmx_resident_init(void) { return 0; }
static inline void vmx_resident_exit(void) { }
static inline bool vmx_resident_on(void) { return false; }
static inline bool vmx_resident_begin(u64 pa) { return false; }
static inline void vmx_resident_make_room(void) { }
static inline void vmx_resident_keep(struct vmx_vcpu *x) { }
static inline void vmx_resident_release(struct vmx_vcpu *x) { }

#endif

#endif
