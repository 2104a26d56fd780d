// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host state around the guest's run: what the VMCS loads on an exit is brought
 * up to date, what VMX does not switch is switched by hand. What is found when the
 * window opens is put back when it closes: KVM may have values of its own in some
 * of these MSRs.
 */
#include <linux/cpuhotplug.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/thread_info.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/msr-index.h>
#include <asm/special_insns.h>

#include "../core/compat.h"
#include "caps.h"
#include "tss.h"
#include "vcpu.h"

#define DR7_FIXED	0x400	/* as a VM exit leaves DR7 */
#define DR7_ENABLES	0xff
#define SPLIT_LOCK_DETECT	((u64)MSR_TEST_CTRL_SPLIT_LOCK_DETECT)

#define SYNC(x, member, field, value)				\
	do {							\
		typeof((x)->host.member) now = (value);		\
								\
		if ((x)->host.member != now) {			\
			(x)->host.member = now;			\
			vmwrite(field, now);			\
		}						\
	} while (0)

static bool have_pebs __ro_after_init;
static enum cpuhp_state online_state;
static DEFINE_PER_CPU(struct vmx_constants, constants);

/* In place, not by the calls that paravirtualised kernels without VMX need. */
static __always_inline u64 read_msr(u32 msr)
{
	return __rdmsr(msr);
}

static __always_inline void write_msr(u32 msr, u64 value)
{
	native_wrmsr(msr, (u32)value, (u32)(value >> 32));
}

/* From @now to @then. */
static __always_inline void change_msr(u32 msr, u64 now, u64 then)
{
	if (now != then)
		write_msr(msr, then);
}

static noinline void read_constants(struct vmx_constants *c)
{
	c->star = read_msr(MSR_STAR);
	c->lstar = read_msr(MSR_LSTAR);
	c->fmask = read_msr(MSR_SYSCALL_MASK);
	c->sysenter_esp = read_msr(MSR_IA32_SYSENTER_ESP);
	c->efer = read_msr(MSR_EFER);
	if (vmx_caps.word[VMX_WORD_PROC2] & PROC2_RDTSCP)
		c->tsc_aux = read_msr(MSR_TSC_AUX);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		c->xss = read_msr(MSR_IA32_XSS);
}

/*
 * KVM leaves its guest's values in MSRs that the kernel does not need, and registers a
 * notifier to put the host's back before user space runs. The flag says that this CPU
 * has such a notifier; it goes from thread to thread.
 */
static bool others_values(void)
{
	return test_thread_flag(TIF_USER_RETURN_NOTIFY);
}

/*
 * Runs in the thread in which later kernels take KVM off this CPU, so never in the middle
 * of that, when the flag is gone and the MSRs are not yet the host's. Earlier ones do it
 * with interrupts off. If the values are KVM's now, this CPU reads them in every window.
 */
static int learn_constants(unsigned int cpu)
{
	struct vmx_constants *c;

	local_irq_disable();
	c = this_cpu_ptr(&constants);
	c->known = !others_values();
	if (c->known)
		read_constants(c);
	local_irq_enable();
	return 0;
}

int __init vmx_host_init(void)
{
	u64 unused;
	int ret;

	/* Some emulators tell of PEBS without having its MSR. */
	have_pebs = boot_cpu_has(X86_FEATURE_PEBS) && !rdmsrq_safe(MSR_IA32_PEBS_ENABLE, &unused);
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "kite:online", learn_constants, NULL);
	if (ret < 0)
		return ret;
	online_state = ret;
	return 0;
}

void vmx_host_exit(void)
{
	cpuhp_remove_state(online_state);
}

/* The host's constants, as they are in this CPU now. */
static __always_inline const struct vmx_constants *host_constants(struct vmx_window *w)
{
	struct vmx_constants *known = this_cpu_ptr(&constants);

	if (likely(known->known && !others_values()))
		return known;
	read_constants(&w->found);
	return &w->found;
}

static u64 tr_base(const struct desc_ptr *gdt, u16 tr)
{
	const u64 *desc = (void *)(gdt->address + (tr & ~7));

	return vmx_tss_base(desc[0], desc[1]);
}

