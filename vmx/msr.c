// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs of the guest. What is not in the table does not exist for it: #GP. The
 * bitmap opens the few that the CPU switches for us; everything else exits.
 */
#include "exit.h"

#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/nospec.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>
#include <asm/page.h>

#include "../core/backend.h"
#include "../core/clock.h"
#include "../core/compat.h"
#include "../core/cpuid.h"
#include "../core/irqchip.h"
#include "../core/pvclock.h"
#include "../core/timer.h"
#include "caps.h"
#include "check.h"
#include "refresh.h"

#define READ_BITMAP	0	/* byte offsets in the MSR bitmap */
#define WRITE_BITMAP	2048
#define HIGH_MSRS	1024	/* C0000000H and up, from either start */

#define OPEN_BOTH	(VMX_MSR_READ | VMX_MSR_WRITE)

/* Loaded while the guest runs and without effect on the host. */
static const struct {
	u32 msr;
	u8 open;
} open_msrs[] = {
	{ MSR_IA32_TSC, VMX_MSR_READ },
	{ MSR_IA32_SYSENTER_CS, OPEN_BOTH },
	{ MSR_IA32_SYSENTER_ESP, OPEN_BOTH },
	{ MSR_IA32_SYSENTER_EIP, OPEN_BOTH },
	{ MSR_IA32_CR_PAT, VMX_MSR_READ },
	{ MSR_EFER, VMX_MSR_READ },
	{ MSR_STAR, VMX_MSR_READ },
	{ MSR_LSTAR, VMX_MSR_READ },
	{ MSR_SYSCALL_MASK, VMX_MSR_READ },
	{ MSR_FS_BASE, OPEN_BOTH },
	{ MSR_GS_BASE, OPEN_BOTH },
	{ MSR_KERNEL_GS_BASE, OPEN_BOTH },
};

/* The guest does the accesses @open, VMX_MSR_*, by itself; the others exit. */
void vmx_msr_open(struct vmx_vcpu *x, u32 msr, u8 open)
{
	u32 bit = 8 * (msr >> 31 ? HIGH_MSRS : 0) + (msr & 0x1fff);

	__assign_bit(8 * READ_BITMAP + bit, x->msr_bitmap, !(open & VMX_MSR_READ));
	__assign_bit(8 * WRITE_BITMAP + bit, x->msr_bitmap, !(open & VMX_MSR_WRITE));
}

void vmx_msr_init_bitmap(struct vmx_vcpu *x)
{
	unsigned int i;

	memset(x->msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(open_msrs); i++)
		vmx_msr_open(x, open_msrs[i].msr, open_msrs[i].open);
}

/* Every accessor answers 0 or -EINVAL, which is #GP. */
struct msr_row {
	u32 first;
	u32 last;
	int (*read)(struct vmx_vcpu *x, u32 msr, u64 *value);
	int (*write)(struct vmx_vcpu *x, u32 msr, u64 value);
};

static int read_zero(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = 0;
	return 0;
}

/* A register without function in a guest: what is written is gone. */
static int write_ignored(struct vmx_vcpu *x, u32 msr, u64 value)
{
	return 0;
}

static int write_zero_only(struct vmx_vcpu *x, u32 msr, u64 value)
{
	return value ? -EINVAL : 0;
}

static bool canonical(u64 value)
{
	return (s64)(value << 16) >> 16 == (s64)value;
}

/* MSRs that are in the hardware while the window is open, and in msrs otherwise. */
static u64 *loaded_slot(struct vmx_vcpu *x, u32 msr)
{
	struct kite_guest_msrs *m = &x->core.msrs;

	switch (msr) {
	case MSR_STAR:
		return &m->star;
	case MSR_LSTAR:
		return &m->lstar;
	case MSR_SYSCALL_MASK:
		return &m->fmask;
	default:
		return &m->tsc_aux;
	}
}

static int write_loaded(struct vmx_vcpu *x, u32 msr, u64 value)
{
	if (msr == MSR_LSTAR && !canonical(value))
		return -EINVAL;
	if (msr == MSR_SYSCALL_MASK && value >> 32)
		return -EINVAL;
	*loaded_slot(x, msr) = value;
	wrmsrq(msr, value);
	return 0;
}

static bool has_tsc_aux(void)
{
	return vmx_caps.word[VMX_WORD_PROC2] & PROC2_RDTSCP;
}

static int read_tsc_aux(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = x->core.msrs.tsc_aux;
	return has_tsc_aux() ? 0 : -EINVAL;
}

static int write_tsc_aux(struct vmx_vcpu *x, u32 msr, u64 value)
{
	return has_tsc_aux() && !(value >> 32) ? write_loaded(x, msr, value) : -EINVAL;
}

/* SYSCALL in compatibility mode is AMD's; Intel only keeps the value. */
static int read_cstar(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = x->core.msrs.cstar;
	return 0;
}

