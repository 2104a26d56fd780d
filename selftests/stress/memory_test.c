// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the guest's memory is the process's memory at every moment, whatever
 * the process does with its mappings while the guest writes: nothing written is
 * lost, nothing old is seen again, nobody else's memory is touched.
 */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define SLOT	9
#define GPA	0x10000000ull
#define LEN	0x200000ul		/* one large page of the host */
#define PAGES	(LEN / KT_PAGE)

/* Shared with the guest. */
static volatile u64 stop, passes, mismatches;
static u64 last[PAGES];
static struct kt_vm *the_vm;
static u8 *mem;
static u8 *elsewhere;
static int failed_calls;

/* Every pass checks what the pass before wrote to each page, and writes something new. */
static void write_and_check(u64 arg)
{
	volatile u64 *page;
	u64 i;

	(void)arg;
	for (i = 0; i < PAGES; i++)
		last[i] = *(volatile u64 *)(GPA + i * KT_PAGE);
	while (!stop) {
		for (i = 0; i < PAGES; i++) {
			page = (volatile u64 *)(GPA + i * KT_PAGE);
			if (*page != last[i])
				mismatches++;
			last[i] = passes << 20 | i | 0x8000000000000000;
			*page = last[i];
		}
		passes++;
	}
}

/* A read-mostly guest: pages may be mapped read-only, from the zero page or after a fork. */
static void read_and_check(u64 arg)
{
	volatile u64 *page;
	u64 i;

	(void)arg;
	while (!stop) {
		for (i = 0; i < PAGES; i++) {
			page = (volatile u64 *)(GPA + i * KT_PAGE);
			if (*page != last[i])
				mismatches++;
			if (i % 16 == passes % 16) {
				last[i] = passes << 20 | i | 0x8000000000000000;
				*page = last[i];
			}
		}
		passes++;
	}
}

static void check(int ret)
{
	failed_calls += ret != 0;
}

static void op_mprotect(u64 round)
{
	u8 *from = mem + round * 7 % PAGES * KT_PAGE;
	u64 len = mem + LEN - from < 16 * (long)KT_PAGE ? KT_PAGE : 16 * KT_PAGE;

	check(mprotect(from, len, round & 1 ? PROT_NONE : PROT_READ));
	check(mprotect(from, len, PROT_READ | PROT_WRITE));
}

/* A child that writes makes copies; what it writes must not be seen here. */
static void op_fork(u64 round)
{
	pid_t pid = fork();
	u64 i;

	if (!pid) {
		for (i = round % 3; i < PAGES; i += 3)
			memset(mem + i * KT_PAGE, 0x5a, KT_PAGE);
		_exit(0);
	}
	check(pid < 0);
	if (round & 1)
		sched_yield();
	check(waitpid(pid, NULL, 0) != pid);
}

/* Away and back again: the pages are the same, their tables are not. */
static void op_mremap(u64 round)
{
	u64 at = round * 13 % (PAGES - 8) * KT_PAGE;
	u8 *p;

	p = mremap(mem + at, 8 * KT_PAGE, 8 * KT_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere);
	check(p != elsewhere);
	p = mremap(elsewhere, 8 * KT_PAGE, 8 * KT_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, mem + at);
	check(p != mem + at);
}

/* Into a large page, and in pieces again. */
static void op_collapse(u64 round)
{
	madvise(mem, LEN, MADV_COLLAPSE);
	check(mprotect(mem + round % PAGES * KT_PAGE, KT_PAGE, PROT_READ));
	check(mprotect(mem + round % PAGES * KT_PAGE, KT_PAGE, PROT_READ | PROT_WRITE));
	op_mremap(round);
}

/* The same memory under the slot again, as after a change of its flags. */
static void op_replace_slot(u64 round)
{
	check(_vm_set_slot(the_vm->fd, SLOT, 0, GPA, LEN, mem));
	if (round % 64 == 0)
		sched_yield();
}

static const struct op {
	const char *name;
	void (*fn)(u64 round);
	u64 rounds;
} ops[] = {
	{ "mprotect", op_mprotect, 2000 },
	{ "fork", op_fork, 60 },
	{ "mremap", op_mremap, 2000 },
	{ "collapse", op_collapse, 100 },
	{ "replace the slot", op_replace_slot, 500 },
};

