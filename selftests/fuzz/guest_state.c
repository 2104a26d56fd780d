// SPDX-License-Identifier: GPL-2.0-only
/* Memory and state of a guest at random, around what the modes of vm.h have. */
#include "checker.h"
#include "guest_fuzz.h"

#define RFLAGS_ANY	0x3d7fd5ull	/* all that are defined, but VM */
#define RFLAGS_VM	BIT(17)
#define AR_DPL3		0x60
#define AR_VM86		0xf3
#define AR_CODE16	0x9b
#define AR_CODE32	0xc09b
#define AR_GRANULARITY	0x8000
#define IDT_VECTORS	256
#define GDT_ENTRIES	64
#define GATE		0x8e0000000000ull

u64 fuzz_random(struct fuzz_guest *g, u64 limit)
{
	return kt_random_of(&g->random) % limit;
}

bool fuzz_one_in(struct fuzz_guest *g, u64 n)
{
	return !fuzz_random(g, n);
}

u64 fuzz_value(struct fuzz_guest *g)
{
	static const u64 places[] = {
		0, KT_TABLES, KT_GDT, KT_TSS, KT_IDT, KT_PD, KT_STACK, FUZZ_CODE, FUZZ_CODE,
		KT_SCRATCH, KT_SCRATCH, 0x10000, KT_RAM, KT_HOLE, FUZZ_READONLY,
		FUZZ_READONLY + FUZZ_SIDE_LEN, FUZZ_NOWHERE, FUZZ_HIGH, 0xfec00000, 0xfee00000,
		0xfee00300, 0x80000000, BIT(47), -BIT(47),
	};

	switch (fuzz_random(g, 7)) {
	case 0:
	case 1:
		return FUZZ_PICK(g, places) + fuzz_random(g, KT_PAGE);
	case 2:
		return FUZZ_PICK(g, places) - fuzz_random(g, 16);
	case 3:
		return BIT(fuzz_random(g, 64)) - fuzz_random(g, 3);
	case 4:
		return fuzz_random(g, ~0ull);
	case 5:
		return -fuzz_random(g, 256);
	default:
		return fuzz_random(g, 256);
	}
}

/* Most lead to the code, some nowhere. */
static u64 gate(struct fuzz_guest *g, u16 selector)
{
	u64 at = FUZZ_CODE + fuzz_random(g, FUZZ_CODE_LEN);

	if (fuzz_one_in(g, 16))
		return fuzz_random(g, ~0ull);
	return (at & 0xffff) | (at >> 16) << 48 | (u64)selector << 16 | GATE |
	       fuzz_random(g, 2) << 40 | fuzz_random(g, 4) << 45;
}

static void fill_idt(struct fuzz_guest *g)
{
	struct kt_vm *vm = &g->vm;
	u64 i;

	for (i = 0; i < IDT_VECTORS; i++) {
		if (vm->mode == KT_REAL16)
			kt_put(vm, u32, KT_IDT + 4 * i,
			       FUZZ_CODE >> 4 << 16 | fuzz_random(g, FUZZ_CODE_LEN));
		else if (vm->mode == KT_LONG64)
			kt_put(vm, u64, KT_IDT + 16 * i, gate(g, KT_CS64));
		else
			kt_put(vm, u64, KT_IDT + 8 * i, gate(g, KT_CS32));
	}
}

/* Descriptors of any kind behind the good ones, a bit or two of which may be wrong. */
static void fill_gdt(struct fuzz_guest *g)
{
	struct kt_vm *vm = &g->vm;
	u64 i, value;

	for (i = KT_FREE_SEL / 8; i < GDT_ENTRIES; i++) {
		value = fuzz_one_in(g, 2) ? gate(g, KT_CS32) : 0x00cf92000000ffff;
		kt_put(vm, u64, KT_GDT + 8 * i, value ^ fuzz_random(g, 256) << 40);
	}
	if (fuzz_one_in(g, 8))
		kt_get(vm, u64, KT_GDT + 8 * fuzz_random(g, KT_FREE_SEL / 8)) ^=
			BIT(fuzz_random(g, 64));
	if (fuzz_one_in(g, 4))
		kt_put(vm, u16, KT_TSS + 102, fuzz_random(g, 0x80));
}

/* Entries of page tables lead anywhere, or have bits that are reserved. */
static void spoil_tables(struct fuzz_guest *g)
{
	static const u64 tables[] = { KT_TABLES, KT_PDPT, KT_PT, KT_PT, KT_PD, KT_PD + 0x1000 };
	u64 at;
	int n;

	n = fuzz_one_in(g, 2) ? 0 : fuzz_random(g, 12);
	/* The CPU is given the page-directory pointers of PAE paging with the state. */
	g->mutated = n && g->vm.mode == KT_PAE;
	for (; n; n--) {
		/* What the code is reached by is spared more often than not. */
		at = FUZZ_PICK(g, tables) + 8 * fuzz_random(g, fuzz_one_in(g, 4) ? 4 : 512);
		if (fuzz_one_in(g, 2))
			kt_get(&g->vm, u64, at) ^= BIT(fuzz_random(g, 64));
		else
			kt_put(&g->vm, u64, at, (fuzz_value(g) & ~0xfffull) | fuzz_random(g, 4096));
	}
}

