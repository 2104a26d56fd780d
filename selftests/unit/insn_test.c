// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: kite_insn_decode() describes every supported move exactly, asks for
 * more bytes for every beginning of one, and supports nothing else.
 */
#include <linux/kernel.h>

#include "insn/decode.h"
#include "insn_util.h"
#include "unit.h"

#define M16	KITE_INSN_MODE_16
#define M32	KITE_INSN_MODE_32
#define M64	KITE_INSN_MODE_64

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum { ES, CS, SS, DS, FS, GS };

#define ROW(mode, name, code, ...)	{ mode, name, code, { __VA_ARGS__ } }

/*
 * @a is the address size, @w the width in memory, @r the register, @rw its
 * width where it differs.
 */
#define LOAD(a, w, r)	.kind = KITE_INSN_LOAD, .addr_width = (a), .width = (w), .reg = (r), \
			.seg = DS
#define STORE(a, w, r)	.kind = KITE_INSN_STORE, .addr_width = (a), .width = (w), .reg = (r), \
			.seg = DS
#define IMM(a, w, v)	STORE(a, w, 0), .has_imm = true, .imm = (v)
#define EXT(a, w, r, rw)	LOAD(a, w, r), .reg_width = (rw)
#define STRING(k, a, w, s)	.kind = KITE_INSN_##k, .addr_width = (a), .width = (w), .seg = (s)

struct row {
	enum kite_insn_mode mode;
	const char *name;
	struct code code;
	struct kite_insn want;
};

