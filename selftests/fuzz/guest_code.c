// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions at random: those that exit, change what the CPU is in, or touch memory come
 * more often than by chance, with registers that make them do something.
 */
#include <string.h>

#include "guest_fuzz.h"

#define LONGEST		64	/* an instruction with those that load its registers */

/* What follows an opcode. */
enum rest { NOTHING, BYTE, WORD_OR_MORE, ADDRESS, FAR_POINTER, MODRM, MODRM_BYTE, MSR, LEAF };

static const struct insn {
	u8 len;
	u8 bytes[4];
	u8 rest;
} insns[] = {
	/* Memory, the stack and arithmetic. */
	{ 1, { 0x88 }, MODRM }, { 1, { 0x89 }, MODRM }, { 1, { 0x8a }, MODRM },
	{ 1, { 0x8b }, MODRM },
	{ 1, { 0xc6 }, MODRM_BYTE }, { 1, { 0xa1 }, ADDRESS }, { 1, { 0xa3 }, ADDRESS },
	{ 1, { 0x01 }, MODRM }, { 1, { 0x87 }, MODRM }, { 1, { 0xff }, MODRM },
	{ 1, { 0xf7 }, MODRM },
	{ 1, { 0x8f }, MODRM }, { 1, { 0x60 }, NOTHING }, { 1, { 0x61 }, NOTHING },
	{ 1, { 0xc8 }, WORD_OR_MORE }, { 1, { 0xc9 }, NOTHING }, { 1, { 0x9c }, NOTHING },
	{ 1, { 0x9d }, NOTHING }, { 1, { 0xa4 }, NOTHING }, { 1, { 0xa5 }, NOTHING },
	{ 1, { 0xaa }, NOTHING }, { 1, { 0xab }, NOTHING }, { 1, { 0xac }, NOTHING },
	{ 1, { 0xad }, NOTHING }, { 1, { 0xa7 }, NOTHING }, { 2, { 0x0f, 0xb1 }, MODRM },
	{ 2, { 0x0f, 0xc3 }, MODRM }, { 3, { 0x0f, 0x38, 0xf1 }, MODRM },
	{ 2, { 0x0f, 0xb6 }, MODRM },
	{ 2, { 0x0f, 0xc7 }, MODRM }, { 3, { 0x66, 0x0f, 0xc7 }, MODRM },
	{ 3, { 0xf3, 0x0f, 0xc7 }, MODRM },
	/* Ports. */
	{ 1, { 0xe4 }, BYTE }, { 1, { 0xe6 }, BYTE }, { 1, { 0xe7 }, BYTE },
	{ 1, { 0xec }, NOTHING },
	{ 1, { 0xed }, NOTHING }, { 1, { 0xef }, NOTHING }, { 1, { 0x6c }, NOTHING },
	{ 1, { 0x6d }, NOTHING }, { 1, { 0x6e }, NOTHING }, { 1, { 0x6f }, NOTHING },
	{ 2, { 0xf3, 0x6d }, NOTHING }, { 2, { 0xf3, 0x6f }, NOTHING },
	/* System registers. */
	{ 2, { 0x0f, 0x20 }, MODRM }, { 2, { 0x0f, 0x21 }, MODRM }, { 2, { 0x0f, 0x22 }, MODRM },
	{ 2, { 0x0f, 0x22 }, MODRM }, { 2, { 0x0f, 0x23 }, MODRM }, { 2, { 0x0f, 0x00 }, MODRM },
	{ 2, { 0x0f, 0x01 }, MODRM }, { 2, { 0x0f, 0x06 }, NOTHING }, { 2, { 0x0f, 0x02 }, MODRM },
	{ 2, { 0x0f, 0x30 }, MSR }, { 2, { 0x0f, 0x30 }, MSR }, { 2, { 0x0f, 0x32 }, MSR },
	{ 2, { 0x0f, 0xa2 }, LEAF }, { 3, { 0x0f, 0x01, 0xd1 }, LEAF },
	{ 3, { 0x0f, 0x01, 0xd0 }, LEAF },
	{ 2, { 0x0f, 0x31 }, NOTHING }, { 3, { 0x0f, 0x01, 0xf9 }, NOTHING },
	{ 2, { 0x0f, 0x33 }, LEAF },
	{ 3, { 0x0f, 0x01, 0xf8 }, NOTHING }, { 3, { 0xf3, 0x0f, 0xae }, MODRM },
	{ 2, { 0x0f, 0x08 }, NOTHING }, { 2, { 0x0f, 0x09 }, NOTHING },
	{ 4, { 0x66, 0x0f, 0x38, 0x82 }, MODRM },
	{ 1, { 0xf4 }, NOTHING }, { 1, { 0xfa }, NOTHING }, { 1, { 0xfb }, NOTHING },
	{ 2, { 0xf3, 0x90 }, NOTHING },
	/* Other code, with another privilege. */
	{ 1, { 0x9a }, FAR_POINTER }, { 1, { 0xea }, FAR_POINTER }, { 1, { 0xcb }, NOTHING },
	{ 1, { 0xcf }, NOTHING }, { 1, { 0xcd }, BYTE }, { 1, { 0xcc }, NOTHING },
	{ 1, { 0xce }, NOTHING },
	{ 1, { 0xf1 }, NOTHING }, { 1, { 0x8e }, MODRM }, { 1, { 0x8c }, MODRM },
	{ 1, { 0x1f }, NOTHING },
	{ 1, { 0x07 }, NOTHING }, { 1, { 0x17 }, NOTHING }, { 2, { 0x0f, 0xa9 }, NOTHING },
	{ 2, { 0x0f, 0xb2 }, MODRM }, { 1, { 0xeb }, BYTE }, { 1, { 0xe2 }, BYTE },
	{ 1, { 0xe8 }, ADDRESS },
	{ 2, { 0x0f, 0x34 }, NOTHING }, { 2, { 0x0f, 0x35 }, NOTHING },
	{ 2, { 0x0f, 0x05 }, NOTHING },
	{ 2, { 0x0f, 0x07 }, NOTHING }, { 2, { 0x0f, 0xaa }, NOTHING },
	{ 2, { 0x0f, 0x0b }, NOTHING },
	/* VMX and others that are hidden. */
	{ 3, { 0x0f, 0x01, 0xc1 }, NOTHING }, { 3, { 0x0f, 0x01, 0xc2 }, NOTHING },
	{ 3, { 0x0f, 0x01, 0xc3 }, NOTHING }, { 3, { 0x0f, 0x01, 0xc4 }, NOTHING },
	{ 3, { 0x0f, 0x01, 0xd4 }, NOTHING }, { 2, { 0x0f, 0x78 }, MODRM },
	{ 2, { 0x0f, 0x79 }, MODRM },
	{ 4, { 0x66, 0x0f, 0x38, 0x80 }, MODRM }, { 4, { 0x66, 0x0f, 0x38, 0x81 }, MODRM },
	{ 2, { 0x0f, 0x37 }, LEAF }, { 3, { 0x0f, 0x01, 0xcf }, LEAF },
	{ 3, { 0x0f, 0x01, 0xc8 }, NOTHING },
	{ 3, { 0x0f, 0x01, 0xc9 }, NOTHING }, { 3, { 0x0f, 0x01, 0xd5 }, NOTHING },
	/* x87, SSE, AVX and their state. */
	{ 2, { 0x0f, 0xae }, MODRM }, { 2, { 0x0f, 0x6f }, MODRM }, { 2, { 0x0f, 0x29 }, MODRM },
	{ 3, { 0xc5, 0xfc, 0x28 }, MODRM }, { 3, { 0xc5, 0xfc, 0x29 }, MODRM },
	{ 2, { 0xdb, 0xe3 }, NOTHING },
	{ 1, { 0xd9 }, MODRM }, { 1, { 0xdd }, MODRM }, { 1, { 0x9b }, NOTHING },
};

