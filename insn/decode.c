// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes to struct kite_insn. SDM volume 2, chapter "Instruction Format", has
 * the prefixes and the addressing forms, its appendix "Opcode Map" the rows.
 */
#include <linux/kernel.h>

#include "decode.h"

#define REX_W		0x08
#define REX_R		0x04
#define REX_MASK	0xf0
#define REX_VALUE	0x40

#define MODRM_MOD(byte)	((byte) >> 6)
#define MODRM_REG(byte)	(((byte) >> 3) & 7)
#define MODRM_RM(byte)	((byte) & 7)	/* of SIB: the base */

#define SEG_DS		3
#define SEG_FS		4
#define SEG_GS		5

/* PFX_SEG + n overrides the segment with segment register n. */
enum prefix_class {
	PFX_NONE,
	PFX_OPERAND_SIZE,
	PFX_ADDRESS_SIZE,
	PFX_REPEAT,
	PFX_LOCK,
	PFX_SEG,
};

static const u8 prefix_classes[256] = {
	[0x26] = PFX_SEG + 0,
	[0x2e] = PFX_SEG + 1,
	[0x36] = PFX_SEG + 2,
	[0x3e] = PFX_SEG + SEG_DS,
	[0x64] = PFX_SEG + SEG_FS,
	[0x65] = PFX_SEG + SEG_GS,
	[0x66] = PFX_OPERAND_SIZE,
	[0x67] = PFX_ADDRESS_SIZE,
	[0xf0] = PFX_LOCK,
	[0xf2] = PFX_REPEAT,
	[0xf3] = PFX_REPEAT,
};

enum opcode_map {
	MAP_1,
	MAP_0F,
	MAP_0F38,
};

/* What follows the opcode. */
enum form {
	FORM_MODRM,	/* ModRM with a memory operand and a register */
	FORM_MODRM_IMM,	/* ModRM with a memory operand and /0, then an immediate */
	FORM_MOFFS,	/* the offset of the memory operand; the register is rAX */
	FORM_STRING,	/* nothing */
	FORM_ESCAPE,	/* an opcode of the map in column kind */
};

#define ONLY_64		0x01	/* something else, or nothing, in the other modes */
#define NO_66		0x02	/* 66 makes it another instruction, or none */
#define NO_REP		0x04	/* F2 and F3 make it another instruction, or none */
#define EXTEND		0x08	/* the register has the operand size, not that of memory */
#define SIGN		0x10
#define SWAP		0x20

/* Memory is as wide as the operand size, but at least @min and at most @max bytes. */
struct opcode {
	u8 map;
	u8 code;
	u8 form;
	u8 kind;
	u8 min;
	u8 max;
	u8 attr;
};

static const struct opcode opcodes[] = {
	{ MAP_1,    0x0f, FORM_ESCAPE,    MAP_0F },
	{ MAP_1,    0x63, FORM_MODRM,     KITE_INSN_LOAD,  2, 4, ONLY_64 | EXTEND | SIGN },
	{ MAP_1,    0x88, FORM_MODRM,     KITE_INSN_STORE, 1, 1 },
	{ MAP_1,    0x89, FORM_MODRM,     KITE_INSN_STORE, 2, 8 },
	{ MAP_1,    0x8a, FORM_MODRM,     KITE_INSN_LOAD,  1, 1 },
	{ MAP_1,    0x8b, FORM_MODRM,     KITE_INSN_LOAD,  2, 8 },
	{ MAP_1,    0xa0, FORM_MOFFS,     KITE_INSN_LOAD,  1, 1 },
	{ MAP_1,    0xa1, FORM_MOFFS,     KITE_INSN_LOAD,  2, 8 },
	{ MAP_1,    0xa2, FORM_MOFFS,     KITE_INSN_STORE, 1, 1 },
	{ MAP_1,    0xa3, FORM_MOFFS,     KITE_INSN_STORE, 2, 8 },
	{ MAP_1,    0xa4, FORM_STRING,    KITE_INSN_MOVS,  1, 1 },
	{ MAP_1,    0xa5, FORM_STRING,    KITE_INSN_MOVS,  2, 8 },
	{ MAP_1,    0xaa, FORM_STRING,    KITE_INSN_STOS,  1, 1 },
	{ MAP_1,    0xab, FORM_STRING,    KITE_INSN_STOS,  2, 8 },
	{ MAP_1,    0xac, FORM_STRING,    KITE_INSN_LODS,  1, 1 },
	{ MAP_1,    0xad, FORM_STRING,    KITE_INSN_LODS,  2, 8 },
	{ MAP_1,    0xc6, FORM_MODRM_IMM, KITE_INSN_STORE, 1, 1 },
	{ MAP_1,    0xc7, FORM_MODRM_IMM, KITE_INSN_STORE, 2, 8 },
	/* MOVBE is all that this map offers here; with F2 its opcodes are CRC32. */
	{ MAP_0F,   0x38, FORM_ESCAPE,    MAP_0F38,        0, 0, NO_REP },
	{ MAP_0F,   0xb6, FORM_MODRM,     KITE_INSN_LOAD,  1, 1, EXTEND },
	{ MAP_0F,   0xb7, FORM_MODRM,     KITE_INSN_LOAD,  2, 2, EXTEND },
	{ MAP_0F,   0xbe, FORM_MODRM,     KITE_INSN_LOAD,  1, 1, EXTEND | SIGN },
	{ MAP_0F,   0xbf, FORM_MODRM,     KITE_INSN_LOAD,  2, 2, EXTEND | SIGN },
	{ MAP_0F,   0xc3, FORM_MODRM,     KITE_INSN_STORE, 4, 8, NO_66 | NO_REP },
	{ MAP_0F38, 0xf0, FORM_MODRM,     KITE_INSN_LOAD,  2, 8, SWAP },
	{ MAP_0F38, 0xf1, FORM_MODRM,     KITE_INSN_STORE, 2, 8, SWAP },
};

