// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: KITE_VM_SET_PERM takes page-aligned ranges and permissions that a CPU can
 * give, a refused call changes nothing, and there is an end to the ranges that a VM
 * may have. What the permissions are is seen by what the guest may read and write.
 */
#include <sys/mman.h>

#include "guest.h"

#define SLOT	9
#define GPA	0x10000000ull
#define LEN	(8 * KT_PAGE)
#define READ	KITE_ACCESS_READ
#define WRITE	KITE_ACCESS_WRITE
#define EXEC	KITE_ACCESS_EXEC
#define ALL	(READ | WRITE | EXEC)

KT_CODE64(read_memory, "", "mov (%rdi), %rax", "");
KT_CODE64(write_memory, "", "mov %rax, (%rdi)", "");

static void add_slot(struct kt_vm *vm)
{
	void *mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
}

static bool may(struct kt_vm *vm, const struct kt_code *code, u64 gpa)
{
	struct kt_result r;

	kt_set_reg(&vm->vcpu, KITE_RDI, gpa);
	kt_start(&vm->vcpu, code);
	r = kt_run(&vm->vcpu);
	if (r.said == KT_SAID_DONE)
		return true;
	if (r.said != KT_SAID_EXIT || vm->vcpu.run->exit_reason != KITE_EXIT_PROTECTION)
		kt_surprise(&vm->vcpu, &r, "DONE or PROTECTION");
	return false;
}

/* The guest may read and write at @gpa as @perm says. */
static void expect_perm(struct kt_vm *vm, u64 gpa, u32 perm)
{
	EXPECT_EQ(!!(perm & READ), may(vm, &read_memory, gpa));
	EXPECT_EQ(!!(perm & WRITE), may(vm, &write_memory, gpa));
}

static const struct bad {
	const char *what;
	u32 perm;
	u64 gpa, len;
	int err;
} bads[] = {
	{ "gpa, last bit", READ, GPA + 1, KT_PAGE, EINVAL },
	{ "gpa, half a page", READ, GPA + KT_PAGE / 2, KT_PAGE, EINVAL },
	{ "length", READ, GPA, KT_PAGE + 1, EINVAL },
	{ "length, less than a page", READ, GPA, KT_PAGE - 1, EINVAL },
	{ "length 0", READ, GPA, 0, EINVAL },
	{ "wraps", READ, GPA, -KT_PAGE, EINVAL },
	{ "ends at 2^64", READ, -KT_PAGE, KT_PAGE, EINVAL },
	{ "all of 2^64 but a page", READ, 0, -KT_PAGE, EINVAL },
	{ "perm, next bit", 8, GPA, KT_PAGE, EINVAL },
	{ "perm, last bit", READ | BIT(31), GPA, KT_PAGE, EINVAL },
	{ "write without read", WRITE, GPA, KT_PAGE, EINVAL },
	{ "write and execute without read", WRITE | EXEC, GPA, KT_PAGE, EINVAL },
};

KITE_TEST_MODES(refused_changes_change_nothing, KT_IN_64)
{
	unsigned int i;

	add_slot(vm);
	vm_set_perm(vm->fd, READ, GPA + KT_PAGE, KT_PAGE);
	for (i = 0; i < ARRAY_SIZE(bads); i++) {
		const struct bad *t = &bads[i];
		int ret = _vm_set_perm(vm->fd, t->perm, t->gpa, t->len);

		if (ret != -t->err)
			kt_failed(__FILE__, __LINE__, "%s: %d, want %d", t->what, ret, -t->err);
		expect_perm(vm, GPA, ALL);
		expect_perm(vm, GPA + KT_PAGE, READ);
		expect_perm(vm, GPA + 2 * KT_PAGE, ALL);
	}
}