/* First and last of ranges. */
static const u32 msrs[][2] = {
	{ 0x10, 0x10 }, { 0x17, 0x1b }, { 0x3a, 0x3b }, { 0x48, 0x49 }, { 0x79, 0x8b },
	{ 0xc1, 0xfe }, { 0x10a, 0x10b }, { 0x122, 0x123 }, { 0x174, 0x17b },
	{ 0x186, 0x1a0 }, { 0x1d9, 0x1de }, { 0x200, 0x277 }, { 0x2ff, 0x2ff },
	{ 0x345, 0x38f }, { 0x3f1, 0x3f1 }, { 0x480, 0x493 }, { 0x560, 0x570 },
	{ 0x6a0, 0x6e1 }, { 0x800, 0x83f }, { 0xda0, 0xda0 }, { 0x40000000, 0x40000002 },
	{ 0x4b564d00, 0x4b564d07 }, { 0xc0000080, 0xc0000084 }, { 0xc0000100, 0xc0000103 },
	{ 0xc0010000, 0xc0010001 }, { 0, 0xffffffff },
};

static u8 *put(u8 *p, u64 value, unsigned int len)
{
	memcpy(p, &value, len);
	return p + len;
}

/* MOV to a register; 64 bits wide in 64-bit mode, else 32. */
static u8 *load(u8 *p, unsigned int bits, unsigned int reg, u64 value)
{
	if (bits == 16)
		*p++ = 0x66;
	if (bits == 64)
		*p++ = 0x48;
	*p++ = 0xb8 | reg;
	return put(p, value, bits == 64 ? 8 : 4);
}