static void setup(void)
{
	u8 *p = mmap(NULL, 2 * LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(p != MAP_FAILED);
	mem = (u8 *)(((u64)p + LEN - 1) & ~(LEN - 1));
	elsewhere = mmap(NULL, 8 * KT_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(elsewhere != MAP_FAILED);
	the_vm = kt_vm_new(KT_LONG64);
	vm_set_slot(the_vm->fd, SLOT, 0, GPA, LEN, mem);
}

static void let_it_pass(void)
{
	u64 before = passes;

	while (passes == before)
		usleep(1000);
}

static void run_op(const struct op *op, void (*guest)(u64))
{
	struct kt_runner r;
	u64 round, n = kt_times(op->rounds);

	passes = 0;
	stop = 0;
	kt_call(&the_vm->vcpu, guest, 0);
	kt_runner_start(&r, &the_vm->vcpu);
	let_it_pass();
	for (round = 0; round < n; round++)
		op->fn(round);
	/* It still writes where it can be seen. */
	let_it_pass();
	let_it_pass();
	stop = 1;
	kt_runner_finish(&r);
	kt_note("%s: %llu rounds, %llu passes of the guest, %llu faults in user space", op->name, n,
		passes, r.faults);
	EXPECT_EQ(0, failed_calls);
	EXPECT_EQ(0ull, mismatches);
	for (round = 0; round < PAGES; round++)
		if (*(u64 *)(mem + round * KT_PAGE) != last[round])
			mismatches++;
	EXPECT_EQ(0ull, mismatches);
}

#define OP_TEST(name, number)				\
	KITE_TEST_TIMEOUT(name, 600)			\
	{						\
		setup();				\
		run_op(&ops[number], write_and_check);	\
		run_op(&ops[number], read_and_check);	\
	}

OP_TEST(mappings_change_protection, 0)
OP_TEST(children_copy_on_write, 1)
OP_TEST(mappings_move, 2)
OP_TEST(pages_collapse_and_split, 3)
OP_TEST(the_slot_is_replaced, 4)

static void count_up(u64 arg)
{
	volatile u64 *word = (volatile u64 *)arg;

	while (!stop)
		(*word)++;
}

/*
 * MADV_DONTNEED takes the page away with what is in it. From then on the guest
 * counts in a new page, which is the one that the process sees.
 */
KITE_TEST_TIMEOUT(pages_are_dropped, 600)
{
	u64 round, n = kt_times(1000), seen;
	struct kt_runner r;
	volatile u64 *word;

	setup();
	word = (volatile u64 *)mem;
	kt_call(&the_vm->vcpu, count_up, GPA);
	kt_runner_start(&r, &the_vm->vcpu);
	while (*word < 1000)
		sched_yield();
	for (round = 0; round < n; round++) {
		ASSERT_EQ(0, madvise(mem, KT_PAGE, MADV_DONTNEED));
		seen = *word;
		while (*word == seen)
			sched_yield();
	}
	stop = 1;
	kt_runner_finish(&r);
}

/* The mapping goes away altogether and another comes in its place. */
KITE_TEST_TIMEOUT(mappings_are_replaced, 600)
{
	u64 round, n = kt_times(500), seen;
	struct kt_runner r;
	volatile u64 *word;

	setup();
	word = (volatile u64 *)mem;
	kt_call(&the_vm->vcpu, count_up, GPA);
	kt_runner_start(&r, &the_vm->vcpu);
	while (*word < 1000)
		sched_yield();
	for (round = 0; round < n; round++) {
		if (round & 1) {
			seen = r.faults;
			munmap(mem, KT_PAGE);
			/* The guest counts on, so it notices, however the host schedules. */
			while (r.faults == seen)
				sched_yield();
		}
		ASSERT_TRUE(mmap(mem, KT_PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == mem);
		seen = *word;
		while (*word == seen)
			sched_yield();
	}
	stop = 1;
	kt_runner_finish(&r);
	EXPECT_GE(r.faults, n / 2);
}

/* A page that the guest has lost is somebody else's: the guest must not write to it. */
KITE_TEST_TIMEOUT(pages_of_others_are_left_alone, 600)
{
	u64 round, n = kt_times(300), i;
	struct kt_runner r;
	u64 *other;

	setup();
	kt_call(&the_vm->vcpu, write_and_check, 0);
	kt_runner_start(&r, &the_vm->vcpu);
	let_it_pass();
	for (round = 0; round < n; round++) {
		/* What the slot loses the next mapping is likely to get. */
		ASSERT_EQ(0, madvise(mem, LEN, MADV_DONTNEED));
		other = mmap(NULL, LEN / 4, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		ASSERT_TRUE(other != MAP_FAILED);
		sched_yield();
		for (i = 0; i < LEN / 4 / 8; i += KT_PAGE / 8)
			ASSERT_EQ(0ull, other[i]);
		munmap(other, LEN / 4);
	}
	stop = 1;
	kt_runner_finish(&r);
}
