// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: every kind of move that Kite decodes reaches user space when its
 * memory is in no slot, with the right address, width and data, and loads complete
 * in the right register; any other instruction is refused with a record. How
 * each encoding decodes is the business of the unit tests of insn/.
 */
#include <string.h>

#include "guest.h"

#define HOLE	KT_HOLE

struct row {
	const struct kt_code *code;
	u8 width;
	bool write;
	u64 data;		/* written, or to be read */
	enum kite_gpr reg;	/* of a load */
	u64 want;		/* what it holds then, in 64-bit mode */
};

#define STORE(name, insn)	KT_CODE(name, "", insn, "")

STORE(mov_store8, "mov %al, (\\di)");
STORE(mov_store16, "mov %ax, (\\di)");
STORE(mov_store32, "mov %eax, (\\di)");
STORE(mov_store_high, "mov %ah, (\\di)");
STORE(mov_imm8, "movb $0x5a, (\\di)");
STORE(mov_imm16, "movw $0x5aa5, (\\di)");
STORE(mov_imm32, "movl $0x12345678, (\\di)");
STORE(movnti32, "movnti %eax, (\\di)");
STORE(movbe_store, "movbe %eax, (\\di)");
STORE(mov_load8, "mov (\\di), %bl");
STORE(mov_load16, "mov (\\di), %bx");
STORE(mov_load32, "mov (\\di), %ebx");
STORE(mov_load_high, "mov (\\di), %bh");
STORE(movzx8, "movzbl (\\di), %ebx");
STORE(movzx16, "movzwl (\\di), %ebx");
STORE(movsx8, "movsbl (\\di), %ebx");
STORE(movsx8_to_16, "movsbw (\\di), %bx");
STORE(movsx16, "movswl (\\di), %ebx");
STORE(movbe_load, "movbe (\\di), %ebx");
STORE(mov_disp, "mov %eax, 0x10(\\di,\\cx,4)");
STORE(stosb, "stosb");
STORE(stosw, "stosw");
STORE(stosl, "stosl");
STORE(lodsb, "lodsb");
STORE(lodsl, "lodsl");
KT_CODE64(mov_store64, "", "mov %rax, (%rdi)", "");
KT_CODE64(mov_imm64, "", "movq $-2, (%rdi)", "");
KT_CODE64(movnti64, "", "movnti %rax, (%rdi)", "");
KT_CODE64(mov_load64, "", "mov (%rdi), %rbx", "");
KT_CODE64(movsxd, "", "movslq (%rdi), %rbx", "");
KT_CODE64(movsx8_to_64, "", "movsbq (%rdi), %rbx", "");
KT_CODE64(mov_load_r15, "", "mov (%rdi), %r15", "");
KT_CODE64(mov_load_rsp, "mov %rsp, %r14", "mov (%rdi), %rsp", "xchg %rsp, %r14\n");
KT_CODE64(stosq, "", "stosq", "");
KT_CODE64(movbe64, "", "movbe (%rdi), %rbx", "");

#define RAX	0x1122334455667788ull
#define RBX	0xaaaaaaaabbbbccccull
#define DATA	0x8182838485868788ull

static const struct row rows[] = {
	{ &mov_store8, 1, true, 0x88 }, { &mov_store16, 2, true, 0x7788 },
	{ &mov_store32, 4, true, 0x55667788 }, { &mov_store_high, 1, true, 0x77 },
	{ &mov_imm8, 1, true, 0x5a }, { &mov_imm16, 2, true, 0x5aa5 },
	{ &mov_imm32, 4, true, 0x12345678 }, { &movnti32, 4, true, 0x55667788 },
	{ &movbe_store, 4, true, 0x88776655 },
	{ &mov_load8, 1, false, DATA, KITE_RBX, 0xaaaaaaaabbbbcc88 },
	{ &mov_load16, 2, false, DATA, KITE_RBX, 0xaaaaaaaabbbb8788 },
	{ &mov_load32, 4, false, DATA, KITE_RBX, 0x85868788 },
	{ &mov_load_high, 1, false, DATA, KITE_RBX, 0xaaaaaaaabbbb88cc },
	{ &movzx8, 1, false, DATA, KITE_RBX, 0x88 },
	{ &movzx16, 2, false, DATA, KITE_RBX, 0x8788 },
	{ &movsx8, 1, false, DATA, KITE_RBX, 0xffffff88 },
	{ &movsx8_to_16, 1, false, DATA, KITE_RBX, 0xaaaaaaaabbbbff88 },
	{ &movsx16, 2, false, DATA, KITE_RBX, 0xffff8788 },
	{ &movbe_load, 4, false, DATA, KITE_RBX, 0x88878685 },
	{ &stosb, 1, true, 0x88 }, { &stosw, 2, true, 0x7788 }, { &stosl, 4, true, 0x55667788 },
	{ &lodsb, 1, false, DATA, KITE_RAX, 0x1122334455667788 },
	{ &lodsl, 4, false, DATA, KITE_RAX, 0x85868788 },
};

