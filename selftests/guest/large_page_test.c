// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: EPT has an entry as large as the page of the host wherever that lies in the
 * guest as it does in the process and is in the slot whole; smaller ones elsewhere, and
 * always when the module's parameters say so. What the host splits is split, what it
 * collapses is large again, and nobody but the count of tables shows the difference.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"
#include "mapping.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define GPA	0x40000000ull	/* nothing else is in this GiB: it has no tables yet */
#define SLOT	9
#define UNITS	2ul		/* of 2 MiB */
#define LEN	(UNITS * KT_2M)

KT_CODE64(store, "", "mov %eax, (%rdi)", "");
KT_CODE64(call, "", "call *%rdi", "");

/* Shared with the guest. */
static u64 stride, bad;

/* A word at each @stride: what is there says where it is. */
static void check_words(u64 len)
{
	u64 at;

	for (at = 0; at < len; at += stride)
		bad += *(volatile u64 *)(GPA + at) != ~at;
}

static void write_words(u64 len)
{
	u64 at;

	for (at = 0; at < len; at += stride)
		*(volatile u64 *)(GPA + at) = ~at;
}

static void run_words(struct kt_vm *vm, void (*fn)(u64), u64 len, u64 step)
{
	stride = step;
	bad = 0;
	kt_call(&vm->vcpu, fn, len);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, bad);
}

static long parameter(const char *name)
{
	char path[96], text[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/kite/parameters/%s", name);
	f = fopen(path, "r");
	ASSERT_TRUE(f);
	ASSERT_TRUE(fgets(text, sizeof(text), f));
	fclose(f);
	return text[0] == 'Y' ? 1 : text[0] == 'N' ? 0 : strtol(text, NULL, 10);
}

/* Pages of EPT tables that the VM has. */
static u64 tables(struct kt_vm *vm)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", vm->fd);
	f = fopen(path, "r");
	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f) && sscanf(line, "tables: %llu", &bytes) != 1)
		;
	fclose(f);
	ASSERT_TRUE(bytes);
	return bytes / KT_PAGE;
}

/* A VM that has the tables for all but GPA. */
static struct kt_vm *new_vm(u64 *before)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	run_words(vm, check_words, 0, 1);
	run_words(vm, write_words, 0, 1);
	*before = tables(vm);
	return vm;
}

static u64 faults(struct kt_vm *vm)
{
	struct kite_stats stats = { };

	vcpu_get_stats(vm->vcpu.fd, &stats);
	return stats.faults;
}

/* Have the host map it, with what the guest will look for. */
static void fill(u8 *mem, u64 len, u64 step)
{
	u64 at;

	for (at = 0; at < len; at += step)
		*(u64 *)(mem + at) = ~at;
}

/* Bytes of [@mem, @mem + @len) that the host has in large pages which are not hugetlb. */
static u64 in_large_pages(u8 *mem, u64 len)
{
	unsigned long lo = 0, hi = 0, kb;
	char line[512], name[64];
	u64 sum = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f)) {
		/* The lines of a mapping follow one with its addresses. */
		if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2 || lo >= (u64)mem + len ||
		    hi <= (u64)mem)
			continue;
		if (sscanf(line, "%63[A-Za-z]: %lu kB", name, &kb) == 2 &&
		    (!strcmp(name, "AnonHugePages") || !strcmp(name, "ShmemPmdMapped")))
			sum += kb * 1024;
	}
	fclose(f);
	return sum;
}

/* Tables for @len bytes from a multiple of 1 GiB on, in pages of 1 << @shift. */
static u64 tables_for(u64 len, unsigned int shift)
{
	u64 small = (len + KT_2M - 1) / KT_2M;

	return shift == 30 ? 0 : shift == 21 ? 1 : 1 + small;
}

static unsigned int largest(unsigned int shift)
{
	return parameter("large_pages") ? shift : 12;
}

/* The guest looks at all of it, and EPT has grown by that many tables. */
static void expect_tables(struct kt_vm *vm, u64 before, u64 len, u64 step, u64 want)
{
	run_words(vm, check_words, len, step);
	EXPECT_EQ(want, tables(vm) - before);
	run_words(vm, write_words, len, step);
	EXPECT_EQ(want, tables(vm) - before);
}

