/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one seam between the core and the hardware: functions that the core
 * calls and that the linked back end, vmx/, defines. Plain calls, chosen by the
 * linker: no indirect branch on the way into a guest.
 */
#ifndef KITE_CORE_BACKEND_H
#define KITE_CORE_BACKEND_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "../insn/decode.h"

struct kite_broken_rule;
struct kite_inject;
struct kite_paging;
struct kite_state;
struct kite_vcpu;
struct kite_vm;
struct kite_vmx_msrs;

/**
 * kite_hw_init() - look at the host's CPUs
 *
 * Says in the kernel log what is missing and what to do about it.
 * Return: 0, or -EOPNOTSUPP if no guest can run here.
 */
int __must_check kite_hw_init(void);

/** kite_hw_exit() - undo kite_hw_init(); no vCPU is left */
void kite_hw_exit(void);

/**
 * kite_hw_vcpu_alloc() - allocate the structure that embeds a kite_vcpu
 *
 * Return: a zeroed vCPU, or an ERR_PTR.
 */
struct kite_vcpu *kite_hw_vcpu_alloc(void);

/**
 * kite_hw_vcpu_reset() - the power-up state
 * @v: vCPU whose members are initialised
 *
 * Return: 0, -ENOMEM, or -EBUSY if VMX cannot be used on this CPU now.
 */
int __must_check kite_hw_vcpu_reset(struct kite_vcpu *v);

/**
 * kite_hw_init_signal() - INIT: the state of the CPU proper, not of its local APIC
 * @v: vCPU, locked, no window open
 *
 * Return: 0, -ENOMEM or -EBUSY: nothing has changed then.
 */
int __must_check kite_hw_init_signal(struct kite_vcpu *v);

/**
 * kite_hw_start_up() - SIPI: start in real mode at page @vector
 * @v: vCPU, locked, waiting for SIPI, no window open
 * @vector: number of the page
 *
 * Return: 0, or -EBUSY: nothing has changed then.
 */
int __must_check kite_hw_start_up(struct kite_vcpu *v, u8 vector);

/**
 * kite_hw_log() - say in the kernel log what the last window left to say
 * @v: vCPU, with left_over; interrupts are on
 */
void kite_hw_log(struct kite_vcpu *v);

/** kite_hw_vcpu_free() - undo kite_hw_vcpu_alloc() */
void kite_hw_vcpu_free(struct kite_vcpu *v);

/** kite_hw_vcpu_bytes() - what kite_hw_vcpu_alloc() takes */
size_t kite_hw_vcpu_bytes(void);

/**
 * kite_hw_run() - one VMX window
 * @v: vCPU, locked; interrupts are off and stay off
 *
 * Opens a window, enters the guest until something needs the host, closes the
 * window.
 * Return: > 0: look at the requests and go on; 0: the exit record is filled;
 * < 0: errno.
 */
int __must_check kite_hw_run(struct kite_vcpu *v);

/**
 * kite_hw_release() - KITE_REQ_RELEASE: let other CPUs forget what they keep of the vCPU
 * @v: vCPU, locked, no window open; interrupts are on
 */
void kite_hw_release(struct kite_vcpu *v);

/**
 * kite_hw_after_run() - what must follow kite_hw_run()
 * @v: vCPU
 *
 * Called right after kite_hw_run() if that set @v->left_over, interrupts still off:
 * hands a host NMI or machine check that ended the window to the host.
 */
void kite_hw_after_run(struct kite_vcpu *v);

/**
 * kite_hw_get_state() - read groups of the state
 * @v: vCPU, locked, no window open
 * @state: @state->groups says which
 *
 * Return: 0, or -EBUSY if VMX cannot be used on this CPU now.
 */
int kite_hw_get_state(struct kite_vcpu *v, struct kite_state *state);

/**
 * kite_hw_set_state() - write groups of the state
 * @v: vCPU, locked, no window open
 * @state: @state->groups says which
 *
 * Return: 0; -EINVAL if no CPU can be in that state, -EBUSY if VMX cannot be
 * used on this CPU now: nothing has changed then.
 */
int kite_hw_set_state(struct kite_vcpu *v, const struct kite_state *state);

/**
 * kite_hw_inject() - make an event pending
 * @v: vCPU, locked, no window open
 * @inject: which
 *
 * Return: 0; -EINVAL if there is no such event, -EBUSY if another event waits or
 * VMX cannot be used on this CPU now: nothing has changed then.
 */
int kite_hw_inject(struct kite_vcpu *v, const struct kite_inject *inject);

