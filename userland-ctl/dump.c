// SPDX-License-Identifier: GPL-2.0-only
/* Printing guest state and exit records. */
#include "dump.h"

#include "lib/types.h"
#include "names.h"

#define INTR_VALID	BIT(31)
#define INTR_ERROR_CODE	BIT(11)

struct bit_name {
	u8 bit;
	const char *name;
};

static const struct bit_name cr0_bits[] = {
	{ 0, "PE" }, { 1, "MP" }, { 2, "EM" }, { 3, "TS" }, { 4, "ET" }, { 5, "NE" },
	{ 16, "WP" }, { 18, "AM" }, { 29, "NW" }, { 30, "CD" }, { 31, "PG" },
};

static const struct bit_name cr4_bits[] = {
	{ 0, "VME" }, { 1, "PVI" }, { 2, "TSD" }, { 3, "DE" }, { 4, "PSE" }, { 5, "PAE" },
	{ 6, "MCE" }, { 7, "PGE" }, { 8, "PCE" }, { 9, "OSFXSR" }, { 10, "OSXMMEXCPT" },
	{ 11, "UMIP" }, { 12, "LA57" }, { 13, "VMXE" }, { 14, "SMXE" }, { 16, "FSGSBASE" },
	{ 17, "PCIDE" }, { 18, "OSXSAVE" }, { 19, "KL" }, { 20, "SMEP" }, { 21, "SMAP" },
	{ 22, "PKE" }, { 23, "CET" }, { 24, "PKS" }, { 25, "UINTR" },
};

static const struct bit_name efer_bits[] = {
	{ 0, "SCE" }, { 8, "LME" }, { 10, "LMA" }, { 11, "NXE" },
};

static const struct bit_name rflags_bits[] = {
	{ 0, "CF" }, { 2, "PF" }, { 4, "AF" }, { 6, "ZF" }, { 7, "SF" }, { 8, "TF" }, { 9, "IF" },
	{ 10, "DF" }, { 11, "OF" }, { 14, "NT" }, { 16, "RF" }, { 17, "VM" }, { 18, "AC" },
	{ 19, "VIF" }, { 20, "VIP" }, { 21, "ID" },
};

static const struct bit_name apic_base_bits[] = {
	{ 8, "BSP" }, { 10, "EXTD" }, { 11, "EN" },
};

static const struct bit_name blocking_bits[] = {
	{ 0, "STI" }, { 1, "MOV-SS" }, { 2, "SMI" }, { 3, "NMI" },
};

static const struct bit_name pending_bits[] = {
	{ 0, "exception" }, { 1, "error-code" }, { 2, "NMI" },
};

static const char * const gpr_names[KITE_GPR_COUNT] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

static const char * const seg_names[KITE_SEG_COUNT] = {
	"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr",
};

/* SDM, chapter "Protected-Mode Memory Management", section "Segment Descriptors". */
static const char * const code_data_types[16] = {
	"data ro", "data ro accessed", "data rw", "data rw accessed",
	"data ro down", "data ro down accessed", "data rw down", "data rw down accessed",
	"code xo", "code xo accessed", "code rx", "code rx accessed",
	"code xo conforming", "code xo conforming accessed",
	"code rx conforming", "code rx conforming accessed",
};

static const char * const system_types[16] = {
	[1] = "16-bit TSS available", [2] = "LDT", [3] = "16-bit TSS busy",
	[9] = "TSS available", [11] = "TSS busy",
};

static const char * const activities[] = {
	[KITE_ACTIVITY_ACTIVE] = "active",
	[KITE_ACTIVITY_HLT] = "HLT",
	[KITE_ACTIVITY_WAIT_FOR_SIPI] = "wait-for-SIPI",
};

static void print_bits(FILE *out, u64 value, const struct bit_name *names, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (value & BIT_ULL(names[i].bit))
			fprintf(out, " %s", names[i].name);
		value &= ~BIT_ULL(names[i].bit);
	}
	if (value)
		fprintf(out, " +0x%llx", value);
	fputc('\n', out);
}

static void print_reg(FILE *out, const char *name, u64 value, const struct bit_name *names,
		      unsigned int count)
{
	fprintf(out, "  %-9s 0x%016llx ", name, value);
	print_bits(out, value, names, count);
}

static void dump_gprs(FILE *out, const struct kite_gprs *g)
{
	unsigned int i;

	fprintf(out, "  rip 0x%016llx\n", g->rip);
	for (i = 0; i < KITE_GPR_COUNT; i++)
		fprintf(out, "  %-3s 0x%016llx%s", gpr_names[i], g->gpr[i], i % 4 == 3 ? "\n" : "");
	/* Bit 1 is always set. */
	print_reg(out, "rflags", g->rflags & ~2ull, rflags_bits, ARRAY_SIZE(rflags_bits));
}

static void dump_segment(FILE *out, const char *name, const struct kite_segment *s)
{
	const char * const *types = s->ar & BIT(4) ? code_data_types : system_types;
	const char *type = types[s->ar & 15];

	fprintf(out, "  %-4s 0x%04x base 0x%016llx limit 0x%08x ar 0x%05x", name, s->selector,
		s->base, s->limit, s->ar);
	if (s->ar & KITE_SEG_UNUSABLE) {
		fprintf(out, " unusable\n");
		return;
	}
	fprintf(out, " %s, DPL %u%s%s%s%s%s\n", type ? type : "reserved type", (s->ar >> 5) & 3,
		s->ar & BIT(7) ? " P" : "", s->ar & BIT(12) ? " AVL" : "",
		s->ar & BIT(13) ? " L" : "", s->ar & BIT(14) ? " D/B" : "",
		s->ar & BIT(15) ? " G" : "");
}

