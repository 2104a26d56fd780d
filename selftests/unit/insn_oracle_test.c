// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the decoder and the Zydis disassembler say the same of any bytes.
 *
 *   ours OK           exactly if Zydis finds a supported move to or from memory,
 *                     and then each member is what Zydis says
 *   ours NEED_MORE    only if Zydis lacks bytes too
 *
 * Where the two differ on purpose there is a row with the reason in exceptions[].
 */
#include <Zydis/Zydis.h>

#include <linux/kernel.h>

#include "insn/decode.h"
#include "insn_util.h"
#include "unit.h"

#define RANDOM_INPUTS	10000000
#define SEED		0x6f7261636c65ULL
#define INPUT_MAX	20

enum verdict {
	MOVE,		/* a supported move to or from memory */
	SHORT,		/* the bytes end before the instruction does */
	OTHER,		/* something else, or invalid */
};

static ZydisDecoder decoders[INSN_MODES];

/* Our answers since the last expect_all_seen(). */
static struct {
	unsigned long verdicts[OTHER + 1];
	unsigned long kinds[KITE_INSN_MOVS + 1];
} counters;

/* Plain moves: the kind follows from which operand is in memory. */
static const struct move {
	ZydisMnemonic mnemonic;
	bool sign;
	bool swap;
} moves[] = {
	{ ZYDIS_MNEMONIC_MOV },
	{ ZYDIS_MNEMONIC_MOVZX },
	{ ZYDIS_MNEMONIC_MOVSX, .sign = true },
	{ ZYDIS_MNEMONIC_MOVSXD, .sign = true },
	{ ZYDIS_MNEMONIC_MOVNTI },
	{ ZYDIS_MNEMONIC_MOVBE, .swap = true },
};

static const struct string {
	ZydisMnemonic mnemonic;
	enum kite_insn_kind kind;
} strings[] = {
	{ ZYDIS_MNEMONIC_STOSB, KITE_INSN_STOS },
	{ ZYDIS_MNEMONIC_STOSW, KITE_INSN_STOS },
	{ ZYDIS_MNEMONIC_STOSD, KITE_INSN_STOS },
	{ ZYDIS_MNEMONIC_STOSQ, KITE_INSN_STOS },
	{ ZYDIS_MNEMONIC_LODSB, KITE_INSN_LODS },
	{ ZYDIS_MNEMONIC_LODSW, KITE_INSN_LODS },
	{ ZYDIS_MNEMONIC_LODSD, KITE_INSN_LODS },
	{ ZYDIS_MNEMONIC_LODSQ, KITE_INSN_LODS },
	{ ZYDIS_MNEMONIC_MOVSB, KITE_INSN_MOVS },
	{ ZYDIS_MNEMONIC_MOVSW, KITE_INSN_MOVS },
	{ ZYDIS_MNEMONIC_MOVSD, KITE_INSN_MOVS },
	{ ZYDIS_MNEMONIC_MOVSQ, KITE_INSN_MOVS },
};

static u64 mask(unsigned int width)
{
	return ~0ULL >> (64 - 8 * width);
}

static bool is_gpr(const ZydisDecodedOperand *op)
{
	ZydisRegisterClass class;

	if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	class = ZydisRegisterGetClass(op->reg.value);
	return class >= ZYDIS_REGCLASS_GPR8 && class <= ZYDIS_REGCLASS_GPR64;
}

static void translate_register(struct kite_insn *want, ZydisRegister reg)
{
	ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	want->high = reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
	want->reg = ZydisRegisterGetId(full);
	want->reg_width = ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg) / 8;
}

