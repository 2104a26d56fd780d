// SPDX-License-Identifier: GPL-2.0-only
/* Making a vCPU: its VMCS, from tables, and the state after power-up. */
#include <linux/idr.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/segment.h>

#include "../core/backend.h"
#include "../core/compat.h"
#include "../core/clock.h"
#include "../core/vm.h"
#include "bits.h"
#include "caps.h"
#include "enter.h"
#include "resident.h"
#include "state.h"

/* Exceptions that must not be delivered without end; see exit_event.c. */
#define EXCEPTIONS	(BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_MC))

static DEFINE_IDA(vpids);

/* Fields that never change. */
static const struct {
	u32 field;
	u64 value;
} constants[] = {
	{ VMCS_EXCEPTION_BITMAP, EXCEPTIONS },
	{ VMCS_PF_ERROR_CODE_MASK, 0 },
	{ VMCS_PF_ERROR_CODE_MATCH, 0 },
	{ VMCS_CR3_TARGET_COUNT, 0 },
	{ VMCS_EXIT_MSR_STORE_COUNT, 0 },
	{ VMCS_EXIT_MSR_LOAD_COUNT, 0 },
	{ VMCS_ENTRY_MSR_LOAD_COUNT, 0 },
	{ VMCS_ENTRY_INTERRUPTION_INFO, 0 },
	{ VMCS_TSC_OFFSET, 0 },
	{ VMCS_LINK_POINTER, ~0ull },
	{ VMCS_GUEST_IA32_DEBUGCTL, 0 },
	{ VMCS_GUEST_ACTIVITY_STATE, 0 },
	{ VMCS_HOST_CS_SELECTOR, __KERNEL_CS },
	{ VMCS_HOST_SS_SELECTOR, __KERNEL_DS },
	{ VMCS_HOST_DS_SELECTOR, 0 },
	{ VMCS_HOST_ES_SELECTOR, 0 },
	{ VMCS_HOST_FS_SELECTOR, 0 },
	{ VMCS_HOST_GS_SELECTOR, 0 },
};

static void write_controls(struct vmx_vcpu *x)
{
	x->proc = vmx_caps.word[VMX_WORD_PROC];
	x->proc2 = vmx_caps.word[VMX_WORD_PROC2];
	if (!x->vpid)
		x->proc2 &= ~PROC2_VPID;
	vmx_timer_setup(x, &x->proc2);
	vmx_apicv_setup(x);
	vmx_pml_setup(x);
	vmwrite(VMCS_PIN_BASED_CONTROLS, vmx_caps.word[VMX_WORD_PIN]);
	vmwrite(VMCS_PROC_BASED_CONTROLS, x->proc);
	vmwrite(VMCS_SECONDARY_PROC_BASED_CONTROLS, x->proc2);
	vmwrite(VMCS_EXIT_CONTROLS, vmx_caps.word[VMX_WORD_EXIT]);
	vmwrite(VMCS_ENTRY_CONTROLS, vmx_caps.word[VMX_WORD_ENTRY]);
	if (x->vpid)
		vmwrite(VMCS_VPID, x->vpid);
	if (x->proc2 & PROC2_XSAVES)
		vmwrite(VMCS_XSS_EXITING_BITMAP, 0);
	if (vmx_caps.word[VMX_WORD_ENTRY] & ENTRY_LOAD_PERF_GLOBAL_CTRL)
		vmwrite(VMCS_GUEST_IA32_PERF_GLOBAL_CTRL, 0);
}

static u64 host_msr(u32 msr)
{
	u64 value;

	rdmsrq(msr, value);
	return value;
}

/* Host fields that no CPU has another value of; vmx_host_save() does the others. */
static void write_host(struct vmx_vcpu *x)
{
	/* No host has such values: the first window writes every field. */
	memset(&x->host, 0xff, sizeof(x->host));
	vmwrite(VMCS_HOST_RIP, (unsigned long)vmx_exit_point);
	/* All zero in a kernel without 32-bit system calls, and to stay so. */
	vmwrite(VMCS_HOST_IA32_SYSENTER_CS, host_msr(MSR_IA32_SYSENTER_CS));
	vmwrite(VMCS_HOST_IA32_SYSENTER_EIP, host_msr(MSR_IA32_SYSENTER_EIP));
}

static void write_vmcs(struct vmx_vcpu *x, void *reset)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(constants); i++)
		vmwrite(constants[i].field, constants[i].value);
	write_controls(x);
	write_host(x);
	vmx_pause_setup(x);
	vmwrite(VMCS_MSR_BITMAP, __pa(x->msr_bitmap));
	vmwrite(VMCS_EPT_POINTER, x->core.vm->ept.eptp);
	vmx_cr_init_masks();
	vmx_state_set(x, reset);
	/* Exactly the same for all vCPUs: they agree on the time since the VM was made. */
	kite_clock_init_vcpu(&x->core);
}

int kite_hw_vcpu_reset(struct kite_vcpu *v)
{
	struct kite_state *reset;
	int ret;

	reset = kzalloc(sizeof(*reset), GFP_KERNEL);
	if (!reset)
		return -ENOMEM;
	vmx_reset_state(v, reset);
	ret = vmx_with_window(to_vmx(v), write_vmcs, reset);
	kfree(reset);
	return ret;
}

struct kite_vcpu *kite_hw_vcpu_alloc(void)
{
	struct vmx_vcpu *x;
	int vpid;

	x = kzalloc(sizeof(*x), GFP_KERNEL_ACCOUNT);
	if (!x)
		return ERR_PTR(-ENOMEM);
	x->last_cpu = -1;
	x->active_cpu = -1;
	x->vmcs = (u32 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	x->msr_bitmap = (unsigned long *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!x->vmcs || !x->msr_bitmap || vmx_pml_alloc(x)) {
		kite_hw_vcpu_free(&x->core);
		return ERR_PTR(-ENOMEM);
	}
	x->vmcs[0] = vmx_caps.revision;
	x->vmcs_pa = __pa(x->vmcs);
	vmx_msr_init_bitmap(x);
	if (vmx_caps.word[VMX_WORD_PROC2] & PROC2_VPID) {
		/* Without a number left the vCPU runs without: every exit drops its TLB entries. */
		vpid = ida_alloc_range(&vpids, 1, 0xffff, GFP_KERNEL);
		x->vpid = vpid > 0 ? vpid : 0;
	}
	return &x->core;
}

/* The structure, the VMCS and the MSR bitmap. The number in @vpids is shared by all VMs. */
size_t kite_hw_vcpu_bytes(void)
{
	return sizeof(struct vmx_vcpu) + (kite_hw_has_pml() ? 3 : 2) * PAGE_SIZE;
}

void kite_hw_vcpu_free(struct kite_vcpu *v)
{
	struct vmx_vcpu *x = to_vmx(v);

	vmx_resident_release(x);
	if (x->vpid)
		ida_free(&vpids, x->vpid);
	free_page((unsigned long)x->pml);
	free_page((unsigned long)x->msr_bitmap);
	free_page((unsigned long)x->vmcs);
	/* A sender of an interrupt may look at the vCPU until its grace period ends. */
	kfree_rcu(x, core.rcu);
}
