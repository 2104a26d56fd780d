// SPDX-License-Identifier: GPL-2.0-only
/* The guest's time-stamp counter in hardware. */
#include <linux/moduleparam.h>

#include "../core/backend.h"
#include "../core/timescale.h"
#include "../core/vm.h"
#include "caps.h"
#include "vcpu.h"

static bool tsc_scaling __ro_after_init = true;
module_param(tsc_scaling, bool, 0444);
MODULE_PARM_DESC(tsc_scaling, "guests' TSCs have frequencies of their own where the CPU can scale");

void vmx_timer_init(void)
{
	if (!tsc_scaling)
		vmx_caps.word[VMX_WORD_PROC2] &= ~PROC2_TSC_SCALING;
}

bool kite_hw_has_tsc_scaling(void)
{
	return vmx_caps.word[VMX_WORD_PROC2] & PROC2_TSC_SCALING;
}

void vmx_tsc_controls(struct vmx_vcpu *x, u32 *proc2)
{
	u64 ratio = x->core.vm->clock.ratio;

	if (ratio)
		vmwrite(VMCS_TSC_MULTIPLIER, ratio);
	else
		*proc2 &= ~PROC2_TSC_SCALING;
}

void vmx_write_tsc_offset(struct vmx_vcpu *x)
{
	if (x->tsc_offset == x->core.tsc_offset)
		return;
	x->tsc_offset = x->core.tsc_offset;
	vmwrite(VMCS_TSC_OFFSET, x->tsc_offset);
}
