// SPDX-License-Identifier: GPL-2.0-only
/* Runs the tests of a program, each in a process of its own, and prints KTAP. */
#include "harness.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Far more than any test needs, also where the CPU is emulated. */
#define DEFAULT_TIMEOUT	60

static struct kt_test *first;
static struct kt_test **last = &first;
static bool failed;
static char *skip_reason;	/* shared with the test's process */

#define REASON_LEN	256

void kt_register(struct kt_test *test)
{
	*last = test;
	last = &test->next;
}

void kt_failed(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;

	failed = true;
	printf("# %s:%d: ", base ? base + 1 : file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void kt_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* An expectation that failed counts, whatever comes after it. */
void kt_end(int status)
{
	fflush(stdout);
	_exit(failed ? KT_FAIL : status);
}

void kt_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, REASON_LEN, fmt, ap);
	va_end(ap);
	/* What failed before is not excused by what cannot be tried. */
	kt_end(KT_SKIP);
}

u64 kt_times(u64 count)
{
	const char *factor = getenv("KITE_STRESS");

	return factor && atoi(factor) > 0 ? count * atoi(factor) : count;
}

static int run(const struct kt_test *test)
{
	int status;
	pid_t pid;

	skip_reason[0] = 0;
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		printf("# fork: %s\n", strerror(errno));
		return KT_FAIL;
	}
	if (!pid) {
		alarm(kt_times(test->timeout ? test->timeout : DEFAULT_TIMEOUT));
		test->fn(test->param);
		kt_end(KT_PASS);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return KT_FAIL;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGALRM)
		printf("# timed out\n");
	else
		printf("# killed by signal %d\n", WTERMSIG(status));
	return KT_FAIL;
}

static bool selected(const struct kt_test *test, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], test->name))
			return true;
	return argc < 2;
}

static int usage(const char *program)
{
	const struct kt_test *t;

	printf("Usage: %s [TEST...]\nRun the tests, or those named.\n", program);
	printf("Exit status: 0 all passed, 1 one failed, 4 all were skipped.\nTests:\n");
	for (t = first; t; t = t->next)
		if (!t->variant || !t->param)
			printf("  %s\n", t->name);
	return 0;
}

static void report(const struct kt_test *t, unsigned int n, int status)
{
	printf("%s %u %s%s%s", status == KT_PASS || status == KT_SKIP ? "ok" : "not ok", n,
	       t->name, t->variant ? "." : "", t->variant ? t->variant : "");
	if (status == KT_SKIP)
		printf(" # SKIP %s", skip_reason);
	putchar('\n');
}

int main(int argc, char **argv)
{
	unsigned int n = 0, pass = 0, fail = 0, skip = 0;
	const struct kt_test *t;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && !strcmp(argv[1], "--help"))
		return usage(argv[0]);
	skip_reason = mmap(NULL, KT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	if (skip_reason == MAP_FAILED)
		return KT_FAIL;
	for (t = first; t; t = t->next)
		n += selected(t, argc, argv);
	if (!n) {
		fprintf(stderr, "%s: no such test; --help lists them\n", argv[0]);
		return KT_FAIL;
	}
	printf("KTAP version 1\n1..%u\n", n);
	n = 0;
	for (t = first; t; t = t->next) {
		if (!selected(t, argc, argv))
			continue;
		status = run(t);
		report(t, ++n, status);
		pass += status == KT_PASS;
		skip += status == KT_SKIP;
		fail += status != KT_PASS && status != KT_SKIP;
	}
	printf("# pass:%u fail:%u skip:%u\n", pass, fail, skip);
	return fail ? KT_FAIL : pass ? KT_PASS : KT_SKIP;
}
