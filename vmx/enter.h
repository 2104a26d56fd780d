/* SPDX-License-Identifier: GPL-2.0-only */
/* What enter.S and C agree on. */
#ifndef KITE_VMX_ENTER_H
#define KITE_VMX_ENTER_H

/* Offsets in struct kite_regs. */
#define ENTER_GPR(n)		(8 * (n))
#define ENTER_CR2		(8 * 16)
#define ENTER_HOST_RSP		(8 * 17)
#define ENTER_GUEST_SPEC_CTRL	(8 * 18)
#define ENTER_HOST_SPEC_CTRL	(8 * 19)

/* Flags of vmx_enter(). */
#define ENTER_LAUNCHED			1
#define ENTER_SPEC_CTRL			2	/* IA32_SPEC_CTRL differs between guest and host */
#define ENTER_CLEAR_CPU_BUFFERS		4
#define ENTER_CLEAR_BHB			8

#ifndef __ASSEMBLY__
struct kite_regs;

unsigned long vmx_enter(struct kite_regs *regs, unsigned long flags);
extern char vmx_exit_point[];
#endif

#endif
