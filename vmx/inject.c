// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events into the guest. At most one goes with a VM entry: one that an exit
 * interrupted first, then an exception, then an NMI, then an interrupt, that of an
 * external controller before one of the local APIC. What has to wait asks for an
 * exit as soon as the guest can take it. SDM, chapters "VM Entries" (section "Event
 * Injection") and "VM Exits" (IDT vectoring).
 */
#include "../core/exit_record.h"
#include "../core/irqchip.h"
#include "../core/run.h"
#include "bits.h"
#include "caps.h"
#include "vcpu.h"

/*
 * After STI or MOV SS a VM entry with RFLAGS.TF wants the single-step trap pending,
 * also when it delivers #DB, which then takes the trap's place.
 */
static void settle_single_step(struct vmx_vcpu *x)
{
	u32 blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY_STATE);

	if ((vmx_rflags(x) & X86_EFLAGS_TF) && (blocking & (BLOCKING_STI | BLOCKING_MOV_SS)))
		vmwrite(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS,
			vmread(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) | DEBUG_BS);
}

static void write_event(struct vmx_vcpu *x, const struct kite_event *e)
{
	u32 info = INTR_VALID | ((u32)e->type << INTR_TYPE_SHIFT) | e->vector;

	if (e->has_error_code) {
		info |= INTR_ERROR_CODE;
		vmwrite(VMCS_ENTRY_EXCEPTION_ERROR_CODE, e->error_code);
	}
	if (e->vector == X86_TRAP_DB && e->type != INTR_TYPE_EXTERNAL)
		settle_single_step(x);
	if (e->insn_len)
		vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, e->insn_len);
	vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, info);
	x->core.stats.injections++;
}

static void queue(struct vmx_vcpu *x, u8 type, u8 vector, bool has_error, u32 error)
{
	x->core.event = (struct kite_event){
		.valid = true, .type = type, .vector = vector,
		.has_error_code = has_error, .error_code = error,
	};
	x->core.need_inject = true;
}

/* In real mode exceptions push no error code. */
static bool pushes_error(struct vmx_vcpu *x)
{
	return vmread(VMCS_GUEST_CR0) & X86_CR0_PE;
}

/*
 * Exceptions while one is on its way make a double fault, or a triple fault if
 * it was one. SDM, chapter "Interrupt and Exception Handling", section on #DF.
 */
static bool is_contributory(u8 vector)
{
	return vector == X86_TRAP_DE || (vector >= X86_TRAP_TS && vector <= X86_TRAP_GP);
}

static bool makes_double_fault(const struct kite_event *first, u8 second)
{
	if (!first->valid || first->type != INTR_TYPE_HARD_EXCEPTION)
		return false;
	if (first->vector == X86_TRAP_PF)
		return second == X86_TRAP_PF || is_contributory(second);
	return is_contributory(first->vector) && is_contributory(second);
}

static void queue_exception(struct vmx_vcpu *x, u8 vector, bool has_error, u32 error)
{
	const struct kite_event *first = &x->core.event;

	if (first->valid && first->type == INTR_TYPE_HARD_EXCEPTION &&
	    first->vector == X86_TRAP_DF) {
		x->triple_fault = true;
		return;
	}
	if (makes_double_fault(first, vector))
		queue(x, INTR_TYPE_HARD_EXCEPTION, X86_TRAP_DF, pushes_error(x), 0);
	else
		queue(x, INTR_TYPE_HARD_EXCEPTION, vector, has_error && pushes_error(x), error);
}

void vmx_queue_exception(struct vmx_vcpu *x, u8 vector)
{
	queue_exception(x, vector, false, 0);
}

void vmx_queue_exception_error(struct vmx_vcpu *x, u8 vector, u32 error)
{
	queue_exception(x, vector, true, error);
}

/* The exit came while an event was being delivered: deliver it again. */
void vmx_requeue(struct vmx_vcpu *x)
{
	u32 info = x->exit.idt_vectoring;
	u8 type = (info & INTR_TYPE) >> INTR_TYPE_SHIFT;

	queue(x, type, info & INTR_VECTOR, info & INTR_ERROR_CODE,
	      info & INTR_ERROR_CODE ? vmread(VMCS_IDT_VECTORING_ERROR_CODE) : 0);
	if (intr_type_is_software(type))
		x->core.event.insn_len = vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
	/* The NMI is not in service: blocking starts again when it is delivered. */
	if (type == INTR_TYPE_NMI)
		vmx_clear_blocking(BLOCKING_NMI);
}

