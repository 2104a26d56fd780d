// SPDX-License-Identifier: GPL-2.0-only
/* VM entries that fail, or would: what the CPU says of them and what is wrong. */
#include <linux/string.h>
#include <asm/cpufeature.h>

#include "../core/backend.h"
#include "../core/compat.h"
#include "../core/exit_record.h"
#include "../irq/lapic.h"
#include "check.h"
#include "dump.h"
#include "exit.h"
#include "refresh.h"

static u64 read_field(u32 field)
{
	return vmread(field);
}

static struct vmx_check host __ro_after_init = { .read = read_field };

static u64 perf_defined(void)
{
	u64 capabilities = 0;
	u32 eax, ebx, ecx, edx;

	if (boot_cpu_data.cpuid_level < 0xa)
		return 0;
	cpuid(0xa, &eax, &ebx, &ecx, &edx);
	if (boot_cpu_has(X86_FEATURE_PDCM))
		rdmsrq(MSR_IA32_PERF_CAPABILITIES, capabilities);
	return vmx_perf_defined(eax, ecx, edx, capabilities);
}

void __init vmx_failure_init(const u64 *msr)
{
	host.msr = msr;
	host.perf_defined = perf_defined();
	host.phys_bits = boot_cpu_data.x86_phys_bits;
	host.linear_bits = boot_cpu_data.x86_virt_bits;
	host.has_rtm = boot_cpu_has(X86_FEATURE_RTM);
	host.has_sgx = boot_cpu_has(X86_FEATURE_SGX);
}

static void find_broken(struct vmx_vcpu *x, struct kite_broken_rule *rule)
{
	struct vmx_check c = host;
	struct vmx_broken broken;

	c.vmcs_pa = x->vmcs_pa;
	if (x->core.irqchip)
		c.vtpr = lapic_get_cr8(&x->core.lapic) << 4;
	*rule = (struct kite_broken_rule){};
	if (vmx_check(&c, &broken))
		return;
	rule->rule = broken.rule;
	rule->field = broken.field;
	rule->value = broken.value;
	strscpy(rule->text, broken.text, sizeof(rule->text));
}

/* The event is still in the VMCS, and may be what is wrong: take it back last. */
static int failed(struct vmx_vcpu *x, struct kite_exit_fail_entry *rec)
{
	find_broken(x, &rec->broken);
	vmx_dump(x, "VM entry failed");
	vmx_take_back(x);
	return kite_exit_fail_entry(&x->core, rec);
}

int vmx_vmfail(struct vmx_vcpu *x)
{
	struct kite_exit_fail_entry rec = {
		.instruction_error = vmread(VMCS_VM_INSTRUCTION_ERROR),
	};

	return failed(x, &rec);
}

int vmx_exit_entry_failure(struct vmx_vcpu *x)
{
	struct kite_exit_fail_entry rec = {
		.exit_reason = x->exit.reason, .qualification = vmx_qualification(),
	};

	if ((x->exit.reason & REASON_BASIC) == REASON_ENTRY_MACHINE_CHECK)
		vmx_hand_on(x, X86_TRAP_MC);
	return failed(x, &rec);
}

/*
 * What is done before an entry and can make it fail. Interrupts of a controller
 * cannot: they are injected only when the guest can take them.
 */
static void check_next(struct vmx_vcpu *x, void *arg)
{
	u64 pending_debug, injections = x->core.stats.injections;
	u32 blocking;

	vmx_host_sync(x);
	vmx_update_debug(x);
	vmx_pml_switch(x);
	vmx_apicv_mode(x);
	vmx_apicv_threshold(x);
	if (x->load_pdptes)
		vmx_reload_pdptes(x);
	blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY_STATE);
	pending_debug = vmread(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS);
	vmx_inject_given(x);
	find_broken(x, arg);
	vmx_take_back(x);
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY_STATE, blocking);
	vmwrite(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, pending_debug);
	x->core.stats.injections = injections;
}

int kite_hw_check_entry(struct kite_vcpu *v, struct kite_broken_rule *broken)
{
	int ret = vmx_with_window(to_vmx(v), check_next, broken);

	return !ret && to_vmx(v)->load_pdptes ? -EAGAIN : ret;
}
