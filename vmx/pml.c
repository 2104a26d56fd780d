// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-modification logging: the CPU notes each page whose EPT dirty flag it sets. It
 * is on while a slot of the VM has a log. What is noted goes to the log when a window
 * ends, before its CPU answers an IPI: after kite_vm_flush() all of it is there. SDM,
 * chapter "VMX Non-Root Operation", section "Page-Modification Logging".
 */
#include <linux/gfp.h>
#include <linux/moduleparam.h>
#include <asm/io.h>

#include "../core/backend.h"
#include "../core/dirty.h"
#include "../core/vm.h"
#include "caps.h"
#include "vcpu.h"

/* The CPU fills the page from its end; the index is that of the next, and wraps below 0. */
#define PML_ENTRIES	512

static bool pml __ro_after_init = true;
module_param(pml, bool, 0444);
MODULE_PARM_DESC(pml, "dirty logs are filled by page-modification logging (default on)");

/* From here on the parameter tells what is in use. The dirty flags have to be there. */
void __init vmx_pml_init(void)
{
	pml &= vmx_has(VMX_WORD_PROC2, PROC2_PML) && kite_hw_ept_ad();
}

bool kite_hw_has_pml(void)
{
	return pml;
}

int vmx_pml_alloc(struct vmx_vcpu *x)
{
	if (pml)
		x->pml = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return pml && !x->pml ? -ENOMEM : 0;
}

void vmx_pml_setup(struct vmx_vcpu *x)
{
	if (!pml)
		return;
	vmwrite(VMCS_PML_ADDRESS, __pa(x->pml));
	vmwrite(VMCS_GUEST_PML_INDEX, PML_ENTRIES - 1);
}

void vmx_pml_change(struct vmx_vcpu *x)
{
	if (!pml)
		return;
	x->proc2 ^= PROC2_PML;
	vmwrite(VMCS_SECONDARY_PROC_BASED_CONTROLS, x->proc2);
}

void vmx_pml_drain(struct vmx_vcpu *x)
{
	u16 first = vmread(VMCS_GUEST_PML_INDEX) + 1;

	if (first >= PML_ENTRIES)
		return;
	kite_dirty_noted(&x->core, x->pml + first, PML_ENTRIES - first);
	vmwrite(VMCS_GUEST_PML_INDEX, PML_ENTRIES - 1);
}
