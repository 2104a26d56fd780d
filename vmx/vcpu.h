/* SPDX-License-Identifier: GPL-2.0-only */
/* A vCPU as VMX sees it. */
#ifndef KITE_VMX_VCPU_H
#define KITE_VMX_VCPU_H

#include <linux/container_of.h>
#include <asm/desc_defs.h>
#include <asm/msr-index.h>
#include <asm/trapnr.h>

#include "../core/vcpu.h"
#include "bits.h"
#include "fields.h"
#include "insn.h"

/* Host state in the VMCS, as it was written last; see vmx_host_sync(). */
struct vmx_host {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 fs_base;
	u64 gs_base;
	u64 tr_base;
	u64 gdtr_base;
	u64 idtr_base;
	u64 sysenter_esp;
	u64 pat;
	u64 efer;
	u64 perf_global_ctrl;
	u16 tr;
};

/*
 * MSRs that Linux sets when a CPU starts, before other code runs there, and does not change
 * again. Not PAT: after a suspend it comes when all CPUs are there.
 */
struct vmx_constants {
	bool known;
	u64 star;
	u64 lstar;
	u64 fmask;
	u64 tsc_aux;
	u64 xss;
	u64 sysenter_esp;
	u64 efer;
};

/* Who turned VMX on, and who turns it off. */
enum vmx_window_mode {
	VMX_WINDOW_OWN,		/* Kite, for this window */
	VMX_WINDOW_SHARED,	/* somebody else */
	VMX_WINDOW_RESIDENT,	/* Kite, to stay; see resident.h */
};

/* What a window found and puts back when it closes. */
struct vmx_window {
	enum vmx_window_mode mode;
	u64 cr4;		/* before VMXE was set */
	u64 other_vmcs;		/* current VMCS of that somebody, ~0: none */
	struct desc_ptr gdt;
	struct desc_ptr idt;
	u16 ds, es, fs, gs, ldt;
	u64 dr[4];
	u64 dr7;
	bool guest_dr;		/* DR0 to DR3 are the guest's */
	u64 debugctl;
	u64 kernel_gs_base;
	u64 pebs_enable;
	u64 test_ctrl;
	const struct vmx_constants *host;
	struct vmx_constants found;	/* where the CPU's own are not to be used */
};

#define VMX_DUMP_FIELDS	20

/* What vmx_dump() kept for kite_hw_log(). */
struct vmx_dump {
	const char *why;	/* NULL: nothing */
	u64 value[VMX_DUMP_FIELDS];
};

/* One VM exit. Fields that not every handler needs are read when asked for. */
struct vmx_exit {
	u32 reason;		/* with the high bits */
	u32 idt_vectoring;
};

struct vmx_vcpu {
	struct kite_vcpu core;	/* first: the entry code finds regs through it */

	u64 vmcs_pa;
	u32 *vmcs;
	unsigned long *msr_bitmap;
	u64 *pml;		/* addresses that the CPU notes; NULL without */
	u16 vpid;
	bool cleared;		/* VMCLEAR has seen the region */
	int active_cpu;		/* where the VMCS is active outside windows; -1: nowhere */
	bool launched;
	bool vmfail;		/* the last entry did not happen */
	bool load_pdptes;	/* before the next entry, if PAE paging is on */
	bool skipped;		/* the handler finished an instruction for the guest */
	bool triple_fault;	/* an exception could not be delivered for the third time */
	u8 host_event;		/* vector of a host NMI or machine check to hand on, or 0 */

	struct vmx_exit exit;
	struct vmx_host host;
	struct vmx_window window;

	/* Registers in the VMCS that are cached for one exit. */
	u64 rip;
	u64 rflags;
	bool rflags_valid;
	bool rsp_valid;		/* regs.gpr[KITE_RSP] is GUEST_RSP */
	bool rsp_dirty;		/* and has to be written back */

	struct vmx_dump dump;
	u32 spec_ctrl_flag;	/* ENTER_SPEC_CTRL or 0, for this window */

	/* Mirrors of VMCS controls that change while the guest runs. */
	u32 proc;
	u32 proc2;
	u32 exception_bitmap;
	u32 pause_window;
	u64 cr4_shadow;
	u8 tpr_threshold;
	u8 lapic_stale;		/* LAPIC_STALE_*: what the CPU changes in the LAPIC's page */
	u64 eoi_exits[4];
	bool level_exits;	/* one of them is not 0 */

	u64 tsc_offset;		/* as it is in the VMCS */
	bool timer_armed;	/* the preemption timer's field has a time in it */

	u64 ept_gen;		/* of the EPT when this vCPU last dropped its translations */
	int last_cpu;		/* where that was */
};

static inline struct vmx_vcpu *to_vmx(struct kite_vcpu *v)
{
	return container_of(v, struct vmx_vcpu, core);
}

/* window.c: between open and close the VMCS is current; interrupts are off throughout. */
int vmx_window_init(void);
void vmx_window_exit(void);
/* 0; -EBUSY: VMX cannot be used here now; -EXDEV: first vmx_resident_release() @x. */
int __must_check vmx_window_open(struct vmx_vcpu *x);
void vmx_window_close(struct vmx_vcpu *x);
/* A window around @fn; 0 or -EBUSY. */
int vmx_with_window(struct vmx_vcpu *x, void (*fn)(struct vmx_vcpu *x, void *arg), void *arg);