static u8 *load_for(struct fuzz_guest *g, u8 *p, unsigned int bits, enum rest rest)
{
	const u32 *range = FUZZ_PICK(g, msrs);

	if (rest == MSR) {
		p = load(p, bits, KITE_RCX,
			 range[0] + fuzz_random(g, (u64)range[1] - range[0] + 1));
		p = load(p, bits, KITE_RAX, fuzz_value(g));
		return load(p, bits, KITE_RDX, fuzz_one_in(g, 2) ? 0 : fuzz_value(g) >> 32);
	}
	if (rest == LEAF) {
		p = load(p, bits, KITE_RAX, fuzz_random(g, 32) | fuzz_random(g, 4) << 30);
		return load(p, bits, KITE_RCX, fuzz_random(g, 8));
	}
	if (fuzz_one_in(g, 2))
		p = load(p, bits, fuzz_random(g, 8), fuzz_value(g));
	return p;
}

/* A register, memory at a register, or anything, which may take the bytes behind it along. */
static u8 modrm(struct fuzz_guest *g)
{
	u8 any = fuzz_random(g, 256);

	if (fuzz_one_in(g, 3))
		return any | 0xc0;
	return fuzz_one_in(g, 4) ? any : any & 0x3f;
}

static u8 *rest_of(struct fuzz_guest *g, u8 *p, unsigned int bits, enum rest rest)
{
	unsigned int word = bits == 16 ? 2 : 4;

	switch (rest) {
	case BYTE:
		return put(p, fuzz_random(g, 256), 1);
	case WORD_OR_MORE:
		return put(p, fuzz_random(g, 0x1000000), 3);
	case ADDRESS:
		return put(p, fuzz_value(g), bits / 8);
	case FAR_POINTER:
		p = put(p, FUZZ_CODE + fuzz_random(g, FUZZ_CODE_LEN), word);
		return put(p, fuzz_random(g, 32) * 8 + fuzz_random(g, 4), 2);
	case MODRM:
		return put(p, modrm(g), 1);
	case MODRM_BYTE:
		return put(p, modrm(g) | fuzz_random(g, 256) << 8, 2);
	default:
		return p;
	}
}

static u8 *one(struct fuzz_guest *g, u8 *p, unsigned int bits)
{
	static const u8 prefixes[] = {
		0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x26, 0x64, 0x65, 0x48, 0x44,
	};
	const struct insn *insn = &FUZZ_PICK(g, insns);
	unsigned int i, len;

	if (fuzz_one_in(g, 8)) {
		len = 1 + fuzz_random(g, 15);
		for (i = 0; i < len; i++)
			*p++ = fuzz_random(g, 256);
		return p;
	}
	p = load_for(g, p, bits, insn->rest);
	if (fuzz_one_in(g, 4))
		*p++ = FUZZ_PICK(g, prefixes);
	memcpy(p, insn->bytes, insn->len);
	return rest_of(g, p + insn->len, bits, insn->rest);
}

void fuzz_code(struct fuzz_guest *g, u8 *code, size_t len, unsigned int bits)
{
	u8 *p = code, *end = code + len - LONGEST;

	while (p < end)
		p = one(g, p, bits);
	/* Back to the beginning: a displacement of 16 or 32 bits. */
	*p++ = 0xe9;
	put(p, code - (p + (bits == 16 ? 2 : 4)), bits == 16 ? 2 : 4);
}
