// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a VM that gets to the limit of its memory cgroup is killed, alone: other
 * VMs run on, and all that it had is given back. The kernel reports it in its log.
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
#define REFS	"/sys/module/kite/refcnt"

static void touch_all(u64 number)
{
	u64 at;

	for (at = number * KT_PAGE; at < BIG; at += KT_PATTERN_VCPUS * KT_PAGE)
		*(volatile u64 *)(KT_PATTERN_GPA + at) = at;
}

static void __attribute__((noreturn)) grow(void)
{
	struct kt_smp *smp;

	kt_group_enter();
	smp = kt_smp_new(KT_PATTERN_VCPUS, false);
	vm_set_slot(smp->vm->fd, KT_PATTERN_SLOT, 0, KT_PATTERN_GPA, BIG, kt_map_anonymous(BIG));
	kt_smp_run(smp, touch_all);
	kt_end(KT_PASS);
}

/* A VM that is killed, in a group without swap. */
static void be_killed(void)
{
	u64 kills;
	pid_t pid;
	int status;

	kt_group_new();
	ASSERT_TRUE(kt_write_file(KT_GROUP "/memory.max", LIMIT));
	if (!access(KT_GROUP "/memory.swap.max", W_OK))
		ASSERT_TRUE(kt_write_file(KT_GROUP "/memory.swap.max", "0"));
	kills = kt_counter(KT_GROUP "/memory.events", "oom_kill");
	pid = fork();
	ASSERT_TRUE(pid >= 0);
	if (!pid)
		grow();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(kills + 1, kt_counter(KT_GROUP "/memory.events", "oom_kill"));
	kt_group_remove();
}

KITE_TEST_TIMEOUT(a_vm_is_killed_and_leaves_nothing, 300)
{
	u64 refs;

	close(dev_open());
	refs = kt_read_number(REFS);
	be_killed();
	kt_expect_no_leak(be_killed, kt_times(4));
	/* Nothing of it keeps the module. */
	EXPECT_EQ(refs, kt_read_number(REFS));
}

KITE_TEST_TIMEOUT(other_vms_run_on, 300)
{
	u64 i, n = kt_times(4);

	kt_pattern_start(0, KT_KEEPS);
	for (i = 0; i < n; i++) {
		be_killed();
		kt_pattern_pass();
	}
	kt_pattern_finish();
}