KT_MAPPING_TEST(entries_are_as_large_as_pages)
{
	struct kt_mapped m = kt_map(kind, kind->len);
	unsigned int shift = kind->huge == KT_1G ? 30 : kind->huge || kind->thp ? 21 : 12;
	u64 step = kind->huge == KT_1G ? KT_2M : KT_PAGE, before;
	struct kt_vm *vm = new_vm(&before);

	fill(m.mem, kind->len, step);
	if (kind->thp && in_large_pages(m.mem, kind->len) != kind->len)
		SKIP("the host has no large pages now");
	vm_set_slot(vm->fd, SLOT, 0, GPA, kind->len, m.mem);
	expect_tables(vm, before, kind->len, step, tables_for(kind->len, largest(shift)));
	before = faults(vm);
	vm_set_slot(vm->fd, SLOT, 0, GPA, kind->len, m.mem);
	run_words(vm, check_words, kind->len, step);
	if (largest(shift) > 12)
		EXPECT_EQ(kind->len >> shift, faults(vm) - before);
}

static u8 *large_memory(u64 len)
{
	u8 *mem = kt_map_kind("anonymous_thp", len).mem;

	fill(mem, len, KT_PAGE);
	if (in_large_pages(mem, len) != len)
		SKIP("the host has no large pages now");
	return mem;
}

/* The page after a boundary in the process is not after one in the guest. */
KITE_TEST(different_alignment)
{
	u8 *mem = large_memory(LEN + KT_2M);
	u64 before;
	struct kt_vm *vm = new_vm(&before);

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem + KT_PAGE);
	fill(mem + KT_PAGE, LEN, KT_PAGE);
	expect_tables(vm, before, LEN, KT_PAGE, tables_for(LEN, 12));
}

/* The slot ends inside a large page, which must not show behind it. */
KITE_TEST(slot_ends_inside_a_page)
{
	u8 *mem = large_memory(LEN);
	u64 before, end = LEN - KT_PAGE;
	struct kt_vm *vm = new_vm(&before);

	vm_set_slot(vm->fd, SLOT, 0, GPA, end, mem);
	expect_tables(vm, before, end, KT_PAGE, tables_for(KT_2M, 12) +
		      (largest(21) == 12 ? UNITS - 1 : 0));
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + end);
	kt_start(&vm->vcpu, &store);
	kt_expect_mmio(&vm->vcpu, GPA + end, 4, true);
	kt_expect_done(&vm->vcpu);
}

/* Two slots on one large page, each with its own place and right. */
KITE_TEST(two_slots_on_one_page)
{
	u8 *mem = large_memory(KT_2M);
	u64 before;
	struct kt_vm *vm = new_vm(&before);

	vm_set_slot(vm->fd, SLOT, 0, GPA, KT_2M, mem);
	vm_set_slot(vm->fd, SLOT + 1, KITE_SLOT_READONLY, GPA + KT_2M, KT_2M, mem);
	run_words(vm, check_words, KT_2M, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + KT_2M + 64);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x77);
	kt_start(&vm->vcpu, &store);
	kt_expect_mmio(&vm->vcpu, GPA + KT_2M + 64, 4, true);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0u, *(u32 *)(mem + 64));
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + 64);
	kt_run_done(&vm->vcpu, &store);
	EXPECT_EQ(0x77u, *(volatile u32 *)(mem + 64));
	EXPECT_EQ(tables_for(KT_2M, largest(21)), tables(vm) - before);
}

/* One page of a large one is protected, then all of it is made large again. */
KITE_TEST(split_and_collapsed_by_the_host)
{
	u8 *mem = large_memory(LEN);
	u64 before, at = 77 * KT_PAGE, grown;
	struct kt_vm *vm = new_vm(&before);

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	expect_tables(vm, before, LEN, KT_PAGE, tables_for(LEN, largest(21)));
	ASSERT_EQ(0, mprotect(mem + at, KT_PAGE, PROT_READ));
	run_words(vm, check_words, LEN, KT_PAGE);
	run_words(vm, write_words, at, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + at);
	kt_start(&vm->vcpu, &store);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
	EXPECT_EQ(GPA + at, vm->vcpu.run->fault.gpa);
	grown = tables(vm) - before;
	EXPECT_EQ(largest(21) == 21 ? tables_for(KT_2M, 12) : tables_for(LEN, 12), grown);
	ASSERT_EQ(0, mprotect(mem + at, KT_PAGE, PROT_READ | PROT_WRITE));
	kt_expect_done(&vm->vcpu);
	*(volatile u64 *)(mem + at) = ~at;
	if (madvise(mem, LEN, MADV_COLLAPSE))
		SKIP("MADV_COLLAPSE: errno %d", errno);
	ASSERT_EQ(LEN, in_large_pages(mem, LEN));
	expect_tables(vm, before, LEN, KT_PAGE, tables_for(LEN, largest(21)));
}

