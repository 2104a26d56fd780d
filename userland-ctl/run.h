/* SPDX-License-Identifier: GPL-2.0-only */
/* What "kitectl run" was asked for. */
#ifndef RUN_H
#define RUN_H

#include <stdio.h>

#include "boot/boot.h"
#include "confine.h"
#include "mem.h"
#include "times.h"

struct run_options {
	const char *kernel;
	const char *initrd;
	const char *modules[BOOT_MAX_MODULES];	/* "FILE ARGUMENTS" */
	unsigned int module_count;
	const char *append;
	u64 mem;
	struct mem_options mem_options;
	u32 cpus;
	u32 tsc_khz;				/* 0: the host's */
	bool no_pvclock;
	const struct boot_format *flat;		/* NULL: what the file says */
	u64 flat_addr;
	bool flat_addr_set;
	const char *console;
	u8 escape;
	struct confine_options confine;
	bool debugcon;
	bool reset_on_reboot;
	u32 timeout;				/* seconds, 0: none */
	bool trace;
	const char *trace_file;			/* NULL: standard error */
	bool stats;
	const char *stats_json;
	bool boot_times;
	bool json;
	const char *marks[TIMES_MAX_MARKS];
	unsigned int mark_count;
};

/* Returns an opts_result. */
int run_options_parse(struct run_options *opt, int argc, char **argv);
void run_options_help(void);

#endif
