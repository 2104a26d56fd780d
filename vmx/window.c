// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX window: from open to close the vCPU's VMCS is current on this CPU.
 *
 * Interrupts are off throughout, so no other code of the kernel runs here but
 * NMI and machine-check handlers, which leave CR4 alone. Whether VMX is on
 * already is asked of the hardware in every window: KVM comes and goes between
 * windows. What is found at open is what is there after close, so CPU hotplug,
 * suspend, kexec and other hypervisors need not know of Kite.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../core/compat.h"
#include "caps.h"
#include "hyperv.h"
#include "vcpu.h"

static DEFINE_PER_CPU(u32 *, vmxon_region);

int vmx_window_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		u32 *region = (u32 *)get_zeroed_page(GFP_KERNEL);

		if (!region) {
			vmx_window_exit();
			return -ENOMEM;
		}
		region[0] = vmx_caps.revision;
		per_cpu(vmxon_region, cpu) = region;
	}
	return 0;
}

void vmx_window_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		free_page((unsigned long)per_cpu(vmxon_region, cpu));
		per_cpu(vmxon_region, cpu) = NULL;
	}
}

/* The kernel's shadow of CR4 is not ours to use; the hardware knows. */
static u64 read_cr4_hw(void)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	return cr4;
}

static void write_cr4_hw(u64 cr4)
{
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

/*
 * CR4.VMXE without VMX operation is seen for a moment while KVM turns VMX on or
 * off on this CPU; VMPTRST is an invalid opcode then.
 */
static bool vmx_is_on(u64 *current_vmcs)
{
	bool on = false;

	asm volatile("1: vmptrst %1\n\t"
		     "mov $1, %0\n"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r"(on), "=m"(*current_vmcs) : : "cc", "memory");
	return on;
}

/* Intel PT that traces, on a CPU that cannot trace through VMX operation: VMXON would fault. */
static bool pt_in_the_way(void)
{
	u64 ctl;

	if (!boot_cpu_has(X86_FEATURE_INTEL_PT) || (vmx_caps.misc & VMX_MISC_PT))
		return false;
	rdmsrq(MSR_IA32_RTIT_CTL, ctl);
	return ctl & RTIT_CTL_TRACEEN;
}

static int open_own(struct vmx_window *w)
{
	u64 pa = __pa(this_cpu_read(vmxon_region));

	if (pt_in_the_way())
		return -EBUSY;
	if (!(w->cr4 & X86_CR4_VMXE))
		write_cr4_hw(w->cr4 | X86_CR4_VMXE);
	if (vmxon(pa))
		return 0;
	if (!(w->cr4 & X86_CR4_VMXE))
		write_cr4_hw(w->cr4);
	return -EBUSY;
}

static void close_vmx(struct vmx_window *w)
{
	if (w->shared) {
		if (w->other_vmcs != ~0ull && !vmptrld(w->other_vmcs))
			pr_warn_once("the other hypervisor's VMCS could not be put back\n");
		return;
	}
	vmxoff();
	if (!(w->cr4 & X86_CR4_VMXE))
		write_cr4_hw(w->cr4);
}

int vmx_window_open(struct vmx_vcpu *x)
{
	struct vmx_window *w = &x->window;
	int ret = 0;

	lockdep_assert_irqs_disabled();
	w->cr4 = read_cr4_hw();
	w->shared = (w->cr4 & X86_CR4_VMXE) && vmx_is_on(&w->other_vmcs);
	if (!w->shared)
		ret = open_own(w);
	else if (vmx_hyperv_evmcs())
		ret = -EBUSY;
	if (ret)
		return ret;
	/* A new region is made known to the CPU by VMCLEAR. */
	if (!x->cleared)
		x->cleared = vmclear(x->vmcs_pa);
	if (!x->cleared || !vmptrld(x->vmcs_pa)) {
		close_vmx(w);
		return -EBUSY;
	}
	x->launched = false;
	x->rflags_valid = false;
	/* A read that user space finished may have changed it since. */
	x->rsp_valid = x->rsp_dirty;
	return 0;
}

void vmx_window_close(struct vmx_vcpu *x)
{
	if (x->rsp_dirty) {
		vmwrite(VMCS_GUEST_RSP, x->core.regs.gpr[KITE_RSP]);
		x->rsp_dirty = false;
	}
	/* VMCLEAR writes the VMCS back to memory: the next window may be on another CPU. */
	vmclear(x->vmcs_pa);
	close_vmx(&x->window);
}

int vmx_with_window(struct vmx_vcpu *x, void (*fn)(struct vmx_vcpu *x, void *arg), void *arg)
{
	int ret;

	local_irq_disable();
	ret = vmx_window_open(x);
	if (!ret) {
		fn(x, arg);
		vmx_window_close(x);
	}
	local_irq_enable();
	return ret;
}
