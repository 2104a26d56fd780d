// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: each page has the permissions of the last KITE_VM_SET_PERM that covered
 * it, however the ranges lie, and no vCPU that runs meanwhile can do what is not
 * allowed any more once the call has returned.
 */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "mapping.h"
#include "smp.h"

#define GPA	0xa000000ul	/* a slot of the test's own */
#define SLOT	5
#define PAGES	64
#define LEN	(PAGES * KT_PAGE)

#define READ	KITE_ACCESS_READ
#define WRITE	KITE_ACCESS_WRITE
#define EXEC	KITE_ACCESS_EXEC
#define ALL	(READ | WRITE | EXEC)

#define ROUNDS	100
#define VCPUS	3

static const u32 perms[] = { 0, READ, READ | WRITE, READ | EXEC, ALL };

static u8 *add_slot(struct kt_vm *vm)
{
	u8 *mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	return mem;
}

/* Read or write each page once. */
static void touch_all(u64 write)
{
	volatile u64 *page;

	for (page = (u64 *)GPA; page < (u64 *)(GPA + LEN); page += KT_PAGE / 8)
		if (write)
			*page += 1;
		else
			(void)*page;
}

/* The guest must stop at each page that @access is not allowed to, and at no other. */
static void expect_perms(struct kt_vm *vm, const u32 *perm, u32 access)
{
	const struct kite_exit_protection *p = &vm->vcpu.run->protection;
	unsigned int i;

	kt_call(&vm->vcpu, touch_all, access == WRITE);
	for (i = 0; i < PAGES; i++) {
		if (perm[i] & access)
			continue;
		kt_expect_exit(&vm->vcpu, KITE_EXIT_PROTECTION);
		EXPECT_EQ(GPA + i * KT_PAGE, p->gpa);
		EXPECT_EQ(perm[i], p->perm);
		vm_set_perm(vm->fd, ALL, p->gpa, KT_PAGE);
	}
	kt_expect_done(&vm->vcpu);
	/* As they were. */
	for (i = 0; i < PAGES; i++)
		if (!(perm[i] & access))
			vm_set_perm(vm->fd, perm[i], GPA + i * KT_PAGE, KT_PAGE);
}

KITE_TEST_MODES(each_page_its_own, KT_IN_64)
{
	u32 perm[PAGES];
	unsigned int i;

	add_slot(vm);
	for (i = 0; i < PAGES; i++) {
		perm[i] = perms[i % ARRAY_SIZE(perms)];
		vm_set_perm(vm->fd, perm[i], GPA + i * KT_PAGE, KT_PAGE);
	}
	expect_perms(vm, perm, READ);
	expect_perms(vm, perm, WRITE);
	expect_perms(vm, perm, READ);
}

KITE_TEST_MODES(random_ranges, KT_IN_64)
{
	unsigned int i, n, first, count;
	u64 round;
	u32 perm[PAGES];

	add_slot(vm);
	for (i = 0; i < PAGES; i++)
		perm[i] = ALL;
	for (round = 0; round < kt_times(ROUNDS); round++) {
		for (n = 0; n < 1 + round % 7; n++) {
			u32 value = perms[kt_random() % ARRAY_SIZE(perms)];

			first = kt_random() % PAGES;
			count = 1 + kt_random() % (PAGES - first);
			if (round & 1)
				count = 1 + count % 4 % (PAGES - first);
			vm_set_perm(vm->fd, value, GPA + first * KT_PAGE, count * KT_PAGE);
			for (i = first; i < first + count; i++)
				perm[i] = value;
		}
		expect_perms(vm, perm, round & 2 ? READ : WRITE);
	}
}

/* Each vCPU counts in a word of its own of every page, round and round. */
static volatile u64 stop;

static void count_on(u64 number)
{
	unsigned int i;

	while (!stop)
		for (i = 0; i < PAGES; i++)
			((volatile u64 *)(GPA + i * KT_PAGE))[number]++;
}