static __always_inline void sync(struct vmx_vcpu *x)
{
	struct vmx_window *w = &x->window;
	bool fsgsbase = w->cr4 & X86_CR4_FSGSBASE;
	u16 tr;

	native_store_gdt(&w->gdt);
	store_idt(&w->idt);
	asm volatile("str %k0" : "=r"(tr));
	w->host = host_constants(w);
	SYNC(x, cr0, VMCS_HOST_CR0, native_read_cr0());
	SYNC(x, cr3, VMCS_HOST_CR3, __native_read_cr3());
	SYNC(x, cr4, VMCS_HOST_CR4, w->cr4 | X86_CR4_VMXE);
	SYNC(x, fs_base, VMCS_HOST_FS_BASE, fsgsbase ? rdfsbase() : read_msr(MSR_FS_BASE));
	SYNC(x, gs_base, VMCS_HOST_GS_BASE, fsgsbase ? rdgsbase() : read_msr(MSR_GS_BASE));
	SYNC(x, tr, VMCS_HOST_TR_SELECTOR, tr);
	SYNC(x, tr_base, VMCS_HOST_TR_BASE, tr_base(&w->gdt, tr));
	SYNC(x, gdtr_base, VMCS_HOST_GDTR_BASE, w->gdt.address);
	SYNC(x, idtr_base, VMCS_HOST_IDTR_BASE, w->idt.address);
	SYNC(x, sysenter_esp, VMCS_HOST_IA32_SYSENTER_ESP, w->host->sysenter_esp);
	SYNC(x, pat, VMCS_HOST_IA32_PAT, read_msr(MSR_IA32_CR_PAT));
	SYNC(x, efer, VMCS_HOST_IA32_EFER, w->host->efer);
	if (vmx_caps.word[VMX_WORD_EXIT] & EXIT_LOAD_PERF_GLOBAL_CTRL)
		SYNC(x, perf_global_ctrl, VMCS_HOST_IA32_PERF_GLOBAL_CTRL,
		     read_msr(MSR_CORE_PERF_GLOBAL_CTRL));
}

void vmx_host_sync(struct vmx_vcpu *x)
{
	sync(x);
}

static void load_msrs(struct vmx_vcpu *x)
{
	const struct kite_guest_msrs *guest = &x->core.msrs;
	struct vmx_window *w = &x->window;

	w->kernel_gs_base = read_msr(MSR_KERNEL_GS_BASE);
	change_msr(MSR_KERNEL_GS_BASE, w->kernel_gs_base, guest->kernel_gs_base);
	change_msr(MSR_STAR, w->host->star, guest->star);
	change_msr(MSR_LSTAR, w->host->lstar, guest->lstar);
	change_msr(MSR_SYSCALL_MASK, w->host->fmask, guest->fmask);
	if (vmx_caps.word[VMX_WORD_PROC2] & PROC2_RDTSCP)
		change_msr(MSR_TSC_AUX, w->host->tsc_aux, guest->tsc_aux);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		change_msr(MSR_IA32_XSS, w->host->xss, 0);
	if (have_pebs) {
		w->pebs_enable = read_msr(MSR_IA32_PEBS_ENABLE);
		change_msr(MSR_IA32_PEBS_ENABLE, w->pebs_enable, 0);
	}
	/* A guest that was not told of split locks must not trip over them. */
	if (boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT)) {
		w->test_ctrl = read_msr(MSR_TEST_CTRL);
		change_msr(MSR_TEST_CTRL, w->test_ctrl, w->test_ctrl & ~SPLIT_LOCK_DETECT);
	}
	w->debugctl = read_msr(MSR_IA32_DEBUGCTLMSR);
}

