// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space may set. The rules are those that keep writing the state safe
 * and those of which a mistake is easily told; the CPU checks the rest on the next
 * VM entry. SDM, chapter "VM Entries", section "Checks on the Guest State Area".
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../core/backend.h"
#include "../core/fpu.h"
#include "../core/pvclock.h"
#include "bits.h"
#include "caps.h"
#include "check.h"
#include "state.h"

#define RFLAGS_DEFINED	(GENMASK(21, 16) | GENMASK(11, 6) | BIT(14) | BIT(13) | BIT(12) | \
			 BIT(4) | BIT(2) | BIT(1) | BIT(0))
#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)
#define DR6_DEFINED	(GENMASK_ULL(3, 0) | GENMASK_ULL(15, 13))
#define DR6_FIXED_1	0xffff0ff0ull
#define DR7_DEFINED	0xffff2bffull
#define DR7_FIXED_1	0x400ull

static bool canonical(u64 value)
{
	return (s64)(value << 16) >> 16 == (s64)value;
}

static bool gprs_valid(const struct kite_gprs *s)
{
	return canonical(s->rip) && !(s->rflags & ~(u64)RFLAGS_DEFINED) && (s->rflags & BIT(1));
}

static bool segs_valid(const struct kite_segs *s)
{
	unsigned int i;

	for (i = 0; i < KITE_SEG_COUNT; i++) {
		if (s->seg[i].ar & SEG_AR_RESERVED || memchr_inv(s->seg[i].reserved, 0, 6))
			return false;
		if (!canonical(s->seg[i].base))
			return false;
	}
	return canonical(s->gdtr.base) && canonical(s->idtr.base) &&
	       !memchr_inv(s->gdtr.reserved, 0, 6) && !memchr_inv(s->idtr.reserved, 0, 6);
}

static bool cr0_valid(u64 cr0)
{
	return !(cr0 & ~(u64)CR0_DEFINED) && !((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE)) &&
	       !((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD));
}

static bool apic_valid(const struct kite_vcpu *v, const struct kite_crs *s)
{
	if (!v->irqchip)
		return !s->apic_base && !s->cr8;
	return s->cr8 < 16 && lapic_base_valid(s->apic_base, BIT_ULL(kite_hw_phys_bits()) - 1);
}

static bool crs_valid(const struct kite_vcpu *v, const struct kite_crs *s)
{
	bool lma = s->efer & EFER_LMA;
	u64 cr3_mask = BIT_ULL(kite_hw_phys_bits()) - 1;

	if (!cr0_valid(s->cr0) || (s->cr4 & ~vmx_cr4_allowed()) || !vmx_efer_valid(s->efer))
		return false;
	if (lma != ((s->efer & EFER_LME) && (s->cr0 & X86_CR0_PG)))
		return false;
	if (lma && !(s->cr4 & X86_CR4_PAE))
		return false;
	if (!lma && (s->cr4 & X86_CR4_PCIDE))
		return false;
	return !(s->cr3 & ~cr3_mask) && kite_fpu_xcr0_valid(s->xcr0) && apic_valid(v, s);
}

static bool drs_valid(const struct kite_drs *s)
{
	return (s->dr6 & ~DR6_DEFINED) == DR6_FIXED_1 &&
	       (s->dr7 & ~(DR7_DEFINED & ~DR7_FIXED_1)) == DR7_FIXED_1;
}

static bool msrs_valid(const struct kite_msrs *s)
{
	return canonical(s->lstar) && canonical(s->cstar) && canonical(s->kernel_gs_base) &&
	       canonical(s->sysenter_esp) && canonical(s->sysenter_eip) &&
	       !(s->sysenter_cs >> 32) && !(s->fmask >> 32) && !(s->tsc_aux >> 32) &&
	       vmx_pat_valid(s->pat) && !(s->spec_ctrl & ~vmx_spec_ctrl_mask()) && !s->xss;
}

static bool mtrrs_valid(const struct kite_mtrrs *s)
{
	unsigned int i;

	for (i = 0; i < KITE_MTRR_FIXED; i++)
		if (!vmx_mtrr_fixed_valid(s->fixed[i]))
			return false;
	for (i = 0; i < 2 * KITE_MTRR_VARIABLE; i++)
		if (!vmx_mtrr_valid(s->var[i], i & 1))
			return false;
	return vmx_mtrr_def_valid(s->def_type);
}

int vmx_state_check(const struct kite_vcpu *v, const struct kite_state *s)
{
	bool ok = true;

	if (s->groups & KITE_STATE_GPRS)
		ok &= gprs_valid(&s->gprs);
	if (s->groups & KITE_STATE_SEGS)
		ok &= segs_valid(&s->segs);
	if (s->groups & KITE_STATE_CRS)
		ok &= crs_valid(v, &s->crs);
	if (s->groups & KITE_STATE_DRS)
		ok &= drs_valid(&s->drs);
	if (s->groups & KITE_STATE_MSRS)
		ok &= msrs_valid(&s->msrs);
	if (s->groups & KITE_STATE_MTRRS)
		ok &= mtrrs_valid(&s->mtrrs);
	if (s->groups & KITE_STATE_EVENTS)
		ok &= vmx_events_valid(&s->events);
	if (s->groups & KITE_STATE_PVCLOCK)
		ok &= kite_pvclock_valid(v, &s->pvclock);
	return ok ? 0 : -EINVAL;
}
