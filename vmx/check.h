/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rule of the SDM a VM entry would break; the rules are in rules.def. */
#ifndef KITE_VMX_CHECK_H
#define KITE_VMX_CHECK_H

#include <linux/types.h>

/*
 * What the rules depend on. Outside system-management mode, on a 64-bit host.
 * @read: a field of the VMCS
 * @msr: the capability MSRs, @msr[n] being 480H + n
 * @vmcs_pa: of the VMCS itself
 * @perf_defined: bits that IA32_PERF_GLOBAL_CTRL has
 * @phys_bits, @linear_bits: widths of addresses
 * @vtpr: virtual TPR, if there is a virtual-APIC page
 * @has_rtm, @has_sgx: the CPU has TSX or SGX
 */
struct vmx_check {
	u64 (*read)(u32 field);
	const u64 *msr;
	u64 vmcs_pa;
	u64 perf_defined;
	u8 phys_bits;
	u8 linear_bits;
	u8 vtpr;
	bool has_rtm;
	bool has_sgx;
};

struct vmx_broken {
	u32 rule;
	u32 field;
	u64 value;
	const char *text;
};

/* True if all rules hold; else @broken is the first that does not. */
bool vmx_check(const struct vmx_check *c, struct vmx_broken *broken);

/* Whether all memory types of IA32_PAT exist. */
bool vmx_pat_valid(u64 pat);

/* Bits that IA32_PERF_GLOBAL_CTRL has; of CPUID leaf 0AH and IA32_PERF_CAPABILITIES. */
u64 vmx_perf_defined(u32 eax, u32 ecx, u32 edx, u64 capabilities);

#endif
