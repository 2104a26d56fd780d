// SPDX-License-Identifier: GPL-2.0-only
/* The timers of the devices. */
#include "timers.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC	1000000000ull

int timers_open(struct timers *t)
{
	unsigned int i;

	for (i = 0; i < DEV_TIMERS; i++)
		t->fd[i] = -1;
	for (i = 0; i < DEV_TIMERS; i++) {
		t->due[i] = DEV_TIMER_OFF;
		t->fd[i] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (t->fd[i] < 0)
			return -errno;
	}
	return 0;
}

void timers_close(struct timers *t)
{
	unsigned int i;

	for (i = 0; i < DEV_TIMERS; i++)
		if (t->fd[i] >= 0)
			close(t->fd[i]);
}

/* The clock of the timers, and of the host's TSC as far as the host knows it. */
u64 timers_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int timers_set(struct timers *t, enum dev_timer timer, u64 ns)
{
	struct itimerspec spec = { 0 };

	if (ns == t->due[timer])
		return 0;
	/* All zero stops it. */
	if (ns != DEV_TIMER_OFF)
		spec.it_value = (struct timespec){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
	if (timerfd_settime(t->fd[timer], TFD_TIMER_ABSTIME, &spec, NULL))
		return -errno;
	t->due[timer] = ns;
	return 0;
}

void timers_fired(struct timers *t, enum dev_timer timer)
{
	u64 count;

	/* EAGAIN: it was set anew since poll() saw it. */
	if (read(t->fd[timer], &count, sizeof(count)) == sizeof(count))
		t->due[timer] = DEV_TIMER_OFF;
}
