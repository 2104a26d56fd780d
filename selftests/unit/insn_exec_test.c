// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a decoded move changes exactly the register bits that the SDM says,
 * and the value stored or loaded is as wide as the access.
 */
#include <linux/kernel.h>

#include "insn/exec.h"
#include "insn_util.h"
#include "unit.h"

#define M16	KITE_INSN_MODE_16
#define M32	KITE_INSN_MODE_32
#define M64	KITE_INSN_MODE_64

#define RFLAGS_DF	0x400

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R15 = 15 };

/* A value of its own in every byte of every register. */
static void fill_registers(u64 *gpr)
{
	unsigned int i, j;

	for (i = 0; i < KITE_INSN_GPRS; i++)
		for (j = 0, gpr[i] = 0; j < 8; j++)
			gpr[i] |= (u64)(0x80 + 8 * i + j) << (8 * j);
}

static struct kite_insn decode(enum kite_insn_mode mode, struct code code)
{
	struct kite_insn insn = { };

	EXPECT_EQ(KITE_INSN_OK, kite_insn_decode(&insn, mode, code.bytes, code.n));
	return insn;
}

struct load_row {
	const char *name;
	struct code code;
	u64 value;
	unsigned int reg;
	u64 before;
	u64 after;
};

#define OLD	0x1122334455667788
#define DIRTY	0xfedcba98f6d4b281

static const struct load_row loads[] = {
	{ "mov cl", CODE(0x8a, 0x08), DIRTY, RCX, OLD, 0x1122334455667781 },
	{ "mov ch", CODE(0x8a, 0x28), DIRTY, RCX, OLD, 0x1122334455668188 },
	{ "mov bpl", CODE(0x40, 0x8a, 0x28), DIRTY, RBP, OLD, 0x1122334455667781 },
	{ "mov cx", CODE(0x66, 0x8b, 0x08), DIRTY, RCX, OLD, 0x112233445566b281 },
	{ "mov ecx", CODE(0x8b, 0x08), DIRTY, RCX, OLD, 0xf6d4b281 },
	{ "mov rcx", CODE(0x48, 0x8b, 0x08), DIRTY, RCX, OLD, DIRTY },
	{ "mov r15", CODE(0x4c, 0x8b, 0x38), DIRTY, R15, OLD, DIRTY },
	{ "movzx cx, byte", CODE(0x66, 0x0f, 0xb6, 0x08), DIRTY, RCX, OLD, 0x1122334455660081 },
	{ "movzx ecx, byte", CODE(0x0f, 0xb6, 0x08), DIRTY, RCX, OLD, 0x81 },
	{ "movzx rcx, word", CODE(0x48, 0x0f, 0xb7, 0x08), DIRTY, RCX, OLD, 0xb281 },
	{ "movsx cx, byte", CODE(0x66, 0x0f, 0xbe, 0x08), DIRTY, RCX, OLD, 0x112233445566ff81 },
	{ "movsx ecx, byte", CODE(0x0f, 0xbe, 0x08), DIRTY, RCX, OLD, 0xffffff81 },
	{ "movsx rcx, byte", CODE(0x48, 0x0f, 0xbe, 0x08), DIRTY, RCX, OLD, 0xffffffffffffff81 },
	{ "movsx rcx, byte, positive", CODE(0x48, 0x0f, 0xbe, 0x08), 0xff7f, RCX, OLD, 0x7f },
	{ "movsx ecx, word", CODE(0x0f, 0xbf, 0x08), DIRTY, RCX, OLD, 0xffffb281 },
	{ "movsx rcx, word", CODE(0x48, 0x0f, 0xbf, 0x08), DIRTY, RCX, OLD, 0xffffffffffffb281 },
	{ "movsxd rcx", CODE(0x48, 0x63, 0x08), DIRTY, RCX, OLD, 0xfffffffff6d4b281 },
	{ "movsxd ecx", CODE(0x63, 0x08), DIRTY, RCX, OLD, 0xf6d4b281 },
	{ "movsxd cx", CODE(0x66, 0x63, 0x08), DIRTY, RCX, OLD, 0x112233445566b281 },
	{ "movbe cx", CODE(0x66, 0x0f, 0x38, 0xf0, 0x08), DIRTY, RCX, OLD, 0x11223344556681b2 },
	{ "movbe ecx", CODE(0x0f, 0x38, 0xf0, 0x08), DIRTY, RCX, OLD, 0x81b2d4f6 },
	{ "movbe rcx", CODE(0x48, 0x0f, 0x38, 0xf0, 0x08), DIRTY, RCX, OLD, 0x81b2d4f698badcfe },
	{ "lodsb", CODE(0xac), DIRTY, RAX, OLD, 0x1122334455667781 },
	{ "lodsw", CODE(0x66, 0xad), DIRTY, RAX, OLD, 0x112233445566b281 },
	{ "lodsd", CODE(0xad), DIRTY, RAX, OLD, 0xf6d4b281 },
	{ "lodsq", CODE(0x48, 0xad), DIRTY, RAX, OLD, DIRTY },
};