static int write_cstar(struct vmx_vcpu *x, u32 msr, u64 value)
{
	if (!canonical(value))
		return -EINVAL;
	x->core.msrs.cstar = value;
	return 0;
}

static int write_tsc(struct vmx_vcpu *x, u32 msr, u64 value)
{
	u64 delta = value - kite_guest_tsc(&x->core);

	x->core.msrs.tsc_adjust += delta;
	kite_set_tsc_offset(&x->core, x->core.tsc_offset + delta);
	vmx_write_tsc_offset(x);
	return 0;
}

static int read_tsc_adjust(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = x->core.msrs.tsc_adjust;
	return 0;
}

static int write_tsc_adjust(struct vmx_vcpu *x, u32 msr, u64 value)
{
	u64 delta = value - x->core.msrs.tsc_adjust;

	x->core.msrs.tsc_adjust = value;
	kite_set_tsc_offset(&x->core, x->core.tsc_offset + delta);
	vmx_write_tsc_offset(x);
	return 0;
}

bool vmx_efer_valid(u64 efer)
{
	u32 ext = kite_cpuid_word(0x80000001, 3);
	u64 known = EFER_LMA;

	if (ext & BIT(11))
		known |= EFER_SCE;
	if (ext & BIT(20))
		known |= EFER_NX;
	if (ext & BIT(29))
		known |= EFER_LME;
	return !(efer & ~known);
}

static int write_efer(struct vmx_vcpu *x, u32 msr, u64 value)
{
	u64 old = vmread(VMCS_GUEST_IA32_EFER);
	bool paging = vmread(VMCS_GUEST_CR0) & X86_CR0_PG;

	if (!vmx_efer_valid(value) || (((old ^ value) & EFER_LME) && paging))
		return -EINVAL;
	/* LMA is the CPU's to write. */
	vmwrite(VMCS_GUEST_IA32_EFER, (value & ~(u64)EFER_LMA) | (old & EFER_LMA));
	return 0;
}

static int write_pat(struct vmx_vcpu *x, u32 msr, u64 value)
{
	if (!vmx_pat_valid(value))
		return -EINVAL;
	vmwrite(VMCS_GUEST_IA32_PAT, value);
	return 0;
}

static int read_apic_base(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = x->core.lapic.base;
	return x->core.irqchip ? 0 : -EINVAL;
}

static int write_apic_base(struct vmx_vcpu *x, u32 msr, u64 value)
{
	struct lapic_out out = {};
	int ret;

	if (!x->core.irqchip)
		return -EINVAL;
	ret = lapic_set_base(&x->core.lapic, value, BIT_ULL(kite_hw_phys_bits()) - 1, &out);
	if (!ret)
		kite_lapic_out(&x->core, &out);
	return ret;
}

static int read_x2apic(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	if (!x->core.irqchip || !lapic_is_x2apic(&x->core.lapic))
		return -EINVAL;
	return lapic_msr_read(&x->core.lapic, msr, kite_guest_tsc(&x->core), value);
}

static int write_x2apic(struct vmx_vcpu *x, u32 msr, u64 value)
{
	struct lapic_out out = {};
	int ret;

	if (!x->core.irqchip || !lapic_is_x2apic(&x->core.lapic))
		return -EINVAL;
	ret = lapic_msr_write(&x->core.lapic, msr, value, kite_guest_tsc(&x->core), &out);
	if (!ret)
		kite_lapic_out(&x->core, &out);
	return ret;
}

static int read_deadline(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = lapic_get_deadline(&x->core.lapic);
	return x->core.irqchip ? 0 : -EINVAL;
}

static int write_deadline(struct vmx_vcpu *x, u32 msr, u64 value)
{
	if (!x->core.irqchip)
		return -EINVAL;
	kite_timer_set_deadline(&x->core, value);
	return 0;
}

/* Fast strings; no performance monitoring, no branch trace, no PEBS. */
#define MISC_ENABLE_FIXED	(BIT_ULL(11) | BIT_ULL(12))
#define MISC_ENABLE_WRITABLE	(BIT_ULL(0) | BIT_ULL(3) | BIT_ULL(16) | BIT_ULL(22) | BIT_ULL(34))

static int read_misc_enable(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = x->core.msrs.misc_enable | MISC_ENABLE_FIXED;
	return 0;
}

static int write_misc_enable(struct vmx_vcpu *x, u32 msr, u64 value)
{
	x->core.msrs.misc_enable = value & MISC_ENABLE_WRITABLE;
	return 0;
}

/* Software writes 0, executes CPUID and finds the microcode revision in the upper half. */
static int read_bios_sign_id(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = (u64)boot_cpu_data.microcode << 32;
	return 0;
}

