// SPDX-License-Identifier: GPL-2.0-only
/* Events from and for user space: the events group of the state, and KITE_VCPU_INJECT. */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <asm/processor-flags.h>

#include "../core/backend.h"
#include "bits.h"
#include "state.h"

#define INSN_MAX_LEN	15

/* The core names the types by the ABI. */
static_assert((int)INTR_TYPE_EXTERNAL == KITE_INTR_EXTERNAL);
static_assert((int)INTR_TYPE_NMI == KITE_INTR_NMI);
static_assert((int)INTR_TYPE_HARD_EXCEPTION == KITE_INTR_EXCEPTION);
static_assert((int)INTR_TYPE_SOFT_INTERRUPT == KITE_INTR_SOFTWARE);
static_assert((int)INTR_TYPE_PRIV_SOFT_EXCEPTION == KITE_INTR_PRIVILEGED_SOFTWARE);
static_assert((int)INTR_TYPE_SOFT_EXCEPTION == KITE_INTR_SOFTWARE_EXCEPTION);

static void get_event(const struct kite_event *e, struct kite_events *s)
{
	switch (e->type) {
	case INTR_TYPE_NMI:
		s->pending |= KITE_EVENT_NMI;
		break;
	case INTR_TYPE_HARD_EXCEPTION:
		s->pending |= KITE_EVENT_EXCEPTION;
		s->pending |= e->has_error_code ? KITE_EVENT_ERROR_CODE : 0;
		s->exception = e->vector;
		s->error_code = e->error_code;
		break;
	default:
		s->pending |= KITE_EVENT_INTERRUPT;
		s->intr_vector = e->vector;
		s->intr_type = e->type;
		s->intr_len = e->insn_len;
	}
}

void vmx_get_events(struct vmx_vcpu *x, struct kite_events *s)
{
	struct kite_vcpu *v = &x->core;

	*s = (struct kite_events){
		.pending = (v->nmi_pending ? KITE_EVENT_NMI : 0) |
			   (v->extint_pending ? KITE_EVENT_EXTINT : 0),
		.blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY_STATE),
		.activity = v->activity,
		.pending_debug = vmread(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS),
	};
	if (v->event.valid)
		get_event(&v->event, s);
}

static struct kite_event event_of(const struct kite_events *s)
{
	if (s->pending & KITE_EVENT_INTERRUPT)
		return (struct kite_event){
			.valid = true, .type = s->intr_type, .vector = s->intr_vector,
			.insn_len = s->intr_len,
		};
	return (struct kite_event){
		.valid = s->pending & KITE_EVENT_EXCEPTION,
		.has_error_code = s->pending & KITE_EVENT_ERROR_CODE,
		/*
		 * Also for #BP and #OF: RIP is where they are to return to. As software
		 * exceptions they would need the length of an instruction.
		 */
		.type = INTR_TYPE_HARD_EXCEPTION,
		.vector = s->exception, .error_code = s->error_code,
	};
}

void vmx_set_events(struct vmx_vcpu *x, const struct kite_events *s)
{
	struct kite_vcpu *v = &x->core;

	/* An interrupt that was being acknowledged belongs to the state before. */
	if (v->completion == KITE_COMPLETE_INTA)
		v->completion = KITE_COMPLETE_NONE;
	v->event = event_of(s);
	v->nmi_pending = s->pending & KITE_EVENT_NMI;
	v->extint_pending = s->pending & KITE_EVENT_EXTINT;
	v->activity = s->activity;
	v->halt_if = vmread(VMCS_GUEST_RFLAGS) & X86_EFLAGS_IF;
	v->halt_nmi = !(s->blocking & KITE_BLOCKING_NMI);
	v->need_inject = true;
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY_STATE, s->blocking);
	vmwrite(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, s->pending_debug);
}

static bool exception_valid(u32 vector)
{
	return vector < 32 && vector != X86_TRAP_NMI;
}

static bool interrupt_valid(const struct kite_events *s)
{
	if (s->intr_type == INTR_TYPE_EXTERNAL)
		return !s->intr_len;
	return intr_type_is_software(s->intr_type) && s->intr_len - 1u < INSN_MAX_LEN;
}