static const struct row rows64[] = {
	{ &mov_store64, 8, true, RAX }, { &mov_imm64, 8, true, -2ull }, { &movnti64, 8, true, RAX },
	{ &stosq, 8, true, RAX },
	{ &mov_load64, 8, false, DATA, KITE_RBX, DATA },
	{ &movsxd, 4, false, DATA, KITE_RBX, 0xffffffff85868788 },
	{ &movsx8_to_64, 1, false, DATA, KITE_RBX, 0xffffffffffffff88 },
	{ &mov_load_r15, 8, false, DATA, KITE_R15, DATA },
	{ &mov_load_rsp, 8, false, DATA, KITE_R14, DATA },
	{ &movbe64, 8, false, DATA, KITE_RBX, 0x8887868584838281 },
};

/* Real mode addresses 64 KiB: a hole is made there. */
#define LOW_HOLE	0xe000ul

static u64 hole(struct kt_vm *vm)
{
	if (vm->mode != KT_REAL16)
		return HOLE;
	vm_set_slot(vm->fd, 0, 0, 0, LOW_HOLE, vm->ram);
	kt_set_reg(&vm->vcpu, KITE_RSP, 0xd000);
	return LOW_HOLE;
}

static void check(struct kt_vm *vm, const struct row *r, u64 gpa)
{
	u64 mask = r->width == 8 ? ~0ull : BIT(8 * r->width) - 1, data = 0;
	u64 reg_mask = vm->mode == KT_LONG64 ? ~0ull : ~0u;

	kt_set_reg(&vm->vcpu, KITE_RAX, RAX & reg_mask);
	kt_set_reg(&vm->vcpu, KITE_RBX, RBX & reg_mask);
	kt_set_reg(&vm->vcpu, KITE_RDI, gpa);
	kt_set_reg(&vm->vcpu, KITE_RSI, gpa);
	kt_start(&vm->vcpu, r->code);
	kt_expect_mmio(&vm->vcpu, gpa, r->width, r->write);
	if (r->write) {
		memcpy(&data, vm->vcpu.run->data, sizeof(data));
		EXPECT_EQ(r->data, data & mask);
	} else {
		memcpy(vm->vcpu.run->data, &r->data, sizeof(r->data));
	}
	kt_expect_done(&vm->vcpu);
	if (!r->write)
		EXPECT_EQ(r->want & reg_mask, kt_reg(&vm->vcpu, r->reg));
}

KITE_TEST_MODES(every_kind_of_move, KT_IN_ALL)
{
	u64 gpa = hole(vm);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		check(vm, &rows[i], gpa + 16 * i);
}

KITE_TEST_MODES(moves_of_64_bits, KT_IN_64)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows64); i++)
		check(vm, &rows64[i], HOLE + 16 * i);
}

KITE_TEST_MODES(scaled_index_and_displacement, KT_IN_ALL)
{
	u64 gpa = hole(vm);

	kt_set_reg(&vm->vcpu, KITE_RDI, gpa);
	kt_set_reg(&vm->vcpu, KITE_RCX, 3);
	kt_start(&vm->vcpu, &mov_disp);
	kt_expect_mmio(&vm->vcpu, gpa + 0x1c, 4, true);
	kt_expect_done(&vm->vcpu);
}

KT_CODE(rep_stosl, "", "rep stosl", "");
KT_CODE(rep_movsl, "", "rep movsl", "");
KT_CODE(rep_movsb, "", "rep movsb", "");

KITE_TEST_MODES(rep_stos_gives_each_element, KT_IN_ALL)
{
	u64 gpa = hole(vm);
	unsigned int i;

	kt_set_reg(&vm->vcpu, KITE_RAX, 0xfeedface);
	kt_set_reg(&vm->vcpu, KITE_RDI, gpa);
	kt_set_reg(&vm->vcpu, KITE_RCX, 3);
	kt_start(&vm->vcpu, &rep_stosl);
	for (i = 0; i < 3; i++) {
		kt_expect_mmio(&vm->vcpu, gpa + 4 * i, 4, true);
		EXPECT_EQ(0xfeedfaceu, *(u32 *)vm->vcpu.run->data);
	}
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(gpa + 12, kt_reg(&vm->vcpu, KITE_RDI));
	EXPECT_EQ(0ull, kt_reg(&vm->vcpu, KITE_RCX));
}

KITE_TEST_MODES(rep_movs_to_the_hole, KT_IN_ALL)
{
	u64 gpa = hole(vm), src = 0x3100;
	unsigned int i;

	for (i = 0; i < 4; i++)
		kt_put(vm, u32, src + 4 * i, 0x1000 + i);
	kt_set_reg(&vm->vcpu, KITE_RSI, src);
	kt_set_reg(&vm->vcpu, KITE_RDI, gpa);
	kt_set_reg(&vm->vcpu, KITE_RCX, 4);
	kt_start(&vm->vcpu, &rep_movsl);
	for (i = 0; i < 4; i++) {
		kt_expect_mmio(&vm->vcpu, gpa + 4 * i, 4, true);
		EXPECT_EQ(0x1000 + i, *(u32 *)vm->vcpu.run->data);
	}
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(src + 16, kt_reg(&vm->vcpu, KITE_RSI));
	EXPECT_EQ(gpa + 16, kt_reg(&vm->vcpu, KITE_RDI));
}