static void loads_write_one_register(void)
{
	u64 gpr[KITE_INSN_GPRS], want[KITE_INSN_GPRS];
	struct kite_insn insn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(loads); i++) {
		unit_context("%s", loads[i].name);
		insn = decode(M64, loads[i].code);
		fill_registers(gpr);
		gpr[loads[i].reg] = loads[i].before;
		memcpy(want, gpr, sizeof(gpr));
		want[loads[i].reg] = loads[i].after;
		kite_insn_load(&insn, gpr, loads[i].value);
		EXPECT_EQ(loads[i].after, gpr[loads[i].reg]);
		EXPECT_FALSE(memcmp(gpr, want, sizeof(gpr)));
	}
}

/* The registers are those of fill_registers(): RCX is 0x8f8e8d8c8b8a8988. */
static const struct store_row {
	const char *name;
	struct code code;
	u64 want;
} stores[] = {
	{ "mov cl", CODE(0x88, 0x08), 0x88 },
	{ "mov ch", CODE(0x88, 0x28), 0x89 },
	{ "mov bpl", CODE(0x40, 0x88, 0x28), 0xa8 },
	{ "mov r15b", CODE(0x44, 0x88, 0x38), 0xf8 },
	{ "mov cx", CODE(0x66, 0x89, 0x08), 0x8988 },
	{ "mov ecx", CODE(0x89, 0x08), 0x8b8a8988 },
	{ "mov rcx", CODE(0x48, 0x89, 0x08), 0x8f8e8d8c8b8a8988 },
	{ "mov moffs, al", CODE(0xa2, 1, 2, 3, 4, 5, 6, 7, 8), 0x80 },
	{ "mov byte, imm", CODE(0xc6, 0x00, 0xfe), 0xfe },
	{ "mov word, imm", CODE(0x66, 0xc7, 0x00, 0xfe, 0xff), 0xfffe },
	{ "mov dword, imm", CODE(0xc7, 0x00, 0xfe, 0xff, 0xff, 0xff), 0xfffffffe },
	{ "mov qword, imm", CODE(0x48, 0xc7, 0x00, 0xfe, 0xff, 0xff, 0xff), 0xfffffffffffffffe },
	{ "movnti ecx", CODE(0x0f, 0xc3, 0x08), 0x8b8a8988 },
	{ "movbe cx", CODE(0x66, 0x0f, 0x38, 0xf1, 0x08), 0x8889 },
	{ "movbe ecx", CODE(0x0f, 0x38, 0xf1, 0x08), 0x88898a8b },
	{ "movbe rcx", CODE(0x48, 0x0f, 0x38, 0xf1, 0x08), 0x88898a8b8c8d8e8f },
	{ "stosb", CODE(0xaa), 0x80 },
	{ "stosw", CODE(0x66, 0xab), 0x8180 },
	{ "stosd", CODE(0xab), 0x83828180 },
	{ "stosq", CODE(0x48, 0xab), 0x8786858483828180 },
};

static void stores_give_the_low_bytes(void)
{
	u64 gpr[KITE_INSN_GPRS];
	struct kite_insn insn;
	unsigned int i;

	fill_registers(gpr);
	for (i = 0; i < ARRAY_SIZE(stores); i++) {
		unit_context("%s", stores[i].name);
		insn = decode(M64, stores[i].code);
		EXPECT_EQ(stores[i].want, kite_insn_store_value(&insn, gpr));
	}
}

/* RSI, RDI and RCX before and after one element. */
static const struct step_row {
	const char *name;
	enum kite_insn_mode mode;
	struct code code;
	u64 rflags;
	u64 before[3];
	u64 after[3];
	bool done;
} steps[] = {
	{ "movsb", M64, CODE(0xa4), 0, { 10, 20, 3 }, { 11, 21, 3 }, true },
	{ "movsq down", M64, CODE(0x48, 0xa5), RFLAGS_DF, { 10, 20, 3 }, { 2, 12, 3 }, true },
	{ "stosd", M64, CODE(0xab), 0, { 10, 20, 3 }, { 10, 24, 3 }, true },
	{ "lodsw", M64, CODE(0x66, 0xad), 0, { 10, 20, 3 }, { 12, 20, 3 }, true },
	{ "rep movsb", M64, CODE(0xf3, 0xa4), 0, { 10, 20, 3 }, { 11, 21, 2 }, false },
	{ "rep movsb, last", M64, CODE(0xf3, 0xa4), 0, { 10, 20, 1 }, { 11, 21, 0 }, true },
	{ "rep stosb down, other flags set", M64, CODE(0xf3, 0xaa), ~0ULL,
	  { 10, 20, 9 }, { 10, 19, 8 }, false },
	{ "all flags but DF", M64, CODE(0xf3, 0xaa), ~(u64)RFLAGS_DF,
	  { 10, 20, 9 }, { 10, 21, 8 }, false },
	{ "64-bit wrap", M64, CODE(0xf3, 0xa4), 0, { ~0ULL, 20, 1ULL << 63 },
	  { 0, 21, (1ULL << 63) - 1 }, false },
	{ "32-bit address clears the upper half", M64, CODE(0x67, 0xf3, 0xa5), 0,
	  { 0x1fffffffc, 0x200000000, 0x300000002 }, { 0, 4, 1 }, false },
	{ "32-bit address, count by ECX", M64, CODE(0x67, 0xf3, 0xab), 0,
	  { 0x1fffffffc, 0x200000000, 0x300000001 }, { 0x1fffffffc, 4, 0 }, true },
	{ "32-bit address, not repeated", M64, CODE(0x67, 0xad), 0,
	  { 0x100000000, 0x200000000, 0x300000001 }, { 4, 0x200000000, 0x300000001 }, true },
	{ "16-bit address keeps the rest", M16, CODE(0xf3, 0xa5), 0,
	  { 0xaaaa1234fffe, 0xbbbb0000, 0x55550002 },
	  { 0xaaaa12340000, 0xbbbb0002, 0x55550001 }, false },
	{ "16-bit address down, count by CX", M32, CODE(0x67, 0xf3, 0xa5), RFLAGS_DF,
	  { 0x10000, 0x20003, 0x30001 }, { 0x1fffc, 0x2ffff, 0x30000 }, true },
};

