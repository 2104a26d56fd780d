// SPDX-License-Identifier: GPL-2.0-only
/* EPT violations, and a full page-modification log. */
#include "exit.h"

#include "../core/backend.h"
#include "../core/fault.h"

/* Exit qualification. SDM, chapter "VM Exits", table for EPT violations. */
#define EPT_QUAL_READ		BIT(0)
#define EPT_QUAL_WRITE		BIT(1)
#define EPT_QUAL_FETCH		BIT(2)
#define EPT_QUAL_LINEAR_VALID	BIT(7)
#define EPT_QUAL_NOT_WALK	BIT(8)	/* else: while walking the guest's page tables */
#define EPT_QUAL_NMI_UNBLOCKED	BIT(12)

static u32 access_of(u64 qualification)
{
	u32 access = 0;

	if (qualification & EPT_QUAL_READ)
		access |= KITE_ACCESS_READ;
	if (qualification & EPT_QUAL_WRITE)
		access |= KITE_ACCESS_WRITE;
	if (qualification & EPT_QUAL_FETCH)
		access |= KITE_ACCESS_EXEC;
	if (!(qualification & EPT_QUAL_LINEAR_VALID) || !(qualification & EPT_QUAL_NOT_WALK))
		access |= KITE_FAULT_WALK;
	return access;
}

bool kite_hw_fault_gva(struct kite_vcpu *v, u64 *gva)
{
	if (!(vmx_qualification() & EPT_QUAL_LINEAR_VALID))
		return false;
	*gva = vmread(VMCS_GUEST_LINEAR_ADDRESS);
	return true;
}

/* An exit at IRET, which has ended the blocking of NMIs and will be executed again. */
static void settle_nmi(struct vmx_vcpu *x, u64 qualification)
{
	if ((qualification & EPT_QUAL_NMI_UNBLOCKED) && !(x->exit.idt_vectoring & INTR_VALID))
		vmx_nmi_unblocked(x);
}

/* The access that found no room has not been made. */
int vmx_exit_pml_full(struct vmx_vcpu *x)
{
	settle_nmi(x, vmx_qualification());
	vmx_pml_drain(x);
	return KITE_RESUME;
}

int vmx_exit_ept_violation(struct vmx_vcpu *x)
{
	u64 qualification = vmx_qualification();
	bool delivering = x->exit.idt_vectoring & INTR_VALID;

	settle_nmi(x, qualification);
	return kite_handle_fault(&x->core, vmread(VMCS_GUEST_PHYSICAL_ADDRESS),
				 access_of(qualification) | (delivering ? KITE_FAULT_DELIVERY : 0));
}
