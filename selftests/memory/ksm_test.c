// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: pages of two VMs that are equal become one, and each VM goes on to see
 * its own writes only.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pattern.h"

#define KSM	"/sys/kernel/mm/ksm/"
/* So many different pages there are in both VMs. */
#define KINDS	3
#define NEVER	~0ull
#define SELDOM	2048
/* ksmd's own, and one that gets it a CPU. */
#define NICE	5
#define URGENT	(-10)

/* Shared by the processes of the two VMs. */
static struct {
	volatile u64 write_every;
	volatile u64 passes;		/* of the other VM, since the test began */
	volatile u64 stop;
} *shared;

static pid_t other;

static void set(const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), KSM "%s", name);
	if (!kt_write_file(path, value))
		SKIP("no KSM: cannot write %s", path);
}

/* Six vCPUs that never sleep leave next to nothing of two CPUs to a nice thread. */
static void set_nice_of_ksmd(int nice)
{
	DIR *dir = opendir("/proc");
	struct dirent *process;
	char path[280], name[16];
	FILE *f;

	ASSERT_TRUE(dir);
	while ((process = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", process->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) && !strcmp(name, "ksmd\n"))
			ASSERT_EQ(0, setpriority(PRIO_PROCESS, atoi(process->d_name), nice));
		fclose(f);
	}
	closedir(dir);
}

static u64 merged(void)
{
	return kt_read_number(KSM "pages_sharing");
}

static void start_vm(unsigned int param)
{
	kt_pattern_same(KINDS);
	kt_pattern_write_every(shared->write_every);
	kt_pattern_start(param, KT_KEEPS);
	ASSERT_EQ(0, madvise(kt_mem, KT_PATTERN_LEN, MADV_MERGEABLE));
}

static void pass(void)
{
	kt_pattern_write_every(shared->write_every);
	kt_pattern_pass();
}

/* Two VMs, one in a child of this process. */
static void start(unsigned int param)
{
	set("sleep_millisecs", "0");
	set("pages_to_scan", "1000");
	set("run", "1");
	shared = mmap(NULL, KT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(shared != MAP_FAILED);
	other = fork();
	ASSERT_TRUE(other >= 0);
	start_vm(param);
	while (!other && !shared->stop) {
		pass();
		shared->passes++;
	}
	if (!other) {
		kt_pattern_finish();
		kt_end(KT_PASS);
	}
}

/* Both VMs have seen all their memory, and the other one is alive. */
static void both_pass(void)
{
	u64 since = shared->passes;

	pass();
	while (shared->passes < since + 2) {
		usleep(1000);
		ASSERT_EQ(0, waitpid(other, NULL, WNOHANG));
	}
}

static void finish(void)
{
	int status;

	shared->stop = 1;
	kt_pattern_finish();
	ASSERT_EQ(other, waitpid(other, &status, 0));
	EXPECT_EQ(0, status);
	set("run", "2");	/* all copied again */
	EXPECT_EQ(0ull, merged());
	set("run", "0");
	set_nice_of_ksmd(NICE);
	set("sleep_millisecs", "20");
	set("pages_to_scan", "100");
}

/* All merge while nobody writes, and all part when everybody writes. */
static void vms_merge_and_diverge(unsigned int param)
{
	u64 copied;

	start(param);
	both_pass();
	shared->write_every = NEVER;
	both_pass();
	/* A page that is shared by all that are equal to it stands for many. */
	set_nice_of_ksmd(URGENT);
	while (merged() < 2 * KT_PATTERN_PAGES - KT_PATTERN_PAGES / 4)
		usleep(1000);
	set_nice_of_ksmd(NICE);
	both_pass();
	kt_note("%llu pages save %llu", kt_read_number(KSM "pages_shared"), merged());
	copied = kt_vmstat("cow_ksm");
	shared->write_every = 2;
	both_pass();
	both_pass();
	kt_note("%llu copied when written", kt_vmstat("cow_ksm") - copied);
	EXPECT_GT(kt_vmstat("cow_ksm"), copied + KT_PATTERN_PAGES);
	finish();
}

KT_PATTERN_REGISTER(vms_merge_and_diverge)

/* Merged by the kernel and parted by the guests at any moment: a round is a page that did both. */
static void pages_merge_and_part(unsigned int param)
{
	u64 rounds = kt_times(20), copied = kt_vmstat("cow_ksm"), done = 0;

	start(param);
	shared->write_every = SELDOM;
	set_nice_of_ksmd(URGENT);
	while (done < rounds) {
		both_pass();
		done = kt_vmstat("cow_ksm") - copied;
	}
	kt_note("%llu rounds, %llu pages shared now", done, merged());
	finish();
}

KT_PATTERN_REGISTER(pages_merge_and_part)
