// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the CPU does for the local APIC by itself. SDM, chapter "APIC Virtualization
 * and Virtual Interrupts".
 *
 * The virtual-APIC page is the page of the LAPIC model. While the guest runs the CPU
 * changes it, in between the model does; the page is always right. RVI and SVI in
 * the VMCS follow from IRR and ISR: the CPU keeps them in step, and whoever changes
 * the page otherwise sets need_inject, upon which vmx_apicv_offer() writes them.
 *
 * Every help is optional, for the CPU and by a module parameter; what it would do is
 * then done in software.
 */
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <asm/io.h>

#include "../core/backend.h"
#include "../core/vm.h"
#include "../irq/lapic.h"
#include "caps.h"
#include "vcpu.h"

#define MSR_X2APIC_TPR		0x808
#define MSR_X2APIC_PPR		0x80a
#define MSR_X2APIC_EOI		0x80b
#define MSR_X2APIC_SELF_IPI	0x83f

static bool tpr_shadow __ro_after_init = true;
module_param(tpr_shadow, bool, 0444);
MODULE_PARM_DESC(tpr_shadow, "guests change CR8 without an exit (default on)");

static bool apic_access __ro_after_init = true;
module_param(apic_access, bool, 0444);
MODULE_PARM_DESC(apic_access, "the CPU finds accesses to the local APIC's page (default on)");

static bool apic_register __ro_after_init = true;
module_param(apic_register, bool, 0444);
MODULE_PARM_DESC(apic_register, "the CPU reads and writes local APIC registers (default on)");

static bool virtual_interrupts __ro_after_init = true;
module_param(virtual_interrupts, bool, 0444);
MODULE_PARM_DESC(virtual_interrupts, "the CPU delivers interrupts, EOI and self-IPI (default on)");

static bool x2apic_msrs __ro_after_init = true;
module_param(x2apic_msrs, bool, 0444);
MODULE_PARM_DESC(x2apic_msrs, "guests use x2APIC MSRs without an exit (default on)");

/*
 * VM entry refuses a help without the one it needs. The others of its rules hold
 * anyway: external-interrupt exiting is required of every CPU, and a vCPU's APIC is
 * in xAPIC or in x2APIC mode.
 */
static const struct {
	bool *on;
	const bool *needs;
	const char *name;
	u32 bit;
	u8 word;
} helps[] = {
	{ &tpr_shadow, NULL, "tpr_shadow", PROC_TPR_SHADOW, VMX_WORD_PROC },
	{ &apic_access, NULL, "apic_access", PROC2_APIC_ACCESSES, VMX_WORD_PROC2 },
	{ &apic_register, &tpr_shadow, "apic_register", PROC2_APIC_REGISTERS, VMX_WORD_PROC2 },
	{ &virtual_interrupts, &tpr_shadow, "virtual_interrupts", PROC2_VIRTUAL_INTERRUPTS,
	  VMX_WORD_PROC2 },
	{ &x2apic_msrs, &tpr_shadow, "x2apic_msrs", PROC2_X2APIC, VMX_WORD_PROC2 },
};

/* From here on the parameters tell what is in use. */
void __init vmx_apicv_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(helps); i++) {
		*helps[i].on &= vmx_has(helps[i].word, helps[i].bit);
		if (*helps[i].on && helps[i].needs && !*helps[i].needs) {
			pr_info("%s is off, because it needs tpr_shadow\n", helps[i].name);
			*helps[i].on = false;
		}
	}
}

bool kite_hw_has_apic_access(void)
{
	return apic_access;
}

/* Controls and fields that stay, for a vCPU with a LAPIC. */
void vmx_apicv_setup(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;
	unsigned int i;

	if (!v->irqchip)
		return;
	if (apic_access)
		vmwrite(VMCS_APIC_ACCESS_ADDRESS, __pa(v->vm->apic_page));
	if (!tpr_shadow)
		return;
	x->proc |= PROC_TPR_SHADOW;
	x->proc &= ~(PROC_CR8_LOAD | PROC_CR8_STORE);
	vmwrite(VMCS_VIRTUAL_APIC_ADDRESS, __pa(v->lapic.regs));
	vmwrite(VMCS_TPR_THRESHOLD, 0);
	x->lapic_stale = LAPIC_STALE_PPR;
	if (apic_register)
		x->proc2 |= PROC2_APIC_REGISTERS;
	if (!virtual_interrupts)
		return;
	vmwrite(VMCS_GUEST_INTERRUPT_STATUS, 0);
	for (i = 0; i < ARRAY_SIZE(x->eoi_exits); i++)
		vmwrite(VMCS_EOI_EXIT_BITMAP0 + 2 * i, 0);
}

