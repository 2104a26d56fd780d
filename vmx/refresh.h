/* SPDX-License-Identifier: GPL-2.0-only */
/* Controls and fields that are brought up to date at the start of a window. */
#ifndef KITE_VMX_REFRESH_H
#define KITE_VMX_REFRESH_H

#include "../core/vm.h"
#include "caps.h"
#include "vcpu.h"

static inline void vmx_update_debug(struct vmx_vcpu *x)
{
	vmx_set_proc(x, PROC_MTF, x->core.debug & KITE_DEBUG_STEP);
}

/* Who lets a log begin waits for those that have not seen it. */
static inline void vmx_pml_switch(struct vmx_vcpu *x)
{
	if (!!READ_ONCE(x->core.vm->logs) != !!(x->proc2 & PROC2_PML))
		vmx_pml_change(x);
}

static inline void vmx_write_tsc_offset(struct vmx_vcpu *x)
{
	if (x->tsc_offset == x->core.tsc_offset)
		return;
	x->tsc_offset = x->core.tsc_offset;
	vmwrite(VMCS_TSC_OFFSET, x->tsc_offset);
}

#endif
