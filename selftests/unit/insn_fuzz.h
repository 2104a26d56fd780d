/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_INSN_FUZZ_H
#define KITE_UNIT_INSN_FUZZ_H

#include "insn/decode.h"

/* Longest input that is looked at: more than an instruction can have. */
#define INSN_FUZZ_MAX	24

/*
 * Check all properties of the decoder on @n bytes; abort on the first that does
 * not hold. Returns the answer for all @n bytes.
 */
enum kite_insn_status insn_fuzz_check(enum kite_insn_mode mode, const u8 *bytes, unsigned int n);

#endif
