// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: KITE_VM_GET_DIRTY, KITE_VM_CLEAR_DIRTY, KITE_VM_RESET_RINGS and
 * KITE_VCPU_SET_RING take what uapi/kite.h says and nothing else; a rejected call
 * changes nothing.
 */
#include <unistd.h>

#include "dirty.h"
#include "guest.h"

#define SLOT	9
#define GPA	0x10000000ull
#define PAGES	200ul
#define LEN	(PAGES * KT_PAGE)
#define WORDS	4

static u64 bits[WORDS];
static u8 *mem;

KT_CODE64(write_memory, "", "mov %rax, (%rdi)", "");

/* A log in which page 130 is dirty. */
static void setup(struct kt_vm *vm)
{
	mem = kt_memory(LEN, false);
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_LOG_DIRTY, GPA, LEN, mem);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + 130 * KT_PAGE);
	kt_start(&vm->vcpu, &write_memory);
	kt_expect_done(&vm->vcpu);
}

static void expect_unchanged(struct kt_vm *vm)
{
	static const u64 want[WORDS] = { 0, 0, 4, 0 };

	memset(bits, 0xff, sizeof(bits));
	vm_get_dirty(vm->fd, SLOT, 0, 0, PAGES, bits);
	EXPECT_EQ(0, memcmp(want, bits, sizeof(bits)));
}

/* One bad thing each; for a get and a clear alike. */
static const struct bad {
	const char *what;
	struct kite_dirty arg;
	int err;
} bads[] = {
	{ "slot", { .slot = SLOT + 1, .pages = 64 }, ENOENT },
	{ "slot without a log", { .slot = 0, .pages = 64 }, ENOENT },
	{ "slot 512", { .slot = 512, .pages = 64 }, ENOENT },
	{ "slot -1", { .slot = -1, .pages = 64 }, ENOENT },
	{ "flags", { .flags = 2, .slot = SLOT, .pages = 64 }, EINVAL },
	{ "reserved", { .slot = SLOT, .reserved = 1, .pages = 64 }, EINVAL },
	{ "first", { .slot = SLOT, .first = 1, .pages = 64 }, EINVAL },
	{ "first behind the end", { .slot = SLOT, .first = 256, .pages = 64 }, EINVAL },
	{ "first far away", { .slot = SLOT, .first = 1ull << 63, .pages = 64 }, EINVAL },
	{ "no pages", { .slot = SLOT, .first = 128, .pages = 0 }, EINVAL },
	{ "pages end in a word", { .slot = SLOT, .first = 128, .pages = 70 }, EINVAL },
	{ "one page too many", { .slot = SLOT, .first = 128, .pages = 73 }, EINVAL },
	{ "pages behind the end", { .slot = SLOT, .first = 128, .pages = 128 }, EINVAL },
	{ "pages wrap", { .slot = SLOT, .first = 128, .pages = -64ull }, EINVAL },
};

KITE_TEST_MODES(each_field_bad, KT_IN_64)
{
	unsigned int i;

	setup(vm);
	for (i = 0; i < ARRAY_SIZE(bads); i++) {
		struct kite_dirty arg = bads[i].arg;

		arg.size = sizeof(arg);
		arg.uaddr = (unsigned long)bits;
		memset(bits, 0xff, sizeof(bits));
		errno = 0;
		if (__kt_ioctl(vm->fd, KITE_VM_CLEAR_DIRTY, &arg) != -1 || errno != bads[i].err)
			kt_failed(__FILE__, __LINE__, "clear, %s: errno %d", bads[i].what, errno);
		if (!arg.flags)
			arg.flags = KITE_DIRTY_CLEAR;
		errno = 0;
		if (__kt_ioctl(vm->fd, KITE_VM_GET_DIRTY, &arg) != -1 || errno != bads[i].err)
			kt_failed(__FILE__, __LINE__, "get, %s: errno %d", bads[i].what, errno);
		EXPECT_EQ(~0ull, bits[0]);
		expect_unchanged(vm);
	}
}

KITE_TEST_MODES(flag_of_get_is_none_of_clear, KT_IN_64)
{
	struct kite_dirty arg = {
		.size = sizeof(arg), .flags = KITE_DIRTY_CLEAR, .slot = SLOT, .pages = PAGES,
		.uaddr = (unsigned long)bits,
	};

	setup(vm);
	memset(bits, 0xff, sizeof(bits));
	EXPECT_ERRNO(EINVAL, __kt_ioctl(vm->fd, KITE_VM_CLEAR_DIRTY, &arg));
	expect_unchanged(vm);
}

