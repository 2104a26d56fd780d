/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decoder for the moves that guests use on memory-mapped registers.
 *
 * The guest-physical address of an access comes with the VM exit, so the
 * decoder tells what is moved and how long the instruction is, not where the
 * memory operand lies. Everything else that can touch memory is unsupported on
 * purpose: a kernel without an instruction emulator has nothing to get wrong.
 */
#ifndef KITE_INSN_DECODE_H
#define KITE_INSN_DECODE_H

#include <linux/types.h>

/* The longest instruction the CPU accepts; one byte more is #GP. */
#define KITE_INSN_MAX_LEN	15

/* Default operand and address size of the code segment: CS.L and CS.D. */
enum kite_insn_mode {
	KITE_INSN_MODE_16,
	KITE_INSN_MODE_32,
	KITE_INSN_MODE_64,
};

enum kite_insn_status {
	KITE_INSN_OK,
	KITE_INSN_NEED_MORE,	/* the bytes end before the instruction does */
	KITE_INSN_UNSUPPORTED,	/* no move to or from memory, or #UD, or too long */
};

enum kite_insn_kind {
	KITE_INSN_LOAD,		/* memory to register: MOV, MOVZX, MOVSX, MOVSXD, MOVBE */
	KITE_INSN_STORE,	/* register or immediate to memory: MOV, MOVNTI, MOVBE */
	KITE_INSN_STOS,		/* rAX to ES:rDI */
	KITE_INSN_LODS,		/* seg:rSI to rAX */
	KITE_INSN_MOVS,		/* seg:rSI to ES:rDI */
};

/*
 * @len: bytes of the instruction
 * @kind: enum kite_insn_kind
 * @width: bytes of one memory access: 1, 2, 4 or 8
 * @reg: register moved, 0 to 15 by its number in the instruction set
 * @reg_width: bytes of it that a load writes; @width or more
 * @addr_width: address size in bytes: 2, 4 or 8
 * @seg: segment of rSI for LODS and MOVS, 0 to 5 by its number in the
 *	 instruction set: DS unless overridden; rDI is always in ES
 * @high: the register is AH, CH, DH or BH, and @reg is 0 to 3
 * @sign: a load sign-extends from @width to @reg_width; else it zero-extends
 * @swap: MOVBE: memory holds the bytes in reverse order
 * @has_imm: a store writes @imm, not a register
 * @rep: repeat rCX times
 * @imm: the immediate, in the low @width bytes
 */
struct kite_insn {
	u8 len;
	u8 kind;
	u8 width;
	u8 reg;
	u8 reg_width;
	u8 addr_width;
	u8 seg;
	bool high;
	bool sign;
	bool swap;
	bool has_imm;
	bool rep;
	u64 imm;
};

/*
 * Decode the instruction at @bytes, of which @n are known. Total: any bytes
 * give one of the three answers, and @insn is only written for KITE_INSN_OK.
 */
enum kite_insn_status kite_insn_decode(struct kite_insn *insn, enum kite_insn_mode mode,
				       const u8 *bytes, unsigned int n);

#endif
