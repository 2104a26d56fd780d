// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's state by groups: get and set mirror each other, member by member.
 * A set first checks all groups that it is given, then writes; nothing that user
 * space gives goes into the VMCS unchecked.
 */
#include "state.h"

#include <linux/irqflags.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../core/backend.h"
#include "../core/clock.h"
#include "../core/fpu.h"
#include "../core/irqchip.h"
#include "../core/request.h"
#include "../core/timer.h"
#include "../core/vm.h"
#include "bits.h"
#include "caps.h"

#define SEG_STRIDE	2	/* between the encodings of one field of two segments */

static void get_gprs(struct vmx_vcpu *x, struct kite_gprs *s)
{
	memcpy(s->gpr, x->core.regs.gpr, sizeof(s->gpr));
	s->gpr[KITE_RSP] = vmx_gpr(x, KITE_RSP);
	s->rip = vmread(VMCS_GUEST_RIP);
	s->rflags = vmread(VMCS_GUEST_RFLAGS);
}

static void set_gprs(struct vmx_vcpu *x, const struct kite_gprs *s)
{
	memcpy(x->core.regs.gpr, s->gpr, sizeof(s->gpr));
	vmwrite(VMCS_GUEST_RSP, s->gpr[KITE_RSP]);
	vmwrite(VMCS_GUEST_RIP, s->rip);
	vmwrite(VMCS_GUEST_RFLAGS, s->rflags);
	x->core.halt_if = s->rflags & X86_EFLAGS_IF;
	x->rsp_dirty = false;
	/* The data of a read that waits would overwrite what was set. */
	if (x->core.completion == KITE_COMPLETE_IN || x->core.completion == KITE_COMPLETE_LOAD)
		x->core.completion = KITE_COMPLETE_NONE;
}

static void get_segs(struct vmx_vcpu *x, struct kite_segs *s)
{
	unsigned int i;

	for (i = 0; i < KITE_SEG_COUNT; i++) {
		u32 n = i * SEG_STRIDE;

		s->seg[i] = (struct kite_segment){
			.selector = vmread(VMCS_GUEST_ES_SELECTOR + n),
			.base = vmread(VMCS_GUEST_ES_BASE + n),
			.limit = vmread(VMCS_GUEST_ES_LIMIT + n),
			.ar = vmread(VMCS_GUEST_ES_ACCESS_RIGHTS + n),
		};
	}
	s->gdtr.base = vmread(VMCS_GUEST_GDTR_BASE);
	s->gdtr.limit = vmread(VMCS_GUEST_GDTR_LIMIT);
	s->idtr.base = vmread(VMCS_GUEST_IDTR_BASE);
	s->idtr.limit = vmread(VMCS_GUEST_IDTR_LIMIT);
}

static void set_segs(struct vmx_vcpu *x, const struct kite_segs *s)
{
	unsigned int i;

	for (i = 0; i < KITE_SEG_COUNT; i++) {
		u32 n = i * SEG_STRIDE;

		vmwrite(VMCS_GUEST_ES_SELECTOR + n, s->seg[i].selector);
		vmwrite(VMCS_GUEST_ES_BASE + n, s->seg[i].base);
		vmwrite(VMCS_GUEST_ES_LIMIT + n, s->seg[i].limit);
		vmwrite(VMCS_GUEST_ES_ACCESS_RIGHTS + n, s->seg[i].ar);
	}
	vmwrite(VMCS_GUEST_GDTR_BASE, s->gdtr.base);
	vmwrite(VMCS_GUEST_GDTR_LIMIT, s->gdtr.limit);
	vmwrite(VMCS_GUEST_IDTR_BASE, s->idtr.base);
	vmwrite(VMCS_GUEST_IDTR_LIMIT, s->idtr.limit);
}