static enum verdict translate_move(struct kite_insn *want, const struct move *move,
				   const ZydisDecodedOperand *ops)
{
	bool store = ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
	const ZydisDecodedOperand *mem = &ops[!store], *other = &ops[store];

	if (mem->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return OTHER;
	want->kind = store ? KITE_INSN_STORE : KITE_INSN_LOAD;
	want->width = mem->size / 8;
	want->reg_width = want->width;
	want->sign = move->sign;
	want->swap = move->swap;
	if (other->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		want->has_imm = true;
		want->imm = other->imm.value.u & mask(want->width);
		return MOVE;
	}
	/* MOV also reaches segment, control and debug registers. */
	if (!is_gpr(other))
		return OTHER;
	translate_register(want, other->reg.value);
	return MOVE;
}

static enum verdict translate_string(struct kite_insn *want, const struct string *string,
				     const ZydisDecodedInstruction *zydis,
				     const ZydisDecodedOperand *ops)
{
	unsigned int i;

	want->kind = string->kind;
	want->rep = !!(zydis->attributes & ZYDIS_ATTRIB_HAS_REP);
	for (i = 0; i < zydis->operand_count; i++) {
		if (ops[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		want->width = ops[i].size / 8;
		if (ops[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ)
			want->seg = ZydisRegisterGetId(ops[i].mem.segment);
	}
	want->reg_width = want->width;
	return MOVE;
}

static enum verdict translate(struct kite_insn *want, const ZydisDecodedInstruction *zydis,
			      const ZydisDecodedOperand *ops)
{
	unsigned int i;

	memset(want, 0, sizeof(*want));
	want->len = zydis->length;
	want->addr_width = zydis->address_width / 8;
	for (i = 0; i < ARRAY_SIZE(moves); i++)
		if (zydis->mnemonic == moves[i].mnemonic)
			return translate_move(want, &moves[i], ops);
	/* MOVSD is the name of an SSE instruction too. */
	if (zydis->meta.category != ZYDIS_CATEGORY_STRINGOP)
		return OTHER;
	for (i = 0; i < ARRAY_SIZE(strings); i++)
		if (zydis->mnemonic == strings[i].mnemonic)
			return translate_string(want, &strings[i], zydis, ops);
	return OTHER;
}

static enum verdict ask_zydis(struct kite_insn *want, enum kite_insn_mode mode, const u8 *bytes,
			      unsigned int n)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction zydis;
	ZyanStatus status;

	status = ZydisDecoderDecodeFull(&decoders[mode], bytes, n, &zydis, ops);
	if (status == ZYDIS_STATUS_NO_MORE_DATA)
		return SHORT;
	if (!ZYAN_SUCCESS(status))
		return OTHER;
	return translate(want, &zydis, ops);
}

static enum verdict ask_ours(struct kite_insn *insn, enum kite_insn_mode mode, const u8 *bytes,
			     unsigned int n)
{
	static const enum verdict verdicts[] = {
		[KITE_INSN_OK] = MOVE,
		[KITE_INSN_NEED_MORE] = SHORT,
		[KITE_INSN_UNSUPPORTED] = OTHER,
	};
	enum verdict verdict = verdicts[kite_insn_decode(insn, mode, bytes, n)];

	if (verdict != MOVE)
		return verdict;
	/* Only these have a source segment; the others may hold an override. */
	if (insn->kind != KITE_INSN_LODS && insn->kind != KITE_INSN_MOVS)
		insn->seg = 0;
	insn->imm &= mask(insn->width);
	return verdict;
}

struct opinion {
	const u8 *bytes;
	enum verdict ours;
	enum verdict theirs;
	struct kite_insn insn;
	struct kite_insn zydis;
};

/* The last REP prefix is F2, which Zydis shows as a prefix without meaning here. */
static bool is_repne_string(const struct opinion *o)
{
	struct kite_insn with_rep = o->zydis;

	with_rep.rep = true;
	return o->ours == MOVE && o->theirs == MOVE && !o->zydis.rep &&
	       memchr(o->bytes, 0xf2, o->insn.len) && insn_same(&o->insn, &with_rep);
}

/* 66 63 /r: only the width of the access differs. */
static bool is_movsxd_word(const struct opinion *o)
{
	struct kite_insn wide = o->insn;

	wide.width = 4;
	return o->ours == MOVE && o->theirs == MOVE && o->insn.sign && o->insn.width == 2 &&
	       o->insn.reg_width == 2 && memchr(o->bytes, 0x63, o->insn.len) &&
	       insn_same(&wide, &o->zydis);
}

static struct exception {
	const char *reason;
	bool (*applies)(const struct opinion *o);
	unsigned long seen;
} exceptions[] = {
	{ "F2 before MOVS, STOS, LODS: reserved in the SDM, but CPUs repeat as for F3",
	  is_repne_string },
	{ "MOVSXD r16: the SDM reads 16 bits of memory, Zydis shows 32", is_movsxd_word },
};

static bool agree(const struct opinion *o)
{
	unsigned int i;

	if (o->ours == MOVE && o->theirs == MOVE && insn_same(&o->insn, &o->zydis))
		return true;
	/* Zydis wants the whole of an instruction that cannot be a move. */
	if (o->ours == OTHER && o->theirs == SHORT)
		return true;
	if (o->ours == o->theirs && o->ours != MOVE)
		return true;
	for (i = 0; i < ARRAY_SIZE(exceptions); i++) {
		if (exceptions[i].applies(o)) {
			exceptions[i].seen++;
			return true;
		}
	}
	return false;
}

static const char *describe(char *text, size_t size, enum verdict verdict,
			    const struct kite_insn *insn)
{
	static const char *const names[] = { "move", "short", "other" };

	if (verdict == MOVE)
		snprintf(text, size,
			 "len %u kind %u width %u reg %u:%u addr %u seg %u%s%s%s%s%s %#llx",
			 insn->len, insn->kind, insn->width, insn->reg, insn->reg_width,
			 insn->addr_width, insn->seg, insn->high ? " high" : "",
			 insn->sign ? " sign" : "", insn->swap ? " swap" : "",
			 insn->has_imm ? " imm" : "", insn->rep ? " rep" : "", insn->imm);
	else
		snprintf(text, size, "%s", names[verdict]);
	return text;
}

static void compare(enum kite_insn_mode mode, const u8 *bytes, unsigned int n)
{
	struct opinion o = { .bytes = bytes };
	char hex[3 * INPUT_MAX + 1] = "", ours[128], theirs[128];
	unsigned int i;

	o.ours = ask_ours(&o.insn, mode, bytes, n);
	o.theirs = ask_zydis(&o.zydis, mode, bytes, n);
	counters.verdicts[o.ours]++;
	if (o.ours == MOVE)
		counters.kinds[o.insn.kind]++;
	if (agree(&o))
		return;
	for (i = 0; i < n; i++)
		sprintf(hex + 3 * i, " %02x", bytes[i]);
	unit_fail("mode %d,%s: ours %s, Zydis %s", mode, hex,
		  describe(ours, sizeof(ours), o.ours, &o.insn),
		  describe(theirs, sizeof(theirs), o.theirs, &o.zydis));
}

/* Agreement on hardly any move shows little. */
static void expect_all_seen(unsigned long least)
{
	unsigned int i;

	printf("  # %lu moves, %lu short, %lu other\n", counters.verdicts[MOVE],
	       counters.verdicts[SHORT], counters.verdicts[OTHER]);
	printf("  # %lu load, %lu store, %lu stos, %lu lods, %lu movs\n",
	       counters.kinds[KITE_INSN_LOAD], counters.kinds[KITE_INSN_STORE],
	       counters.kinds[KITE_INSN_STOS], counters.kinds[KITE_INSN_LODS],
	       counters.kinds[KITE_INSN_MOVS]);
	for (i = 0; i <= OTHER; i++)
		EXPECT_TRUE(counters.verdicts[i] >= least);
	for (i = 0; i <= KITE_INSN_MOVS; i++)
		EXPECT_TRUE(counters.kinds[i] >= least);
	memset(&counters, 0, sizeof(counters));
}

static void random_instructions(void)
{
	u8 bytes[INPUT_MAX];
	u64 state = SEED;
	unsigned int i;

	for (i = 0; i < RANDOM_INPUTS; i++) {
		random_insn(&state, bytes, sizeof(bytes));
		compare(i % INSN_MODES, bytes, 1 + random_u64(&state) % sizeof(bytes));
	}
	expect_all_seen(10000);
}

static void random_bytes(void)
{
	u8 bytes[INPUT_MAX];
	u64 state = SEED;
	unsigned int i, j;

	for (i = 0; i < RANDOM_INPUTS; i++) {
		for (j = 0; j < sizeof(bytes); j++)
			bytes[j] = random_u64(&state) >> 24;
		compare(i % INSN_MODES, bytes, 1 + random_u64(&state) % sizeof(bytes));
	}
	expect_all_seen(10000);
}

/* All opcode maps without VEX: the bytes before the opcode. */
static const struct map {
	u8 escape[2];
	unsigned int len;
} maps[] = { { { 0 }, 0 }, { { 0x0f }, 1 }, { { 0x0f, 0x38 }, 2 }, { { 0x0f, 0x3a }, 2 } };

/* All opcodes of @map with all ModRM bytes, and with all SIB bases where there is one. */
static void every_modrm(enum kite_insn_mode mode, const u8 *prefix, unsigned int n,
			const struct map *map)
{
	u8 bytes[INPUT_MAX] = { };
	unsigned int opcode, modrm, base;

	memcpy(bytes, prefix, n);
	memcpy(bytes + n, map->escape, map->len);
	n += map->len;
	for (opcode = 0; opcode < 256; opcode++) {
		bytes[n] = opcode;
		for (modrm = 0; modrm < 256; modrm++) {
			bytes[n + 1] = modrm;
			for (base = 0; base < ((modrm & 7) == 4 ? 8 : 1); base++) {
				bytes[n + 2] = 0x88 | base;
				compare(mode, bytes, KITE_INSN_MAX_LEN);
				compare(mode, bytes, n + 3);
			}
		}
	}
}

static void every_opcode_and_modrm(void)
{
	static const struct {
		u8 bytes[4];
		unsigned int n;
	} prefixes[] = {
		{ { 0 }, 0 }, { { 0x66 }, 1 }, { { 0x67 }, 1 }, { { 0xf2 }, 1 }, { { 0xf3 }, 1 },
		{ { 0xf0 }, 1 }, { { 0x2e }, 1 }, { { 0x65 }, 1 }, { { 0x66, 0x67 }, 2 },
		{ { 0x66, 0xf2 }, 2 }, { { 0x66, 0xf3 }, 2 }, { { 0xf2, 0xf3 }, 2 },
		{ { 0xf3, 0xf2 }, 2 }, { { 0x40 }, 1 }, { { 0x41 }, 1 }, { { 0x42 }, 1 },
		{ { 0x44 }, 1 }, { { 0x48 }, 1 }, { { 0x4f }, 1 }, { { 0x66, 0x48 }, 2 },
		{ { 0x48, 0x66 }, 2 }, { { 0x67, 0x4d }, 2 }, { { 0xf3, 0x48 }, 2 },
		{ { 0x48, 0x40 }, 2 }, { { 0x64, 0x66, 0x67, 0x4f }, 4 },
	};
	unsigned int mode, i, j;

	for (mode = 0; mode < INSN_MODES; mode++)
		for (i = 0; i < ARRAY_SIZE(prefixes); i++)
			for (j = 0; j < ARRAY_SIZE(maps); j++)
				every_modrm(mode, prefixes[i].bytes, prefixes[i].n, &maps[j]);
	expect_all_seen(1000);
}

/* A row that no longer happens is to be taken out. */
static void exceptions_are_needed(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exceptions); i++) {
		printf("  # %lu times: %s\n", exceptions[i].seen, exceptions[i].reason);
		EXPECT_TRUE(exceptions[i].seen);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(random_instructions),
	UNIT_TEST(random_bytes),
	UNIT_TEST(every_opcode_and_modrm),
	UNIT_TEST(exceptions_are_needed),
};

int main(void)
{
	static const ZydisMachineMode modes[INSN_MODES] = {
		[KITE_INSN_MODE_16] = ZYDIS_MACHINE_MODE_LEGACY_16,
		[KITE_INSN_MODE_32] = ZYDIS_MACHINE_MODE_LEGACY_32,
		[KITE_INSN_MODE_64] = ZYDIS_MACHINE_MODE_LONG_64,
	};
	static const ZydisStackWidth widths[INSN_MODES] = {
		[KITE_INSN_MODE_16] = ZYDIS_STACK_WIDTH_16,
		[KITE_INSN_MODE_32] = ZYDIS_STACK_WIDTH_32,
		[KITE_INSN_MODE_64] = ZYDIS_STACK_WIDTH_64,
	};
	unsigned int i;

	for (i = 0; i < INSN_MODES; i++) {
		if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoders[i], modes[i], widths[i]))) {
			printf("Bail out! Zydis does not start in mode %u\n", i);
			return 1;
		}
	}
	return unit_run(tests, ARRAY_SIZE(tests));
}