/* IBRS, STIBP and SSBD as far as CPUID tells the guest of them. */
u64 vmx_spec_ctrl_mask(void)
{
	u32 edx = kite_cpuid_word(7, 3);

	return (edx & BIT(26) ? BIT_ULL(0) : 0) | (edx & BIT(27) ? BIT_ULL(1) : 0) |
	       (edx & BIT(31) ? BIT_ULL(2) : 0);
}

static int read_spec_ctrl(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = x->core.regs.guest_spec_ctrl;
	return vmx_spec_ctrl_mask() ? 0 : -EINVAL;
}

static int write_spec_ctrl(struct vmx_vcpu *x, u32 msr, u64 value)
{
	if (!vmx_spec_ctrl_mask() || (value & ~vmx_spec_ctrl_mask()))
		return -EINVAL;
	x->core.regs.guest_spec_ctrl = value;
	vmx_mitigate_spec_ctrl(x);
	return 0;
}

static int write_pred_cmd(struct vmx_vcpu *x, u32 msr, u64 value)
{
	if (!(kite_cpuid_word(7, 3) & BIT(26)) || (value & ~(u64)PRED_CMD_IBPB))
		return -EINVAL;
	if (value)
		wrmsrq(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	return 0;
}

/* Memory types that an MTRR can hold: UC, WC, WT, WP, WB. */
static bool mtrr_type_valid(u8 type)
{
	return type < 8 && (BIT(type) & (BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6)));
}

bool vmx_mtrr_fixed_valid(u64 value)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8)
		if (!mtrr_type_valid(value >> i))
			return false;
	return true;
}

bool vmx_mtrr_def_valid(u64 value)
{
	return !(value & ~(GENMASK_ULL(11, 10) | 0xff)) && mtrr_type_valid(value);
}

bool vmx_mtrr_valid(u64 value, bool mask_register)
{
	u64 addr = GENMASK_ULL(kite_hw_phys_bits() - 1, 12);

	if (mask_register)
		return !(value & ~(addr | BIT_ULL(11)));
	return !(value & ~(addr | 0xff)) && mtrr_type_valid(value);
}

static int read_mtrr_cap(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	/* Variable ranges, fixed ranges, write-combining. */
	*value = KITE_MTRR_VARIABLE | BIT(8) | BIT(10);
	return 0;
}

static u64 *mtrr_slot(struct vmx_vcpu *x, u32 msr)
{
	struct kite_mtrrs *m = &x->core.mtrrs;

	if (msr == MSR_MTRRdefType)
		return &m->def_type;
	if (msr >= MTRRphysBase_MSR(0) && msr <= MTRRphysMask_MSR(KITE_MTRR_VARIABLE - 1))
		return &m->var[array_index_nospec(msr - MTRRphysBase_MSR(0),
						  2 * KITE_MTRR_VARIABLE)];
	if (msr == MSR_MTRRfix64K_00000)
		return &m->fixed[0];
	msr = msr <= MSR_MTRRfix16K_A0000 ? 1 + msr - MSR_MTRRfix16K_80000 :
					    3 + msr - MSR_MTRRfix4K_C0000;
	return &m->fixed[array_index_nospec(msr, KITE_MTRR_FIXED)];
}

static int read_mtrr(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	*value = *mtrr_slot(x, msr);
	return 0;
}

static int write_mtrr(struct vmx_vcpu *x, u32 msr, u64 value)
{
	u64 *slot = mtrr_slot(x, msr);
	bool ok;

	if (msr == MSR_MTRRdefType)
		ok = vmx_mtrr_def_valid(value);
	else if (slot >= x->core.mtrrs.fixed && slot < x->core.mtrrs.fixed + KITE_MTRR_FIXED)
		ok = vmx_mtrr_fixed_valid(value);
	else
		ok = vmx_mtrr_valid(value, msr & 1);
	if (!ok)
		return -EINVAL;
	*slot = value;
	return 0;
}

/* Branch tracing is not offered; the bits that ask for it stay 0. */
static int write_debugctl(struct vmx_vcpu *x, u32 msr, u64 value)
{
	return value & ~(u64)(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF) ? -EINVAL : 0;
}

static int read_pvclock(struct vmx_vcpu *x, u32 msr, u64 *value)
{
	return kite_pvclock_read_msr(&x->core, msr, value);
}

static int write_pvclock(struct vmx_vcpu *x, u32 msr, u64 value)
{
	return kite_pvclock_write_msr(&x->core, msr, value);
}