static void get_crs(struct vmx_vcpu *x, struct kite_crs *s)
{
	struct kite_vcpu *v = &x->core;

	s->cr0 = vmx_get_cr0(x);
	s->cr2 = v->regs.cr2;
	s->cr3 = vmread(VMCS_GUEST_CR3);
	s->cr4 = vmx_get_cr4(x);
	s->cr8 = v->irqchip ? lapic_get_cr8(&v->lapic) : 0;
	s->xcr0 = v->xcr0;
	s->efer = vmread(VMCS_GUEST_IA32_EFER);
	s->apic_base = v->irqchip ? v->lapic.base : 0;
}

static void set_apic_base(struct kite_vcpu *v, const struct kite_crs *s)
{
	u64 phys_mask = BIT_ULL(kite_hw_phys_bits()) - 1;
	struct lapic_out out = {};

	if (!v->irqchip)
		return;
	/* Checked before; the two parts of the state cannot disagree. */
	if (!lapic_load_base(&v->lapic, s->apic_base, phys_mask, &out))
		lapic_set_cr8(&v->lapic, s->cr8, &out);
	kite_lapic_out(v, &out);
}

static void set_crs(struct vmx_vcpu *x, const struct kite_crs *s)
{
	vmx_put_cr0(x, s->cr0);
	x->core.regs.cr2 = s->cr2;
	vmwrite(VMCS_GUEST_CR3, s->cr3);
	vmx_put_cr4(x, s->cr4);
	x->core.xcr0 = s->xcr0;
	vmwrite(VMCS_GUEST_IA32_EFER, s->efer);
	vmx_set_lma(s->efer & EFER_LMA);
	set_apic_base(&x->core, s);
	/* PAE pointers are not part of the state: a VM entry takes them from the VMCS. */
	x->load_pdptes = true;
	/* Paging may have changed; the next window drops what its CPU has cached. */
	x->last_cpu = -1;
}

static void get_drs(struct vmx_vcpu *x, struct kite_drs *s)
{
	memcpy(s->dr, x->core.dr, sizeof(s->dr));
	s->dr6 = x->core.dr6;
	s->dr7 = vmread(VMCS_GUEST_DR7);
}

static void set_drs(struct vmx_vcpu *x, const struct kite_drs *s)
{
	memcpy(x->core.dr, s->dr, sizeof(s->dr));
	x->core.dr6 = s->dr6;
	vmwrite(VMCS_GUEST_DR7, s->dr7);
}

static void get_msrs(struct vmx_vcpu *x, struct kite_msrs *s)
{
	struct kite_vcpu *v = &x->core;

	*s = (struct kite_msrs){
		.star = v->msrs.star, .lstar = v->msrs.lstar, .cstar = v->msrs.cstar,
		.fmask = v->msrs.fmask, .kernel_gs_base = v->msrs.kernel_gs_base,
		.misc_enable = v->msrs.misc_enable, .spec_ctrl = v->regs.guest_spec_ctrl,
		.tsc = kite_guest_tsc(v), .tsc_adjust = v->msrs.tsc_adjust,
		.tsc_aux = v->msrs.tsc_aux,
		.tsc_deadline = v->irqchip ? lapic_get_deadline(&v->lapic) : 0,
		.sysenter_cs = vmread(VMCS_GUEST_IA32_SYSENTER_CS),
		.sysenter_esp = vmread(VMCS_GUEST_IA32_SYSENTER_ESP),
		.sysenter_eip = vmread(VMCS_GUEST_IA32_SYSENTER_EIP),
		.pat = vmread(VMCS_GUEST_IA32_PAT),
	};
}

