// SPDX-License-Identifier: GPL-2.0-only
/* Debug registers of the guest: DR0 to DR3 and DR6 in memory, DR7 in the VMCS. */
#include "exit.h"

#include <asm/debugreg.h>

#include "caps.h"

#define DR6_FIXED_1	0xffff0ff0ull
#define DR6_VOLATILE	(GENMASK(3, 0) | GENMASK(15, 13))
#define DR7_ALWAYS_1	0x400ull
#define DR7_VOLATILE	(0xffff2bffull)	/* without bits 15, 14, 12 and 10 */

/* Exit qualification. SDM, chapter "VM Exits", table for MOV DR. */
#define DR_NUMBER	GENMASK(2, 0)
#define DR_FROM		BIT(4)
#define DR_GPR_SHIFT	8
#define DR_GPR		GENMASK(11, 8)

static u64 read_dr(struct vmx_vcpu *x, unsigned int n)
{
	if (n < 4)
		return x->core.dr[n];
	return n == 6 ? x->core.dr6 : vmread(VMCS_GUEST_DR7);
}

/* False: #GP. */
static bool write_dr(struct vmx_vcpu *x, unsigned int n, u64 value)
{
	if (n < 4) {
		x->core.dr[n] = value;
		return true;
	}
	if (value >> 32)
		return false;
	if (n == 6)
		x->core.dr6 = (value & DR6_VOLATILE) | DR6_FIXED_1;
	else
		vmwrite(VMCS_GUEST_DR7, (value & DR7_VOLATILE) | DR7_ALWAYS_1);
	return true;
}

/* DR7.GD: any access is a #DB, before it happens. */
static int general_detect(struct vmx_vcpu *x)
{
	x->core.dr6 |= DEBUG_BD;
	vmwrite(VMCS_GUEST_DR7, vmread(VMCS_GUEST_DR7) & ~(u64)DR7_GD);
	vmx_queue_exception(x, X86_TRAP_DB);
	return KITE_RESUME;
}

int vmx_exit_dr(struct vmx_vcpu *x)
{
	u64 qualification = vmx_qualification();
	unsigned int gpr = (qualification & DR_GPR) >> DR_GPR_SHIFT;
	unsigned int n = qualification & DR_NUMBER;
	bool wide = vmx_in_64bit_mode();
	u64 value;

	/* This exit comes before every check of the CPU, that of the privilege level included. */
	if (n == 4 || n == 5) {
		if (vmx_get_cr4(x) & X86_CR4_DE)
			return vmx_ud(x);
		n += 2;
	}
	if (vmread(VMCS_GUEST_SS_ACCESS_RIGHTS) & SEG_AR_DPL)
		return vmx_gp(x);
	if (vmread(VMCS_GUEST_DR7) & DR7_GD)
		return general_detect(x);
	if (qualification & DR_FROM) {
		value = read_dr(x, n);
		vmx_set_gpr(x, gpr, wide ? value : (u32)value);
		return vmx_skipped(x);
	}
	value = vmx_gpr(x, gpr);
	if (!write_dr(x, n, wide ? value : (u32)value))
		return vmx_gp(x);
	vmx_skip(x, vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
	/* Breakpoints are loaded when a window opens. */
	return KITE_LEAVE;
}
