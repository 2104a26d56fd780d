/* SPDX-License-Identifier: GPL-2.0-only */
/* The timers of the devices: one descriptor each, for the main loop to wait on. */
#ifndef TIMERS_H
#define TIMERS_H

#include "dev/dev.h"

struct timers {
	int fd[DEV_TIMERS];
	u64 due[DEV_TIMERS];
};

/* Returns 0 or a negative errno; close in either case. */
int timers_open(struct timers *t);
void timers_close(struct timers *t);
u64 timers_now(void);
int timers_set(struct timers *t, enum dev_timer timer, u64 ns);
/* Takes note that @timer has fired. */
void timers_fired(struct timers *t, enum dev_timer timer);

#endif
