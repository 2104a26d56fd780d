/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_VMX_DUMP_H
#define KITE_VMX_DUMP_H

struct vmx_vcpu;

/* Write what matters of the VMCS to the kernel log, at a limited rate; the window is open. */
void vmx_dump(struct vmx_vcpu *x, const char *why);

#endif
