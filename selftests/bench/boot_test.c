// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debian's kernel from the start of kitectl to its end, and its wake-ups when idle: kitectl
 * with its library for Kite, and with one for KVM (kvmctl). Part of "make bench".
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define KERNEL		"/guest/vmlinuz"
#define INITRD		"/guest/initrd.gz"
#define KITECTL		"/bin/kitectl"
#define KVMCTL		"/lib/kite/selftests/build/bench/kvmctl"
/* As of L1: the emulator counts a tick for each byte that REP STOSB clears. */
#define APPEND		"console=ttyS0 quiet cryptomgr.notests clearcpuid=erms"
#define SHORT		2u		/* seconds of sleep */
#define LONG		12u

static void exec_client(const struct kt_face *face, const char *cpus, const char *run)
{
	const char *client = face == &kt_face_kite ? KITECTL : KVMCTL;
	int null = open("/dev/null", O_RDWR);
	char append[160];

	snprintf(append, sizeof(append), APPEND " %s", run);
	dup2(null, 0);
	dup2(null, 1);
	execl(client, client, "run", "--no-confine", "--kernel", KERNEL, "--initrd", INITRD,
	      "--cpus", cpus, "--append", append, NULL);
	_exit(127);
}

static void boot(const struct kt_face *face, u64 vcpus, const char *run, struct kt_sample *s)
{
	char cpus[16];
	int status;
	pid_t pid;

	if (access(KERNEL, R_OK) || access(KVMCTL, X_OK))
		SKIP("no %s, or no %s", KERNEL, KVMCTL);
	snprintf(cpus, sizeof(cpus), "%llu", vcpus);
	kt_sample_begin(s);
	pid = fork();
	if (!pid)
		exec_client(face, cpus, run);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	kt_sample_end(s, 1);
	ASSERT_TRUE(WIFEXITED(status));
	ASSERT_EQ(0, WEXITSTATUS(status));
}

static void measure_boot(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	boot(face, row->arg, "", s);
}

/* Exits in a second of sleep: those of a longer sleep less those of a shorter one. */
static void measure_idle(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	struct kt_sample sample[2];

	boot(face, row->arg, "run=\"sleep 2\"", &sample[0]);
	boot(face, row->arg, "run=\"sleep 12\"", &sample[1]);
	s->ticks = sample[1].count[KT_COUNT_EXITS] - sample[0].count[KT_COUNT_EXITS];
	s->ops = LONG - SHORT;
}

static const struct kt_row rows[] = {
	{ "boot", "ticks", measure_boot, NULL, 1, 85, .rounds = 2 },
	{ "boot_4", "ticks", measure_boot, NULL, 4, 85, .rounds = 2 },
	{ "idle_exits", "exits/s", measure_idle, NULL, 1, 100, .rounds = 1 },
};

KT_ROWS(rows)
