// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX window: from open to close the vCPU's VMCS is current on this CPU.
 *
 * Interrupts are off throughout, so no other code of the kernel runs here but
 * NMI and machine-check handlers, which leave CR4 alone. Whether VMX is on
 * already is asked of the hardware in every window: KVM comes and goes between
 * windows. What is found at open is what is there after close, so CPU hotplug,
 * suspend, kexec and other hypervisors need not know of Kite; but for resident
 * mode, which looks after them itself. A crash may stop a CPU in a window: others.c.
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
#include "resident.h"
#include "vcpu.h"

static DEFINE_PER_CPU(u32 *, vmxon_region);
static DEFINE_PER_CPU(u64, vmxon_pa);

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
		per_cpu(vmxon_pa, cpu) = __pa(region);
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

static __always_inline int open_own(struct vmx_window *w)
{
	const u64 *pa = this_cpu_ptr(&vmxon_pa);

	if (pt_in_the_way())
		return -EBUSY;
	if (vmx_resident_may() && !(w->cr4 & X86_CR4_VMXE) && vmx_resident_begin(pa)) {
		w->mode = VMX_WINDOW_RESIDENT;
		return 0;
	}
	w->mode = VMX_WINDOW_OWN;
	if (!(w->cr4 & X86_CR4_VMXE))
		write_cr4_hw(w->cr4 | X86_CR4_VMXE);
	if (vmxon(pa))
		return 0;
	if (!(w->cr4 & X86_CR4_VMXE))
		write_cr4_hw(w->cr4);
	return -EBUSY;
}

static __always_inline int open_vmx(struct vmx_window *w)
{
	if (vmx_resident_on()) {
		w->mode = VMX_WINDOW_RESIDENT;
		vmx_resident_make_room();
		return 0;
	}
	if (!(w->cr4 & X86_CR4_VMXE) || !vmx_is_on(&w->other_vmcs))
		return open_own(w);
	w->mode = VMX_WINDOW_SHARED;
	return vmx_hyperv_evmcs() ? -EBUSY : 0;
}

static __always_inline void close_vmx(struct vmx_window *w)
{
	if (w->mode == VMX_WINDOW_OWN) {
		vmxoff();
		if (!(w->cr4 & X86_CR4_VMXE))
			write_cr4_hw(w->cr4);
	} else if (w->mode == VMX_WINDOW_SHARED) {
		if (w->other_vmcs != ~0ull && !vmptrld(&w->other_vmcs))
			pr_warn_once("the other hypervisor's VMCS could not be put back\n");
	}
}

static __always_inline int open_and_load(struct vmx_vcpu *x)
{
	int ret = open_vmx(&x->window);

	if (ret)
		return ret;
	/* A new region is made known to the CPU by VMCLEAR. */
	if (!x->cleared)
		x->cleared = vmclear(&x->vmcs_pa);
	if (!x->cleared || !vmptrld(&x->vmcs_pa)) {
		close_vmx(&x->window);
		return -EBUSY;
	}
	x->launched = false;
	if (x->window.mode == VMX_WINDOW_RESIDENT)
		vmx_resident_keep(x);
	return 0;
}

int vmx_window_open(struct vmx_vcpu *x)
{
	/* If -1: another CPU has written the VMCS back. */
	int active = smp_load_acquire(&x->active_cpu);

	lockdep_assert_irqs_disabled();
	x->window.cr4 = read_cr4_hw();
	if (active < 0) {
		int ret = open_and_load(x);

		if (ret)
			return ret;
	} else if (active != smp_processor_id()) {
		return -EXDEV;
	}
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
	if (x->window.mode == VMX_WINDOW_RESIDENT)
		return;
	/* VMCLEAR writes the VMCS back to memory: the next window may be on another CPU. */
	vmclear(&x->vmcs_pa);
	close_vmx(&x->window);
}

int vmx_with_window(struct vmx_vcpu *x, void (*fn)(struct vmx_vcpu *x, void *arg), void *arg)
{
	int ret = 0;

	do {
		if (ret == -EXDEV)
			vmx_resident_release(x);
		local_irq_disable();
		ret = vmx_window_open(x);
		if (!ret) {
			fn(x, arg);
			vmx_window_close(x);
		}
		local_irq_enable();
	} while (ret == -EXDEV);
	return ret;
}
