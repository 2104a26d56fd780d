// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions and NMIs. */
#include "exit.h"

#include <asm/debugreg.h>

#include "../core/exit_record.h"

/*
 * #DB and #AC are intercepted only because a guest could have the CPU deliver
 * them for ever, without an instruction in between at which the host could come
 * in. They go on to the guest. SDM, chapter "VM Exits": an intercepted #DB has
 * not changed DR6 and DR7, the exit qualification says what it would have.
 */
static int reflect_db(struct vmx_vcpu *x)
{
	u64 qualification = vmx_qualification();

	x->core.dr6 &= ~DEBUG_B0_B3;
	x->core.dr6 |= qualification & (DEBUG_B0_B3 | DEBUG_BD | DEBUG_BS);
	vmwrite(VMCS_GUEST_DR7, vmread(VMCS_GUEST_DR7) & ~(u64)DR7_GD);
	vmx_queue_exception(x, X86_TRAP_DB);
	return KITE_RESUME;
}

/* ICEBP: a privileged software exception, which needs its length. */
static int reflect_icebp(struct vmx_vcpu *x)
{
	reflect_db(x);
	if (x->core.event.valid && x->core.event.vector == X86_TRAP_DB) {
		x->core.event.type = INTR_TYPE_PRIV_SOFT_EXCEPTION;
		x->core.event.insn_len = vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
	}
	return KITE_RESUME;
}

/* A fault of IRET that had unblocked NMIs already. */
static void undo_nmi_unblocking(struct vmx_vcpu *x, u32 info)
{
	if ((info & INTR_NMI_UNBLOCKED) && !(x->exit.idt_vectoring & INTR_VALID))
		vmx_nmi_unblocked(x);
}

int vmx_exit_exception(struct vmx_vcpu *x)
{
	u32 info = vmread(VMCS_EXIT_INTERRUPTION_INFO);
	u8 type = (info & INTR_TYPE) >> INTR_TYPE_SHIFT;
	u8 vector = info & INTR_VECTOR;

	if (type == INTR_TYPE_NMI || vector == X86_TRAP_MC) {
		/* The host's own; it gets them when the window is closed. */
		vmx_hand_on(x, vector);
		/* A machine check goes before an exit for a TPR below its threshold. */
		x->core.need_inject = true;
		return KITE_LEAVE;
	}
	undo_nmi_unblocking(x, info);
	if (vector == X86_TRAP_DB)
		return type == INTR_TYPE_PRIV_SOFT_EXCEPTION ? reflect_icebp(x) : reflect_db(x);
	if (vector == X86_TRAP_AC) {
		vmx_queue_exception_error(x, vector, vmread(VMCS_EXIT_INTERRUPTION_ERROR_CODE));
		return KITE_RESUME;
	}
	return vmx_internal(x, KITE_INTERNAL_UNEXPECTED_EXIT);
}