static const struct row moves[] = {
	ROW(M64, "mov [rax], cl", CODE(0x88, 0x08), STORE(8, 1, RCX)),
	ROW(M64, "mov [rax], ah", CODE(0x88, 0x20), STORE(8, 1, RAX), .high = true),
	ROW(M64, "mov [rax], bh", CODE(0x88, 0x38), STORE(8, 1, RBX), .high = true),
	ROW(M64, "mov [rax], spl", CODE(0x40, 0x88, 0x20), STORE(8, 1, RSP)),
	ROW(M64, "mov [rax], r12b", CODE(0x44, 0x88, 0x20), STORE(8, 1, R12)),
	ROW(M64, "mov [rax], ecx", CODE(0x89, 0x08), STORE(8, 4, RCX)),
	ROW(M64, "mov [rax], esp", CODE(0x89, 0x20), STORE(8, 4, RSP)),
	ROW(M64, "mov [rax], cx", CODE(0x66, 0x89, 0x08), STORE(8, 2, RCX)),
	ROW(M64, "mov [rax], rcx", CODE(0x48, 0x89, 0x08), STORE(8, 8, RCX)),
	ROW(M64, "mov [rax], rcx, 66 loses to REX.W", CODE(0x66, 0x48, 0x89, 0x08),
	    STORE(8, 8, RCX)),
	ROW(M64, "mov [r8], r15", CODE(0x4d, 0x89, 0x38), STORE(8, 8, R15)),
	ROW(M64, "mov dl, [rax]", CODE(0x8a, 0x10), LOAD(8, 1, RDX)),
	ROW(M64, "mov dh, [rax]", CODE(0x8a, 0x30), LOAD(8, 1, RDX), .high = true),
	ROW(M64, "mov sil, [rax]", CODE(0x40, 0x8a, 0x30), LOAD(8, 1, RSI)),
	ROW(M64, "mov edx, [rax]", CODE(0x8b, 0x10), LOAD(8, 4, RDX)),
	ROW(M64, "mov r10d, [rax]", CODE(0x44, 0x8b, 0x10), LOAD(8, 4, R10)),
	ROW(M64, "mov dx, [rax]", CODE(0x66, 0x8b, 0x10), LOAD(8, 2, RDX)),
	ROW(M64, "mov rdx, [eax]", CODE(0x67, 0x48, 0x8b, 0x10), LOAD(4, 8, RDX)),
	ROW(M32, "mov [eax], ecx", CODE(0x89, 0x08), STORE(4, 4, RCX)),
	ROW(M32, "mov [eax], cx", CODE(0x66, 0x89, 0x08), STORE(4, 2, RCX)),
	ROW(M32, "mov ch, [eax]", CODE(0x8a, 0x28), LOAD(4, 1, RCX), .high = true),
	ROW(M32, "mov ecx, [bx+si]", CODE(0x67, 0x8b, 0x08), LOAD(2, 4, RCX)),
	ROW(M16, "mov [bx+si], cx", CODE(0x89, 0x08), STORE(2, 2, RCX)),
	ROW(M16, "mov ecx, [bx+si]", CODE(0x66, 0x8b, 0x08), LOAD(2, 4, RCX)),
	ROW(M16, "mov ecx, [eax]", CODE(0x66, 0x67, 0x8b, 0x08), LOAD(4, 4, RCX)),
	ROW(M16, "mov al, [bx]", CODE(0x8a, 0x07), LOAD(2, 1, RAX)),

	ROW(M64, "mov al, moffs64", CODE(0xa0, 1, 2, 3, 4, 5, 6, 7, 8), LOAD(8, 1, RAX)),
	ROW(M64, "mov rax, moffs64", CODE(0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8), LOAD(8, 8, RAX)),
	ROW(M64, "mov moffs32, al", CODE(0x67, 0xa2, 1, 2, 3, 4), STORE(4, 1, RAX)),
	ROW(M64, "mov moffs64, eax, REX.R without effect",
	    CODE(0x44, 0xa3, 1, 2, 3, 4, 5, 6, 7, 8), STORE(8, 4, RAX)),
	ROW(M32, "mov eax, moffs32", CODE(0xa1, 1, 2, 3, 4), LOAD(4, 4, RAX)),
	ROW(M32, "mov moffs16, ax", CODE(0x66, 0x67, 0xa3, 1, 2), STORE(2, 2, RAX)),
	ROW(M16, "mov moffs16, ax", CODE(0xa3, 1, 2), STORE(2, 2, RAX)),

	ROW(M64, "mov byte [rax], -2", CODE(0xc6, 0x00, 0xfe), IMM(8, 1, 0xfe)),
	ROW(M64, "mov word [rax], 0x1234", CODE(0x66, 0xc7, 0x00, 0x34, 0x12), IMM(8, 2, 0x1234)),
	ROW(M64, "mov dword [rax], imm32", CODE(0xc7, 0x00, 0x78, 0x56, 0x34, 0x12),
	    IMM(8, 4, 0x12345678)),
	ROW(M64, "mov qword [rax], imm32", CODE(0x48, 0xc7, 0x00, 0xfe, 0xff, 0xff, 0xff),
	    IMM(8, 8, 0xfffffffffffffffe)),
	ROW(M64, "mov qword [rax], positive", CODE(0x48, 0xc7, 0x00, 0xfe, 0xff, 0xff, 0x7f),
	    IMM(8, 8, 0x7ffffffe)),
	ROW(M64, "mov dword [rip+disp32], imm32", CODE(0xc7, 0x05, 1, 2, 3, 4, 5, 6, 7, 0x18),
	    IMM(8, 4, 0x18070605)),
	ROW(M32, "mov dword [disp32], imm32", CODE(0xc7, 0x05, 1, 2, 3, 4, 5, 6, 7, 0x18),
	    IMM(4, 4, 0x18070605)),
	ROW(M16, "mov word [disp16], imm16", CODE(0xc7, 0x06, 1, 2, 3, 4), IMM(2, 2, 0x0403)),
	ROW(M16, "mov dword [disp16], imm32", CODE(0x66, 0xc7, 0x06, 1, 2, 3, 4, 5, 6),
	    IMM(2, 4, 0x06050403)),
};