/* In x2APIC mode, VMX_MSR_*. The CPU checks reserved bits, but not whether there is such an MSR. */
static u8 x2apic_open(u32 msr, bool delivers)
{
	u8 open = 0;

	if (msr == MSR_X2APIC_TPR)
		return VMX_MSR_READ | VMX_MSR_WRITE;
	if (apic_register && lapic_msr_in_page(msr) && (msr != MSR_X2APIC_PPR || delivers))
		open |= VMX_MSR_READ;
	if (delivers && (msr == MSR_X2APIC_EOI || msr == MSR_X2APIC_SELF_IPI))
		open |= VMX_MSR_WRITE;
	return open;
}

static u32 proc2_of_mode(struct vmx_vcpu *x)
{
	const struct lapic *l = &x->core.lapic;
	u32 proc2 = x->proc2 & ~(PROC2_APIC_ACCESSES | PROC2_X2APIC | PROC2_VIRTUAL_INTERRUPTS);

	if (x2apic_msrs && lapic_is_x2apic(l))
		proc2 |= PROC2_X2APIC;
	else if (apic_access && lapic_is_xapic(l) && lapic_at_default(l))
		proc2 |= PROC2_APIC_ACCESSES;
	/* The CPU would deliver self-IPIs of an APIC that is software-disabled. */
	if (virtual_interrupts && l->enabled)
		proc2 |= PROC2_VIRTUAL_INTERRUPTS;
	return proc2;
}

/* IA32_APIC_BASE or SVR may have changed: what depends on the mode of the APIC. */
void vmx_apicv_mode(struct vmx_vcpu *x)
{
	u32 proc2 = proc2_of_mode(x), changed = proc2 ^ x->proc2, msr;
	bool delivers = proc2 & PROC2_VIRTUAL_INTERRUPTS;

	if (!changed)
		return;
	x->proc2 = proc2;
	vmwrite(VMCS_SECONDARY_PROC_BASED_CONTROLS, proc2);
	if (x->proc & PROC_TPR_SHADOW)
		x->lapic_stale = delivers ? LAPIC_STALE_ALL : LAPIC_STALE_PPR;
	if (changed & (PROC2_X2APIC | PROC2_VIRTUAL_INTERRUPTS))
		for (msr = LAPIC_MSR_FIRST; msr <= LAPIC_MSR_LAST; msr++)
			vmx_msr_open(x, msr, proc2 & PROC2_X2APIC ? x2apic_open(msr, delivers) : 0);
	/* Translations that the CPU keeps say whether they lead to the APIC-access page. */
	if (changed & PROC2_APIC_ACCESSES)
		vmx_flush_guest(x);
}

static noinline void update_eoi_exits(struct vmx_vcpu *x)
{
	u64 exits[ARRAY_SIZE(x->eoi_exits)];
	unsigned int i;

	lapic_eoi_exits(&x->core.lapic, exits);
	for (i = 0; i < ARRAY_SIZE(exits); i++) {
		if (exits[i] == x->eoi_exits[i])
			continue;
		x->eoi_exits[i] = exits[i];
		vmwrite(VMCS_EOI_EXIT_BITMAP0 + 2 * i, exits[i]);
	}
}

/* Virtual-interrupt delivery: the CPU picks, when the guest can take it. */
void vmx_apicv_offer(struct vmx_vcpu *x)
{
	struct lapic *l = &x->core.lapic;
	bool level = lapic_has_level(l);

	vmwrite(VMCS_GUEST_INTERRUPT_STATUS, lapic_interrupt_status(l));
	/* Most guests have no level-triggered interrupt most of the time. */
	if (level || x->level_exits)
		update_eoi_exits(x);
	x->level_exits = level;
}

/* Without it: an exit as soon as the guest lowers TPR enough for what waits. */
void vmx_apicv_threshold(struct vmx_vcpu *x)
{
	u8 threshold;

	if (!(x->proc & PROC_TPR_SHADOW) || (x->proc2 & PROC2_VIRTUAL_INTERRUPTS))
		return;
	threshold = lapic_tpr_threshold(&x->core.lapic);
	if (threshold != x->tpr_threshold) {
		x->tpr_threshold = threshold;
		vmwrite(VMCS_TPR_THRESHOLD, threshold);
	}
}