bool vmx_events_valid(const struct kite_events *s)
{
	u32 known = KITE_EVENT_EXCEPTION | KITE_EVENT_ERROR_CODE | KITE_EVENT_NMI |
		    KITE_EVENT_INTERRUPT | KITE_EVENT_EXTINT;
	u32 block_insn = KITE_BLOCKING_STI | KITE_BLOCKING_MOV_SS;

	if ((s->pending & ~known) || s->reserved || s->activity > KITE_ACTIVITY_WAIT_FOR_SIPI)
		return false;
	if ((s->pending & KITE_EVENT_ERROR_CODE) && !(s->pending & KITE_EVENT_EXCEPTION))
		return false;
	if ((s->pending & KITE_EVENT_EXCEPTION) && !exception_valid(s->exception))
		return false;
	if ((s->pending & KITE_EVENT_INTERRUPT) &&
	    ((s->pending & KITE_EVENT_EXCEPTION) || !interrupt_valid(s)))
		return false;
	if ((s->blocking & ~(block_insn | KITE_BLOCKING_NMI)) ||
	    (s->blocking & block_insn) == block_insn)
		return false;
	return !(s->pending_debug & ~(u64)(DEBUG_B0_B3 | PENDING_DEBUG_ENABLED | DEBUG_BS));
}

/*
 * Exceptions that push an error code, SDM chapter "Interrupt and Exception Handling",
 * but for #CP: no guest has CET, and a CPU without CET cannot deliver one with its code.
 */
#define WITH_ERROR_CODE	(BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) | BIT(X86_TRAP_NP) | \
			 BIT(X86_TRAP_SS) | BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) | \
			 BIT(X86_TRAP_AC))

static u64 payload_mask(u32 vector)
{
	switch (vector) {
	case X86_TRAP_PF:
		return ~0ull;
	case X86_TRAP_DB:
		return DEBUG_B0_B3 | DEBUG_BD | DEBUG_BS;
	default:
		return 0;
	}
}

static bool inject_valid(const struct kite_inject *in)
{
	bool exception = in->type == KITE_INTR_EXCEPTION;
	bool software = in->type == KITE_INTR_SOFTWARE;

	if (in->error_code && !(exception && in->vector < 32 && WITH_ERROR_CODE & BIT(in->vector)))
		return false;
	if (in->payload & ~(exception ? payload_mask(in->vector) : 0))
		return false;
	if (software ? in->insn_len - 1 >= INSN_MAX_LEN : in->insn_len)
		return false;
	if (exception)
		return exception_valid(in->vector);
	if (in->type == KITE_INTR_NMI)
		return in->vector == X86_TRAP_NMI;
	return in->vector < 256 && (software || in->type == KITE_INTR_EXTERNAL);
}

static void inject_exception(struct vmx_vcpu *x, void *arg)
{
	const struct kite_inject *in = arg;
	struct kite_vcpu *v = &x->core;

	if (in->vector == X86_TRAP_PF)
		v->regs.cr2 = in->payload;
	if (in->vector == X86_TRAP_DB) {
		v->dr6 = (v->dr6 & ~(u64)DEBUG_B0_B3) | in->payload;
		/* Delivery clears it, injection does not. */
		vmwrite(VMCS_GUEST_DR7, vmread(VMCS_GUEST_DR7) & ~(u64)DR7_GD);
	}
	if (WITH_ERROR_CODE & BIT(in->vector))
		vmx_queue_exception_error(x, in->vector, in->error_code);
	else
		vmx_queue_exception(x, in->vector);
}

int kite_hw_inject(struct kite_vcpu *v, const struct kite_inject *in)
{
	const struct kite_event *e = &v->event;

	if (!inject_valid(in))
		return -EINVAL;
	v->need_inject = true;
	if (in->type == KITE_INTR_NMI) {
		v->nmi_pending = true;
		return 0;
	}
	if (in->type == KITE_INTR_EXCEPTION) {
		/* What comes on top of a double fault would have to stop the VM. */
		if (e->valid && (e->type != INTR_TYPE_HARD_EXCEPTION || e->vector == X86_TRAP_DF))
			return -EBUSY;
		return vmx_with_window(to_vmx(v), inject_exception, (void *)in);
	}
	if (e->valid)
		return -EBUSY;
	v->event = (struct kite_event){
		.valid = true, .type = in->type, .vector = in->vector, .insn_len = in->insn_len,
	};
	return 0;
}