static const struct row extensions[] = {
	ROW(M64, "movzx ecx, byte [rax]", CODE(0x0f, 0xb6, 0x08), EXT(8, 1, RCX, 4)),
	ROW(M64, "movzx cx, byte [rax]", CODE(0x66, 0x0f, 0xb6, 0x08), EXT(8, 1, RCX, 2)),
	ROW(M64, "movzx r12, byte [rax]", CODE(0x4c, 0x0f, 0xb6, 0x20), EXT(8, 1, R12, 8)),
	ROW(M64, "movzx esp, byte [rax]", CODE(0x0f, 0xb6, 0x20), EXT(8, 1, RSP, 4)),
	ROW(M64, "movzx ecx, word [rax]", CODE(0x0f, 0xb7, 0x08), EXT(8, 2, RCX, 4)),
	ROW(M64, "movzx rcx, word [rax]", CODE(0x48, 0x0f, 0xb7, 0x08), EXT(8, 2, RCX, 8)),
	ROW(M64, "movzx cx, word [rax]", CODE(0x66, 0x0f, 0xb7, 0x08), EXT(8, 2, RCX, 2)),
	ROW(M16, "movzx cx, byte [bx+si]", CODE(0x0f, 0xb6, 0x08), EXT(2, 1, RCX, 2)),
	ROW(M16, "movzx ecx, word [bx+si]", CODE(0x66, 0x0f, 0xb7, 0x08), EXT(2, 2, RCX, 4)),
	ROW(M64, "movsx ecx, byte [rax]", CODE(0x0f, 0xbe, 0x08), EXT(8, 1, RCX, 4), .sign = true),
	ROW(M64, "movsx rcx, byte [rax]", CODE(0x48, 0x0f, 0xbe, 0x08), EXT(8, 1, RCX, 8),
	    .sign = true),
	ROW(M64, "movsx rcx, word [rax]", CODE(0x48, 0x0f, 0xbf, 0x08), EXT(8, 2, RCX, 8),
	    .sign = true),
	ROW(M32, "movsx ecx, word [eax]", CODE(0x0f, 0xbf, 0x08), EXT(4, 2, RCX, 4), .sign = true),
	ROW(M64, "movsxd rcx, dword [rax]", CODE(0x48, 0x63, 0x08), EXT(8, 4, RCX, 8),
	    .sign = true),
	ROW(M64, "movsxd ecx, dword [rax]", CODE(0x63, 0x08), EXT(8, 4, RCX, 4), .sign = true),
	ROW(M64, "movsxd cx, word [rax]", CODE(0x66, 0x63, 0x08), EXT(8, 2, RCX, 2), .sign = true),

	ROW(M64, "movnti [rax], ecx", CODE(0x0f, 0xc3, 0x08), STORE(8, 4, RCX)),
	ROW(M64, "movnti [rax], r9", CODE(0x4c, 0x0f, 0xc3, 0x08), STORE(8, 8, R9)),
	ROW(M16, "movnti [bx+si], ecx", CODE(0x0f, 0xc3, 0x08), STORE(2, 4, RCX)),
	ROW(M64, "movbe ecx, [rax]", CODE(0x0f, 0x38, 0xf0, 0x08), LOAD(8, 4, RCX), .swap = true),
	ROW(M64, "movbe cx, [rax]", CODE(0x66, 0x0f, 0x38, 0xf0, 0x08), LOAD(8, 2, RCX),
	    .swap = true),
	ROW(M64, "movbe [rax], r9", CODE(0x4c, 0x0f, 0x38, 0xf1, 0x08), STORE(8, 8, R9),
	    .swap = true),
	ROW(M16, "movbe [bx+si], cx", CODE(0x0f, 0x38, 0xf1, 0x08), STORE(2, 2, RCX),
	    .swap = true),
};

