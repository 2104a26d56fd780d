// SPDX-License-Identifier: GPL-2.0-only
/*
 * load ROUNDS SLEEPS CALLS: a load on all CPUs of the machine it runs on, and a
 * check that the work is right and that no interrupt it waited for was lost. The
 * kernel's own counts in /proc/interrupts have to agree with the work done. A lost
 * interrupt shows as a count that is too low, or as a hang.
 */
#include "load.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int cpus;

void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("load: failed: ");
	vprintf(fmt, args);
	printf("\n");
	fflush(stdout);
	exit(1);
}

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("no affinity with CPU %d", cpu);
}

void on_all_cpus(void (*work)(int cpu, unsigned long n), int each, unsigned long n)
{
	int i, status, children = cpus * each;
	pid_t pid;

	fflush(stdout);
	for (i = 0; i < children; i++) {
		pid = fork();
		if (pid < 0)
			fail("no process");
		if (!pid) {
			pin(i % cpus);
			work(i % cpus, n);
			exit(0);
		}
	}
	for (i = 0; i < children; i++) {
		pid = wait(&status);
		if (pid < 0 || status)
			fail("process %d ended with 0x%x", pid, status);
	}
}

void interrupts(const char *row, unsigned long counts[MAX_CPUS])
{
	FILE *f = fopen("/proc/interrupts", "r");
	char name[16];
	char line[4096];
	char *p;
	int i;

	if (!f)
		fail("no /proc/interrupts");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %15[^:]:", name) != 1 || strcmp(name, row))
			continue;
		p = strchr(line, ':') + 1;
		for (i = 0; i < cpus; i++)
			counts[i] = strtoul(p, &p, 10);
		fclose(f);
		return;
	}
	fail("no %s in /proc/interrupts", row);
}

void interrupts_since(const char *row, const unsigned long before[MAX_CPUS], unsigned long least)
{
	unsigned long now[MAX_CPUS];
	int i;

	interrupts(row, now);
	printf("load: %s, at least %lu wanted:", row, least);
	for (i = 0; i < cpus; i++)
		printf(" %lu", now[i] - before[i]);
	printf("\n");
	for (i = 0; i < cpus; i++)
		if (now[i] - before[i] < least)
			fail("CPU %d", i);
}

static unsigned long number(const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (!n || *end)
		fail("%s is not a number", arg);
	return n;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		fail("usage: load ROUNDS SLEEPS CALLS");
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (cpus < 1 || cpus > MAX_CPUS)
		fail("%d CPUs", cpus);
	printf("load: %d CPUs\n", cpus);
	on_all_cpus(compress, 1, 1);
	printf("load: compressed\n");
	ring(number(argv[1]));
	timers(number(argv[2]));
	ipis(number(argv[3]));
	printf("load: passed\n");
	return 0;
}
