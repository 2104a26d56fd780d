/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a decoded move does to the registers.
 *
 * @gpr has 16 entries, indexed by the numbers the instruction set gives the
 * registers, as enum kite_gpr. The caller makes the memory access and advances
 * RIP by the length of the instruction:
 *
 *   LOAD, LODS   read, kite_insn_load()
 *   STORE, STOS  write kite_insn_store_value()
 *   MOVS         read the source, write the same value to the destination
 *
 * For a string instruction (kite_insn_is_string()) kite_insn_rep_done() comes
 * before the access and kite_insn_string_step() after it.
 */
#ifndef KITE_INSN_EXEC_H
#define KITE_INSN_EXEC_H

#include <linux/types.h>

#include "decode.h"

#define KITE_INSN_GPRS	16

/* The bytes a STORE or STOS writes, in the low @insn->width bytes. */
u64 kite_insn_store_value(const struct kite_insn *insn, const u64 gpr[KITE_INSN_GPRS]);

/* Finish a LOAD or LODS that read @value; bits above @insn->width are ignored. */
void kite_insn_load(const struct kite_insn *insn, u64 gpr[KITE_INSN_GPRS], u64 value);

bool kite_insn_is_string(const struct kite_insn *insn);

/* True for REP with a count of zero: there is no access, only RIP advances. */
bool kite_insn_rep_done(const struct kite_insn *insn, const u64 gpr[KITE_INSN_GPRS]);

/* Offset that LODS and MOVS read, in the segment @insn->seg. */
u64 kite_insn_src_offset(const struct kite_insn *insn, const u64 gpr[KITE_INSN_GPRS]);

/* Offset that STOS and MOVS write, in ES. */
u64 kite_insn_dst_offset(const struct kite_insn *insn, const u64 gpr[KITE_INSN_GPRS]);

/*
 * One element is done: move rSI and rDI as RFLAGS.DF says, count rCX down.
 * True when the instruction is finished and RIP is to advance.
 */
bool kite_insn_string_step(const struct kite_insn *insn, u64 gpr[KITE_INSN_GPRS], u64 rflags);

#endif
