/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_VMX_HYPERV_H
#define KITE_VMX_HYPERV_H

#include <linux/types.h>

/*
 * Below Hyper-V, kvm_intel may keep its VMCS in an enlightened form that VMPTRST
 * does not show: it could not be put back, so such a CPU cannot be shared.
 */
bool vmx_hyperv_evmcs(void);
void vmx_hyperv_init(void);

#endif
