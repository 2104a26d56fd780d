/* SPDX-License-Identifier: GPL-2.0-only */
/* Resident mode: VMX stays on from one window to the next. */
#ifndef KITE_VMX_RESIDENT_H
#define KITE_VMX_RESIDENT_H

#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/types.h>

struct vmx_vcpu;

/* Kbuild defines it where the kernel lets a module keep VMX on. */
#ifdef KITE_RESIDENT

int __init vmx_resident_init(void);
void vmx_resident_exit(void);
/* Whether VMX may stay on, as far as others on this host are concerned. */
void vmx_resident_allow(bool value);

/* Written by resident.c only. */
struct vmx_resident {
	bool online;		/* the CPU is not going down */
	bool on;		/* Kite keeps VMX on */
	struct vmx_vcpu *active;	/* whose VMCS is; NULL: none */
};

DECLARE_PER_CPU(struct vmx_resident, vmx_resident);

extern bool vmx_resident_allowed;

/* VMX may stay on. A CPU that still sees true hears of a change by an IPI. */
static inline bool vmx_resident_may(void)
{
	return READ_ONCE(vmx_resident_allowed);
}

/* Interrupts are off for these. Whether Kite keeps VMX on here. */
static inline bool vmx_resident_on(void)
{
	return this_cpu_read(vmx_resident.on);
}

/* Turn it on to stay so, by the VMXON region at *@pa, if vmx_resident_may(). */
bool vmx_resident_begin(const u64 *pa);

/* No VMCS of another vCPU is active here any more; then, @x's is. */
void vmx_resident_make_room(void);
void vmx_resident_keep(struct vmx_vcpu *x);

/* Interrupts are on: @x's VMCS is not active on any CPU. */
void vmx_resident_release(struct vmx_vcpu *x);

#else

static inline int vmx_resident_init(void) { return 0; }
static inline void vmx_resident_exit(void) { }
static inline bool vmx_resident_may(void) { return false; }
static inline bool vmx_resident_on(void) { return false; }
static inline bool vmx_resident_begin(const u64 *pa) { return false; }
static inline void vmx_resident_make_room(void) { }
static inline void vmx_resident_keep(struct vmx_vcpu *x) { }
static inline void vmx_resident_release(struct vmx_vcpu *x) { }

#endif

#endif
