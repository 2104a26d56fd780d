// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: guest memory is the process's memory, at every moment: what the host
 * unmaps, protects, discards or replaces under the guest is so for the guest, and
 * what the host cannot give ends the run with KITE_EXIT_MEMORY_FAULT, after
 * which the guest can go on.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define GPA	0xa000000ul	/* a slot of the test's own */
#define SLOT	5
#define LEN	(16 * KT_PAGE)

#define READ	KITE_ACCESS_READ
#define WRITE	KITE_ACCESS_WRITE
#define EXEC	KITE_ACCESS_EXEC

KT_CODE(load, "", "mov (\\di), %eax", "");
KT_CODE(store, "", "mov %eax, (\\di)", "");
KT_CODE(call, "", "call *\\di", "");
KT_CODE(lock_add, "", "lock addl $1, (\\di)", "");

static u8 *map_memory(void *where)
{
	void *mem = mmap(where, LEN, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | (where ? MAP_FIXED : 0), -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	return mem;
}

static u8 *add_slot(struct kt_vm *vm)
{
	u8 *mem = map_memory(NULL);

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	return mem;
}

static u32 guest_load(struct kt_vm *vm, u64 gva)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, gva);
	kt_run_done(&vm->vcpu, &load);
	return kt_reg(&vm->vcpu, KITE_RAX);
}

static void guest_store(struct kt_vm *vm, u64 gva, u32 value)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, gva);
	kt_set_reg(&vm->vcpu, KITE_RAX, value);
	kt_run_done(&vm->vcpu, &store);
}

static void expect_fault(struct kt_vm *vm, u64 gpa, u32 access)
{
	kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
	EXPECT_EQ(gpa, vm->vcpu.run->fault.gpa);
	EXPECT_EQ(access, vm->vcpu.run->fault.access);
	EXPECT_EQ((u32)EFAULT, vm->vcpu.run->fault.error);
}

KITE_TEST_MODES(guest_and_host_share_memory, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	*(u32 *)(mem + 8) = 0x1234;
	EXPECT_EQ(0x1234u, guest_load(vm, GPA + 8));
	guest_store(vm, GPA + LEN - 4, 0x5678);
	EXPECT_EQ(0x5678u, *(u32 *)(mem + LEN - 4));
	/* The page was mapped for a read, the host writes it, the guest sees it. */
	*(u32 *)(mem + 8) = 0x4321;
	EXPECT_EQ(0x4321u, guest_load(vm, GPA + 8));
}

/* Read first: the page of zeroes is shared by all and must not be written. */
KITE_TEST_MODES(write_after_read_of_an_untouched_page, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm), *other = map_memory(NULL);

	EXPECT_EQ(0u, guest_load(vm, GPA));
	guest_store(vm, GPA, 7);
	EXPECT_EQ(7u, *(volatile u32 *)mem);
	EXPECT_EQ(0u, *(volatile u32 *)other);
	EXPECT_EQ(7u, guest_load(vm, GPA));
}

KITE_TEST_MODES(atomic_operation, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	*(u32 *)mem = 41;
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_run_done(&vm->vcpu, &lock_add);
	EXPECT_EQ(42u, *(volatile u32 *)mem);
}

/* An access over the edge of two pages that are both not mapped yet. */
KITE_TEST_MODES(access_across_a_page, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	guest_store(vm, GPA + KT_PAGE - 2, 0xa1b2c3d4);
	EXPECT_EQ(0xa1b2c3d4, *(volatile u32 *)(mem + KT_PAGE - 2));
}

KITE_TEST_MODES(discarded_page_reads_as_zero, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	guest_store(vm, GPA, 0x99);
	ASSERT_EQ(0, madvise(mem, KT_PAGE, MADV_DONTNEED));
	EXPECT_EQ(0u, guest_load(vm, GPA));
}

KITE_TEST_MODES(replaced_mapping_is_seen, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	guest_store(vm, GPA, 0x99);
	map_memory(mem);
	EXPECT_EQ(0u, guest_load(vm, GPA));
	*(u32 *)mem = 0x55;
	EXPECT_EQ(0x55u, guest_load(vm, GPA));
}

KITE_TEST_MODES(unmapped_memory_faults_and_recovers, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	guest_store(vm, GPA, 0x99);
	ASSERT_EQ(0, munmap(mem, LEN));
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_start(&vm->vcpu, &load);
	expect_fault(vm, GPA, READ);
	EXPECT_EQ(kt_code_at(vm, &load), kt_rip(&vm->vcpu));
	/* As often as it is tried. */
	expect_fault(vm, GPA, READ);
	map_memory(mem);
	*(u32 *)mem = 0x66;
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x66u, (u32)kt_reg(&vm->vcpu, KITE_RAX));
}