static void set_dpl3(struct kite_segs *s, bool bits64)
{
	unsigned int i;

	for (i = KITE_ES; i <= KITE_GS; i++) {
		s->seg[i].selector = KT_USER_DS;
		s->seg[i].ar |= AR_DPL3;
	}
	s->seg[KITE_CS].selector = bits64 ? KT_USER_CS64 : KT_USER_CS32;
}

static void set_vm86(struct kite_state *s)
{
	unsigned int i;

	for (i = KITE_ES; i <= KITE_GS; i++)
		s->segs.seg[i] = (struct kite_segment){
			.selector = FUZZ_CODE >> 4, .base = FUZZ_CODE, .limit = 0xffff,
			.ar = AR_VM86,
		};
	s->gprs.rflags |= RFLAGS_VM | 3 << 12;
	s->gprs.rip = 0;
}

static void set_code(struct kite_segs *s, u16 selector, u32 limit, u32 ar)
{
	s->seg[KITE_CS].selector = selector;
	s->seg[KITE_CS].limit = limit;
	s->seg[KITE_CS].ar = ar;
}

/* What there is beside the kernel's code of the mode; returns the width of the code. */
static unsigned int take_shape(struct fuzz_guest *g, struct kite_state *s)
{
	bool bits64 = g->vm.mode == KT_LONG64;

	if (g->vm.mode == KT_REAL16) {
		s->segs.seg[KITE_CS].selector = FUZZ_CODE >> 4;
		s->segs.seg[KITE_CS].base = FUZZ_CODE;
		s->gprs.rip = 0;
		return 16;
	}
	switch (fuzz_random(g, 8)) {
	case 0:
	case 1:
		set_dpl3(&s->segs, bits64);
		return bits64 ? 64 : 32;
	case 2:
		if (bits64) {
			set_code(&s->segs, KT_CS32, ~0u, AR_CODE32);
			return 32;
		}
		set_vm86(s);
		return 16;
	case 3:
		s->segs.seg[KITE_CS].base = bits64 ? 0 : FUZZ_CODE;
		s->gprs.rip = bits64 ? FUZZ_CODE : 0;
		set_code(&s->segs, KT_CS16, bits64 ? ~0u : 0xffff,
			 AR_CODE16 | (bits64 ? AR_GRANULARITY : 0));
		return 16;
	default:
		return bits64 ? 64 : 32;
	}
}

void fuzz_prepare(struct fuzz_guest *g)
{
	struct kt_vcpu *vcpu = &g->vm.vcpu;
	struct kite_state s;
	unsigned int i, bits;

	fill_idt(g);
	fill_gdt(g);
	vcpu_get_state(vcpu->fd, KITE_STATE_ALL, &s);
	for (i = 0; i < KITE_GPR_COUNT; i++)
		if (i != KITE_RSP || fuzz_one_in(g, 4))
			s.gprs.gpr[i] = fuzz_value(g);
	s.gprs.rip = FUZZ_CODE;
	s.gprs.rflags = 2 | (fuzz_one_in(g, 2) ? 0 : fuzz_random(g, ~0ull) & RFLAGS_ANY);
	bits = take_shape(g, &s);
	/* It has to be accepted, and the CPU has to enter with it. */
	vcpu_set_state(vcpu->fd, KITE_STATE_ALL, &s);
	fuzz_code(g, kt_ptr(&g->vm, FUZZ_CODE), FUZZ_CODE_LEN, bits);
	spoil_tables(g);
}

/* Where in struct kite_state each group is. */
#define GROUP(number, member)	\
	[number] = { offsetof(struct kite_state, member),			\
		     sizeof(((struct kite_state *)0)->member) }

static const struct { u32 at, len; } groups[] = {
	GROUP(0, gprs), GROUP(1, segs), GROUP(2, crs), GROUP(3, drs), GROUP(4, msrs),
	GROUP(5, mtrrs), GROUP(6, events), GROUP(7, pvclock),
};

void fuzz_mutate(struct fuzz_guest *g)
{
	struct kt_vcpu *vcpu = &g->vm.vcpu;
	unsigned int n = 1 + fuzz_random(g, 4), group;
	struct kite_state s;
	u32 touched = 0;
	u64 *at;

	vcpu_get_state(vcpu->fd, KITE_STATE_ALL, &s);
	while (n--) {
		/* Segments and control registers half of the time. */
		group = fuzz_one_in(g, 2) ? 1 + fuzz_random(g, 2) :
					    fuzz_random(g, ARRAY_SIZE(groups));
		at = (u64 *)((u8 *)&s + groups[group].at) + fuzz_random(g, groups[group].len / 8);
		if (fuzz_one_in(g, 3))
			*at = fuzz_value(g);
		else
			*at ^= BIT(fuzz_random(g, fuzz_one_in(g, 2) ? 64 : 32));
		touched |= 1u << group;
	}
	g->mutated = true;
	if (!_vcpu_set_state(vcpu->fd, KITE_STATE_ALL, &s))
		return;
	for (group = 0; group < ARRAY_SIZE(groups); group++)
		if (touched & 1u << group)
			_vcpu_set_state(vcpu->fd, 1u << group, &s);
}
