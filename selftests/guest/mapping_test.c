// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: guest memory may be any memory that the process can read: what one side
 * writes the other one sees, in private and shared mappings, small and huge pages,
 * with and without a file. What the guest writes to a shared file is in the file.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "mapping.h"

#define GPA	0x40000000ull	/* 1-GByte aligned */
#define SLOT	9

/* Two words of each @step'th page; shared with the guest. */
static u64 pages, bad, expected, next;
static u64 read_only, step;

static u64 word(u64 seed, u64 page, u64 place)
{
	return seed << 32 | page << 8 | place;
}

static volatile u64 *place_of(void *base, u64 page, u64 place)
{
	return (volatile u64 *)((u8 *)base + page * step * KT_PAGE + (place ? KT_PAGE - 8 : 0));
}

static bool as_expected(u64 value, u64 seed, u64 page, u64 place)
{
	return value == (seed ? word(seed, page, place) : 0);
}

/* Up to a thousand pages of @len bytes are enough. */
static void touch(u64 len)
{
	step = len / KT_PAGE / 1024 + 1;
	pages = len / KT_PAGE / step;
}

/* The guest finds what @expected stands for and leaves what @next does. */
static void check_and_fill(u64 base)
{
	u64 i;

	for (i = 0; i < 2 * pages; i++) {
		volatile u64 *p = place_of((void *)base, i / 2, i & 1);

		if (!as_expected(*p, expected, i / 2, i & 1))
			bad++;
		if (!read_only)
			*p = word(next, i / 2, i & 1);
	}
}

static void guest_pass(struct kt_vm *vm, u64 want, u64 leave)
{
	expected = want;
	next = leave;
	read_only = !leave;
	bad = 0;
	kt_call(&vm->vcpu, check_and_fill, GPA);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, bad);
}

static u64 wrong_words(void *mem, u64 seed)
{
	u64 i, n = 0;

	for (i = 0; i < 2 * pages; i++)
		n += !as_expected(*place_of(mem, i / 2, i & 1), seed, i / 2, i & 1);
	return n;
}

static void host_fill(void *mem, u64 seed)
{
	u64 i;

	for (i = 0; i < 2 * pages; i++)
		*place_of(mem, i / 2, i & 1) = word(seed, i / 2, i & 1);
}

static u64 wrong_in_file(int fd, u64 seed)
{
	u64 i, value, n = 0;

	for (i = 0; i < 2 * pages; i++) {
		ASSERT_EQ(8, pread(fd, &value, 8, (u64)place_of(NULL, i / 2, i & 1)));
		n += !as_expected(value, seed, i / 2, i & 1);
	}
	return n;
}

/* Both sides write by turns, beginning with memory that nobody has touched. */
KT_MAPPING_TEST(both_sides)
{
	struct kt_mapped m = kt_map(kind, kind->len);
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	u64 round;

	touch(kind->len);
	vm_set_slot(vm->fd, SLOT, 0, GPA, kind->len, m.mem);
	guest_pass(vm, 0, 0);
	guest_pass(vm, 0, 1);
	EXPECT_EQ(0ull, wrong_words(m.mem, 1));
	for (round = 2; round < 6; round += 2) {
		host_fill(m.mem, round);
		guest_pass(vm, round, round + 1);
		EXPECT_EQ(0ull, wrong_words(m.mem, round + 1));
		if (m.view)
			EXPECT_EQ(0ull, wrong_words(m.view, kind->shared ? round + 1 : 0));
	}
}

/* A child that shares the memory, or has its own copy. */
static void child_sees(struct kt_mapped *m, u64 seed)
{
	int status;
	pid_t pid = fork();

	ASSERT_TRUE(pid >= 0);
	if (!pid)
		_exit(wrong_words(m->mem, seed) ? 1 : 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

static void child_fills(struct kt_mapped *m, u64 seed)
{
	pid_t pid = fork();

	ASSERT_TRUE(pid >= 0);
	if (!pid) {
		host_fill(m->mem, seed);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
}

KT_MAPPING_TEST(with_another_process)
{
	struct kt_mapped m = kt_map(kind, kind->len);
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	touch(kind->len);
	vm_set_slot(vm->fd, SLOT, 0, GPA, kind->len, m.mem);
	guest_pass(vm, 0, 1);
	child_sees(&m, 1);
	child_fills(&m, 2);
	guest_pass(vm, kind->shared ? 2 : 1, 3);
	EXPECT_EQ(0ull, wrong_words(m.mem, 3));
}

KT_MAPPING_TEST(readonly_slot)
{
	struct kt_mapped m = kt_map(kind, kind->len);
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	touch(kind->len);
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_READONLY, GPA, kind->len, m.mem);
	guest_pass(vm, 0, 0);
	host_fill(m.mem, 1);
	guest_pass(vm, 1, 0);
	/* A write is the device's, memory stays. */
	expected = 1;
	next = 2;
	read_only = 0;
	kt_call(&vm->vcpu, check_and_fill, GPA);
	kt_expect_mmio(&vm->vcpu, GPA, 8, true);
	EXPECT_EQ(word(2, 0, 0), *(u64 *)vm->vcpu.run->data);
	EXPECT_EQ(0ull, wrong_words(m.mem, 1));
}

/*
 * What the guest has written is in the file, whoever forgets it first: after the
 * file was written back under the guest, and after mapping and VM are gone.
 */
KITE_TEST(guest_writes_reach_the_disk)
{
	struct kt_mapped m = kt_map_kind("file", KT_2M);
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	u64 round;

	touch(KT_2M);
	vm_set_slot(vm->fd, SLOT, 0, GPA, KT_2M, m.mem);
	guest_pass(vm, 0, 1);
	for (round = 1; round < 4; round++) {
		ASSERT_EQ(0, msync(m.mem, KT_2M, MS_SYNC));
		EXPECT_EQ(0ull, wrong_in_file(m.fd, round));
		guest_pass(vm, round, round + 1);
	}
	ASSERT_EQ(0, munmap(m.mem, KT_2M));
	ASSERT_EQ(0, munmap(m.view, KT_2M));
	kt_vcpu_close(&vm->vcpu);
	ASSERT_EQ(0, close(vm->fd));
	ASSERT_EQ(0, fsync(m.fd));
	kt_drop_caches();
	EXPECT_EQ(0ull, wrong_in_file(m.fd, round));
}

KITE_TEST(private_writes_do_not_reach_the_disk)
{
	struct kt_mapped m = kt_map_kind("file_private", KT_2M);
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	touch(KT_2M);
	vm_set_slot(vm->fd, SLOT, 0, GPA, KT_2M, m.mem);
	guest_pass(vm, 0, 1);
	ASSERT_EQ(0, fsync(m.fd));
	kt_drop_caches();
	EXPECT_EQ(0ull, wrong_in_file(m.fd, 0));
	EXPECT_EQ(0ull, wrong_words(m.mem, 1));
}

/* Pages that the host drops from its cache, because they are clean, come back the same. */
KITE_TEST(dropped_cache_is_read_again)
{
	struct kt_mapped m = kt_map_kind("file", KT_2M);
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	touch(KT_2M);
	vm_set_slot(vm->fd, SLOT, 0, GPA, KT_2M, m.mem);
	guest_pass(vm, 0, 1);
	ASSERT_EQ(0, msync(m.mem, KT_2M, MS_SYNC));
	ASSERT_EQ(0, madvise(m.mem, KT_2M, MADV_DONTNEED));
	kt_drop_caches();
	guest_pass(vm, 1, 2);
	EXPECT_EQ(0ull, wrong_words(m.view, 2));
}
