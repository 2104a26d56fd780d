// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power-up, INIT and SIPI. SDM, chapters "Processor Management and
 * Initialization" (table of states) and "Multiple-Processor Management".
 */
#include <linux/slab.h>

#include "../core/backend.h"
#include "../core/cpuid.h"
#include "../core/vm.h"
#include "bits.h"
#include "state.h"

static void reset_segments(struct kite_segs *s)
{
	const struct kite_segment data = { .limit = 0xffff, .ar = 0x93 };
	unsigned int i;

	for (i = KITE_ES; i <= KITE_GS; i++)
		s->seg[i] = data;
	s->seg[KITE_CS] = (struct kite_segment){
		.selector = 0xf000, .base = 0xffff0000, .limit = 0xffff, .ar = 0x9b,
	};
	s->seg[KITE_LDTR] = (struct kite_segment){ .limit = 0xffff, .ar = 0x82 };
	s->seg[KITE_TR] = (struct kite_segment){ .limit = 0xffff, .ar = 0x8b };
	s->gdtr.limit = 0xffff;
	s->idtr.limit = 0xffff;
}

void vmx_reset_state(const struct kite_vcpu *v, struct kite_state *s)
{
	u64 apic_base = LAPIC_DEFAULT_BASE | LAPIC_BASE_EN | (v->id ? 0 : LAPIC_BASE_BSP);

	s->groups = KITE_STATE_ALL & ~KITE_STATE_MTRRS;
	s->gprs.rip = 0xfff0;
	s->gprs.rflags = 2;
	s->gprs.gpr[KITE_RDX] = kite_cpuid_word(1, 0);	/* family, model, stepping */
	reset_segments(&s->segs);
	s->crs.cr0 = X86_CR0_CD | X86_CR0_NW | X86_CR0_ET;
	s->crs.xcr0 = 1;
	s->crs.apic_base = v->vm->flags & KITE_VM_IRQCHIP ? apic_base : 0;
	s->drs.dr6 = 0xffff0ff0;
	s->drs.dr7 = 0x400;
	s->msrs.pat = 0x0007040600070406ull;
	s->msrs.misc_enable = BIT_ULL(0);	/* fast strings */
	s->events.activity = v->id ? KITE_ACTIVITY_WAIT_FOR_SIPI : KITE_ACTIVITY_ACTIVE;
}

/* INIT leaves CR0.CD and CR0.NW, XCR0 and IA32_APIC_BASE alone, and all that is in no group. */
static void write_init(struct vmx_vcpu *x, void *arg)
{
	struct kite_vcpu *v = &x->core;
	struct kite_state *s = arg;

	s->crs.cr0 = X86_CR0_ET | (vmx_get_cr0(x) & (X86_CR0_CD | X86_CR0_NW));
	s->crs.xcr0 = v->xcr0;
	s->crs.apic_base = v->lapic.base;
	s->events.activity = v->lapic.base & LAPIC_BASE_BSP ? KITE_ACTIVITY_ACTIVE :
							      KITE_ACTIVITY_WAIT_FOR_SIPI;
	vmx_state_set(x, s);
}

int kite_hw_init_signal(struct kite_vcpu *v)
{
	struct kite_state *s;
	int ret;

	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	vmx_reset_state(v, s);
	s->groups &= ~KITE_STATE_MSRS;
	ret = vmx_with_window(to_vmx(v), write_init, s);
	kfree(s);
	return ret;
}

static void write_start(struct vmx_vcpu *x, void *vector)
{
	u8 page = *(u8 *)vector;

	vmwrite(VMCS_GUEST_CS_SELECTOR, page << 8);
	vmwrite(VMCS_GUEST_CS_BASE, page << 12);
	vmwrite(VMCS_GUEST_RIP, 0);
	x->core.activity = KITE_ACTIVITY_ACTIVE;
}

int kite_hw_start_up(struct kite_vcpu *v, u8 vector)
{
	return vmx_with_window(to_vmx(v), write_start, &vector);
}