static void restore_msrs(struct vmx_vcpu *x)
{
	struct kite_guest_msrs *guest = &x->core.msrs;
	struct vmx_window *w = &x->window;

	/* SWAPGS changes this one without an exit. */
	guest->kernel_gs_base = read_msr(MSR_KERNEL_GS_BASE);
	change_msr(MSR_KERNEL_GS_BASE, guest->kernel_gs_base, w->kernel_gs_base);
	change_msr(MSR_STAR, guest->star, w->host->star);
	change_msr(MSR_LSTAR, guest->lstar, w->host->lstar);
	change_msr(MSR_SYSCALL_MASK, guest->fmask, w->host->fmask);
	if (vmx_caps.word[VMX_WORD_PROC2] & PROC2_RDTSCP)
		change_msr(MSR_TSC_AUX, guest->tsc_aux, w->host->tsc_aux);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		change_msr(MSR_IA32_XSS, 0, w->host->xss);
	if (have_pebs)
		change_msr(MSR_IA32_PEBS_ENABLE, 0, w->pebs_enable);
	if (boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT))
		change_msr(MSR_TEST_CTRL, w->test_ctrl & ~SPLIT_LOCK_DETECT, w->test_ctrl);
	/* The exit cleared it. */
	change_msr(MSR_IA32_DEBUGCTLMSR, 0, w->debugctl);
}

/* DR0 to DR3 are the guest's only while its DR7 uses them. */
static void load_debug(struct vmx_vcpu *x)
{
	struct vmx_window *w = &x->window;
	const u64 *dr = x->core.dr;

	w->dr7 = host_dr(7);
	w->guest_dr = vmread(VMCS_GUEST_DR7) & DR7_ENABLES;
	if (!w->guest_dr)
		return;
	w->dr[0] = host_dr(0);
	w->dr[1] = host_dr(1);
	w->dr[2] = host_dr(2);
	w->dr[3] = host_dr(3);
	/* Host breakpoints are in these registers: none may strike while they change. */
	native_set_debugreg(7, DR7_FIXED);
	native_set_debugreg(0, dr[0]);
	native_set_debugreg(1, dr[1]);
	native_set_debugreg(2, dr[2]);
	native_set_debugreg(3, dr[3]);
}

static void restore_debug(struct vmx_vcpu *x)
{
	struct vmx_window *w = &x->window;

	if (w->guest_dr) {
		native_set_debugreg(0, w->dr[0]);
		native_set_debugreg(1, w->dr[1]);
		native_set_debugreg(2, w->dr[2]);
		native_set_debugreg(3, w->dr[3]);
	}
	if (w->dr7 != DR7_FIXED)
		native_set_debugreg(7, w->dr7);
}

/* VM exits load null selectors; few 64-bit processes have others, 32-bit ones do. */
static void save_selectors(struct vmx_window *w)
{
	savesegment(ds, w->ds);
	savesegment(es, w->es);
	savesegment(fs, w->fs);
	savesegment(gs, w->gs);
	store_ldt(w->ldt);
}

static noinline void restore_selectors(struct vmx_vcpu *x)
{
	const struct vmx_window *w = &x->window;

	/* First: the others may lie in the local descriptor table. */
	if (w->ldt)
		asm volatile("lldt %0" : : "rm"(w->ldt));
	if (w->ds)
		loadsegment(ds, w->ds);
	if (w->es)
		loadsegment(es, w->es);
	if (w->fs) {
		loadsegment(fs, w->fs);
		wrmsrq(MSR_FS_BASE, x->host.fs_base);
	}
	if (w->gs) {
		/* Changes the user's base, not the one in use. */
		load_gs_index(w->gs);
		wrmsrq(MSR_KERNEL_GS_BASE, w->kernel_gs_base);
	}
}

void vmx_host_save(struct vmx_vcpu *x)
{
	save_selectors(&x->window);
	sync(x);
	load_debug(x);
	load_msrs(x);
}

void vmx_host_restore(struct vmx_vcpu *x)
{
	restore_msrs(x);
	restore_debug(x);
	/* An exit sets both limits to FFFFH. */
	native_load_gdt(&x->window.gdt);
	native_load_idt(&x->window.idt);
	/* And that of the task register to 67H: the I/O bitmap is out of reach until reloaded. */
	invalidate_tss_limit();
	if (x->window.ds | x->window.es | x->window.fs | x->window.gs | x->window.ldt)
		restore_selectors(x);
}
