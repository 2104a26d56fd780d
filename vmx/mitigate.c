// SPDX-License-Identifier: GPL-2.0-only
/*
 * Weaknesses of CPUs that a guest could use against the host or another guest,
 * met as the host's own settings ask, as far as a module can see them. What it
 * cannot see has a parameter. docs/limits.md lists the rest.
 */
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>

#include "../core/compat.h"
#include "../core/vm.h"
#include "enter.h"
#include "vcpu.h"

/*
 * Linux keeps its own choice (l1tf=) to itself. Like its default: flush when other
 * code of the host ran since the guest did, or an exit touched data that are not
 * the guest's.
 */
static bool l1d_flush = true;
module_param(l1d_flush, bool, 0444);
MODULE_PARM_DESC(l1d_flush, "flush the L1 data cache before VM entries on CPUs with L1TF (default on)");

#define ARCH_CAP_SKIP_L1DFLUSH	BIT_ULL(3)

static bool need_l1d_flush __ro_after_init;
static bool have_spec_ctrl __ro_after_init;
u32 vmx_enter_flags __ro_after_init;

/* The vCPU whose branch predictions are in this CPU, see vcpu_number(); 0: none. */
static DEFINE_PER_CPU(u64, last_vcpu);

static bool l1tf_applies(void)
{
	u64 caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF))
		return false;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		pr_warn("the CPU has L1TF and its microcode cannot flush the L1 data cache: guests may read the host's memory\n");
		return false;
	}
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrq(MSR_IA32_ARCH_CAPABILITIES, caps);
	return !(caps & ARCH_CAP_SKIP_L1DFLUSH);
}

void vmx_mitigate_init(void)
{
	need_l1d_flush = l1d_flush && l1tf_applies();
	have_spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	vmx_enter_flags = 0;
	/* Where only guests with devices are at risk, older kernels do not tell their choice. */
	if (boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF) || KITE_CLEAR_CPU_BUF_VM ||
	    boot_cpu_has_bug(X86_BUG_MMIO_STALE_DATA))
		vmx_enter_flags |= ENTER_CLEAR_CPU_BUFFERS;
	if (KITE_CLEAR_BHB_VMEXIT)
		vmx_enter_flags |= ENTER_CLEAR_BHB;
}

/*
 * The guest's IA32_SPEC_CTRL is loaded around its run where it is not the host's.
 * The first kind of IBRS protects only after a write that follows the exit, even
 * of the same value.
 */
void vmx_mitigate_spec_ctrl(struct vmx_vcpu *x)
{
	const struct kite_regs *regs = &x->core.regs;
	bool write = regs->guest_spec_ctrl != regs->host_spec_ctrl ||
		     boot_cpu_has(X86_FEATURE_KERNEL_IBRS);

	x->spec_ctrl_flag = write ? ENTER_SPEC_CTRL : 0;
}

/* Not 0, and never that of another guest's: numbers of VMs begin at 1. */
static u64 vcpu_number(const struct kite_vcpu *v)
{
	return v->vm->number * KITE_MAX_VCPUS + v->id;
}

/* At the start of a window, before the guest's state is loaded. */
void vmx_mitigate_window(struct vmx_vcpu *x)
{
	u64 vcpu = vcpu_number(&x->core);

	/*
	 * Also between vCPUs of one VM: its kernel keeps programs on different CPUs apart
	 * only as far as these do not share their predictions.
	 */
	if (this_cpu_read(last_vcpu) != vcpu) {
		if (boot_cpu_has(X86_FEATURE_USE_IBPB))
			wrmsrq(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
		this_cpu_write(last_vcpu, vcpu);
	}
	x->core.host_data = true;
	if (have_spec_ctrl) {
		x->core.regs.host_spec_ctrl = this_cpu_read(x86_spec_ctrl_current);
		vmx_mitigate_spec_ctrl(x);
	}
}

/* Right before a VM entry, when all that the host had to load and store is done. */
void vmx_mitigate_entry(struct vmx_vcpu *x)
{
	x->core.host_data = false;
	if (need_l1d_flush)
		wrmsrq(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
}