KITE_TEST_MODES(protected_memory_faults_and_recovers, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	guest_store(vm, GPA + 16, 0x99);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_NONE));
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + 16);
	kt_start(&vm->vcpu, &store);
	expect_fault(vm, GPA + 16, WRITE);
	kt_start(&vm->vcpu, &load);
	expect_fault(vm, GPA + 16, READ);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_READ));
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x99u, (u32)kt_reg(&vm->vcpu, KITE_RAX));
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x77);
	kt_start(&vm->vcpu, &store);
	expect_fault(vm, GPA + 16, WRITE);
	EXPECT_EQ(0x99u, *(volatile u32 *)(mem + 16));
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_READ | PROT_WRITE));
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x77u, *(volatile u32 *)(mem + 16));
}

KITE_TEST_MODES(removed_slot_becomes_a_hole, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	guest_store(vm, GPA, 0x99);
	vm_set_slot(vm->fd, SLOT, 0, 0, 0, NULL);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_start(&vm->vcpu, &store);
	kt_expect_mmio(&vm->vcpu, GPA, 4, true);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x99u, *(volatile u32 *)mem);
}

/* A file, mapped shared: the guest's writes are in the file. */
KITE_TEST_MODES(shared_file, KT_IN_PROTECTED)
{
	int fd = memfd_create("guest", 0);
	void *mem, *view;

	ASSERT_TRUE(fd >= 0 && !ftruncate(fd, LEN));
	mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	view = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_TRUE(mem != MAP_FAILED && view != MAP_FAILED);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	EXPECT_EQ(0u, guest_load(vm, GPA));
	guest_store(vm, GPA, 0x1357);
	EXPECT_EQ(0x1357u, *(volatile u32 *)view);
	/* Beyond the end of the file there is nothing: SIGBUS for the host. */
	ASSERT_EQ(0, ftruncate(fd, KT_PAGE));
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + KT_PAGE);
	kt_start(&vm->vcpu, &load);
	expect_fault(vm, GPA + KT_PAGE, READ);
}

static void put_code(void *where)
{
	/* ret */
	memset(where, 0xc3, 16);
}

KITE_TEST_MODES(execution_from_fresh_memory, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	put_code(mem + 100);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + 100);
	kt_run_done(&vm->vcpu, &call);
}

KITE_TEST_MODES(execution_from_a_hole, KT_IN_PROTECTED)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_HOLE + 32);
	kt_start(&vm->vcpu, &call);
	expect_fault(vm, KT_HOLE + 32, EXEC);
	EXPECT_EQ(KT_HOLE + 32, kt_rip(&vm->vcpu));
}

KITE_TEST_MODES(execution_from_unmapped_memory_recovers, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);

	put_code(mem);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_NONE));
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_start(&vm->vcpu, &call);
	expect_fault(vm, GPA, EXEC);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_READ | PROT_WRITE));
	kt_expect_done(&vm->vcpu);
}

/* Page tables in a hole: nothing the decoder could help with. */
KITE_TEST_MODES(page_table_in_a_hole, KT_IN_PAGED)
{
	u64 entry = KT_HOLE | KT_PTE_P | KT_PTE_W | KT_PTE_U;
	u32 size = vm->mode == KT_PAGED32 ? 4 : 8, span = vm->mode == KT_PAGED32 ? 22 : 21;

	kt_pde_change(vm, GPA, ~0ull, entry);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_start(&vm->vcpu, &load);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
	EXPECT_EQ(KT_HOLE + (GPA >> 12 & (BIT(span - 12) - 1)) * size, vm->vcpu.run->fault.gpa);
}

/* The walk itself brings in table pages that the host has discarded. */
KITE_TEST_MODES(page_table_in_fresh_memory, KT_IN_PAGED)
{
	u64 entry = GPA | KT_PTE_P | KT_PTE_W | KT_PTE_U;
	u8 *mem = add_slot(vm);
	u64 gva = 0xc000000;

	/* A table of the test's own, in its first page; it is all zero: not present. */
	kt_pde_change(vm, gva, ~0ull, entry);
	kt_set_reg(&vm->vcpu, KITE_RDI, gva);
	kt_run_fault(&vm->vcpu, &load, KT_PF, 0);
	if (vm->mode == KT_PAGED32)
		*(u32 *)mem = (GPA + KT_PAGE) | 7;
	else
		*(u64 *)mem = (GPA + KT_PAGE) | 7;
	*(u32 *)(mem + KT_PAGE) = 0x2468;
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x2468u, (u32)kt_reg(&vm->vcpu, KITE_RAX));
}

KITE_TEST_MODES(translate_walks_the_guests_tables, KT_IN_ALL)
{
	u64 gpa;

	vcpu_translate(vm->vcpu.fd, KT_SCRATCH + 0x123, &gpa);
	EXPECT_EQ(KT_SCRATCH + 0x123, gpa);
	vcpu_translate(vm->vcpu.fd, KT_HOLE + 0x123, &gpa);
	EXPECT_EQ(KT_HOLE + 0x123, gpa);
	if (!(KT_IN(vm->mode) & KT_IN_PAGED))
		return;
	kt_pte_change(vm, KT_SCRATCH, KT_PTE_P, 0);
	EXPECT_EQ(-ENXIO, _vcpu_translate(vm->vcpu.fd, KT_SCRATCH, &gpa));
}