KITE_TEST_MODES(rep_movs_from_the_hole_going_down, KT_IN_ALL)
{
	u64 gpa = hole(vm), dst = 0x3100;
	unsigned int i;

	kt_put(vm, u32, dst, 0);
	kt_set_rflags(&vm->vcpu, 2 | BIT(10));
	kt_set_reg(&vm->vcpu, KITE_RSI, gpa + 3);
	kt_set_reg(&vm->vcpu, KITE_RDI, dst + 3);
	kt_set_reg(&vm->vcpu, KITE_RCX, 4);
	kt_start(&vm->vcpu, &rep_movsb);
	for (i = 0; i < 4; i++) {
		kt_expect_mmio(&vm->vcpu, gpa + 3 - i, 1, false);
		vm->vcpu.run->data[0] = 0x40 + i;
	}
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x40414243u, kt_get(vm, u32, dst));
	EXPECT_EQ(dst - 1, kt_reg(&vm->vcpu, KITE_RDI));
}

/* The memory side of MOVS faults in the guest as it would without a hole. */
KITE_TEST_MODES(movs_to_a_missing_page_faults, KT_IN_PAGED)
{
	struct kite_state s;

	kt_pte_change(vm, KT_SCRATCH, KT_PTE_P, 0);
	kt_set_reg(&vm->vcpu, KITE_RSI, HOLE);
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH);
	kt_set_reg(&vm->vcpu, KITE_RCX, 1);
	kt_run_fault(&vm->vcpu, &rep_movsl, KT_PF, 2);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(KT_SCRATCH, s.crs.cr2);
	kt_pte_change(vm, KT_SCRATCH, 0, KT_PTE_P);
	kt_expect_mmio(&vm->vcpu, HOLE, 4, false);
	*(u32 *)vm->vcpu.run->data = 0x77;
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x77u, kt_get(vm, u32, KT_SCRATCH));
}

KT_CODE(add_to_memory, "", "addl $1, (\\di)", "");
KT_CODE(compare, "", "cmpl $1, (\\di)", "");
KT_CODE(sse_store, "", "movups %xmm0, (\\di)", "");
KT_CODE(push_memory, "", "push (\\di)", "");

static void refused(struct kt_vm *vm, const struct kt_code *code, u64 gpa)
{
	const struct kite_exit_internal *rec = &vm->vcpu.run->internal;

	kt_set_reg(&vm->vcpu, KITE_RDI, gpa);
	kt_start(&vm->vcpu, code);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_INTERNAL);
	EXPECT_EQ(KITE_INTERNAL_INSN, rec->code);
	EXPECT_EQ(48u, rec->exit_reason);
	EXPECT_EQ(gpa, rec->gpa);
	EXPECT_EQ(kt_code_at(vm, code), rec->rip);
	EXPECT_EQ(15u, rec->insn_len);
	/* 16-bit code is a copy of the same bytes. */
	EXPECT_TRUE(!memcmp(rec->insn, code->at[vm->mode == KT_REAL16 ? 0 : vm->mode == KT_LONG64 ?
						2 : 1], 15));
}

KITE_TEST_MODES(other_instructions_are_refused, KT_IN_ALL)
{
	u64 gpa = hole(vm);

	refused(vm, &add_to_memory, gpa);
	refused(vm, &compare, gpa);
	refused(vm, &sse_store, gpa);
	refused(vm, &push_memory, gpa);
}

#define RO_GPA	0x9000000ul
#define RO_SLOT	7

KITE_TEST_MODES(write_to_a_readonly_slot, KT_IN_PROTECTED)
{
	static u8 page[KT_PAGE] __attribute__((aligned(KT_PAGE)));

	memset(page, 0x31, sizeof(page));
	vm_set_slot(vm->fd, RO_SLOT, KITE_SLOT_READONLY, RO_GPA, KT_PAGE, page);
	kt_set_reg(&vm->vcpu, KITE_RDI, RO_GPA + 8);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x99);
	/* Read first: the page is mapped when the write comes. */
	kt_run_done(&vm->vcpu, &mov_load32);
	EXPECT_EQ(0x31313131u, (u32)kt_reg(&vm->vcpu, KITE_RBX));
	kt_start(&vm->vcpu, &mov_store32);
	kt_expect_mmio(&vm->vcpu, RO_GPA + 8, 4, true);
	EXPECT_EQ(0x99u, *(u32 *)vm->vcpu.run->data);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x31, page[8]);
}

/* A load waits for its data: what the register group sets wins. */
KITE_TEST_MODES(setting_registers_drops_a_waiting_load, KT_IN_64)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, HOLE);
	kt_start(&vm->vcpu, &mov_load64);
	kt_expect_mmio(&vm->vcpu, HOLE, 8, false);
	memset(vm->vcpu.run->data, 0xff, 8);
	kt_set_reg(&vm->vcpu, KITE_RBX, 7);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(7ull, kt_reg(&vm->vcpu, KITE_RBX));
}