/* By mode, and by whether the size prefix is there. */
static const u8 operand_sizes[][2] = {
	[KITE_INSN_MODE_16] = { 2, 4 },
	[KITE_INSN_MODE_32] = { 4, 2 },
	[KITE_INSN_MODE_64] = { 4, 2 },
};

static const u8 address_sizes[][2] = {
	[KITE_INSN_MODE_16] = { 2, 4 },
	[KITE_INSN_MODE_32] = { 4, 2 },
	[KITE_INSN_MODE_64] = { 8, 4 },
};

struct decoder {
	enum kite_insn_mode mode;
	const u8 *bytes;
	unsigned int n;
	unsigned int pos;
	bool operand_prefix;
	bool address_prefix;
	bool rep;
	u8 rex;
	u8 seg;
	u8 operand_size;
	u8 address_size;
};

/*
 * Are the next @next bytes there? @later is how many are certain to come after
 * them: an instruction that is bound to be too long is refused right away, so
 * that nobody fetches another page for it.
 */
static enum kite_insn_status need(const struct decoder *d, unsigned int next, unsigned int later)
{
	if (d->pos + next + later > KITE_INSN_MAX_LEN)
		return KITE_INSN_UNSUPPORTED;
	return d->pos + next > d->n ? KITE_INSN_NEED_MORE : KITE_INSN_OK;
}

/* 64-bit mode ignores overrides by ES, CS, SS and DS, also after one by FS or GS. */
static void override_segment(struct decoder *d, u8 seg)
{
	if (d->mode != KITE_INSN_MODE_64 || seg >= SEG_FS)
		d->seg = seg;
}

static enum kite_insn_status decode_prefixes(struct decoder *d)
{
	enum kite_insn_status status;
	u8 byte, class;

	while (!(status = need(d, 1, 0))) {
		byte = d->bytes[d->pos];
		class = prefix_classes[byte];
		if (d->mode == KITE_INSN_MODE_64 && (byte & REX_MASK) == REX_VALUE) {
			d->rex = byte;
			d->pos++;
			continue;
		}
		if (class == PFX_NONE)
			break;
		/* No move takes LOCK: #UD whatever comes. */
		if (class == PFX_LOCK)
			return KITE_INSN_UNSUPPORTED;
		/* REX counts only right before the opcode. */
		d->rex = 0;
		d->pos++;
		d->operand_prefix |= class == PFX_OPERAND_SIZE;
		d->address_prefix |= class == PFX_ADDRESS_SIZE;
		d->rep |= class == PFX_REPEAT;
		if (class >= PFX_SEG)
			override_segment(d, class - PFX_SEG);
	}
	return status;
}

static const struct opcode *find_opcode(const struct decoder *d, u8 map, u8 code)
{
	const struct opcode *op;

	for (op = opcodes; op < opcodes + ARRAY_SIZE(opcodes); op++) {
		if (op->map != map || op->code != code)
			continue;
		if ((op->attr & ONLY_64 && d->mode != KITE_INSN_MODE_64) ||
		    (op->attr & NO_66 && d->operand_prefix) ||
		    (op->attr & NO_REP && d->rep))
			return NULL;
		return op;
	}
	return NULL;
}

static enum kite_insn_status decode_opcode(struct decoder *d, const struct opcode **opcode)
{
	const struct opcode *op;
	enum kite_insn_status status;
	u8 map = MAP_1;