static const struct row strings[] = {
	ROW(M64, "stosb", CODE(0xaa), STRING(STOS, 8, 1, DS)),
	ROW(M64, "stosd", CODE(0xab), STRING(STOS, 8, 4, DS)),
	ROW(M64, "rep stosq", CODE(0xf3, 0x48, 0xab), STRING(STOS, 8, 8, DS), .rep = true),
	ROW(M64, "rep stosw, 32-bit address", CODE(0x67, 0x66, 0xf3, 0xab), STRING(STOS, 4, 2, DS),
	    .rep = true),
	ROW(M64, "repne stosd", CODE(0xf2, 0xab), STRING(STOS, 8, 4, DS), .rep = true),
	ROW(M64, "lodsb", CODE(0xac), STRING(LODS, 8, 1, DS)),
	ROW(M64, "lodsq", CODE(0x48, 0xad), STRING(LODS, 8, 8, DS)),
	ROW(M64, "lodsd gs", CODE(0x65, 0xad), STRING(LODS, 8, 4, GS)),
	ROW(M64, "lodsd, es without effect", CODE(0x26, 0xad), STRING(LODS, 8, 4, DS)),
	ROW(M64, "lodsd fs, cs without effect", CODE(0x64, 0x2e, 0xad), STRING(LODS, 8, 4, FS)),
	ROW(M64, "lodsd, the last of fs and gs", CODE(0x64, 0x65, 0xad), STRING(LODS, 8, 4, GS)),
	ROW(M64, "lodsd, REX before a prefix is lost", CODE(0x48, 0x65, 0xad),
	    STRING(LODS, 8, 4, GS)),
	ROW(M32, "lodsd es", CODE(0x26, 0xad), STRING(LODS, 4, 4, ES)),
	ROW(M32, "lodsd cs", CODE(0x2e, 0xad), STRING(LODS, 4, 4, CS)),
	ROW(M32, "lodsd ss", CODE(0x36, 0xad), STRING(LODS, 4, 4, SS)),
	ROW(M32, "lodsd ds after ss", CODE(0x36, 0x3e, 0xad), STRING(LODS, 4, 4, DS)),
	ROW(M32, "lodsd fs", CODE(0x64, 0xad), STRING(LODS, 4, 4, FS)),
	ROW(M64, "movsb", CODE(0xa4), STRING(MOVS, 8, 1, DS)),
	ROW(M64, "rep movsq", CODE(0xf3, 0x48, 0xa5), STRING(MOVS, 8, 8, DS), .rep = true),
	ROW(M64, "rep movsd fs", CODE(0x64, 0xf3, 0xa5), STRING(MOVS, 8, 4, FS), .rep = true),
	ROW(M32, "movsw", CODE(0x66, 0xa5), STRING(MOVS, 4, 2, DS)),
	ROW(M16, "rep movsw es", CODE(0xf3, 0x26, 0xa5), STRING(MOVS, 2, 2, ES), .rep = true),
	ROW(M16, "rep movsd, 32-bit address", CODE(0x66, 0x67, 0xf3, 0xa5), STRING(MOVS, 4, 4, DS),
	    .rep = true),
	ROW(M32, "rep stosd, 16-bit address", CODE(0x67, 0xf3, 0xab), STRING(STOS, 2, 4, DS),
	    .rep = true),
};