/* The entry failed: the CPU has left its event in the VMCS. It is pending again. */
void vmx_take_back(struct vmx_vcpu *x)
{
	u32 info = vmread(VMCS_ENTRY_INTERRUPTION_INFO);
	u8 type = (info & INTR_TYPE) >> INTR_TYPE_SHIFT;

	if (!(info & INTR_VALID))
		return;
	vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	if (type == INTR_TYPE_NMI) {
		x->core.nmi_pending = true;
		x->core.need_inject = true;
		return;
	}
	queue(x, type, info & INTR_VECTOR, info & INTR_ERROR_CODE,
	      info & INTR_ERROR_CODE ? vmread(VMCS_ENTRY_EXCEPTION_ERROR_CODE) : 0);
	if (intr_type_is_software(type))
		x->core.event.insn_len = vmread(VMCS_ENTRY_INSTRUCTION_LENGTH);
}

/* IRET unblocked NMIs and then faulted: it will run again and must find them blocked. */
void vmx_nmi_unblocked(struct vmx_vcpu *x)
{
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY_STATE,
		vmread(VMCS_GUEST_INTERRUPTIBILITY_STATE) | BLOCKING_NMI);
}

/*
 * A debug trap that is due comes before NMIs and interrupts, and a VM entry that
 * delivers one of these forgets it.
 */
static bool trap_is_due(void)
{
	return vmread(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) & (PENDING_DEBUG_ENABLED | DEBUG_BS);
}

/* True if the guest takes the NMI now. STI holds back interrupts, it need not hold back NMIs. */
static bool inject_nmi(struct vmx_vcpu *x, u32 blocking)
{
	const struct kite_event nmi = { .type = INTR_TYPE_NMI, .vector = X86_TRAP_NMI };

	if (blocking & (BLOCKING_NMI | BLOCKING_MOV_SS))
		return false;
	if (blocking & BLOCKING_STI)
		vmx_clear_blocking(BLOCKING_STI);
	x->core.nmi_pending = false;
	write_event(x, &nmi);
	return true;
}

static bool interruptible(struct vmx_vcpu *x, u32 blocking)
{
	return (vmx_rflags(x) & X86_EFLAGS_IF) && !(blocking & (BLOCKING_STI | BLOCKING_MOV_SS));
}

static void inject_interrupt(struct vmx_vcpu *x, int vector)
{
	const struct kite_event intr = { .type = INTR_TYPE_EXTERNAL, .vector = vector };

	lapic_ack(&x->core.lapic, vector);
	write_event(x, &intr);
}

/* An interrupt that user space gave may have to wait until the guest can take it. */
static bool inject_event(struct vmx_vcpu *x, bool open)
{
	struct kite_event *e = &x->core.event;

	if (!e->valid || (e->type == INTR_TYPE_EXTERNAL && !open))
		return false;
	write_event(x, e);
	e->valid = false;
	return true;
}

/* What comes from no interrupt controller. */
static bool inject_given(struct vmx_vcpu *x, u32 blocking, bool trap, bool open)
{
	if (inject_event(x, open))
		return true;
	return x->core.nmi_pending && !trap && inject_nmi(x, blocking);
}

/* For a check of what the next entry would do; vmx_take_back() puts it back. */
void vmx_inject_given(struct vmx_vcpu *x)
{
	u32 blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY_STATE);
	bool trap = trap_is_due();

	inject_given(x, blocking, trap, interruptible(x, blocking) && !trap);
}

static int inject_one(struct vmx_vcpu *x, bool extint)
{
	struct kite_vcpu *v = &x->core;
	u32 blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY_STATE);
	bool trap = trap_is_due();
	bool open = interruptible(x, blocking) && !trap;
	bool busy = inject_given(x, blocking, trap, open);
	int vector = -1;

	vmx_set_proc(x, PROC_NMI_WINDOW, v->nmi_pending);
	open = open && !busy && !v->event.valid;
	/* Only user space knows the vector. */
	if (open && extint) {
		v->need_inject = true;
		return kite_exit_inta(v);
	}
	if (v->irqchip && !(x->proc2 & PROC2_VIRTUAL_INTERRUPTS))
		vector = lapic_pending(&v->lapic);
	if (vector >= 0 && open) {
		inject_interrupt(x, vector);
		vector = lapic_pending(&v->lapic);
	}
	vmx_set_proc(x, PROC_INTERRUPT_WINDOW, vector >= 0 || extint || v->event.valid);
	vmx_apicv_threshold(x);
	return KITE_RESUME;
}

int vmx_inject(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;
	bool extint = v->irqchip && kite_irqchip_extint(v);
	bool virtual;

	v->need_inject = false;
	vmx_apicv_mode(x);
	virtual = x->proc2 & PROC2_VIRTUAL_INTERRUPTS;
	if (virtual)
		vmx_apicv_offer(x);
	if (!virtual || extint || v->event.valid || v->nmi_pending)
		return inject_one(x, extint);
	/* The CPU does the rest: what the guest can take now need not be known. */
	vmx_set_proc(x, PROC_NMI_WINDOW | PROC_INTERRUPT_WINDOW, false);
	return KITE_RESUME;
}
