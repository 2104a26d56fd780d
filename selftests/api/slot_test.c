// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: slots do not overlap, are page aligned and within the address spaces; a
 * rejected change leaves the slots as they were. What the slots are is seen by what
 * the guest reads.
 */
#include <sys/mman.h>

#include "guest.h"

#define SLOT	9
#define GPA	0x10000000ull
#define LEN	(4 * KT_PAGE)

KT_CODE64(read_memory, "", "mov (%rdi), %rax", KT_SYNC);
KT_CODE64(write_memory, "", "mov %rax, (%rdi)", "");

static u8 *memory(u64 len, u64 pattern)
{
	u64 *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u64 at;

	ASSERT_TRUE(p != MAP_FAILED);
	for (at = 0; at < len; at += KT_PAGE)
		p[at / 8] = pattern + at;
	return (u8 *)p;
}

/* The guest reads memory at @gpa and finds @want. */
static void expect_memory(struct kt_vm *vm, u64 gpa, u64 want)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, gpa);
	kt_start(&vm->vcpu, &read_memory);
	kt_expect_sync(&vm->vcpu, want);
	kt_expect_done(&vm->vcpu);
}

static void expect_no_memory(struct kt_vm *vm, u64 gpa)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, gpa);
	kt_start(&vm->vcpu, &read_memory);
	kt_expect_mmio(&vm->vcpu, gpa, 8, false);
	*(u64 *)vm->vcpu.run->data = 0x1111;
	kt_expect_sync(&vm->vcpu, 0x1111);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(set_and_delete, KT_IN_64)
{
	u8 *mem = memory(LEN, 0xa000);

	expect_no_memory(vm, GPA);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	expect_memory(vm, GPA, 0xa000);
	expect_memory(vm, GPA + 3 * KT_PAGE, 0xa000 + 3 * KT_PAGE);
	expect_no_memory(vm, GPA - KT_PAGE);
	expect_no_memory(vm, GPA + LEN);
	vm_set_slot(vm->fd, SLOT, 0, 0, 0, NULL);
	expect_no_memory(vm, GPA);
	EXPECT_EQ(-ENOENT, _vm_set_slot(vm->fd, SLOT, 0, 0, 0, NULL));
}

KITE_TEST_MODES(replace, KT_IN_64)
{
	u8 *a = memory(LEN, 0xa000), *b = memory(LEN, 0xb0000);

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, a);
	expect_memory(vm, GPA + KT_PAGE, 0xa000 + KT_PAGE);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, b);
	expect_memory(vm, GPA + KT_PAGE, 0xb0000 + KT_PAGE);
	/* Moved and shorter; it may overlap where it was itself. */
	vm_set_slot(vm->fd, SLOT, 0, GPA + KT_PAGE, 2 * KT_PAGE, a);
	expect_no_memory(vm, GPA);
	expect_memory(vm, GPA + KT_PAGE, 0xa000);
	expect_no_memory(vm, GPA + 3 * KT_PAGE);
}

KITE_TEST_MODES(readonly, KT_IN_64)
{
	u8 *mem = memory(LEN, 0xa000);

	vm_set_slot(vm->fd, SLOT, KITE_SLOT_READONLY, GPA, LEN, mem);
	expect_memory(vm, GPA, 0xa000);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x55);
	kt_start(&vm->vcpu, &write_memory);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_expect_mmio(&vm->vcpu, GPA, 8, true);
	EXPECT_EQ(0x55ull, *(u64 *)vm->vcpu.run->data);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0xa000ull, *(u64 *)mem);
	/* Writable again: the EPT entry must not stay read-only. */
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	kt_start(&vm->vcpu, &write_memory);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x55ull, *(u64 *)mem);
	/* And back: no write may get through an old entry. */
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_READONLY, GPA, LEN, mem);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x66);
	kt_start(&vm->vcpu, &write_memory);
	kt_expect_mmio(&vm->vcpu, GPA, 8, true);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x55ull, *(u64 *)mem);
}