/* One row for each length that an addressing form can have. */
static const struct row forms[] = {
	ROW(M64, "[rbp+disp8]", CODE(0x8b, 0x45, 1), LOAD(8, 4, RAX)),
	ROW(M64, "[rbp+disp32]", CODE(0x8b, 0x85, 1, 2, 3, 4), LOAD(8, 4, RAX)),
	ROW(M64, "[rip+disp32]", CODE(0x8b, 0x05, 1, 2, 3, 4), LOAD(8, 4, RAX)),
	ROW(M64, "[r13] needs rip+disp32", CODE(0x41, 0x8b, 0x05, 1, 2, 3, 4), LOAD(8, 4, RAX)),
	ROW(M64, "[rsp]", CODE(0x8b, 0x04, 0x24), LOAD(8, 4, RAX)),
	ROW(M64, "[r12]", CODE(0x41, 0x8b, 0x04, 0x24), LOAD(8, 4, RAX)),
	ROW(M64, "[rsp+disp8]", CODE(0x8b, 0x44, 0x24, 1), LOAD(8, 4, RAX)),
	ROW(M64, "[rsp+disp32]", CODE(0x8b, 0x84, 0x24, 1, 2, 3, 4), LOAD(8, 4, RAX)),
	ROW(M64, "[rcx*4+disp32]", CODE(0x8b, 0x04, 0x8d, 1, 2, 3, 4), LOAD(8, 4, RAX)),
	ROW(M64, "[rbp+rcx*4+disp8]", CODE(0x8b, 0x44, 0x8d, 1), LOAD(8, 4, RAX)),
	ROW(M64, "[r13+rcx*4+disp32]", CODE(0x41, 0x8b, 0x84, 0x8d, 1, 2, 3, 4), LOAD(8, 4, RAX)),
	ROW(M32, "[disp32]", CODE(0x8b, 0x05, 1, 2, 3, 4), LOAD(4, 4, RAX)),
	ROW(M32, "[disp32] with SIB", CODE(0x8b, 0x04, 0x25, 1, 2, 3, 4), LOAD(4, 4, RAX)),
	ROW(M32, "[disp16]", CODE(0x67, 0x8b, 0x06, 1, 2), LOAD(2, 4, RAX)),
	ROW(M16, "[si], 4 is no SIB", CODE(0x8b, 0x04), LOAD(2, 2, RAX)),
	ROW(M16, "[di], 5 is no disp32", CODE(0x8b, 0x05), LOAD(2, 2, RAX)),
	ROW(M16, "[disp16]", CODE(0x8b, 0x06, 1, 2), LOAD(2, 2, RAX)),
	ROW(M16, "[bp+disp8]", CODE(0x8b, 0x46, 1), LOAD(2, 2, RAX)),
	ROW(M16, "[bp+disp16]", CODE(0x8b, 0x86, 1, 2), LOAD(2, 2, RAX)),
	ROW(M16, "[eax+ecx*4+disp32]", CODE(0x67, 0x8b, 0x84, 0x88, 1, 2, 3, 4), LOAD(4, 2, RAX)),
};

static const struct row refused[] = {
	ROW(M64, "lock mov", CODE(0xf0, 0x89, 0x08)),
	ROW(M64, "lock alone", CODE(0xf0)),
	ROW(M64, "mov eax, ecx", CODE(0x89, 0xc8)),
	ROW(M64, "mov ecx, imm32 by C7", CODE(0xc7, 0xc1, 1, 2, 3, 4)),
	ROW(M64, "mov ecx, imm32 by B9", CODE(0xb9, 1, 2, 3, 4)),
	ROW(M64, "movzx eax, cl", CODE(0x0f, 0xb6, 0xc1)),
	ROW(M64, "movsxd rax, ecx", CODE(0x48, 0x63, 0xc1)),
	ROW(M64, "movnti eax, ecx", CODE(0x0f, 0xc3, 0xc1)),
	ROW(M64, "movbe eax, ecx", CODE(0x0f, 0x38, 0xf0, 0xc1)),
	ROW(M64, "C6 /1", CODE(0xc6, 0x08, 1)),
	ROW(M64, "C7 /7, the rest not known", CODE(0xc7, 0x38)),
	ROW(M64, "xabort", CODE(0xc6, 0xf8, 1)),
	ROW(M32, "arpl", CODE(0x63, 0x08)),
	ROW(M16, "arpl", CODE(0x63, 0x08)),
	ROW(M64, "movnti with 66", CODE(0x66, 0x0f, 0xc3, 0x08)),
	ROW(M64, "movnti with F3", CODE(0xf3, 0x0f, 0xc3, 0x08)),
	ROW(M64, "crc32", CODE(0xf2, 0x0f, 0x38, 0xf0, 0x08)),
	ROW(M64, "crc32 word", CODE(0x66, 0xf2, 0x0f, 0x38, 0xf1, 0x08)),
	ROW(M64, "movbe with F3", CODE(0xf3, 0x0f, 0x38, 0xf1, 0x08)),
	ROW(M64, "mov [rax], ds", CODE(0x8c, 0x18)),
	ROW(M64, "mov ds, [rax]", CODE(0x8e, 0x18)),
	ROW(M64, "mov rax, cr0", CODE(0x0f, 0x20, 0xc0)),
	ROW(M64, "add [rax], ecx", CODE(0x01, 0x08)),
	ROW(M64, "xchg [rax], ecx", CODE(0x87, 0x08)),
	ROW(M64, "cmpsb", CODE(0xa6)),
	ROW(M64, "scasb", CODE(0xae)),
	ROW(M64, "movups [rax], xmm1", CODE(0x0f, 0x11, 0x08)),
	ROW(M64, "movsd xmm1, [rax]", CODE(0xf2, 0x0f, 0x10, 0x08)),
	ROW(M64, "vmovups, 2-byte VEX", CODE(0xc5, 0xf8, 0x10, 0x08)),
	ROW(M64, "vmovups, 3-byte VEX", CODE(0xc4, 0xe1, 0x78, 0x10, 0x08)),
	ROW(M64, "vmovups, EVEX", CODE(0x62, 0xf1, 0x7c, 0x48, 0x10, 0x08)),
	ROW(M32, "inc eax, REX elsewhere", CODE(0x40, 0x89, 0x08)),
};

