// SPDX-License-Identifier: GPL-2.0-only
/* Exits of a CPU that virtualises the local APIC. */
#include "exit.h"

#include "../core/clock.h"
#include "../core/fault.h"
#include "../core/irqchip.h"
#include "../core/mmio.h"

/* Exit qualification. SDM, chapter "VM Exits", table for APIC-access VM exits. */
#define APIC_OFFSET		GENMASK(11, 0)
#define APIC_TYPE		GENMASK(15, 12)
#define APIC_TYPE_SHIFT		12

/* Access types; those that are not here are of no access that a guest can make. */
static const u32 type_access[16] = {
	[0] = KITE_ACCESS_READ,
	[1] = KITE_ACCESS_WRITE,
	[2] = KITE_ACCESS_EXEC,
	[3] = KITE_ACCESS_READ | KITE_FAULT_DELIVERY,
	/* By guest-physical address, that is by a walk of the guest's page tables. */
	[10] = KITE_ACCESS_READ | KITE_FAULT_WALK,
	[15] = KITE_ACCESS_READ | KITE_FAULT_WALK,
};

/* An access that the CPU leaves to us: finished as any other to the LAPIC's page. */
int vmx_exit_apic_access(struct vmx_vcpu *x)
{
	u64 qualification = vmx_qualification();
	u32 access = type_access[(qualification & APIC_TYPE) >> APIC_TYPE_SHIFT];
	u64 gpa = (x->core.lapic.base & ~(u64)APIC_OFFSET) | (qualification & APIC_OFFSET);

	if (!access)
		return vmx_exit_unexpected(x);
	if (x->exit.idt_vectoring & INTR_VALID)
		access |= KITE_FAULT_DELIVERY;
	x->core.host_data = true;
	return kite_handle_mmio(&x->core, gpa, access);
}

/* The next three come after the instruction, of which they do the rest. */
static int finish(struct vmx_vcpu *x, const struct lapic_out *out)
{
	x->skipped = true;
	kite_lapic_out(&x->core, out);
	return KITE_RESUME;
}

int vmx_exit_apic_write(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;
	struct lapic_out out = {};

	lapic_written(&v->lapic, vmx_qualification() & APIC_OFFSET, kite_guest_tsc(v), &out);
	return finish(x, &out);
}

/* The CPU has ended the interrupt. */
int vmx_exit_eoi(struct vmx_vcpu *x)
{
	struct lapic_out out = {};

	lapic_eoi_done(&x->core.lapic, vmx_qualification(), &out);
	return finish(x, &out);
}

/* TPR went below the threshold: it lets through what waited. */
int vmx_exit_tpr(struct vmx_vcpu *x)
{
	const struct lapic_out out = { .todo = LAPIC_OUT_PENDING };

	return finish(x, &out);
}