/* A page that is dropped from a large one is zero, the others are what they were. */
KITE_TEST(part_is_dropped)
{
	u8 *mem = large_memory(KT_2M);
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	u64 at = 100 * KT_PAGE;

	vm_set_slot(vm->fd, SLOT, 0, GPA, KT_2M, mem);
	run_words(vm, check_words, KT_2M, KT_PAGE);
	ASSERT_EQ(0, madvise(mem + at, KT_PAGE, MADV_DONTNEED));
	run_words(vm, check_words, at, KT_PAGE);
	*(volatile u64 *)(mem + at) = ~at;
	run_words(vm, check_words, KT_2M, KT_PAGE);
}

/* A GiB of the host, at another place in its GiB of the guest. */
KITE_TEST(parts_of_a_gigabyte)
{
	struct kt_mapped m = kt_map_kind("hugetlb_1g", KT_1G);
	u64 before;
	struct kt_vm *vm = new_vm(&before);

	fill(m.mem + KT_2M, LEN, KT_PAGE);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, m.mem + KT_2M);
	expect_tables(vm, before, LEN, KT_PAGE, tables_for(LEN, largest(21)));
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, m.mem + KT_2M + KT_PAGE);
	fill(m.mem + KT_2M + KT_PAGE, LEN, KT_PAGE);
	run_words(vm, check_words, LEN, KT_PAGE);
	EXPECT_EQ(tables_for(LEN, 12), tables(vm) - before);
}

/* With nx_huge_pages a page that is executed is small, and all of it still works. */
KITE_TEST(execution)
{
	u8 *mem = large_memory(LEN);
	u64 before, at;
	struct kt_vm *vm = new_vm(&before);
	bool nx = parameter("nx_huge_pages") && largest(21) == 21;

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	run_words(vm, check_words, LEN, KT_PAGE);
	EXPECT_EQ(tables_for(LEN, largest(21)), tables(vm) - before);
	for (at = 64; at < KT_2M; at += KT_2M / 8) {
		mem[at] = 0xc3;	/* RET */
		kt_set_reg(&vm->vcpu, KITE_RDI, GPA + at);
		kt_run_done(&vm->vcpu, &call);
	}
	/* The first large page only. */
	EXPECT_EQ(tables_for(LEN, largest(21)) + nx, tables(vm) - before);
	run_words(vm, write_words, LEN, KT_PAGE);
	/* From memory that the guest has not touched otherwise. */
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	mem[KT_2M + 64] = 0xc3;
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + KT_2M + 64);
	kt_run_done(&vm->vcpu, &call);
	run_words(vm, check_words, LEN, KT_PAGE);
}

/* Small pages that are there come in groups, with one exit each. */
KITE_TEST(neighbours_come_along)
{
	u8 *mem = kt_map_kind("anonymous", KT_2M).mem;
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	long around = parameter("fault_around");
	u64 before;

	fill(mem, KT_2M, KT_PAGE);
	vm_set_slot(vm->fd, SLOT, 0, GPA, KT_2M, mem);
	/* What the function itself needs. */
	run_words(vm, write_words, KT_PAGE, KT_PAGE);
	run_words(vm, check_words, KT_PAGE, KT_PAGE);
	vm_set_slot(vm->fd, SLOT, 0, GPA, KT_2M, mem);
	before = faults(vm);
	run_words(vm, check_words, KT_2M, KT_PAGE);
	EXPECT_EQ(KT_2M / KT_PAGE / (around > 1 ? around : 1), faults(vm) - before);
	before = faults(vm);
	run_words(vm, write_words, KT_2M, KT_PAGE);
	EXPECT_EQ(before, faults(vm));
}