static const struct msr_row rows[] = {
	{ 0x000, 0x001, read_zero, write_zero_only },		/* P5_MC_ADDR, P5_MC_TYPE */
	{ MSR_IA32_TSC, MSR_IA32_TSC, NULL, write_tsc },
	{ MSR_IA32_PLATFORM_ID, MSR_IA32_PLATFORM_ID, read_zero, NULL },
	{ MSR_IA32_APICBASE, MSR_IA32_APICBASE, read_apic_base, write_apic_base },
	{ MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_ADJUST, read_tsc_adjust, write_tsc_adjust },
	{ MSR_IA32_SPEC_CTRL, MSR_IA32_SPEC_CTRL, read_spec_ctrl, write_spec_ctrl },
	{ MSR_IA32_PRED_CMD, MSR_IA32_PRED_CMD, NULL, write_pred_cmd },
	{ MSR_IA32_UCODE_REV, MSR_IA32_UCODE_REV, read_bios_sign_id, write_ignored },
	{ MSR_MTRRcap, MSR_MTRRcap, read_mtrr_cap, NULL },
	{ MSR_IA32_MCG_CAP, MSR_IA32_MCG_CAP, read_zero, NULL },
	{ MSR_IA32_MCG_STATUS, MSR_IA32_MCG_STATUS, read_zero, write_zero_only },
	{ MSR_IA32_MISC_ENABLE, MSR_IA32_MISC_ENABLE, read_misc_enable, write_misc_enable },
	{ MSR_IA32_DEBUGCTLMSR, MSR_IA32_DEBUGCTLMSR, read_zero, write_debugctl },
	{ MTRRphysBase_MSR(0), MTRRphysMask_MSR(KITE_MTRR_VARIABLE - 1), read_mtrr, write_mtrr },
	{ MSR_MTRRfix64K_00000, MSR_MTRRfix64K_00000, read_mtrr, write_mtrr },
	{ MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, read_mtrr, write_mtrr },
	{ MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_F8000, read_mtrr, write_mtrr },
	{ MSR_IA32_CR_PAT, MSR_IA32_CR_PAT, NULL, write_pat },
	{ MSR_MTRRdefType, MSR_MTRRdefType, read_mtrr, write_mtrr },
	{ MSR_IA32_TSC_DEADLINE, MSR_IA32_TSC_DEADLINE, read_deadline, write_deadline },
	{ LAPIC_MSR_FIRST, LAPIC_MSR_LAST, read_x2apic, write_x2apic },
	{ MSR_IA32_XSS, MSR_IA32_XSS, read_zero, write_zero_only },
	{ KITE_MSR_PV_WALL_CLOCK, KITE_MSR_PV_SYSTEM_TIME, read_pvclock, write_pvclock },
	{ KITE_MSR_PV_STEAL_TIME, KITE_MSR_PV_STEAL_TIME, read_pvclock, write_pvclock },
	{ MSR_EFER, MSR_EFER, NULL, write_efer },
	{ MSR_STAR, MSR_LSTAR, NULL, write_loaded },
	{ MSR_CSTAR, MSR_CSTAR, read_cstar, write_cstar },
	{ MSR_SYSCALL_MASK, MSR_SYSCALL_MASK, NULL, write_loaded },
	{ MSR_TSC_AUX, MSR_TSC_AUX, read_tsc_aux, write_tsc_aux },
};

/* Rows by index, from 1; the MSRs below C0000000H that every exit is about are all here. */
#define DIRECT_MSRS	(LAPIC_MSR_LAST + 1)

static u8 direct[DIRECT_MSRS] __ro_after_init;

void __init vmx_msr_init(void)
{
	unsigned int i;
	u32 msr;

	static_assert(ARRAY_SIZE(rows) < U8_MAX);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (msr = rows[i].first; msr <= rows[i].last && msr < DIRECT_MSRS; msr++)
			direct[msr] = i + 1;
}

static const struct msr_row *find(u32 msr)
{
	unsigned int i;

	if (msr < DIRECT_MSRS) {
		i = direct[array_index_nospec(msr, DIRECT_MSRS)];
		return i ? &rows[i - 1] : NULL;
	}
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (msr >= rows[i].first && msr <= rows[i].last)
			return &rows[i];
	return NULL;
}

int vmx_exit_rdmsr(struct vmx_vcpu *x)
{
	u64 *gpr = x->core.regs.gpr;
	u32 msr = gpr[KITE_RCX];
	const struct msr_row *row = find(msr);
	u64 value;

	if (!row || !row->read || row->read(x, msr, &value))
		return vmx_gp(x);
	gpr[KITE_RAX] = (u32)value;
	gpr[KITE_RDX] = value >> 32;
	return vmx_skipped(x);
}

int vmx_exit_wrmsr(struct vmx_vcpu *x)
{
	u64 *gpr = x->core.regs.gpr;
	u32 msr = gpr[KITE_RCX];
	const struct msr_row *row = find(msr);
	u64 value = (u32)gpr[KITE_RAX] | (gpr[KITE_RDX] << 32);

	if (!row || !row->write || row->write(x, msr, value))
		return vmx_gp(x);
	return vmx_skipped(x);
}