KITE_TEST_MODES(sizes_of_the_structure, KT_IN_64)
{
	struct { struct kite_dirty dirty; u64 more; } arg = {
		{ .size = sizeof(arg), .slot = SLOT, .pages = PAGES,
		  .uaddr = (unsigned long)bits }, 0
	};

	setup(vm);
	EXPECT_EQ(0, __kt_ioctl(vm->fd, KITE_VM_GET_DIRTY, &arg));
	arg.more = 1;
	EXPECT_ERRNO(E2BIG, __kt_ioctl(vm->fd, KITE_VM_GET_DIRTY, &arg));
	arg.dirty.size = sizeof(arg.dirty) - 1;
	EXPECT_ERRNO(EINVAL, __kt_ioctl(vm->fd, KITE_VM_GET_DIRTY, &arg));
	EXPECT_ERRNO(EFAULT, __kt_ioctl(vm->fd, KITE_VM_GET_DIRTY, NULL));
	EXPECT_ERRNO(EINVAL, __kt_ioctl(vm->fd, KITE_VM_RESET_RINGS, &arg));
	expect_unchanged(vm);
}

/* Only what a part of the log needs is read and written. */
KITE_TEST_MODES(bitmap_is_as_long_as_the_part, KT_IN_64)
{
	setup(vm);
	memset(bits, 0xff, sizeof(bits));
	vm_get_dirty(vm->fd, SLOT, 0, 128, 64, bits + 1);
	EXPECT_EQ(~0ull, bits[0]);
	EXPECT_EQ(4ull, bits[1]);
	EXPECT_EQ(~0ull, bits[2]);
	vm_get_dirty(vm->fd, SLOT, 0, 192, 8, bits + 1);
	EXPECT_EQ(0, bits[1]);
	EXPECT_EQ(~0ull, bits[2]);
}

KITE_TEST_MODES(set_ring, KT_IN_64)
{
	static const struct kite_set_ring wrong[] = {
		{ .size = sizeof(wrong[0]), .entries = 0 },
		{ .size = sizeof(wrong[0]), .entries = KITE_RING_MIN / 2 },
		{ .size = sizeof(wrong[0]), .entries = KITE_RING_MIN + 1 },
		{ .size = sizeof(wrong[0]), .entries = 3 * KITE_RING_MIN },
		{ .size = sizeof(wrong[0]), .entries = 2 * KITE_RING_MAX },
		{ .size = sizeof(wrong[0]), .entries = 1u << 31 },
		{ .size = sizeof(wrong[0]), .entries = KITE_RING_MIN, .flags = 1 },
		{ .size = sizeof(wrong[0]), .entries = KITE_RING_MIN, .reserved = 1 },
		{ .size = sizeof(wrong[0]) - 1, .entries = KITE_RING_MIN },
	};
	struct kite_set_ring arg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		arg = wrong[i];
		EXPECT_ERRNO(EINVAL, __kt_ioctl(vm->vcpu.fd, KITE_VCPU_SET_RING, &arg));
	}
	EXPECT_EQ(0, _vm_reset_rings(vm->fd));
	EXPECT_EQ(0, _vcpu_set_ring(vm->vcpu.fd, KITE_RING_MAX));
	EXPECT_EQ(-EEXIST, _vcpu_set_ring(vm->vcpu.fd, KITE_RING_MAX));
	EXPECT_EQ(-EEXIST, _vcpu_set_ring(vm->vcpu.fd, KITE_RING_MIN));
	EXPECT_EQ(0, _vm_reset_rings(vm->fd));
}

/* The biggest ring, from its head to its last element, and nothing behind it. */
KITE_TEST_MODES(mapping_of_a_ring, KT_IN_64)
{
	u64 len = KITE_RING_HEADER + KITE_RING_MAX * sizeof(struct kite_ring_entry), i;
	struct kt_ring ring = kt_ring_new(vm->vcpu.fd, KITE_RING_MAX);

	EXPECT_EQ((u32)KITE_RING_MAX, ring.head->entries);
	EXPECT_EQ(0, ring.head->head);
	EXPECT_EQ(0, ring.head->tail);
	for (i = 0; i < KITE_RING_MAX; i++)
		EXPECT_EQ(0ull, ring.entry[i].page | ring.entry[i].slot);
	EXPECT_TRUE(mmap(NULL, len + KT_PAGE, PROT_READ, MAP_SHARED, vm->vcpu.fd,
			 KITE_RING_OFFSET) == MAP_FAILED);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(mmap(NULL, 2 * KT_PAGE, PROT_READ, MAP_SHARED, vm->vcpu.fd,
			 KITE_RING_OFFSET - KT_PAGE) == MAP_FAILED);
	EXPECT_EQ(EINVAL, errno);
}

/* The mapping keeps the ring when the descriptor is closed, and both may go in any order. */
KITE_TEST_MODES(ring_outlives_the_descriptor, KT_IN_64)
{
	struct kt_ring ring = kt_ring_new(vm->vcpu.fd, KITE_RING_MIN);

	close(vm->vcpu.fd);
	EXPECT_EQ((u32)KITE_RING_MIN, ring.head->entries);
	ring.head->tail = 1;
	EXPECT_EQ(-EINVAL, _vm_reset_rings(vm->fd));
	munmap(vm->vcpu.run, vm->info.vcpu_mmap_size);
	munmap(ring.head, KITE_RING_HEADER + KITE_RING_MIN * sizeof(struct kite_ring_entry));
	EXPECT_EQ(0, _vm_reset_rings(vm->fd));
}
