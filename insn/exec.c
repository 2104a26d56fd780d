// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register side of a decoded move. SDM volume 1, chapter "Basic Execution
 * Environment", says what a write to part of a register leaves of the rest.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/swab.h>

#include "exec.h"

#define RCX		1
#define RSI		6
#define RDI		7

#define RFLAGS_DF	BIT(10)

static u64 low_bytes(u64 value, unsigned int width)
{
	return value & GENMASK_ULL(8 * width - 1, 0);
}

static u64 swap_bytes(u64 value, unsigned int width)
{
	return swab64(value) >> (64 - 8 * width);
}

/* 8 and 16 bits leave the rest of the register alone, 32 bits clear it. */
static void write_register(u64 *reg, u64 value, unsigned int width)
{
	u64 keep = width >= 4 ? 0 : *reg & ~GENMASK_ULL(8 * width - 1, 0);

	*reg = keep | low_bytes(value, width);
}

u64 kite_insn_store_value(const struct kite_insn *insn, const u64 gpr[KITE_INSN_GPRS])
{
	u64 value = insn->has_imm ? insn->imm : gpr[insn->reg];

	if (insn->high)
		value >>= 8;
	if (insn->swap)
		value = swap_bytes(value, insn->width);
	return low_bytes(value, insn->width);
}

void kite_insn_load(const struct kite_insn *insn, u64 gpr[KITE_INSN_GPRS], u64 value)
{
	u64 *reg = &gpr[insn->reg];

	value = low_bytes(value, insn->width);
	if (insn->swap)
		value = swap_bytes(value, insn->width);
	if (insn->sign)
		value = sign_extend64(value, 8 * insn->width - 1);
	if (insn->high)
		*reg = (*reg & ~GENMASK_ULL(15, 8)) | value << 8;
	else
		write_register(reg, value, insn->reg_width);
}

bool kite_insn_is_string(const struct kite_insn *insn)
{
	return insn->kind >= KITE_INSN_STOS;
}

bool kite_insn_rep_done(const struct kite_insn *insn, const u64 gpr[KITE_INSN_GPRS])
{
	return insn->rep && !low_bytes(gpr[RCX], insn->addr_width);
}

u64 kite_insn_src_offset(const struct kite_insn *insn, const u64 gpr[KITE_INSN_GPRS])
{
	return low_bytes(gpr[RSI], insn->addr_width);
}

u64 kite_insn_dst_offset(const struct kite_insn *insn, const u64 gpr[KITE_INSN_GPRS])
{
	return low_bytes(gpr[RDI], insn->addr_width);
}

/* The address size is the width of rSI, rDI and rCX, as of any other register. */
bool kite_insn_string_step(const struct kite_insn *insn, u64 gpr[KITE_INSN_GPRS], u64 rflags)
{
	u64 delta = rflags & RFLAGS_DF ? -(u64)insn->width : insn->width;

	if (insn->kind != KITE_INSN_STOS)
		write_register(&gpr[RSI], gpr[RSI] + delta, insn->addr_width);
	if (insn->kind != KITE_INSN_LODS)
		write_register(&gpr[RDI], gpr[RDI] + delta, insn->addr_width);
	if (!insn->rep)
		return true;
	write_register(&gpr[RCX], gpr[RCX] - 1, insn->addr_width);
	return kite_insn_rep_done(insn, gpr);
}
