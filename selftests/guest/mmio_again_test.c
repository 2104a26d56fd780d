// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: an MMIO instruction that the vCPU has made before does what it says now,
 * whatever has changed since: its bytes, where it is mapped, the mode, registers.
 */
#include <string.h>

#include "guest.h"

#define HOLE		KT_HOLE
#define CODE		KT_SCRATCH
#define OTHER		(KT_SCRATCH + 4 * KT_PAGE)	/* a page with another instruction */
#define TABLES		(KT_SCRATCH + 16 * KT_PAGE)	/* room for page tables */
#define PTE_ADDR	0xffffffffff000ull

#define RAX		0x0a0a0a0aull
#define RCX		0x0c0c0c0cull
#define RDX		0x0d0d0d0dull

/* All of the same length. */
#define STORE_EAX	"\x89\x07"		/* mov %eax, (%rdi) */
#define STORE_ECX	"\x89\x0f"		/* mov %ecx, (%rdi) */
#define STORE_DL	"\x88\x17"		/* mov %dl, (%rdi) */
#define LOAD_EBX	"\x8b\x1f"		/* mov (%rdi), %ebx */
#define THEN_DONE	"\xe6\xe2\xeb\xfe"	/* out %al, $0xe2; jmp . */

static void put(struct kt_vm *vm, u64 gpa, const char *insn, size_t len)
{
	u8 *at = kt_ptr(vm, gpa);

	memcpy(at, insn, len);
	memcpy(at + len, THEN_DONE, 4);
}

static void start(struct kt_vm *vm, u64 rip)
{
	kt_set_reg(&vm->vcpu, KITE_RAX, RAX);
	kt_set_reg(&vm->vcpu, KITE_RCX, RCX);
	kt_set_reg(&vm->vcpu, KITE_RDX, RDX);
	kt_set_reg(&vm->vcpu, KITE_RDI, HOLE);
	kt_set_rip(&vm->vcpu, rip);
}

/* Execute what is at @rip, which is to store the low @width bytes of @value. */
static void stores(struct kt_vm *vm, u64 rip, u32 width, u64 value)
{
	u64 data = 0;

	start(vm, rip);
	kt_expect_mmio(&vm->vcpu, HOLE, width, true);
	memcpy(&data, vm->vcpu.run->data, width);
	EXPECT_EQ(width == 8 ? value : value & (BIT(8 * width) - 1), data);
}

static void stores_and_ends(struct kt_vm *vm, u64 rip, u32 width, u64 value)
{
	stores(vm, rip, width, value);
	kt_expect_done(&vm->vcpu);
}

/* So often that it is known. */
static void known(struct kt_vm *vm, u64 rip)
{
	stores_and_ends(vm, rip, 4, RAX);
	stores_and_ends(vm, rip, 4, RAX);
}

static void map_code(struct kt_vm *vm, u64 gva, u64 gpa)
{
	kt_pte_change(vm, gva, PTE_ADDR, gpa);
}

KITE_TEST_MODES(stores_the_value_of_now, KT_IN_64)
{
	u64 i, data;

	put(vm, CODE, STORE_EAX, 2);
	for (i = 1; i < 5; i++) {
		start(vm, CODE);
		kt_set_reg(&vm->vcpu, KITE_RAX, RAX + i);
		kt_set_reg(&vm->vcpu, KITE_RDI, HOLE + 16 * i);
		kt_expect_mmio(&vm->vcpu, HOLE + 16 * i, 4, true);
		data = *(u32 *)vm->vcpu.run->data;
		EXPECT_EQ(RAX + i, data);
		kt_expect_done(&vm->vcpu);
	}
}

KITE_TEST_MODES(loads_the_data_of_now, KT_IN_64)
{
	u32 i;

	put(vm, CODE, LOAD_EBX, 2);
	for (i = 1; i < 5; i++) {
		start(vm, CODE);
		kt_expect_mmio(&vm->vcpu, HOLE, 4, false);
		*(u32 *)vm->vcpu.run->data = i;
		kt_expect_done(&vm->vcpu);
		EXPECT_EQ((u64)i, kt_reg(&vm->vcpu, KITE_RBX));
	}
}

