// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: guest memory goes to swap and comes back, by advice and because there
 * is not enough memory; with three times as much guest memory as the machine has
 * all guests finish, and find what they have written.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pattern.h"

/* What has been used since the last time stays, so ask twice. */
static void page_out(u64 round)
{
	struct kt_range r = kt_pick();

	if (round % 2)
		kt_pattern_rest(&r);
	ASSERT_EQ(0, madvise(r.at, r.len, MADV_PAGEOUT));
	ASSERT_EQ(0, madvise(r.at, r.len, MADV_PAGEOUT));
	kt_pattern_no_rest();
}

static void pages_are_swapped_out(unsigned int param)
{
	u64 out = kt_vmstat("pswpout"), in = kt_vmstat("pswpin");

	if (!kt_meminfo("SwapTotal"))
		SKIP("no swap");
	kt_pattern_rounds(&(const struct kt_action){ "swap", page_out, 20, KT_KEEPS }, param);
	out = kt_vmstat("pswpout") - out;
	in = kt_vmstat("pswpin") - in;
	kt_note("%llu pages swapped out, %llu in", out, in);
	EXPECT_GE(out, kt_times(20));
	EXPECT_GE(in, kt_times(20));
}

KT_PATTERN_REGISTER(pages_are_swapped_out)

#define VMS		4
#define VCPUS		2
#define GPA		0x10000000ull
#define STEP		(KT_PAGE / sizeof(u64) / 8)	/* eight words a page */

static u64 pages, me, passes;
static volatile u64 wrong;

static u64 word_of(u64 page, u64 pass)
{
	return page << 32 | me << 16 | pass;
}

/* Each pass checks what the pass before wrote to each page of this vCPU. */
static void fill_and_check(u64 number)
{
	volatile u64 *page;
	u64 pass, i, word;

	for (pass = 0; pass <= passes; pass++) {
		for (i = number; i < pages; i += VCPUS) {
			page = (volatile u64 *)(GPA + i * KT_PAGE);
			for (word = 0; word < KT_PAGE / sizeof(u64); word += STEP) {
				if (page[word] != (pass ? word_of(i, pass - 1) : 0))
					wrong++;
				page[word] = word_of(i, pass);
			}
		}
	}
}

/* Exit status of the VM's process. */
static int run_vm(u64 number)
{
	struct kt_smp *smp = kt_smp_new(VCPUS, false);
	u64 *mem, i;

	me = number;
	mem = mmap(NULL, pages * KT_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_TRUE(mem != MAP_FAILED);
	vm_set_slot(smp->vm->fd, KT_PATTERN_SLOT, 0, GPA, pages * KT_PAGE, mem);
	kt_smp_run(smp, fill_and_check);
	for (i = 0; i < pages; i++)
		if (mem[i * KT_PAGE / sizeof(u64)] != word_of(i, passes))
			wrong++;
	return wrong ? KT_FAIL : KT_PASS;
}

#define LIMITED_PAGES	(16ul << 20 >> 12)	/* for all of a group */

/* At the limit of its group a VM swaps; its guest does not notice. */
KITE_TEST_TIMEOUT(a_limited_vm_swaps, 600)
{
	u64 hits, out = kt_vmstat("pswpout");
	int status;
	pid_t pid;

	pages = 2 * LIMITED_PAGES;
	passes = kt_times(2);
	if (kt_meminfo("SwapTotal") < 4 * LIMITED_PAGES)
		SKIP("too little swap");
	kt_group_new();
	ASSERT_TRUE(kt_write_file(KT_GROUP "/memory.max", "16M"));
	hits = kt_counter(KT_GROUP "/memory.events", "max");
	pid = fork();
	ASSERT_TRUE(pid >= 0);
	if (!pid) {
		kt_group_enter();
		kt_end(run_vm(0));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_GT(kt_counter(KT_GROUP "/memory.events", "max"), hits);
	EXPECT_EQ(0ull, kt_counter(KT_GROUP "/memory.events", "oom_kill"));
	EXPECT_GE(kt_vmstat("pswpout") - out, LIMITED_PAGES);
	kt_note("%llu pages swapped out", kt_vmstat("pswpout") - out);
	kt_group_remove();
}

KITE_TEST_TIMEOUT(three_times_the_memory, 1200)
{
	u64 ram = kt_meminfo("MemTotal"), out = kt_vmstat("pswpout"), in = kt_vmstat("pswpin");
	pid_t pid[VMS];
	int status;
	u64 i;

	if (kt_meminfo("SwapTotal") < 3 * ram)
		SKIP("too little swap: want three times the memory");
	pages = 3 * ram / (KT_PAGE / 1024) / VMS + 1;
	passes = kt_times(1);
	for (i = 0; i < VMS; i++) {
		pid[i] = fork();
		ASSERT_TRUE(pid[i] >= 0);
		if (!pid[i])
			kt_end(run_vm(i));
	}
	for (i = 0; i < VMS; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	out = kt_vmstat("pswpout") - out;
	in = kt_vmstat("pswpin") - in;
	kt_note("%u guests with %llu MiB each on %llu MiB: %llu pages swapped out, %llu in", VMS,
		pages * KT_PAGE >> 20, ram >> 10, out, in);
	/* At least what does not fit, at each pass. */
	EXPECT_GE(out, passes * 2 * ram / (KT_PAGE / 1024));
	EXPECT_GE(in, passes * 2 * ram / (KT_PAGE / 1024));
}
