/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the decoder share: comparison, written and random instructions. */
#ifndef KITE_UNIT_INSN_UTIL_H
#define KITE_UNIT_INSN_UTIL_H

#include "insn/decode.h"

#define INSN_MODES	3

/* An instruction in a table of tests; zeros follow it. */
struct code {
	u8 bytes[24];
	unsigned int n;
};

#define CODE(...)	{ { __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }) }

static inline bool insn_same(const struct kite_insn *a, const struct kite_insn *b)
{
	return a->len == b->len && a->kind == b->kind && a->width == b->width &&
	       a->reg == b->reg && a->reg_width == b->reg_width &&
	       a->addr_width == b->addr_width && a->seg == b->seg && a->high == b->high &&
	       a->sign == b->sign && a->swap == b->swap && a->has_imm == b->has_imm &&
	       a->rep == b->rep && a->imm == b->imm;
}

/* xorshift64: the same bytes on every machine for the same seed. */
static inline u64 random_u64(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * Fill @bytes with an instruction: prefixes in any number and order, REX, an
 * opcode of the three maps, then noise. Half of the opcodes are moves, so that
 * both sides of every decision come up often; the rest are any byte.
 */
static inline void random_insn(u64 *state, u8 *bytes, unsigned int size)
{
	static const u8 prefixes[] = {
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x66, 0x67, 0x67, 0xf2, 0xf3, 0xf3,
		0x40, 0x41, 0x44, 0x48, 0x4c, 0x4f, 0xf0,
	};
	static const u8 moves[] = {
		0x63, 0x88, 0x89, 0x8a, 0x8b, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xaa, 0xab,
		0xac, 0xad, 0xc6, 0xc7, 0x0f, 0x0f, 0x0f, 0x0f,
	};
	static const u8 moves_0f[] = { 0xb6, 0xb7, 0xbe, 0xbf, 0xc3, 0x38, 0x38 };
	u64 dice = random_u64(state);
	unsigned int i, pos = 0, count;

	for (i = 0; i < size; i++)
		bytes[i] = random_u64(state) >> 24;
	/* None or a few prefixes mostly, now and then too many. */
	count = dice % 64 ? dice % 5 : dice / 64 % 16;
	for (i = 0; i < count && pos < size; i++)
		bytes[pos++] = prefixes[random_u64(state) % sizeof(prefixes)];
	if (pos + 3 > size || dice & 1ULL << 40)
		return;
	bytes[pos] = moves[random_u64(state) % sizeof(moves)];
	if (bytes[pos++] == 0x0f)
		bytes[pos++] = moves_0f[random_u64(state) % sizeof(moves_0f)];
	if (pos > 1 && bytes[pos - 1] == 0x38)
		bytes[pos++] = 0xf0 | (dice >> 41 & 1);
	/* A register field of 0 is rare, but C6 and C7 need it. */
	if (pos < size && dice & 1ULL << 42)
		bytes[pos] &= ~0x38;
}

#endif