static u64 sum(const u8 *mem, unsigned int page)
{
	const volatile u64 *count = (const u64 *)(mem + page * KT_PAGE);

	return count[0] + count[1] + count[2];
}

/* All vCPUs stand still at the page, and go on when they may. */
KITE_TEST_MODES(change_under_running_vcpus, KT_IN_64)
{
	struct kt_smp *smp = kt_smp_new_in(vm, VCPUS, false);
	u8 *mem = add_slot(vm);
	u64 round, before, i;

	for (i = 0; i < VCPUS; i++)
		kt_smp_call(smp, i, count_on, i);
	for (i = 0; i < VCPUS; i++)
		kt_runner_start(&smp->runner[i], &smp->vcpu[i]);
	for (round = 0; round < kt_times(ROUNDS); round++) {
		unsigned int page = kt_random() % PAGES;
		u32 perm = perms[round % 2];

		vm_set_perm(vm->fd, perm, GPA + page * KT_PAGE, KT_PAGE);
		before = sum(mem, page);
		for (i = 0; i < 5; i++)
			sched_yield();
		/* At least once all of them come to stand there. */
		for (i = 0; round == 0 && i < VCPUS; i++)
			while (!smp->runner[i].faults)
				sched_yield();
		EXPECT_EQ(before, sum(mem, page));
		vm_set_perm(vm->fd, ALL, GPA + page * KT_PAGE, KT_PAGE);
		while (sum(mem, page) == before)
			sched_yield();
	}
	stop = 1;
	for (i = 0; i < VCPUS; i++)
		kt_runner_finish(&smp->runner[i]);
	for (i = 0; i < VCPUS; i++)
		for (round = 1; round < PAGES; round++)
			EXPECT_EQ(((u64 *)mem)[i], ((u64 *)(mem + round * KT_PAGE))[i]);
}

static void count_in_each_page(u64 len)
{
	u64 at;

	for (at = 0; at < len; at += KT_PAGE)
		++*(volatile u64 *)(GPA + at);
}

static void expect_counts(const u8 *mem, u64 len, u64 want)
{
	u64 at;

	for (at = 0; at < len; at += KT_PAGE)
		EXPECT_EQ(want, *(volatile u64 *)(mem + at));
}

/* Only the large page with the protected one is mapped in pieces, and only as long. */
KITE_TEST_MODES(one_page_of_a_large_one, KT_IN_64)
{
	u64 len = 2 * KT_2M, page = GPA + 77 * KT_PAGE, tables;
	u8 *mem = kt_map_thp(len);

	vm_set_slot(vm->fd, SLOT, 0, GPA, len, mem);
	kt_call(&vm->vcpu, count_in_each_page, len);
	kt_expect_done(&vm->vcpu);
	tables = kt_vm_info(vm->fd, "tables");
	vm_set_perm(vm->fd, READ, page, KT_PAGE);
	kt_call(&vm->vcpu, count_in_each_page, len);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_PROTECTION);
	EXPECT_EQ(page, vm->vcpu.run->protection.gpa);
	EXPECT_EQ(1ull, *(u64 *)(mem + 77 * KT_PAGE));
	kt_call(&vm->vcpu, count_in_each_page, 77 * KT_PAGE);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(tables + KT_PAGE, kt_vm_info(vm->fd, "tables"));
	vm_set_perm(vm->fd, ALL, page, KT_PAGE);
	memset(mem, 0, len);
	kt_call(&vm->vcpu, count_in_each_page, len);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(tables, kt_vm_info(vm->fd, "tables"));
	expect_counts(mem, len, 1);
	/* Restricted as a whole it stays whole. */
	vm_set_perm(vm->fd, READ, GPA, len);
	kt_call(&vm->vcpu, count_in_each_page, len);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_PROTECTION);
	vm_set_perm(vm->fd, READ | WRITE, GPA, len);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(tables, kt_vm_info(vm->fd, "tables"));
	expect_counts(mem, len, 2);
}
