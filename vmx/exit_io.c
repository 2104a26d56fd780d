// SPDX-License-Identifier: GPL-2.0-only
/* IN, OUT, INS, OUTS. */
#include "exit.h"

#include <linux/string.h>

#include "../core/exit_record.h"
#include "../core/mmio.h"

/* Exit qualification. SDM, chapter "VM Exits", table for I/O instructions. */
#define IO_SIZE		GENMASK(2, 0)	/* bytes minus one */
#define IO_IN		BIT(3)
#define IO_STRING	BIT(4)
#define IO_REP		BIT(5)
#define IO_PORT_SHIFT	16

/* VM-exit instruction information of INS and OUTS: address size 16, 32, 64 bits. */
#define INFO_ADDR_SHIFT	7
#define INFO_ADDR	GENMASK(9, 7)

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

static int string_io(struct vmx_vcpu *x, u64 qualification)
{
	u64 *gpr = x->core.regs.gpr;
	u8 width = (qualification & IO_SIZE) + 1;
	bool in = qualification & IO_IN, rep = qualification & IO_REP;
	bool down = vmx_rflags(x) & X86_EFLAGS_DF;
	u64 mask = addr_mask();
	u64 count = rep ? gpr[KITE_RCX] & mask : 1;
	u64 *index = &gpr[in ? KITE_RDI : KITE_RSI];
	u32 done;
	int ret;

	if (!count)
		return vmx_skipped(x);
	ret = kite_handle_string_io(&x->core, qualification >> IO_PORT_SHIFT, width, in,
				    vmread(VMCS_GUEST_LINEAR_ADDRESS), count, down, &done);
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

	if (qualification & IO_STRING)
		return string_io(x, qualification);
	vmx_skipped(x);
	if (in) {
		v->completion = KITE_COMPLETE_IN;
		v->complete_len = width;
	} else {
		memcpy(v->run->data, &v->regs.gpr[KITE_RAX], sizeof(u32));
	}
	return kite_exit_io(v, qualification >> IO_PORT_SHIFT, width, in ? KITE_IO_IN : 0, 1);
}
