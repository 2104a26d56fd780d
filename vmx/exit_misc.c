// SPDX-License-Identifier: GPL-2.0-only
/* Exits that are short: whole families are in the other exit_*.c. */
#include "exit.h"

#include "../core/cpuid.h"
#include "../core/exit_record.h"
#include "../core/fpu.h"
#include "../core/halt.h"
#include "../core/vm.h"
#include "dump.h"

#define NO_SUCH_CALL	(-1000)

int vmx_exit_unexpected(struct vmx_vcpu *x)
{
	return vmx_internal(x, KITE_INTERNAL_UNEXPECTED_EXIT);
}

/* Instructions that the guest's CPU does not have. */
int vmx_exit_undefined(struct vmx_vcpu *x)
{
	return vmx_ud(x);
}

/*
 * VMCALL comes with the signature of the paravirtual clock: there are no calls, and
 * -1000 says so. Without it the guest's CPU has no VMX.
 */
int vmx_exit_vmcall(struct vmx_vcpu *x)
{
	if (!(x->core.vm->flags & KITE_VM_PVCLOCK))
		return vmx_ud(x);
	vmx_set_gpr(x, KITE_RAX, NO_SUCH_CALL);
	return vmx_skipped(x);
}

/* Instructions that a guest may not use. */
int vmx_exit_protected(struct vmx_vcpu *x)
{
	return vmx_gp(x);
}

/*
 * INVD and WBINVD: guest memory is coherent and no device of the guest reads it
 * past the caches, so there is nothing to write back.
 */
int vmx_exit_nop(struct vmx_vcpu *x)
{
	return vmx_skipped(x);
}

/* The interrupt stays pending in the host's APIC and is taken when the window closes. */
int vmx_exit_external_interrupt(struct vmx_vcpu *x)
{
	return KITE_LEAVE;
}

int vmx_exit_triple_fault(struct vmx_vcpu *x)
{
	return kite_exit_plain(&x->core, KITE_EXIT_SHUTDOWN);
}

/* The guest can take what waits: vmx_inject() closes the window again. */
int vmx_exit_window(struct vmx_vcpu *x)
{
	x->core.need_inject = true;
	return KITE_RESUME;
}

int vmx_exit_task_switch(struct vmx_vcpu *x)
{
	return vmx_internal(x, KITE_INTERNAL_TASK_SWITCH);
}

int vmx_exit_cpuid(struct vmx_vcpu *x)
{
	u64 *gpr = x->core.regs.gpr;
	u64 cr4 = (u32)gpr[KITE_RAX] == KITE_CPUID_SHOWS_CR4 ? vmx_get_cr4(x) : 0;
	u32 regs[4];

	kite_cpuid(&x->core, gpr[KITE_RAX], gpr[KITE_RCX], cr4, regs);
	gpr[KITE_RAX] = regs[0];
	gpr[KITE_RBX] = regs[1];
	gpr[KITE_RCX] = regs[2];
	gpr[KITE_RDX] = regs[3];
	return vmx_skipped(x);
}

int vmx_exit_hlt(struct vmx_vcpu *x)
{
	vmx_skipped(x);
	/* The single-step trap comes at once and ends the halt. */
	if (vmx_rflags(x) & X86_EFLAGS_TF)
		return KITE_RESUME;
	return kite_halt(&x->core, vmx_rflags(x) & X86_EFLAGS_IF,
			 !(vmread(VMCS_GUEST_INTERRUPTIBILITY_STATE) & BLOCKING_NMI));
}

int vmx_exit_xsetbv(struct vmx_vcpu *x)
{
	u64 *gpr = x->core.regs.gpr;
	u64 value = (u32)gpr[KITE_RAX] | (gpr[KITE_RDX] << 32);

	/* Bochs exits before it checks the privilege level, a CPU after. Only XCR0 exists. */
	if ((vmread(VMCS_GUEST_SS_ACCESS_RIGHTS) & SEG_AR_DPL) ||
	    (u32)gpr[KITE_RCX] || kite_fpu_set_xcr0(&x->core, value))
		return vmx_gp(x);
	return vmx_skipped(x);
}

int vmx_exit_mtf(struct vmx_vcpu *x)
{
	return kite_exit_debug(&x->core, vmread(VMCS_GUEST_RIP));
}