KITE_TEST_MODES(other_bytes, KT_IN_64)
{
	put(vm, CODE, STORE_EAX, 2);
	known(vm, CODE);
	put(vm, CODE, STORE_DL, 2);
	stores_and_ends(vm, CODE, 1, RDX);
	stores_and_ends(vm, CODE, 1, RDX);
	put(vm, CODE, LOAD_EBX, 2);
	start(vm, CODE);
	kt_expect_mmio(&vm->vcpu, HOLE, 4, false);
	put(vm, CODE, STORE_EAX, 2);
	known(vm, CODE);
}

KITE_TEST_MODES(another_page, KT_IN_64)
{
	put(vm, CODE, STORE_EAX, 2);
	put(vm, OTHER, STORE_ECX, 2);
	known(vm, CODE);
	map_code(vm, CODE, OTHER);
	stores_and_ends(vm, CODE, 4, RCX);
	stores_and_ends(vm, CODE, 4, RCX);
	map_code(vm, CODE, CODE);
	known(vm, CODE);
}

/* Each table of the walk is replaced once; the code stays where it is. */
KITE_TEST_MODES(other_tables, KT_IN_64)
{
	const u64 table[] = { KT_TABLES, KT_PDPT, KT_PD, KT_PT };
	u64 copy[4], level;

	put(vm, CODE, STORE_EAX, 2);
	put(vm, OTHER, STORE_ECX, 2);
	for (level = 0; level < 4; level++) {
		copy[level] = TABLES + level * KT_PAGE;
		memcpy(kt_ptr(vm, copy[level]), kt_ptr(vm, table[level]), KT_PAGE);
	}
	/* The copies lead to each other, and to the other page. */
	for (level = 1; level < 4; level++)
		kt_put(vm, u64, copy[level - 1], (kt_get(vm, u64, copy[level - 1]) & ~PTE_ADDR) |
						 copy[level]);
	kt_put(vm, u64, copy[3] + (CODE >> 12) * 8,
	       (kt_get(vm, u64, copy[3] + (CODE >> 12) * 8) & ~PTE_ADDR) | OTHER);
	for (level = 1; level < 4; level++) {
		u64 old = kt_get(vm, u64, table[level - 1]);

		known(vm, CODE);
		kt_put(vm, u64, table[level - 1], kt_get(vm, u64, copy[level - 1]));
		kt_flush(&vm->vcpu);
		stores_and_ends(vm, CODE, 4, RCX);
		stores_and_ends(vm, CODE, 4, RCX);
		kt_put(vm, u64, table[level - 1], old);
		kt_flush(&vm->vcpu);
	}
	known(vm, CODE);
}

static void set_cr3(struct kt_vm *vm, u64 cr3)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr3 = cr3;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
}

/* The tables of before stay as they were. */
KITE_TEST_MODES(another_address_space, KT_IN_64)
{
	const u64 table[] = { KT_TABLES, KT_PDPT, KT_PD, KT_PT };
	u64 copy, level;

	put(vm, CODE, STORE_EAX, 2);
	put(vm, OTHER, STORE_ECX, 2);
	for (level = 0; level < 4; level++) {
		copy = TABLES + level * KT_PAGE;
		memcpy(kt_ptr(vm, copy), kt_ptr(vm, table[level]), KT_PAGE);
		if (level)
			kt_put(vm, u64, copy - KT_PAGE,
			       (kt_get(vm, u64, copy - KT_PAGE) & ~PTE_ADDR) | copy);
	}
	copy += (CODE >> 12) * 8;
	kt_put(vm, u64, copy, (kt_get(vm, u64, copy) & ~PTE_ADDR) | OTHER);
	known(vm, CODE);
	set_cr3(vm, TABLES);
	stores_and_ends(vm, CODE, 4, RCX);
	stores_and_ends(vm, CODE, 4, RCX);
	set_cr3(vm, KT_TABLES);
	known(vm, CODE);
}

#define SLOT_GPA	0x600000ul
#define SLOT		7

