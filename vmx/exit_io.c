// SPDX-License-Identifier: GPL-2.0-only
/* IN, OUT, INS, OUTS. */
#include "exit.h"

#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../core/exit_record.h"
#include "../core/ioeventfd.h"
#include "../core/mmio.h"

/* Exit qualification. SDM, chapter "VM Exits", table for I/O instructions. */
#define IO_SIZE		GENMASK(2, 0)	/* bytes minus one */
#define IO_IN		BIT(3)
#define IO_STRING	BIT(4)
#define IO_REP		BIT(5)
#define IO_PORT_SHIFT	16

/* VM-exit instruction information of INS and OUTS: address size 16, 32, 64 bits; segment. */
#define INFO_ADDR_SHIFT	7
#define INFO_ADDR	GENMASK(9, 7)
#define INFO_SEG_SHIFT	15
#define INFO_SEG	GENMASK(17, 15)

#define SEG_TYPE_CODE		BIT(3)
#define SEG_TYPE_EXPAND_DOWN	BIT(2)

static u64 addr_mask(void)
{
	u32 size = (vmread(VMCS_EXIT_INSTRUCTION_INFO) & INFO_ADDR) >> INFO_ADDR_SHIFT;

	return size == 0 ? GENMASK_ULL(15, 0) : size == 1 ? GENMASK_ULL(31, 0) : ~0ull;
}

/* As the SDM says for each address size: 16 bits leave the rest, 32 bits clear the upper half. */
static void set_masked(u64 *reg, u64 value, u64 mask)
{
	*reg = mask == GENMASK_ULL(15, 0) ? (*reg & ~mask) | (value & mask) : value & mask;
}

static unsigned int string_segment(bool in)
{
	return in ? KITE_ES : (vmread(VMCS_EXIT_INSTRUCTION_INFO) & INFO_SEG) >> INFO_SEG_SHIFT;
}

/*
 * How many elements of @width bytes can be had from @offset upwards until the
 * segment ends or the address wraps; 0 is a fault. The exit comes before the CPU
 * has checked: SDM, chapter "VMX Non-Root Operation", section "Relative Priority of
 * Faults and VM Exits".
 */
static u64 segment_room(unsigned int seg, u64 offset, u64 mask, u8 width)
{
	u32 ar = vmread(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * seg);
	u64 first = 0, last = vmread(VMCS_GUEST_ES_LIMIT + 2 * seg);

	if (vmx_in_64bit_mode()) {
		u64 gva = vmread(VMCS_GUEST_LINEAR_ADDRESS);

		if ((s64)(gva << 16) >> 16 != (s64)gva)
			return 0;
		return mask == ~0ull ? ~0ull : (mask - offset) / width + 1;
	}
	if (ar & SEG_AR_UNUSABLE)
		return 0;
	if ((ar & (SEG_TYPE_CODE | SEG_TYPE_EXPAND_DOWN)) == SEG_TYPE_EXPAND_DOWN) {
		first = last + 1;
		last = ar & SEG_AR_DB ? U32_MAX : U16_MAX;
	}
	last = min(last, mask);
	if (offset < first || offset + width - 1 > last)
		return 0;
	return (last - offset + 1) / width;
}

static noinline int string_io(struct vmx_vcpu *x, u64 qualification)
{
	u64 *gpr = x->core.regs.gpr;
	u8 width = (qualification & IO_SIZE) + 1;
	bool in = qualification & IO_IN, rep = qualification & IO_REP;
	bool down = vmx_rflags(x) & X86_EFLAGS_DF;
	u64 mask = addr_mask();
	u64 count = rep ? gpr[KITE_RCX] & mask : 1;
	u64 *index = &gpr[in ? KITE_RDI : KITE_RSI];
	unsigned int seg = string_segment(in);
	u64 room = segment_room(seg, *index & mask, mask, width);
	u32 done;
	int ret;

	if (!count)
		return vmx_skipped(x);
	if (!room) {
		vmx_queue_exception_error(x, seg == KITE_SS ? X86_TRAP_SS : X86_TRAP_GP, 0);
		return KITE_RESUME;
	}
	ret = kite_handle_string_io(&x->core, qualification >> IO_PORT_SHIFT, width, in,
				    vmread(VMCS_GUEST_LINEAR_ADDRESS), min(count, room), down,
				    &done);
	if (!done)
		return ret;
	set_masked(index, *index + (down ? -(u64)width : (u64)width * done), mask);
	if (rep)
		set_masked(&gpr[KITE_RCX], count - done, mask);
	/* Elements that are left exit again at the same instruction. */
	if (done == count)
		vmx_skipped(x);
	return ret;
}

int vmx_exit_io(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;
	u64 qualification = vmx_qualification();
	u8 width = (qualification & IO_SIZE) + 1;
	bool in = qualification & IO_IN;
	u16 port = qualification >> IO_PORT_SHIFT;

	if (qualification & IO_STRING)
		return string_io(x, qualification);
	vmx_skipped(x);
	if (in) {
		v->completion = KITE_COMPLETE_IN;
		v->complete_len = width;
	} else {
		if (kite_doorbell(v, true, port, width, v->regs.gpr[KITE_RAX]))
			return KITE_RESUME;
		memcpy(v->run->data, &v->regs.gpr[KITE_RAX], sizeof(u32));
	}
	return kite_exit_io(v, port, width, in ? KITE_IO_IN : 0, 1);
}
