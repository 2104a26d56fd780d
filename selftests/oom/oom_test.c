// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a VM that gets to the limit of its memory cgroup, or to that of the machine's
 * memory, is killed, alone: other VMs run on, and all that it had is given back. The
 * kernel reports it in its log.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leak.h"
#include "mapping.h"
#include "pattern.h"

#define LIMIT	"16M"
#define BIG	0x4000000ul	/* four times the limit */
#define LARGEST	0x100000000ul	/* machine that is filled for it */
#define REFS	"/sys/module/kite/refcnt"

static void touch_all(u64 number)
{
	u64 at;

	for (at = number * KT_PAGE; at < BIG; at += KT_PATTERN_VCPUS * KT_PAGE)
		*(volatile u64 *)(KT_PATTERN_GPA + at) = at;
}

static void __attribute__((noreturn)) grow(void)
{
	struct kt_smp *smp = kt_smp_new(KT_PATTERN_VCPUS, false);

	vm_set_slot(smp->vm->fd, KT_PATTERN_SLOT, 0, KT_PATTERN_GPA, BIG, kt_map_anonymous(BIG));
	kt_smp_run(smp, touch_all);
	kt_end(KT_PASS);
}

static void __attribute__((noreturn)) grow_in_group(void)
{
	kt_group_enter();
	grow();
}

/* The process has taken what there is, but a part of what its guest wants, and is killed first. */
static void __attribute__((noreturn)) grow_in_machine(void)
{
	u64 len = (kt_meminfo("MemAvailable") + kt_meminfo("SwapFree")) * 1024 - BIG / 8;
	u8 *mem = kt_map_anonymous(len);

	ASSERT_TRUE(kt_write_file("/proc/self/oom_score_adj", "1000"));
	/* Large pages, as long as there are any: it takes less time. */
	madvise(mem, len, MADV_HUGEPAGE);
	ASSERT_EQ(0, madvise(mem, len, MADV_POPULATE_WRITE));
	grow();
}

static void expect_kill(void (*child)(void))
{
	pid_t pid = fork();
	int status;

	ASSERT_GE(pid, 0);
	if (!pid)
		child();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		FAIL("ended with status %x", status);
}

/* A VM that is killed, in a group without swap. */
static void be_killed(void)
{
	u64 kills;

	kt_group_new();
	ASSERT_TRUE(kt_write_file(KT_GROUP "/memory.max", LIMIT));
	if (!access(KT_GROUP "/memory.swap.max", W_OK))
		ASSERT_TRUE(kt_write_file(KT_GROUP "/memory.swap.max", "0"));
	kills = kt_counter(KT_GROUP "/memory.events", "oom_kill");
	expect_kill(grow_in_group);
	EXPECT_EQ(kills + 1, kt_counter(KT_GROUP "/memory.events", "oom_kill"));
	kt_group_remove();
}

static void be_killed_for_memory(void)
{
	u64 kills = kt_vmstat("oom_kill");

	if ((kt_meminfo("MemTotal") + kt_meminfo("SwapTotal")) * 1024 > LARGEST)
		SKIP("more memory than a test should fill");
	expect_kill(grow_in_machine);
	EXPECT_EQ(kills + 1, kt_vmstat("oom_kill"));
}

static void leaves_nothing(void (*kill)(void))
{
	u64 refs;

	close(dev_open());
	refs = kt_read_number(REFS);
	kill();
	kt_expect_no_leak(kill, kt_times(2));
	/* Nothing of it keeps the module. */
	EXPECT_EQ(refs, kt_read_number(REFS));
}

KITE_TEST_TIMEOUT(a_vm_is_killed_and_leaves_nothing, 300)
{
	leaves_nothing(be_killed);
}

KITE_TEST_TIMEOUT(without_memory_a_vm_is_killed_and_leaves_nothing, 300)
{
	leaves_nothing(be_killed_for_memory);
}

static void leaves_others(void (*kill)(void), u64 times)
{
	u64 i;

	kt_pattern_start(0, KT_KEEPS);
	for (i = 0; i < times; i++) {
		kill();
		kt_pattern_pass();
	}
	kt_pattern_finish();
}

KITE_TEST_TIMEOUT(other_vms_run_on, 300)
{
	leaves_others(be_killed, kt_times(2));
}

KITE_TEST_TIMEOUT(without_memory_other_vms_run_on, 300)
{
	leaves_others(be_killed_for_memory, kt_times(1));
}
