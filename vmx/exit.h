/* SPDX-License-Identifier: GPL-2.0-only */
/* The handlers of VM exits, one for each row of reasons.def, and what they share. */
#ifndef KITE_VMX_EXIT_H
#define KITE_VMX_EXIT_H

#include "bits.h"
#include "vcpu.h"

/*
 * A handler runs with the window open and interrupts off. It answers
 * KITE_RESUME, KITE_LEAVE, 0 with the exit record filled, or -errno.
 */
#define REASON(number, handler, when, name) int handler(struct vmx_vcpu *x);
#include "reasons.def"
#undef REASON

/* VMLAUNCH or VMRESUME did nothing but leave a VM-instruction error. */
int vmx_vmfail(struct vmx_vcpu *x);

/* The instruction that exited is done: move RIP behind it. */
void vmx_skip(struct vmx_vcpu *x, u32 len);

/* The same with the length that the exit gives; the answer of many handlers. */
int vmx_skipped(struct vmx_vcpu *x);

/* A host NMI or machine check ended the guest's run: the host gets it when the window is closed. */
static inline void vmx_hand_on(struct vmx_vcpu *x, u8 vector)
{
	x->host_event = vector;
	x->core.left_over = true;
}

static inline int vmx_gp(struct vmx_vcpu *x)
{
	vmx_queue_exception_error(x, X86_TRAP_GP, 0);
	return KITE_RESUME;
}

static inline int vmx_ud(struct vmx_vcpu *x)
{
	vmx_queue_exception(x, X86_TRAP_UD);
	return KITE_RESUME;
}

static inline u64 vmx_qualification(void)
{
	return vmread(VMCS_EXIT_QUALIFICATION);
}

#endif
