// SPDX-License-Identifier: GPL-2.0-only
/* What the core asks of a vCPU while it handles an exit. */
#include <linux/irqflags.h>

#include "../core/backend.h"
#include "exit.h"

static void read_paging(struct vmx_vcpu *x, void *arg)
{
	struct kite_paging *paging = arg;

	*paging = (struct kite_paging){
		.cr0 = vmread(VMCS_GUEST_CR0),
		.cr3 = vmread(VMCS_GUEST_CR3),
		.cr4 = vmread(VMCS_GUEST_CR4),
		.efer = vmread(VMCS_GUEST_IA32_EFER),
		.rflags = vmx_rflags(x),
		.cpl = (vmread(VMCS_GUEST_SS_ACCESS_RIGHTS) & SEG_AR_DPL) >> SEG_AR_DPL_SHIFT,
	};
}

void kite_hw_paging(struct kite_vcpu *v, struct kite_paging *paging)
{
	read_paging(to_vmx(v), paging);
}

int kite_hw_get_paging(struct kite_vcpu *v, struct kite_paging *paging)
{
	return vmx_with_window(to_vmx(v), read_paging, paging);
}

u64 kite_hw_cr3(struct kite_vcpu *v)
{
	return vmread(VMCS_GUEST_CR3);
}

bool kite_hw_code64(struct kite_vcpu *v)
{
	return vmx_in_64bit_mode();
}

enum kite_insn_mode kite_hw_insn_mode(struct kite_vcpu *v)
{
	if (vmx_in_64bit_mode())
		return KITE_INSN_MODE_64;
	return vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEG_AR_DB ? KITE_INSN_MODE_32 :
							     KITE_INSN_MODE_16;
}

u64 kite_hw_rip(struct kite_vcpu *v, u64 *linear)
{
	u64 rip = vmread(VMCS_GUEST_RIP);

	if (linear)
		*linear = vmx_in_64bit_mode() ? rip : (u32)(rip + vmread(VMCS_GUEST_CS_BASE));
	return rip;
}

u64 kite_hw_seg_base(struct kite_vcpu *v, unsigned int seg)
{
	if (seg != KITE_FS && seg != KITE_GS && vmx_in_64bit_mode())
		return 0;
	return vmread(VMCS_GUEST_ES_BASE + 2 * seg);
}

void kite_hw_skip(struct kite_vcpu *v, u32 len)
{
	vmx_skip(to_vmx(v), len);
}

int kite_hw_internal(struct kite_vcpu *v, u32 code, const u8 *insn, u32 len)
{
	return vmx_internal_insn(to_vmx(v), code, insn, len);
}

void kite_hw_inject_pf(struct kite_vcpu *v, u64 gva, u32 error)
{
	v->regs.cr2 = gva;
	vmx_queue_exception_error(to_vmx(v), X86_TRAP_PF, error);
}

void kite_hw_gprs(struct kite_vcpu *v)
{
	vmx_gpr(to_vmx(v), KITE_RSP);
}

void kite_hw_gpr_written(struct kite_vcpu *v, unsigned int gpr)
{
	if (gpr == KITE_RSP)
		vmx_set_gpr(to_vmx(v), gpr, v->regs.gpr[gpr]);
}