/* One bad thing each, relative to a slot of LEN at GPA. */
static const struct bad {
	const char *what;
	u32 slot, flags;
	u64 gpa, len, uaddr_off;
	int err;
} bads[] = {
	{ "gpa", SLOT + 1, 0, GPA + LEN + 1, LEN, 0, EINVAL },
	{ "gpa, half a page", SLOT + 1, 0, GPA + LEN + 2048, LEN, 0, EINVAL },
	{ "length", SLOT + 1, 0, GPA + LEN, LEN + 1, 0, EINVAL },
	{ "length 1", SLOT + 1, 0, GPA + LEN, 1, 0, EINVAL },
	{ "address", SLOT + 1, 0, GPA + LEN, LEN, 1, EINVAL },
	{ "gpa wraps", SLOT + 1, 0, -KT_PAGE, 2 * KT_PAGE, 0, EINVAL },
	{ "gpa ends at 2^64", SLOT + 1, 0, -KT_PAGE, KT_PAGE, 0, EINVAL },
	{ "length wraps", SLOT + 1, 0, GPA + LEN, -KT_PAGE, 0, EINVAL },
	{ "address wraps", SLOT + 1, 0, GPA + LEN, LEN, 0x8000000000000000, EINVAL },
	{ "slot", 512, 0, GPA + LEN, LEN, 0, EINVAL },
	{ "slot, huge", 0xffffffff, 0, GPA + LEN, LEN, 0, EINVAL },
	{ "flags", SLOT + 1, 4, GPA + LEN, LEN, 0, EINVAL },
	{ "the same place", SLOT + 1, 0, GPA, LEN, 0, EEXIST },
	{ "overlaps the first page", SLOT + 1, 0, GPA - KT_PAGE, 2 * KT_PAGE, 0, EEXIST },
	{ "overlaps the last page", SLOT + 1, 0, GPA + LEN - KT_PAGE, KT_PAGE, 0, EEXIST },
	{ "is inside", SLOT + 1, 0, GPA + KT_PAGE, KT_PAGE, 0, EEXIST },
	{ "is around", SLOT + 1, 0, GPA - KT_PAGE, LEN + 2 * KT_PAGE, 0, EEXIST },
	{ "replacement overlaps another", SLOT, 0, GPA + LEN, 5 * KT_PAGE, 0, EEXIST },
	{ "delete what is not there", SLOT + 1, 0, 0, 0, 0, ENOENT },
	{ "delete with flags", SLOT, 4, 0, 0, 0, EINVAL },
};

KITE_TEST_MODES(refused_changes_change_nothing, KT_IN_64)
{
	u8 *a = memory(LEN, 0xa000), *b = memory(8 * LEN, 0xb0000);
	const u64 second = GPA + LEN + 4 * KT_PAGE;
	unsigned int i;

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, a);
	vm_set_slot(vm->fd, SLOT + 2, 0, second, KT_PAGE, b);
	for (i = 0; i < ARRAY_SIZE(bads); i++) {
		const struct bad *t = &bads[i];
		int ret = _vm_set_slot(vm->fd, t->slot, t->flags, t->gpa, t->len,
				       b + t->uaddr_off);

		if (ret != -t->err)
			kt_failed(__FILE__, __LINE__, "%s: %d, want %d", t->what, ret, -t->err);
		expect_memory(vm, GPA, 0xa000);
		expect_memory(vm, GPA + LEN - KT_PAGE, 0xa000 + LEN - KT_PAGE);
		expect_memory(vm, second, 0xb0000);
		expect_no_memory(vm, GPA - KT_PAGE);
		expect_no_memory(vm, GPA + LEN);
	}
}

