/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_VMX_DUMP_H
#define KITE_VMX_DUMP_H

struct vmx_vcpu;

/*
 * Keep what matters of the VMCS while the window is open; kite_hw_log() writes it to
 * the kernel log later, at a limited rate: a console may be slow, and interrupts are
 * off here.
 */
void vmx_dump(struct vmx_vcpu *x, const char *why);

#endif