static void expect_insn(const struct row *row, unsigned int n)
{
	const struct kite_insn *want = &row->want;
	struct kite_insn insn;

	memset(&insn, 0xee, sizeof(insn));
	EXPECT_EQ(KITE_INSN_OK, kite_insn_decode(&insn, row->mode, row->code.bytes, n));
	EXPECT_EQ(row->code.n, insn.len);
	EXPECT_EQ(want->kind, insn.kind);
	EXPECT_EQ(want->width, insn.width);
	EXPECT_EQ(want->reg, insn.reg);
	EXPECT_EQ(want->reg_width ? want->reg_width : want->width, insn.reg_width);
	EXPECT_EQ(want->addr_width, insn.addr_width);
	EXPECT_EQ(want->seg, insn.seg);
	EXPECT_EQ(want->high, insn.high);
	EXPECT_EQ(want->sign, insn.sign);
	EXPECT_EQ(want->swap, insn.swap);
	EXPECT_EQ(want->has_imm, insn.has_imm);
	EXPECT_EQ(want->rep, insn.rep);
	EXPECT_EQ(want->imm, insn.imm);
}

static void expect_rows(const struct row *rows, unsigned int count)
{
	const struct row *row;
	struct kite_insn insn;
	unsigned int n;

	for (row = rows; row < rows + count; row++) {
		unit_context("mode %d: %s", row->mode, row->name);
		expect_insn(row, row->code.n);
		/* What comes after the instruction does not matter. */
		expect_insn(row, sizeof(row->code.bytes));
		for (n = 0; n < row->code.n; n++)
			EXPECT_EQ(KITE_INSN_NEED_MORE,
				  kite_insn_decode(&insn, row->mode, row->code.bytes, n));
	}
}

static void decodes_moves(void)
{
	expect_rows(moves, ARRAY_SIZE(moves));
}

static void decodes_extensions_movnti_movbe(void)
{
	expect_rows(extensions, ARRAY_SIZE(extensions));
}

static void decodes_strings(void)
{
	expect_rows(strings, ARRAY_SIZE(strings));
}

static void decodes_addressing_forms(void)
{
	expect_rows(forms, ARRAY_SIZE(forms));
}