/**
 * kite_hw_check_entry() - check the state as the next VM entry does
 * @v: vCPU, locked, no window open
 * @broken: result: the first rule that does not hold, or rule 0
 *
 * Return: 0; -EAGAIN if memory of the guest has to come back first, -EBUSY if VMX
 * cannot be used on this CPU now.
 */
int kite_hw_check_entry(struct kite_vcpu *v, struct kite_broken_rule *broken);

/**
 * kite_hw_get_paging() - what a walk of the guest's page tables depends on
 * @v: vCPU, locked, no window open
 * @paging: result
 *
 * Return: 0, or -EBUSY if VMX cannot be used on this CPU now.
 */
int kite_hw_get_paging(struct kite_vcpu *v, struct kite_paging *paging);

/**
 * kite_hw_gpr_written() - the core changed a register
 * @v: vCPU, locked
 * @gpr: enum kite_gpr
 */
void kite_hw_gpr_written(struct kite_vcpu *v, unsigned int gpr);

/*
 * The next are for handlers: the window is open.
 */

/** kite_hw_paging() - the same as kite_hw_get_paging(), window open */
void kite_hw_paging(struct kite_vcpu *v, struct kite_paging *paging);

/** kite_hw_cr3() - CR3 of the guest */
u64 kite_hw_cr3(struct kite_vcpu *v);

/** kite_hw_code64() - whether the guest executes in 64-bit mode */
bool kite_hw_code64(struct kite_vcpu *v);

/** kite_hw_insn_mode() - how the instruction at RIP is to be decoded */
enum kite_insn_mode kite_hw_insn_mode(struct kite_vcpu *v);

/**
 * kite_hw_rip() - where the instruction is
 * @v: vCPU
 * @linear: RIP with the base of CS; NULL if not wanted
 *
 * Return: RIP.
 */
u64 kite_hw_rip(struct kite_vcpu *v, u64 *linear);

/**
 * kite_hw_fault_gva() - the linear address of the access that kite_handle_fault() is for
 * @v: vCPU
 * @gva: result
 *
 * Return: false if the access has none; @gva is as it was then.
 */
bool kite_hw_fault_gva(struct kite_vcpu *v, u64 *gva);

/** kite_hw_seg_base() - base of a segment, enum kite_seg; 0 in 64-bit mode but for FS and GS */
u64 kite_hw_seg_base(struct kite_vcpu *v, unsigned int seg);

/** kite_hw_skip() - the instruction of @len bytes is done; any blocking by STI or MOV SS ends */
void kite_hw_skip(struct kite_vcpu *v, u32 len);

/**
 * kite_hw_internal() - Kite cannot go on with this guest
 * @v: vCPU
 * @code: enum kite_internal_error
 * @insn: bytes of the instruction, if they were read
 * @len: how many, up to 15
 *
 * Return: 0, the record is filled.
 */
int kite_hw_internal(struct kite_vcpu *v, u32 code, const u8 *insn, u32 len);

/** kite_hw_inject_pf() - #PF at @gva with @error in the guest */
void kite_hw_inject_pf(struct kite_vcpu *v, u64 gva, u32 error);

/** kite_hw_gprs() - make all of regs.gpr valid, the stack pointer too */
void kite_hw_gprs(struct kite_vcpu *v);

/** kite_hw_vmx_msrs() - the capability MSRs of the host */
void kite_hw_vmx_msrs(struct kite_vmx_msrs *msrs);

/** kite_hw_phys_bits() - width of guest-physical addresses */
u32 kite_hw_phys_bits(void);

/** kite_hw_ept_ad() - whether EPT is to have accessed and dirty flags */
bool kite_hw_ept_ad(void);

/** kite_hw_ept_levels() - size of the largest page that EPT can map: 1 4 KiB, 2 2 MiB, 3 1 GiB */
unsigned int kite_hw_ept_levels(void);

/** kite_hw_has_timer() - whether the back end ends a guest's run when kite_vcpu.timer_due comes */
bool kite_hw_has_timer(void);

/** kite_hw_has_tsc_scaling() - whether a guest's TSC can have a frequency of its own */
bool kite_hw_has_tsc_scaling(void);

/** kite_hw_has_apic_access() - whether a VM with LAPICs needs an APIC-access page */
bool kite_hw_has_apic_access(void);

/** kite_hw_has_exec_only() - whether memory can be executable and not readable */
bool kite_hw_has_exec_only(void);

/** kite_hw_has_pml() - whether CPUs note pages that they write to, see vmx/pml.c */
bool kite_hw_has_pml(void);

/** kite_hw_has_step() - whether KITE_DEBUG_STEP works */
bool kite_hw_has_step(void);

#endif
