// SPDX-License-Identifier: GPL-2.0-only
/* The inner loop: inside one window, enter the guest and answer its exits. */
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/sync_core.h>
#include <asm/trapnr.h>

#include "../core/backend.h"
#include "../core/exit_record.h"
#include "../core/fpu.h"
#include "../core/request.h"
#include "../core/run.h"
#include "../core/vm.h"
#include "caps.h"
#include "enter.h"
#include "refresh.h"
#include "resident.h"
#include "vcpu.h"

#define CR4_FRED	BIT_ULL(32)	/* of the host: events do not come through the IDT */

static_assert(offsetof(struct kite_regs, gpr[15]) == ENTER_GPR(15));
static_assert(offsetof(struct kite_regs, cr2) == ENTER_CR2);
static_assert(offsetof(struct kite_regs, host_rsp) == ENTER_HOST_RSP);
static_assert(offsetof(struct kite_regs, guest_spec_ctrl) == ENTER_GUEST_SPEC_CTRL);
static_assert(offsetof(struct kite_regs, host_spec_ctrl) == ENTER_HOST_SPEC_CTRL);

/*
 * Translations of this VM that the CPU may hold are stale if the tables changed
 * since, and of unknown age if the vCPU last ran elsewhere. INVEPT drops them for
 * every VPID, so no INVVPID is needed.
 */
static noinline void drop_translations(struct vmx_vcpu *x, u64 gen)
{
	invept(INVEPT_SINGLE_CONTEXT, x->core.vm->ept.eptp);
	x->last_cpu = x->core.cpu;
	x->ept_gen = gen;
}

static void drop_stale_translations(struct vmx_vcpu *x)
{
	u64 gen = atomic64_read(&x->core.vm->ept.gen);

	if (x->last_cpu != x->core.cpu || x->ept_gen != gen)
		drop_translations(x, gen);
}

/* KITE_RESUME, or 0 with the record filled. */
static int before_entry(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;

	if (v->timer_due || x->timer_armed)
		vmx_timer_before_entry(x);
	if (v->need_inject && !vmx_inject(x))
		return 0;
	if (x->rsp_dirty) {
		vmwrite(VMCS_GUEST_RSP, v->regs.gpr[KITE_RSP]);
		x->rsp_dirty = false;
	}
	v->stats.entries++;
	if (v->host_data)
		vmx_mitigate_entry(x);
	return KITE_RESUME;
}

static int run_guest(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;
	u32 flags = vmx_enter_flags;
	int ret;

	do {
		if (READ_ONCE(v->requests))
			kite_serve_inside(v);
		if (x->load_pdptes)
			vmx_reload_pdptes(x);
		if (kite_must_leave(v))
			return KITE_LEAVE;
		ret = before_entry(x);
		if (!ret)
			break;
		x->vmfail = vmx_enter(&v->regs, flags | x->spec_ctrl_flag |
				      (x->launched ? ENTER_LAUNCHED : 0));
		x->rsp_valid = false;
		x->rflags_valid = false;
		v->lapic.stale = x->lapic_stale;
		ret = vmx_handle_exit(x);
	} while (ret == KITE_RESUME);
	return ret;
}

static noinline int no_window(struct kite_vcpu *v, int error)
{
	struct kite_exit_internal rec = { .code = KITE_INTERNAL_WINDOW };

	/* Another CPU has to be asked, which cannot be done with interrupts off. */
	if (error == -EXDEV) {
		kite_vcpu_request_self(v, KITE_REQ_RELEASE);
		return KITE_LEAVE;
	}
	return kite_exit_internal(v, &rec);
}

static void count_window(struct kite_vcpu *v, enum vmx_window_mode mode)
{
	if (likely(mode == VMX_WINDOW_OWN))
		v->stats.windows_own++;
	else if (mode == VMX_WINDOW_SHARED)
		v->stats.windows_shared++;
	else
		v->stats.windows_resident++;
}

int kite_hw_run(struct kite_vcpu *v)
{
	struct vmx_vcpu *x = to_vmx(v);
	int ret;

	ret = vmx_window_open(x);
	if (ret)
		return no_window(v, ret);
	count_window(v, x->window.mode);
	vmx_mitigate_window(x);
	/* Saving the task's registers needs the task's IA32_XSS: before the guest's MSRs. */
	kite_fpu_load(v);
	vmx_host_save(x);
	drop_stale_translations(x);
	vmx_write_tsc_offset(x);
	vmx_update_debug(x);
	vmx_pml_switch(x);
	ret = run_guest(x);
	if (x->proc2 & PROC2_PML)
		vmx_pml_drain(x);
	vmx_host_restore(x);
	kite_fpu_save(v);
	vmx_window_close(x);
	/* User space must not inherit what the guest trained. */
	if (KITE_IBPB_EXIT_TO_USER)
		kite_set_ibpb_exit_to_user();
	return ret;
}

void kite_hw_release(struct kite_vcpu *v)
{
	vmx_resident_release(to_vmx(v));
}

/*
 * An NMI that ended the guest's run was taken by VMX, not by the host, and NMIs
 * are blocked since. Send another to this CPU and unblock: the host's handler
 * then runs once, on IDT and FRED kernels alike.
 */
void kite_hw_after_run(struct kite_vcpu *v)
{
	struct vmx_vcpu *x = to_vmx(v);
	u8 vector = x->host_event;

	x->host_event = 0;
	if (vector == X86_TRAP_NMI) {
		apic->send_IPI(smp_processor_id(), NMI_VECTOR);
		iret_to_self();
	} else if (vector == X86_TRAP_MC) {
		kite_host_machine_check(x->host.cr4 & CR4_FRED);
	}
}