/* REP before a move that is no string changes nothing. */
static void ignores_rep_on_moves(void)
{
	struct kite_insn plain, rep;
	const struct row *row;
	unsigned int i;
	u8 bytes[25];

	for (i = 0; i < ARRAY_SIZE(moves); i++) {
		row = &moves[i];
		unit_context("rep %s", row->name);
		bytes[0] = i & 1 ? 0xf2 : 0xf3;
		memcpy(bytes + 1, row->code.bytes, sizeof(row->code.bytes));
		kite_insn_decode(&plain, row->mode, bytes + 1, row->code.n);
		EXPECT_EQ(KITE_INSN_OK,
			  kite_insn_decode(&rep, row->mode, bytes, row->code.n + 1));
		plain.len++;
		EXPECT_TRUE(insn_same(&plain, &rep));
	}
}

/* Prefixes make every instruction 15 bytes long, which is good, and then 16. */
static void limits_the_length(void)
{
	const struct row *row;
	struct kite_insn insn;
	unsigned int i, n;
	u8 bytes[40];

	memset(bytes, 0x3e, sizeof(bytes));
	for (i = 0; i < ARRAY_SIZE(moves); i++) {
		row = &moves[i];
		unit_context("long %s", row->name);
		n = KITE_INSN_MAX_LEN - row->code.n;
		memcpy(bytes + n, row->code.bytes, sizeof(row->code.bytes));
		EXPECT_EQ(KITE_INSN_OK, kite_insn_decode(&insn, row->mode, bytes, 15));
		EXPECT_EQ(KITE_INSN_MAX_LEN, insn.len);
		bytes[n] = 0x3e;
		memcpy(bytes + n + 1, row->code.bytes, sizeof(row->code.bytes));
		EXPECT_EQ(KITE_INSN_UNSUPPORTED, kite_insn_decode(&insn, row->mode, bytes, 16));
		EXPECT_EQ(KITE_INSN_UNSUPPORTED, kite_insn_decode(&insn, row->mode, bytes, 15));
		memset(bytes, 0x3e, sizeof(bytes));
	}
}

/* Fifteen prefixes leave no room for an opcode, fourteen do. */
static void limits_the_prefixes(void)
{
	struct kite_insn insn;
	u8 bytes[16];

	memset(bytes, 0x66, sizeof(bytes));
	EXPECT_EQ(KITE_INSN_NEED_MORE, kite_insn_decode(&insn, M64, bytes, 14));
	EXPECT_EQ(KITE_INSN_UNSUPPORTED, kite_insn_decode(&insn, M64, bytes, 15));
	EXPECT_EQ(KITE_INSN_UNSUPPORTED, kite_insn_decode(&insn, M64, bytes, 16));
	bytes[14] = 0xa4;
	EXPECT_EQ(KITE_INSN_OK, kite_insn_decode(&insn, M64, bytes, 15));
}

static void refuses_everything_else(void)
{
	struct kite_insn insn, untouched;
	const struct row *row;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		row = &refused[i];
		unit_context("mode %d: %s", row->mode, row->name);
		memset(&insn, 0xee, sizeof(insn));
		memset(&untouched, 0xee, sizeof(untouched));
		EXPECT_EQ(KITE_INSN_UNSUPPORTED,
			  kite_insn_decode(&insn, row->mode, row->code.bytes, row->code.n));
		EXPECT_EQ(KITE_INSN_UNSUPPORTED,
			  kite_insn_decode(&insn, row->mode, row->code.bytes,
					   sizeof(row->code.bytes)));
		EXPECT_FALSE(memcmp(&insn, &untouched, sizeof(insn)));
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(decodes_moves),
	UNIT_TEST(decodes_extensions_movnti_movbe),
	UNIT_TEST(decodes_strings),
	UNIT_TEST(decodes_addressing_forms),
	UNIT_TEST(ignores_rep_on_moves),
	UNIT_TEST(limits_the_length),
	UNIT_TEST(limits_the_prefixes),
	UNIT_TEST(refuses_everything_else),
};

UNIT_MAIN(tests)