static void steps_move_pointers_and_count(void)
{
	static const u8 regs[3] = { RSI, RDI, RCX };
	u64 gpr[KITE_INSN_GPRS], want[KITE_INSN_GPRS];
	struct kite_insn insn;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		unit_context("%s", steps[i].name);
		insn = decode(steps[i].mode, steps[i].code);
		EXPECT_TRUE(kite_insn_is_string(&insn));
		fill_registers(gpr);
		memcpy(want, gpr, sizeof(gpr));
		for (j = 0; j < 3; j++) {
			gpr[regs[j]] = steps[i].before[j];
			want[regs[j]] = steps[i].after[j];
		}
		EXPECT_EQ(steps[i].done, kite_insn_string_step(&insn, gpr, steps[i].rflags));
		for (j = 0; j < 3; j++)
			EXPECT_EQ(want[regs[j]], gpr[regs[j]]);
		EXPECT_FALSE(memcmp(gpr, want, sizeof(gpr)));
	}
}

static void offsets_have_the_address_size(void)
{
	struct kite_insn movs64 = decode(M64, (struct code)CODE(0xa4));
	struct kite_insn movs32 = decode(M64, (struct code)CODE(0x67, 0xa4));
	struct kite_insn movs16 = decode(M16, (struct code)CODE(0xa4));
	u64 gpr[KITE_INSN_GPRS];

	fill_registers(gpr);
	EXPECT_EQ(0xb7b6b5b4b3b2b1b0, kite_insn_src_offset(&movs64, gpr));
	EXPECT_EQ(0xb3b2b1b0, kite_insn_src_offset(&movs32, gpr));
	EXPECT_EQ(0xb1b0, kite_insn_src_offset(&movs16, gpr));
	EXPECT_EQ(0xbfbebdbcbbbab9b8, kite_insn_dst_offset(&movs64, gpr));
	EXPECT_EQ(0xbbbab9b8, kite_insn_dst_offset(&movs32, gpr));
	EXPECT_EQ(0xb9b8, kite_insn_dst_offset(&movs16, gpr));
}

static void rep_with_count_zero_is_done(void)
{
	struct kite_insn plain = decode(M64, (struct code)CODE(0xa4));
	struct kite_insn rep64 = decode(M64, (struct code)CODE(0xf3, 0xa4));
	struct kite_insn rep32 = decode(M64, (struct code)CODE(0x67, 0xf3, 0xa4));
	struct kite_insn rep16 = decode(M16, (struct code)CODE(0xf3, 0xa4));
	u64 gpr[KITE_INSN_GPRS] = { };

	EXPECT_FALSE(kite_insn_rep_done(&plain, gpr));
	EXPECT_TRUE(kite_insn_rep_done(&rep64, gpr));
	gpr[RCX] = 0x10000;
	EXPECT_TRUE(kite_insn_rep_done(&rep16, gpr));
	EXPECT_FALSE(kite_insn_rep_done(&rep32, gpr));
	gpr[RCX] = 0x100000000;
	EXPECT_TRUE(kite_insn_rep_done(&rep32, gpr));
	EXPECT_FALSE(kite_insn_rep_done(&rep64, gpr));
}

static void moves_are_no_strings(void)
{
	struct kite_insn load = decode(M64, (struct code)CODE(0x8b, 0x08));
	struct kite_insn store = decode(M64, (struct code)CODE(0x89, 0x08));

	EXPECT_FALSE(kite_insn_is_string(&load));
	EXPECT_FALSE(kite_insn_is_string(&store));
}

static const struct unit_test tests[] = {
	UNIT_TEST(loads_write_one_register),
	UNIT_TEST(stores_give_the_low_bytes),
	UNIT_TEST(steps_move_pointers_and_count),
	UNIT_TEST(offsets_have_the_address_size),
	UNIT_TEST(rep_with_count_zero_is_done),
	UNIT_TEST(moves_are_no_strings),
};

UNIT_MAIN(tests)
