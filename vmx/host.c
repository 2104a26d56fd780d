// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host state around the guest's run: what the VMCS loads on an exit is brought
 * up to date, what VMX does not switch is switched by hand. All values are read
 * on this CPU in this window and exactly these are put back: KVM may have values
 * of its own in some of these MSRs.
 */
#include <linux/mm.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
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

/* Some emulators tell of PEBS without having its MSR. */
void vmx_host_init(void)
{
	u64 unused;

	have_pebs = boot_cpu_has(X86_FEATURE_PEBS) && !rdmsrq_safe(MSR_IA32_PEBS_ENABLE, &unused);
}

static u64 read_msr(u32 msr)
{
	u64 value;

	rdmsrq(msr, value);
	return value;
}

static u64 tr_base(const struct desc_ptr *gdt, u16 tr)
{
	const u64 *desc = (void *)(gdt->address + (tr & ~7));

	return vmx_tss_base(desc[0], desc[1]);
}

void vmx_host_sync(struct vmx_vcpu *x)
{
	struct vmx_window *w = &x->window;
	u16 tr;

	native_store_gdt(&w->gdt);
	store_idt(&w->idt);
	store_tr(tr);
	SYNC(x, cr0, VMCS_HOST_CR0, read_cr0());
	SYNC(x, cr3, VMCS_HOST_CR3, __read_cr3());
	SYNC(x, cr4, VMCS_HOST_CR4, w->cr4 | X86_CR4_VMXE);
	SYNC(x, fs_base, VMCS_HOST_FS_BASE, read_msr(MSR_FS_BASE));
	SYNC(x, gs_base, VMCS_HOST_GS_BASE, read_msr(MSR_GS_BASE));
	SYNC(x, tr, VMCS_HOST_TR_SELECTOR, tr);
	SYNC(x, tr_base, VMCS_HOST_TR_BASE, tr_base(&w->gdt, tr));
	SYNC(x, gdtr_base, VMCS_HOST_GDTR_BASE, w->gdt.address);
	SYNC(x, idtr_base, VMCS_HOST_IDTR_BASE, w->idt.address);
	SYNC(x, sysenter_esp, VMCS_HOST_IA32_SYSENTER_ESP, read_msr(MSR_IA32_SYSENTER_ESP));
	SYNC(x, pat, VMCS_HOST_IA32_PAT, read_msr(MSR_IA32_CR_PAT));
	SYNC(x, efer, VMCS_HOST_IA32_EFER, read_msr(MSR_EFER));
	if (vmx_caps.word[VMX_WORD_EXIT] & EXIT_LOAD_PERF_GLOBAL_CTRL)
		SYNC(x, perf_global_ctrl, VMCS_HOST_IA32_PERF_GLOBAL_CTRL,
		     read_msr(MSR_CORE_PERF_GLOBAL_CTRL));
}

/* Write @guest, unless the MSR holds it already; returns what it held. */
static u64 swap_in(u32 msr, u64 guest)
{
	u64 host = read_msr(msr);

	if (host != guest)
		wrmsrq(msr, guest);
	return host;
}

static void put_back(u32 msr, u64 host, u64 guest)
{
	if (host != guest)
		wrmsrq(msr, host);
}

static void load_msrs(struct vmx_vcpu *x)
{
	const struct kite_guest_msrs *guest = &x->core.msrs;
	struct vmx_window *w = &x->window;

	w->kernel_gs_base = swap_in(MSR_KERNEL_GS_BASE, guest->kernel_gs_base);
	w->star = swap_in(MSR_STAR, guest->star);
	w->lstar = swap_in(MSR_LSTAR, guest->lstar);
	w->fmask = swap_in(MSR_SYSCALL_MASK, guest->fmask);
	if (vmx_caps.word[VMX_WORD_PROC2] & PROC2_RDTSCP)
		w->tsc_aux = swap_in(MSR_TSC_AUX, guest->tsc_aux);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		w->xss = swap_in(MSR_IA32_XSS, 0);
	if (have_pebs)
		w->pebs_enable = swap_in(MSR_IA32_PEBS_ENABLE, 0);
	/* A guest that was not told of split locks must not trip over them. */
	if (boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT)) {
		w->test_ctrl = read_msr(MSR_TEST_CTRL);
		put_back(MSR_TEST_CTRL, w->test_ctrl & ~SPLIT_LOCK_DETECT, w->test_ctrl);
	}
	w->debugctl = read_msr(MSR_IA32_DEBUGCTLMSR);
}

static void restore_msrs(struct vmx_vcpu *x)
{
	struct kite_guest_msrs *guest = &x->core.msrs;
	struct vmx_window *w = &x->window;

	/* SWAPGS changes this one without an exit. */
	guest->kernel_gs_base = read_msr(MSR_KERNEL_GS_BASE);
	put_back(MSR_KERNEL_GS_BASE, w->kernel_gs_base, guest->kernel_gs_base);
	put_back(MSR_STAR, w->star, guest->star);
	put_back(MSR_LSTAR, w->lstar, guest->lstar);
	put_back(MSR_SYSCALL_MASK, w->fmask, guest->fmask);
	if (vmx_caps.word[VMX_WORD_PROC2] & PROC2_RDTSCP)
		put_back(MSR_TSC_AUX, w->tsc_aux, guest->tsc_aux);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		put_back(MSR_IA32_XSS, w->xss, 0);
	if (have_pebs)
		put_back(MSR_IA32_PEBS_ENABLE, w->pebs_enable, 0);
	if (boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT))
		put_back(MSR_TEST_CTRL, w->test_ctrl, w->test_ctrl & ~SPLIT_LOCK_DETECT);
	/* The exit cleared it. */
	put_back(MSR_IA32_DEBUGCTLMSR, w->debugctl, 0);
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

static void restore_selectors(struct vmx_vcpu *x)
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
	vmx_host_sync(x);
	load_debug(x);
	load_msrs(x);
}

void vmx_host_restore(struct vmx_vcpu *x)
{
	restore_msrs(x);
	restore_debug(x);
	/* An exit sets both limits to FFFFH. */
	native_load_gdt(&x->window.gdt);
	load_idt(&x->window.idt);
	/* And that of the task register to 67H: the I/O bitmap is out of reach until reloaded. */
	invalidate_tss_limit();
	restore_selectors(x);
}