static void set_msrs(struct vmx_vcpu *x, const struct kite_msrs *s)
{
	struct kite_vcpu *v = &x->core;

	v->msrs = (struct kite_guest_msrs){
		.star = s->star, .lstar = s->lstar, .cstar = s->cstar, .fmask = s->fmask,
		.kernel_gs_base = s->kernel_gs_base, .misc_enable = s->misc_enable,
		.tsc_aux = s->tsc_aux, .tsc_adjust = s->tsc_adjust,
	};
	v->regs.guest_spec_ctrl = s->spec_ctrl;
	kite_set_tsc_offset(v, v->tsc_offset + (s->tsc - kite_guest_tsc(v)));
	if (v->irqchip)
		kite_timer_set_deadline(v, s->tsc_deadline);
	vmwrite(VMCS_GUEST_IA32_SYSENTER_CS, s->sysenter_cs);
	vmwrite(VMCS_GUEST_IA32_SYSENTER_ESP, s->sysenter_esp);
	vmwrite(VMCS_GUEST_IA32_SYSENTER_EIP, s->sysenter_eip);
	vmwrite(VMCS_GUEST_IA32_PAT, s->pat);
}

static void get_mtrrs(struct vmx_vcpu *x, struct kite_mtrrs *s)
{
	*s = x->core.mtrrs;
}

static void set_mtrrs(struct vmx_vcpu *x, const struct kite_mtrrs *s)
{
	x->core.mtrrs = *s;
}

static void get_pvclock(struct vmx_vcpu *x, struct kite_pvclock *s)
{
	*s = x->core.pvclock;
}

static void set_pvclock(struct vmx_vcpu *x, const struct kite_pvclock *s)
{
	x->core.pvclock = *s;
	/* As if the guest had written them. */
	kite_vcpu_request_self(&x->core, KITE_REQ_CLOCK);
	kite_vcpu_request_self(&x->core, KITE_REQ_WALL_CLOCK);
}

void vmx_state_get(struct vmx_vcpu *x, struct kite_state *s)
{
	if (s->groups & KITE_STATE_GPRS)
		get_gprs(x, &s->gprs);
	if (s->groups & KITE_STATE_SEGS)
		get_segs(x, &s->segs);
	if (s->groups & KITE_STATE_CRS)
		get_crs(x, &s->crs);
	if (s->groups & KITE_STATE_DRS)
		get_drs(x, &s->drs);
	if (s->groups & KITE_STATE_MSRS)
		get_msrs(x, &s->msrs);
	if (s->groups & KITE_STATE_MTRRS)
		get_mtrrs(x, &s->mtrrs);
	if (s->groups & KITE_STATE_EVENTS)
		vmx_get_events(x, &s->events);
	if (s->groups & KITE_STATE_PVCLOCK)
		get_pvclock(x, &s->pvclock);
}

void vmx_state_set(struct vmx_vcpu *x, const struct kite_state *s)
{
	if (s->groups & KITE_STATE_GPRS)
		set_gprs(x, &s->gprs);
	if (s->groups & KITE_STATE_SEGS)
		set_segs(x, &s->segs);
	if (s->groups & KITE_STATE_CRS)
		set_crs(x, &s->crs);
	if (s->groups & KITE_STATE_DRS)
		set_drs(x, &s->drs);
	if (s->groups & KITE_STATE_MSRS)
		set_msrs(x, &s->msrs);
	if (s->groups & KITE_STATE_MTRRS)
		set_mtrrs(x, &s->mtrrs);
	if (s->groups & KITE_STATE_EVENTS)
		vmx_set_events(x, &s->events);
	if (s->groups & KITE_STATE_PVCLOCK)
		set_pvclock(x, &s->pvclock);
}

static void get_groups(struct vmx_vcpu *x, void *state)
{
	vmx_state_get(x, state);
}

int kite_hw_get_state(struct kite_vcpu *v, struct kite_state *state)
{
	return vmx_with_window(to_vmx(v), get_groups, state);
}

static void set_groups(struct vmx_vcpu *x, void *state)
{
	vmx_state_set(x, state);
}

int kite_hw_set_state(struct kite_vcpu *v, const struct kite_state *state)
{
	int ret = vmx_state_check(v, state);

	return ret ? ret : vmx_with_window(to_vmx(v), set_groups, (void *)state);
}
