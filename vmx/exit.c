// SPDX-License-Identifier: GPL-2.0-only
/* From a VM exit to its handler. The bodies are in exit_*.c. */
#include "exit.h"

#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "../core/exit_record.h"
#include "dump.h"

/* May there be an event that the exit interrupted? */
#define ALONE		false
#define DELIVERY	true

static const struct row {
	int (*handle)(struct vmx_vcpu *x);
	bool delivery;
} rows[] = {
#define REASON(number, handler, when, name) [number] = { handler, when },
#include "reasons.def"
#undef REASON
};

static const struct row unknown = { vmx_exit_unexpected, DELIVERY };

void vmx_skip(struct vmx_vcpu *x, u32 len)
{
	u64 old = vmread(VMCS_GUEST_RIP), rip = old + len;

	x->skipped = true;
	/* Outside 64-bit mode, RIP wraps at 4 GiB. */
	if ((old ^ rip) >> 32 && !(vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEG_AR_L))
		rip = (u32)rip;
	vmwrite(VMCS_GUEST_RIP, rip);
	vmx_clear_blocking(BLOCKING_STI | BLOCKING_MOV_SS);
	/* RF is for this instruction only; an EPT violation leaves it set. */
	if (vmx_rflags(x) & X86_EFLAGS_RF) {
		x->rflags &= ~(u64)X86_EFLAGS_RF;
		vmwrite(VMCS_GUEST_RFLAGS, x->rflags);
	}
	/* Single-stepped: the trap comes after this instruction, too. */
	if (vmx_rflags(x) & X86_EFLAGS_TF)
		vmwrite(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS,
			vmread(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) | DEBUG_BS);
}

int vmx_skipped(struct vmx_vcpu *x)
{
	vmx_skip(x, vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
	return KITE_RESUME;
}

int vmx_internal_insn(struct vmx_vcpu *x, u32 code, const u8 *insn, u32 len)
{
	struct kite_exit_internal rec = {
		.code = code,
		.exit_reason = x->exit.reason & REASON_BASIC,
		.qualification = vmx_qualification(),
		.gpa = vmread(VMCS_GUEST_PHYSICAL_ADDRESS),
		.rip = vmread(VMCS_GUEST_RIP),
		.idt_vectoring = x->exit.idt_vectoring,
		.insn_len = len,
	};

	if (len)
		memcpy(rec.insn, insn, len);
	vmx_dump(x, "internal error");
	return kite_exit_internal(&x->core, &rec);
}

int vmx_internal(struct vmx_vcpu *x, u32 code)
{
	return vmx_internal_insn(x, code, NULL, 0);
}

static noinline void trace(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;
	bool has_gpa = (x->exit.reason & REASON_BASIC) == REASON_EPT_VIOLATION;
	u32 intr_info = vmread(VMCS_EXIT_INTERRUPTION_INFO);

	if (v->trace_count >= KITE_TRACE_ENTRIES)
		return;
	v->trace[v->trace_count++] = (struct kite_trace_entry){
		.tsc = rdtsc(),
		.rip = vmread(VMCS_GUEST_RIP),
		.qualification = vmx_qualification(),
		.gpa = has_gpa ? vmread(VMCS_GUEST_PHYSICAL_ADDRESS) : 0,
		.exit_reason = x->exit.reason,
		.intr_info = intr_info & INTR_VALID ? intr_info : 0,
		.rax = v->regs.gpr[KITE_RAX],
		.rcx = v->regs.gpr[KITE_RCX],
	};
}

static const struct row *row_of(u32 basic)
{
	const struct row *row = &unknown;

	if (basic < ARRAY_SIZE(rows))
		row = &rows[array_index_nospec(basic, ARRAY_SIZE(rows))];
	return row->handle ? row : &unknown;
}

/* After the handler: what must not wait for the next turn. */
static int finish(struct vmx_vcpu *x, int ret)
{
	struct kite_vcpu *v = &x->core;

	if (x->triple_fault) {
		x->triple_fault = false;
		return kite_exit_plain(v, KITE_EXIT_SHUTDOWN);
	}
	if (ret == 0 && !v->recorded)
		return vmx_internal(x, KITE_INTERNAL_NO_RECORD);
	/* The trap flag counts what the guest executes, not what is done for it. */
	if (ret > 0 && (v->debug & KITE_DEBUG_STEP) && x->skipped)
		return kite_exit_debug(v, vmread(VMCS_GUEST_RIP));
	if (ret > 0 && v->debug & KITE_DEBUG_TRACE && v->trace_count == KITE_TRACE_ENTRIES)
		return kite_exit_plain(v, KITE_EXIT_TRACE);
	return ret;
}

int vmx_handle_exit(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;
	const struct row *row;
	u32 basic;

	if (x->vmfail)
		return vmx_vmfail(x);
	x->exit.reason = vmread(VMCS_EXIT_REASON);
	if (x->exit.reason & REASON_ENTRY_FAILURE)
		return vmx_exit_entry_failure(x);
	x->launched = true;
	x->skipped = false;
	basic = x->exit.reason & REASON_BASIC;
	if (basic < KITE_STATS_EXITS)
		v->stats.exits[basic]++;
	if (v->debug & KITE_DEBUG_TRACE)
		trace(x);
	row = row_of(basic);
	x->exit.idt_vectoring = row->delivery ? vmread(VMCS_IDT_VECTORING_INFO) : 0;
	if (x->exit.idt_vectoring & INTR_VALID)
		vmx_requeue(x);
	return finish(x, row->handle(x));
}
