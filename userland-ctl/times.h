/* SPDX-License-Identifier: GPL-2.0-only */
/* When a VM reached each stage: --boot-times. */
#ifndef TIMES_H
#define TIMES_H

#include <stdio.h>

#include "lib/types.h"

#define TIMES_MAX_MARKS	16
#define TIMES_MARK_LEN	255

enum stage {
	STAGE_START,		/* before the VM is made */
	STAGE_CREATE,		/* VM and vCPU exist */
	STAGE_LOAD,		/* the guest is in memory */
	STAGE_FIRST_EXIT,	/* KITE_VCPU_RUN came back for the first time */
	STAGE_FIRST_BYTE,	/* of console output */
	STAGE_END,
	STAGE_COUNT
};

struct moment {
	u64 tsc;		/* 0: not reached */
	u64 ns;			/* CLOCK_MONOTONIC */
};

struct times {
	const char *marks[TIMES_MAX_MARKS];
	unsigned int mark_count;
	struct moment stage[STAGE_COUNT];
	struct moment mark[TIMES_MAX_MARKS];
	char tail[TIMES_MARK_LEN + 1];	/* the latest output, a ring */
	u64 bytes;
};

/* Forgets everything but the marks, and takes STAGE_START. */
void times_start(struct times *times);
/* Takes the time of a stage unless it has been taken. */
void times_stage(struct times *times, enum stage stage);
/* A byte of console output: STAGE_FIRST_BYTE, marks. */
void times_output(struct times *times, u8 byte);
void times_print(const struct times *times, FILE *out);
void times_print_json(const struct times *times, u32 tsc_khz, FILE *out);

#endif