KITE_TEST_MODES(limits_of_the_address_spaces, KT_IN_64)
{
	u64 top = BIT(vm->info.phys_bits);
	u8 *mem = memory(LEN, 0);

	vm_set_slot(vm->fd, SLOT, 0, top - LEN, LEN, mem);
	EXPECT_EQ(-EINVAL, _vm_set_slot(vm->fd, SLOT, 0, top - LEN + KT_PAGE, LEN, mem));
	EXPECT_EQ(-EINVAL, _vm_set_slot(vm->fd, SLOT, 0, top, LEN, mem));
	/* Nothing needs to be mapped yet, but it must be a user address. */
	vm_set_slot(vm->fd, SLOT, 0, GPA, KT_PAGE, (void *)(0x7ffffffff000 - KT_PAGE));
	EXPECT_EQ(-EINVAL, _vm_set_slot(vm->fd, SLOT, 0, GPA, 2 * KT_PAGE,
					(void *)(0x7ffffffff000 - KT_PAGE)));
	EXPECT_EQ(-EINVAL, _vm_set_slot(vm->fd, SLOT, 0, GPA, KT_PAGE,
					(void *)0xffff888000000000));
}

KITE_TEST_MODES(nothing_behind_a_slot, KT_IN_64)
{
	u8 *mem = memory(LEN, 0xa000);

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	munmap(mem + KT_PAGE, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + KT_PAGE);
	kt_start(&vm->vcpu, &read_memory);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
	EXPECT_EQ(GPA + KT_PAGE, vm->vcpu.run->fault.gpa & ~(KT_PAGE - 1));
	EXPECT_EQ((u32)KITE_ACCESS_READ, vm->vcpu.run->fault.access);
	EXPECT_EQ((u32)EFAULT, vm->vcpu.run->fault.error);
	/* The guest has not moved and goes on once there is memory. */
	ASSERT_TRUE(mmap(mem + KT_PAGE, KT_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	*(u64 *)(mem + KT_PAGE) = 0x77;
	kt_expect_sync(&vm->vcpu, 0x77);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(memory_of_the_process_is_read_only, KT_IN_64)
{
	u8 *mem = memory(LEN, 0xa000);

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	expect_memory(vm, GPA, 0xa000);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_READ));
	expect_memory(vm, GPA, 0xa000);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x55);
	kt_start(&vm->vcpu, &write_memory);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
	EXPECT_EQ((u32)KITE_ACCESS_WRITE, vm->vcpu.run->fault.access & KITE_ACCESS_WRITE);
	EXPECT_EQ(0xa000ull, *(u64 *)mem);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_READ | PROT_WRITE));
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x55ull, *(u64 *)mem);
}

KITE_TEST_MODES(all_slots, KT_IN_64)
{
	u8 *mem = memory(512 * KT_PAGE, 0xc0000000);
	u32 max = vm->info.max_slots, i;

	/* From the top down, so that each goes in front; 0 and 1 are taken by the library. */
	for (i = 2; i < max; i++)
		vm_set_slot(vm->fd, i, 0, GPA + (max - i) * 2 * KT_PAGE, KT_PAGE,
			    mem + i * KT_PAGE);
	EXPECT_EQ(-EINVAL, _vm_set_slot(vm->fd, max, 0, GPA, KT_PAGE, mem));
	for (i = 2; i < max; i += 17) {
		expect_memory(vm, GPA + (max - i) * 2 * KT_PAGE, 0xc0000000 + i * KT_PAGE);
		expect_no_memory(vm, GPA + (max - i) * 2 * KT_PAGE + KT_PAGE);
	}
	for (i = 2; i < max; i += 2)
		vm_set_slot(vm->fd, i, 0, 0, 0, NULL);
	for (i = 2; i < max; i += 17)
		if (i & 1)
			expect_memory(vm, GPA + (max - i) * 2 * KT_PAGE, 0xc0000000 + i * KT_PAGE);
		else
			expect_no_memory(vm, GPA + (max - i) * 2 * KT_PAGE);
}

/* The same memory at two places is the same memory. */
KITE_TEST_MODES(aliases, KT_IN_64)
{
	u8 *mem = memory(LEN, 0xa000);

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	vm_set_slot(vm->fd, SLOT + 1, 0, GPA + LEN, LEN, mem);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x55);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_start(&vm->vcpu, &write_memory);
	kt_expect_done(&vm->vcpu);
	expect_memory(vm, GPA + LEN, 0x55);
}
