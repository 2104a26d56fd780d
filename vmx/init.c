// SPDX-License-Identifier: GPL-2.0-only
/* What this host can do, found out when the module is loaded. */
#include <linux/module.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "../core/backend.h"
#include "../core/compat.h"
#include "../core/cpuid.h"
#include "../core/fpu.h"
#include "caps.h"
#include "hyperv.h"
#include "others.h"
#include "resident.h"
#include "vcpu.h"

static bool ept_ad __ro_after_init = true;
module_param(ept_ad, bool, 0444);
MODULE_PARM_DESC(ept_ad, "the CPU notes in EPT what guests read and write (default on)");

struct vmx_caps vmx_caps __ro_after_init;
static struct kite_vmx_msrs host_msrs __ro_after_init;

static void report_missing(const char *name, const char *why)
{
	pr_err("this CPU lacks \"%s\": %s\n", name, why);
}

/* Firmware leaves its choice in IA32_FEATURE_CONTROL; the kernel then hides VMX. */
static bool locked_off(void)
{
	u64 ctl;

	if (rdmsrq_safe(MSR_IA32_FEAT_CTL, &ctl))
		return false;
	return (ctl & FEAT_CTL_LOCKED) && !(ctl & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX);
}

static bool vmx_usable(void)
{
	bool in_cpuid = cpuid_ecx(1) & BIT(5);

	if (!in_cpuid)
		pr_err("this CPU has no VMX (Intel VT-x); in a virtual machine, ask its host for nested virtualization\n");
	else if (locked_off())
		pr_err("firmware locked VMX off: enable Intel Virtualization Technology (VT-x) in the firmware setup\n");
	else if (!boot_cpu_has(X86_FEATURE_VMX))
		pr_err("the kernel switched VMX off: look for \"VMX\" earlier in this log\n");
	else
		return true;
	return false;
}

static void read_msrs(void)
{
	unsigned int i;

	host_msrs.size = sizeof(host_msrs);
	rdmsrq_safe(MSR_IA32_FEAT_CTL, &host_msrs.feature_control);
	/* A CPU without a feature has no MSR for it; then it stays 0. */
	for (i = 0; i < KITE_VMX_MSR_COUNT; i++)
		if (rdmsrq_safe(KITE_VMX_MSR_BASE + i, &host_msrs.msr[i]))
			host_msrs.msr[i] = 0;
}

/* Some emulators offer the controls without the MSR behind them. */
static void settle_perf_controls(void)
{
	u32 *exit = &vmx_caps.word[VMX_WORD_EXIT], *entry = &vmx_caps.word[VMX_WORD_ENTRY];
	u64 unused;

	if ((*exit & EXIT_LOAD_PERF_GLOBAL_CTRL) && (*entry & ENTRY_LOAD_PERF_GLOBAL_CTRL) &&
	    !rdmsrq_safe(MSR_CORE_PERF_GLOBAL_CTRL, &unused))
		return;
	*exit &= ~EXIT_LOAD_PERF_GLOBAL_CTRL;
	*entry &= ~ENTRY_LOAD_PERF_GLOBAL_CTRL;
}

static void init_cpuid(void)
{
	const struct kite_cpuid_caps caps = {
		.rdtscp = vmx_caps.word[VMX_WORD_PROC2] & PROC2_RDTSCP,
		.invpcid = vmx_caps.word[VMX_WORD_PROC2] & PROC2_INVPCID,
		.xsaves = vmx_caps.word[VMX_WORD_PROC2] & PROC2_XSAVES,
		.xcr0 = kite_fpu_xcr0(),
		.phys_bits = kite_hw_phys_bits(),
	};

	kite_cpuid_init(&caps);
}

/* An owner of VMX that cannot be shared with is better told of now than in every window. */
static int check_owner(void)
{
	u64 cr4 = __read_cr4();

	if ((cr4 & X86_CR4_VMXE) && vmx_hyperv_evmcs()) {
		pr_err("kvm_intel uses enlightened VMCS, which cannot be shared: unload it, or load it with enlightened_vmcs=0\n");
		return -EBUSY;
	}
	return 0;
}

int __init kite_hw_init(void)
{
	int ret;

	if (!vmx_usable())
		return -EOPNOTSUPP;
	if (kite_fpu_init()) {
		pr_err("this CPU has no XSAVE, or the kernel was told not to use it (noxsave)\n");
		return -EOPNOTSUPP;
	}
	read_msrs();
	if (!vmx_caps_from_msrs(&vmx_caps, host_msrs.msr, report_missing)) {
		pr_err("no guest can run on this CPU; \"kitectl check\" shows all controls\n");
		return -EOPNOTSUPP;
	}
	settle_perf_controls();
	vmx_pause_init();
	vmx_msr_init();
	vmx_timer_init();
	vmx_hyperv_init();
	ret = check_owner();
	if (ret)
		return ret;
	vmx_failure_init(host_msrs.msr);
	vmx_mitigate_init();
	vmx_apicv_init();
	vmx_pml_init();
	init_cpuid();
	vmx_cr_init();
	ret = vmx_window_init();
	if (ret)
		return ret;
	ret = vmx_host_init();
	if (ret)
		goto no_host;
	ret = vmx_resident_init();
	if (ret)
		goto no_resident;
	ret = vmx_others_init();
	if (!ret)
		return 0;
	vmx_resident_exit();
no_resident:
	vmx_host_exit();
no_host:
	vmx_window_exit();
	return ret;
}

void kite_hw_exit(void)
{
	vmx_others_exit();
	vmx_resident_exit();
	vmx_host_exit();
	vmx_window_exit();
}

void kite_hw_vmx_msrs(struct kite_vmx_msrs *msrs)
{
	*msrs = host_msrs;
}

/* Four levels of EPT translate 48 bits. */
u32 kite_hw_phys_bits(void)
{
	return min_t(u32, boot_cpu_data.x86_phys_bits, 48);
}

bool kite_hw_ept_ad(void)
{
	return ept_ad && (vmx_caps.ept_vpid & EPT_CAP_AD);
}

unsigned int kite_hw_ept_levels(void)
{
	if (!(vmx_caps.ept_vpid & EPT_CAP_2MB))
		return 1;
	return vmx_caps.ept_vpid & EPT_CAP_1GB ? 3 : 2;
}

bool kite_hw_has_exec_only(void)
{
	return vmx_caps.ept_vpid & EPT_CAP_EXEC_ONLY;
}

bool kite_hw_has_step(void)
{
	return vmx_has(VMX_WORD_PROC, PROC_MTF);
}