KITE_TEST_MODES(limits_of_the_address_space, KT_IN_64)
{
	u64 top = BIT(vm->info.phys_bits);

	add_slot(vm);
	EXPECT_EQ(-EINVAL, _vm_set_perm(vm->fd, READ, top, KT_PAGE));
	EXPECT_EQ(-EINVAL, _vm_set_perm(vm->fd, READ, top - KT_PAGE, 2 * KT_PAGE));
	EXPECT_EQ(-EINVAL, _vm_set_perm(vm->fd, READ, 0, top + KT_PAGE));
	expect_perm(vm, GPA, ALL);
	vm_set_perm(vm->fd, READ, top - KT_PAGE, KT_PAGE);
	/* The image has to run, the slot must not. */
	vm_set_perm(vm->fd, READ, GPA, top - GPA);
	expect_perm(vm, GPA, READ);
	expect_perm(vm, GPA + LEN - KT_PAGE, READ);
	vm_set_perm(vm->fd, ALL, 0, top);
	expect_perm(vm, GPA, ALL);
}

KITE_TEST_MODES(later_calls_cut_earlier_ones, KT_IN_64)
{
	static const u32 want[8] = { READ, READ, 0, 0, ALL, 0, READ | WRITE, ALL };
	unsigned int i;

	add_slot(vm);
	vm_set_perm(vm->fd, READ, GPA, 3 * KT_PAGE);
	vm_set_perm(vm->fd, 0, GPA + 2 * KT_PAGE, 4 * KT_PAGE);
	vm_set_perm(vm->fd, READ | WRITE, GPA + 6 * KT_PAGE, KT_PAGE);
	vm_set_perm(vm->fd, ALL, GPA + 4 * KT_PAGE, KT_PAGE);
	for (i = 0; i < ARRAY_SIZE(want); i++)
		expect_perm(vm, GPA + i * KT_PAGE, want[i]);
	vm_set_perm(vm->fd, ALL, GPA, LEN);
	for (i = 0; i < ARRAY_SIZE(want); i++)
		expect_perm(vm, GPA + i * KT_PAGE, ALL);
}

/* Every other page from @first on, so that each is a range; what the last call gives. */
static int restrict_apart(struct kt_vm *vm, u64 first, u32 count)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < count; i++)
		ret = _vm_set_perm(vm->fd, READ, first + i * 2 * KT_PAGE, KT_PAGE);
	return ret;
}

KITE_TEST_MODES(ranges_run_out, KT_IN_64)
{
	/* Each has another range behind it, and one is before the first. */
	const u32 most = (KITE_PERM_RANGES - 1) / 2;
	u64 end = GPA + most * 2 * KT_PAGE;

	add_slot(vm);
	ASSERT_EQ(0, restrict_apart(vm, GPA, most));
	EXPECT_EQ(-ENOSPC, _vm_set_perm(vm->fd, READ, end, KT_PAGE));
	expect_perm(vm, GPA, READ);
	expect_perm(vm, GPA + KT_PAGE, ALL);
	/* The same again is no more, and a neighbour of the same kind makes a range longer. */
	EXPECT_EQ(0, _vm_set_perm(vm->fd, READ, GPA, KT_PAGE));
	EXPECT_EQ(0, _vm_set_perm(vm->fd, READ, end - KT_PAGE, KT_PAGE));
	/* A neighbour of another kind is one more; there is room for one. */
	EXPECT_EQ(0, _vm_set_perm(vm->fd, 0, end, KT_PAGE));
	EXPECT_EQ(-ENOSPC, _vm_set_perm(vm->fd, READ, end + KT_PAGE, KT_PAGE));
	/* One that fills a gap makes one of three, and three of one again. */
	EXPECT_EQ(0, _vm_set_perm(vm->fd, READ, GPA + KT_PAGE, KT_PAGE));
	expect_perm(vm, GPA + KT_PAGE, READ);
	EXPECT_EQ(0, _vm_set_perm(vm->fd, 0, GPA + KT_PAGE, KT_PAGE));
	EXPECT_EQ(-ENOSPC, _vm_set_perm(vm->fd, READ, end + KT_PAGE, KT_PAGE));
	expect_perm(vm, GPA, READ);
	expect_perm(vm, GPA + KT_PAGE, 0);
	expect_perm(vm, GPA + 2 * KT_PAGE, READ);
	expect_perm(vm, GPA + 3 * KT_PAGE, ALL);
	vm_set_perm(vm->fd, ALL, 0, BIT(vm->info.phys_bits));
	expect_perm(vm, GPA, ALL);
	EXPECT_EQ(0, _vm_set_perm(vm->fd, READ, end + KT_PAGE, KT_PAGE));
}
