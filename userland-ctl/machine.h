/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtual PC: its file descriptors, memory, devices and vCPUs. */
#ifndef MACHINE_H
#define MACHINE_H

#include <pthread.h>
#include <stdio.h>

#include "bus.h"
#include "console.h"
#include "dev/dev.h"
#include "dev/pic.h"
#include "dev/pit.h"
#include "mem.h"
#include "outcome.h"
#include "timers.h"
#include "times.h"
#include "uapi/kite.h"

#define MACHINE_MAX_CPUS	64

struct machine;

struct vcpu {
	struct machine *m;
	u32 id;
	int fd;
	struct kite_run *run;
	pthread_t thread;
	bool started;
};

/* What a machine borrows from "kitectl run"; it outlives the machine. */
struct machine_config {
	u64 mem;
	int dev;		/* of machine_open() */
	struct mem_options mem_options;
	u32 cpus;
	u32 tsc_khz;		/* 0: the host's */
	bool pvclock;
	bool debugcon;
	FILE *trace;		/* NULL: none */
	struct console *console;
	struct times *times;
	int wake;		/* eventfd: there is something to do for the main thread */
};

struct machine {
	struct dev_host host;	/* first: dev_host callbacks find the machine by it */
	const struct machine_config *cfg;
	int vm;
	struct kite_info info;
	struct mem mem;
	struct vcpu vcpus[MACHINE_MAX_CPUS];

	pthread_mutex_t lock;	/* guards the devices, the console and all below */
	struct bus bus;
	struct uart uart;
	struct rtc rtc;
	struct i8042 i8042;
	struct port92 port92;
	struct cf9 cf9;
	struct acpi_pm acpi_pm;
	struct pic pic;
	struct pit pit;
	struct speaker speaker;
	struct timers timers;
	u64 unclaimed_mmio;

	/* Written once, by machine_end(). */
	bool stop;		/* atomic; set after @why and @status */
	bool ending;		/* atomic; decides who writes them */
	enum outcome why;
	int status;
};

/* The device, for all machines to come; a negative errno after saying what is wrong. */
int machine_open(void);

/* Returns 0, or a negative errno after saying on stderr what went wrong. */
int machine_create(struct machine *m, const struct machine_config *cfg);
void machine_destroy(struct machine *m);

/* Ends the run; the first call decides. Any thread may call. */
void machine_end(struct machine *m, enum outcome why, int status);
bool machine_stopped(struct machine *m);

/* The timer of a device has fired. */
void machine_timer(struct machine *m, enum dev_timer timer);

/* Creates the threads of the vCPUs; returns 0 or a negative errno. */
int vcpus_start(struct machine *m);
/* Makes every vCPU look at machine_stopped(), or at its trace. */
void vcpus_kick(struct machine *m);
/* After machine_end(): waits for the threads. */
void vcpus_join(struct machine *m);

#endif