KITE_TEST_MODES(another_slot, KT_IN_64)
{
	static u8 page[2][KT_PAGE] __attribute__((aligned(KT_PAGE)));
	unsigned int i;

	memcpy(page[0], STORE_EAX THEN_DONE, 6);
	memcpy(page[1], STORE_ECX THEN_DONE, 6);
	for (i = 0; i < 3; i++) {
		vm_set_slot(vm->fd, SLOT, 0, SLOT_GPA, KT_PAGE, page[0]);
		known(vm, SLOT_GPA);
		vm_set_slot(vm->fd, SLOT, 0, SLOT_GPA, KT_PAGE, page[1]);
		stores_and_ends(vm, SLOT_GPA, 4, RCX);
		stores_and_ends(vm, SLOT_GPA, 4, RCX);
	}
}

/* More than are remembered, in one page, again and again. */
KITE_TEST_MODES(many_instructions, KT_IN_64)
{
	static const u8 insn[] = { 0xc7, 0x07, 0, 0x31, 0x32, 0x33 };	/* movl $imm, (%rdi) */
	u8 *at = kt_ptr(vm, CODE);
	u32 i, round;

	for (i = 0; i < 64; i++, at += sizeof(insn)) {
		memcpy(at, insn, sizeof(insn));
		at[2] = i;
	}
	memcpy(at, THEN_DONE, 4);
	for (round = 0; round < 3; round++) {
		start(vm, CODE);
		for (i = 0; i < 64; i++) {
			kt_expect_mmio(&vm->vcpu, HOLE, 4, true);
			EXPECT_EQ(0x33323100u + i, *(u32 *)vm->vcpu.run->data);
		}
		kt_expect_done(&vm->vcpu);
	}
}

#define LOW_CODE	0xc000ul	/* IP has 16 bits there */
#define AR_CODE16	0x809b
#define AR_CODE64	0xa09b

static void set_cs(struct kt_vm *vm, u16 ar)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_CS].ar = ar;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
}

/* The same bytes at the same address move four bytes in 64-bit mode and two in 16-bit code. */
KITE_TEST_MODES(another_mode, KT_IN_64)
{
	put(vm, LOW_CODE, "\x67\x89\x07", 3);	/* mov %eax or %ax, (%edi) */
	known(vm, LOW_CODE);
	set_cs(vm, AR_CODE16);
	stores_and_ends(vm, LOW_CODE, 2, RAX);
	stores_and_ends(vm, LOW_CODE, 2, RAX);
	set_cs(vm, AR_CODE64);
	known(vm, LOW_CODE);
}

/* The stack pointer is not where the other registers are. */
KITE_TEST_MODES(stack_pointer, KT_IN_64)
{
	/* 1: add $8, %rsp; mov %esp, (%rdi); jmp 1b */
	static const u8 code[] = { 0x48, 0x83, 0xc4, 8, 0x89, 0x27, 0xeb, 0xf8 };
	u32 i;

	memcpy(kt_ptr(vm, CODE), code, sizeof(code));
	start(vm, CODE);
	kt_set_reg(&vm->vcpu, KITE_RSP, 0x1000);
	for (i = 1; i < 6; i++) {
		kt_expect_mmio(&vm->vcpu, HOLE, 4, true);
		EXPECT_EQ(0x1000u + 8 * i, *(u32 *)vm->vcpu.run->data);
	}
}

/*
 * Three bytes of an instruction are in one page, three in the next, which begins with the
 * same bytes as the instruction; only the first page is replaced.
 */
KITE_TEST_MODES(across_two_pages, KT_IN_64)
{
	const u64 rip = CODE + KT_PAGE - 3;
	u8 *at = kt_ptr(vm, CODE), *other = kt_ptr(vm, OTHER);
	u32 i;

	/* movl $0x1107c711, (%rdi), over and over */
	for (i = 0; i < 32; i++)
		memcpy(at + KT_PAGE - 3 + 3 * i, "\xc7\x07\x11", 3);
	memcpy(other + KT_PAGE - 3, "\xc7\x07\x22", 3);
	stores(vm, rip, 4, 0x1107c711);
	stores(vm, rip, 4, 0x1107c711);
	map_code(vm, CODE, OTHER);
	stores(vm, rip, 4, 0x1107c722);
	stores(vm, rip, 4, 0x1107c722);
	map_code(vm, CODE, CODE);
	stores(vm, rip, 4, 0x1107c711);
}