/* host.c: what a guest run needs beside the VMCS and what the exit leaves behind. */
int __init vmx_host_init(void);
void vmx_host_exit(void);
void vmx_host_sync(struct vmx_vcpu *x);
void vmx_host_save(struct vmx_vcpu *x);
void vmx_host_restore(struct vmx_vcpu *x);

/* mitigate.c */
void vmx_mitigate_init(void);
void vmx_mitigate_window(struct vmx_vcpu *x);
void vmx_mitigate_entry(struct vmx_vcpu *x);
void vmx_mitigate_spec_ctrl(struct vmx_vcpu *x);
extern u32 vmx_enter_flags;

/* inject.c */
int __must_check vmx_inject(struct vmx_vcpu *x);
void vmx_inject_given(struct vmx_vcpu *x);
void vmx_queue_exception(struct vmx_vcpu *x, u8 vector);
void vmx_queue_exception_error(struct vmx_vcpu *x, u8 vector, u32 error);
void vmx_requeue(struct vmx_vcpu *x);
void vmx_take_back(struct vmx_vcpu *x);
void vmx_nmi_unblocked(struct vmx_vcpu *x);

/* failure.c */
void vmx_failure_init(const u64 *msr);

/* apicv.c */
void vmx_apicv_init(void);
void vmx_apicv_setup(struct vmx_vcpu *x);
void vmx_apicv_mode(struct vmx_vcpu *x);
void vmx_apicv_offer(struct vmx_vcpu *x);
void vmx_apicv_threshold(struct vmx_vcpu *x);

/* exit.c */
int vmx_handle_exit(struct vmx_vcpu *x);
int vmx_internal(struct vmx_vcpu *x, u32 code);
int vmx_internal_insn(struct vmx_vcpu *x, u32 code, const u8 *insn, u32 len);

/* msr.c */
#define VMX_MSR_READ	BIT(0)
#define VMX_MSR_WRITE	BIT(1)
void vmx_msr_init(void);
void vmx_msr_init_bitmap(struct vmx_vcpu *x);
void vmx_msr_open(struct vmx_vcpu *x, u32 msr, u8 open);
bool vmx_efer_valid(u64 efer);
u64 vmx_spec_ctrl_mask(void);
bool vmx_mtrr_valid(u64 value, bool mask_register);
bool vmx_mtrr_def_valid(u64 value);
bool vmx_mtrr_fixed_valid(u64 value);

/* cr.c */
void vmx_cr_init(void);
void vmx_cr_init_masks(void);
void vmx_set_lma(bool on);
u64 vmx_cr4_allowed(void);
u64 vmx_get_cr0(struct vmx_vcpu *x);
u64 vmx_get_cr4(struct vmx_vcpu *x);
void vmx_put_cr0(struct vmx_vcpu *x, u64 value);
void vmx_put_cr4(struct vmx_vcpu *x, u64 value);
void vmx_flush_guest(struct vmx_vcpu *x);
void vmx_reload_pdptes(struct vmx_vcpu *x);

/* exit_pause.c */
void vmx_pause_init(void);
void vmx_pause_setup(struct vmx_vcpu *x);
/* timer.c */
void vmx_timer_init(void);
void vmx_timer_setup(struct vmx_vcpu *x, u32 *proc2);
void vmx_timer_before_entry(struct vmx_vcpu *x);

/* pml.c */
void vmx_pml_init(void);
int __must_check vmx_pml_alloc(struct vmx_vcpu *x);
void vmx_pml_setup(struct vmx_vcpu *x);
void vmx_pml_change(struct vmx_vcpu *x);
void vmx_pml_drain(struct vmx_vcpu *x);

static inline void vmx_set_proc(struct vmx_vcpu *x, u32 bit, bool on)
{
	u32 proc = on ? x->proc | bit : x->proc & ~bit;

	if (proc != x->proc) {
		x->proc = proc;
		vmwrite(VMCS_PROC_BASED_CONTROLS, proc);
	}
}

static inline void vmx_clear_blocking(u32 bits)
{
	u32 state = vmread(VMCS_GUEST_INTERRUPTIBILITY_STATE);

	if (state & bits)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY_STATE, state & ~bits);
}

static inline bool vmx_in_64bit_mode(void)
{
	return (vmread(VMCS_GUEST_IA32_EFER) & EFER_LMA) &&
	       (vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEG_AR_L);
}

static inline u64 vmx_rflags(struct vmx_vcpu *x)
{
	if (!x->rflags_valid) {
		x->rflags = vmread(VMCS_GUEST_RFLAGS);
		x->rflags_valid = true;
	}
	return x->rflags;
}

/* General-purpose register @n; the stack pointer is in the VMCS. */
static inline u64 vmx_gpr(struct vmx_vcpu *x, unsigned int n)
{
	if (n == KITE_RSP && !x->rsp_valid) {
		x->core.regs.gpr[n] = vmread(VMCS_GUEST_RSP);
		x->rsp_valid = true;
	}
	return x->core.regs.gpr[n];
}

static inline void vmx_set_gpr(struct vmx_vcpu *x, unsigned int n, u64 value)
{
	x->core.regs.gpr[n] = value;
	if (n == KITE_RSP) {
		x->rsp_valid = true;
		x->rsp_dirty = true;
	}
}

#endif
