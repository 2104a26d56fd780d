// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring of pipes: messages go around through processes on all CPUs, so that most
 * of the time a write wakes a reader on another CPU that sleeps.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EACH		4	/* processes for each CPU */
#define DATA_LEN	92

struct message {
	unsigned int number;
	unsigned int hops;
	unsigned char data[DATA_LEN];
};

static int members;
static int pipes[EACH * MAX_CPUS][2];

static void fill(struct message *m)
{
	memset(m->data, m->number ^ m->hops, DATA_LEN);
}

static void put(int to, const struct message *m)
{
	if (write(pipes[to][1], m, sizeof(*m)) != sizeof(*m))
		fail("ring: write: %s", strerror(errno));
}

/* Returns false at the end. Pipes keep writes of this size whole. */
static bool take(int from, struct message *m)
{
	struct message wanted;
	ssize_t n = read(pipes[from][0], m, sizeof(*m));

	if (!n)
		return false;
	wanted = *m;
	fill(&wanted);
	if (n != sizeof(*m) || memcmp(m, &wanted, sizeof(wanted)) ||
	    m->hops % members != (unsigned int)from)
		fail("ring: a message came wrong to member %d", from);
	return true;
}

static void pass_on(struct message *m, int from)
{
	m->hops++;
	fill(m);
	put((from + 1) % members, m);
}

/* Each keeps only the ends of its own pipes, so that the end of one member ends the next. */
static void keep_pipes_of(int me)
{
	int i;

	for (i = 0; i < members; i++) {
		if (i != me)
			close(pipes[i][0]);
		if (i != (me + 1) % members)
			close(pipes[i][1]);
	}
}

static void member(int me, unsigned long messages)
{
	struct message m;
	unsigned long n = 0;

	pin(me % cpus);
	keep_pipes_of(me);
	while (take(me, &m)) {
		pass_on(&m, me);
		n++;
	}
	if (n != messages)
		fail("ring: member %d saw %lu messages instead of %lu", me, n, messages);
	exit(0);
}

/* Member 0: one message for each CPU is on its way at any time. */
static void lead(unsigned long rounds)
{
	unsigned long left = rounds * cpus;
	struct message m;
	int i;

	pin(0);
	keep_pipes_of(0);
	for (i = 0; i < cpus; i++) {
		m = (struct message){ .number = i };
		pass_on(&m, 0);
	}
	while (left--) {
		if (!take(0, &m))
			fail("ring: broken");
		if (left >= (unsigned long)cpus)
			pass_on(&m, 0);
	}
	exit(0);
}

void ring(unsigned long rounds)
{
	unsigned long res[MAX_CPUS], cal[MAX_CPUS];
	int i, status;

	interrupts("RES", res);
	interrupts("CAL", cal);
	members = EACH * cpus;
	for (i = 0; i < members; i++)
		if (pipe(pipes[i]))
			fail("ring: no pipe");
	fflush(stdout);
	for (i = 0; i < members; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("ring: no process");
		if (!pid && i)
			member(i, rounds * cpus);
		else if (!pid)
			lead(rounds);
	}
	for (i = 0; i < members; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	for (i = 0; i < members; i++)
		if (wait(&status) < 0 || status)
			fail("ring: a member ended with 0x%x", status);
	printf("load: ring: %lu messages through %d processes\n", rounds * cpus, members);
	interrupts_since("RES", res, 0);
	interrupts_since("CAL", cal, 0);
}
