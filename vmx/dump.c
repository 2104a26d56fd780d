// SPDX-License-Identifier: GPL-2.0-only
#include "dump.h"

#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "../core/backend.h"
#include "vcpu.h"

/* In lines of four. The guest's state is read by kitectl through KITE_VCPU_GET_STATE. */
static const struct {
	u32 field;
	const char *name;
} fields[] = {
	{ VMCS_EXIT_REASON, "exit reason" },
	{ VMCS_EXIT_QUALIFICATION, "qualification" },
	{ VMCS_IDT_VECTORING_INFO, "IDT vectoring" },
	{ VMCS_GUEST_PHYSICAL_ADDRESS, "physical address" },
	{ VMCS_GUEST_CR0, "CR0" },
	{ VMCS_GUEST_CR3, "CR3" },
	{ VMCS_GUEST_CR4, "CR4" },
	{ VMCS_GUEST_IA32_EFER, "EFER" },
	{ VMCS_GUEST_RIP, "RIP" },
	{ VMCS_GUEST_RSP, "RSP" },
	{ VMCS_GUEST_RFLAGS, "RFLAGS" },
	{ VMCS_GUEST_CS_ACCESS_RIGHTS, "CS access rights" },
	{ VMCS_GUEST_SS_ACCESS_RIGHTS, "SS access rights" },
	{ VMCS_GUEST_TR_ACCESS_RIGHTS, "TR access rights" },
	{ VMCS_GUEST_INTERRUPTIBILITY_STATE, "interruptibility" },
	{ VMCS_GUEST_ACTIVITY_STATE, "activity" },
	{ VMCS_ENTRY_INTERRUPTION_INFO, "entry interruption" },
	{ VMCS_ENTRY_CONTROLS, "entry controls" },
	{ VMCS_PROC_BASED_CONTROLS, "processor controls" },
	{ VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, "pending debug" },
};

static_assert(ARRAY_SIZE(fields) == VMX_DUMP_FIELDS);

void vmx_dump(struct vmx_vcpu *x, const char *why)
{
	unsigned int i;

	x->dump.why = why;
	x->core.left_over = true;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		x->dump.value[i] = vmread(fields[i].field);
}

static noinline void log_dump(struct kite_vcpu *v)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 3);
	struct vmx_dump *d = &to_vmx(v)->dump;
	const char *why = d->why;
	unsigned int i;

	d->why = NULL;
	if (!__ratelimit(&limit))
		return;
	pr_info("vCPU %u: %s\n", v->id, why);
	for (i = 0; i < ARRAY_SIZE(fields); i += 4)
		pr_info("  %s %llx, %s %llx, %s %llx, %s %llx\n",
			fields[i].name, d->value[i],
			fields[i + 1].name, d->value[i + 1],
			fields[i + 2].name, d->value[i + 2],
			fields[i + 3].name, d->value[i + 3]);
}

void kite_hw_log(struct kite_vcpu *v)
{
	if (to_vmx(v)->dump.why)
		log_dump(v);
}