static void dump_segs(FILE *out, const struct kite_segs *s)
{
	unsigned int i;

	for (i = 0; i < KITE_SEG_COUNT; i++)
		dump_segment(out, seg_names[i], &s->seg[i]);
	fprintf(out, "  gdtr base 0x%016llx limit 0x%04x\n", s->gdtr.base, s->gdtr.limit);
	fprintf(out, "  idtr base 0x%016llx limit 0x%04x\n", s->idtr.base, s->idtr.limit);
}

static void dump_crs(FILE *out, const struct kite_crs *c)
{
	u64 base = c->apic_base & ~0xfffull;

	print_reg(out, "cr0", c->cr0, cr0_bits, ARRAY_SIZE(cr0_bits));
	fprintf(out, "  cr2 0x%016llx  cr3 0x%016llx  cr8 0x%llx  xcr0 0x%llx\n", c->cr2, c->cr3,
		c->cr8, c->xcr0);
	print_reg(out, "cr4", c->cr4, cr4_bits, ARRAY_SIZE(cr4_bits));
	print_reg(out, "efer", c->efer, efer_bits, ARRAY_SIZE(efer_bits));
	fprintf(out, "  apic_base 0x%016llx ", base);
	print_bits(out, c->apic_base & 0xfff, apic_base_bits, ARRAY_SIZE(apic_base_bits));
}

static void dump_events(FILE *out, const struct kite_events *e)
{
	bool known = e->activity < ARRAY_SIZE(activities);

	fprintf(out, "  activity  %s\n", known ? activities[e->activity] : "unknown");
	print_reg(out, "blocking", e->blocking, blocking_bits, ARRAY_SIZE(blocking_bits));
	print_reg(out, "pending", e->pending, pending_bits, ARRAY_SIZE(pending_bits));
	if (e->pending & KITE_EVENT_EXCEPTION)
		fprintf(out, "  exception %u error code 0x%x\n", e->exception, e->error_code);
	if (e->pending_debug)
		fprintf(out, "  pending debug exceptions 0x%llx\n", e->pending_debug);
}

void dump_state(FILE *out, const struct kite_state *state)
{
	fprintf(out, "guest state:\n");
	dump_gprs(out, &state->gprs);
	dump_segs(out, &state->segs);
	dump_crs(out, &state->crs);
	fprintf(out, "  dr0 0x%llx  dr1 0x%llx  dr2 0x%llx  dr3 0x%llx  dr6 0x%llx  dr7 0x%llx\n",
		state->drs.dr[0], state->drs.dr[1], state->drs.dr[2], state->drs.dr[3],
		state->drs.dr6, state->drs.dr7);
	dump_events(out, &state->events);
}

static void dump_broken_rule(FILE *out, const struct kite_broken_rule *b)
{
	if (!b->rule) {
		fprintf(out, "  no rule that Kite knows is broken\n");
		return;
	}
	fprintf(out, "  %s (VMCS field 0x%04x) is 0x%llx, against rule %u: it %.*s\n",
		name_rule_field(b->field), b->field, b->value, b->rule, (int)sizeof(b->text),
		b->text);
	fprintf(out, "  SDM, chapter \"VM Entries\", section \"%s\"\n", name_rule_section(b->rule));
}

void dump_fail_entry(FILE *out, const struct kite_exit_fail_entry *e)
{
	if (e->exit_reason)
		fprintf(out, "VM entry failed: %s (%u), qualification 0x%llx\n",
			name_exit_reason(e->exit_reason), e->exit_reason & VM_EXIT_REASON_MASK,
			e->qualification);
	else
		fprintf(out, "VM entry failed: VMfail, %s (VM-instruction error %u)\n",
			name_instruction_error(e->instruction_error), e->instruction_error);
	dump_broken_rule(out, &e->broken);
}

void dump_internal(FILE *out, const struct kite_exit_internal *e)
{
	u32 i;

	fprintf(out, "internal error %u: %s\n", e->code, name_internal_error(e->code));
	fprintf(out, "  exit      %s (%u), qualification 0x%llx\n",
		name_exit_reason(e->exit_reason), e->exit_reason & VM_EXIT_REASON_MASK,
		e->qualification);
	fprintf(out, "  rip 0x%llx  gpa 0x%llx\n", e->rip, e->gpa);
	if (e->idt_vectoring & INTR_VALID)
		fprintf(out, "  while delivering vector %u, type %u%s\n", e->idt_vectoring & 0xff,
			(e->idt_vectoring >> 8) & 7,
			e->idt_vectoring & INTR_ERROR_CODE ? ", with an error code" : "");
	if (!e->insn_len)
		return;
	fprintf(out, "  instruction");
	for (i = 0; i < e->insn_len && i < sizeof(e->insn); i++)
		fprintf(out, " %02x", e->insn[i]);
	fputc('\n', out);
}
