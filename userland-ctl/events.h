/* SPDX-License-Identifier: GPL-2.0-only */
/* What the main thread waits for while a VM runs: input, output, signals, time. */
#ifndef EVENTS_H
#define EVENTS_H

#include "machine.h"

struct events {
	int wake;		/* eventfd */
	int signals;		/* signalfd */
	int timeout;		/* timerfd, -1 without --timeout */
	int trace;		/* timerfd, -1 without --trace */
	struct console *console;
};

/* Blocks the signals that it will report; @timeout in seconds. Returns 0 or a negative errno. */
int events_open(struct events *ev, struct console *console, u32 timeout, bool trace);
void events_close(struct events *ev);
/* Serves @m until it ends. */
void events_loop(struct events *ev, struct machine *m);

#endif