	for (;;) {
		/* Whatever comes after an escape here has a ModRM byte. */
		status = need(d, 1, map != MAP_1);
		if (status)
			return status;
		op = find_opcode(d, map, d->bytes[d->pos++]);
		if (!op)
			return KITE_INSN_UNSUPPORTED;
		if (op->form != FORM_ESCAPE)
			break;
		map = op->kind;
	}
	*opcode = op;
	return KITE_INSN_OK;
}

static enum kite_insn_status decode_modrm(struct decoder *d, unsigned int imm, u8 *modrm)
{
	enum kite_insn_status status = need(d, 1, imm);

	if (status)
		return status;
	*modrm = d->bytes[d->pos++];
	/* Between registers: not what caused the exit. */
	return MODRM_MOD(*modrm) == 3 ? KITE_INSN_UNSUPPORTED : KITE_INSN_OK;
}

/* Step over SIB and displacement; @imm bytes follow them. */
static enum kite_insn_status skip_address(struct decoder *d, u8 modrm, unsigned int imm)
{
	unsigned int mod = MODRM_MOD(modrm), base = MODRM_RM(modrm), disp;
	enum kite_insn_status status;

	if (d->address_size == 2) {
		disp = mod == 0 && base == 6 ? 2 : mod;
	} else {
		if (base == 4) {
			status = need(d, 1, imm + (mod == 2 ? 4 : mod));
			if (status)
				return status;
			base = MODRM_RM(d->bytes[d->pos++]);
		}
		disp = mod == 2 || (mod == 0 && base == 5) ? 4 : mod;
	}
	status = need(d, disp, imm);
	d->pos += disp;
	return status;
}

static enum kite_insn_status decode_imm(struct decoder *d, unsigned int size, u64 *imm)
{
	enum kite_insn_status status = need(d, size, 0);
	u32 value = 0;
	unsigned int i;

	if (status)
		return status;
	for (i = 0; i < size; i++)
		value |= (u32)d->bytes[d->pos++] << (8 * i);
	/* MOV to 64 bits has an immediate of 32 and sign-extends it. */
	*imm = (s64)(s32)value;
	return KITE_INSN_OK;
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH and BH. */
static void set_register(const struct decoder *d, struct kite_insn *insn, u8 reg)
{
	insn->high = insn->reg_width == 1 && !d->rex && reg >= 4;
	insn->reg = insn->high ? reg - 4 : reg;
	if (d->rex & REX_R)
		insn->reg += 8;
}

static enum kite_insn_status decode_operands(struct decoder *d, const struct opcode *op,
					     struct kite_insn *insn)
{
	unsigned int imm_size = op->form == FORM_MODRM_IMM ? min_t(u8, insn->width, 4) : 0;
	enum kite_insn_status status;
	u8 modrm;

	if (op->form == FORM_STRING)
		return KITE_INSN_OK;
	if (op->form == FORM_MOFFS) {
		status = need(d, d->address_size, 0);
		d->pos += d->address_size;
		return status;
	}
	status = decode_modrm(d, imm_size, &modrm);
	if (status)
		return status;
	insn->has_imm = op->form == FORM_MODRM_IMM;
	if (!insn->has_imm)
		set_register(d, insn, MODRM_REG(modrm));
	else if (MODRM_REG(modrm))
		return KITE_INSN_UNSUPPORTED;
	status = skip_address(d, modrm, imm_size);
	if (status || !insn->has_imm)
		return status;
	return decode_imm(d, imm_size, &insn->imm);
}

enum kite_insn_status kite_insn_decode(struct kite_insn *insn, enum kite_insn_mode mode,
				       const u8 *bytes, unsigned int n)
{
	struct decoder d = { .mode = mode, .bytes = bytes, .n = n, .seg = SEG_DS };
	struct kite_insn result = { };
	enum kite_insn_status status;
	const struct opcode *op;

	status = decode_prefixes(&d);
	if (status)
		return status;
	d.operand_size = d.rex & REX_W ? 8 : operand_sizes[mode][d.operand_prefix];
	d.address_size = address_sizes[mode][d.address_prefix];
	status = decode_opcode(&d, &op);
	if (status)
		return status;
	result.kind = op->kind;
	result.width = clamp(d.operand_size, op->min, op->max);
	result.reg_width = op->attr & EXTEND ? d.operand_size : result.width;
	result.addr_width = d.address_size;
	result.sign = op->attr & SIGN;
	result.swap = op->attr & SWAP;
	result.rep = d.rep && op->form == FORM_STRING;
	result.seg = d.seg;
	status = decode_operands(&d, op, &result);
	if (status)
		return status;
	result.len = d.pos;
	*insn = result;
	return KITE_INSN_OK;
}
