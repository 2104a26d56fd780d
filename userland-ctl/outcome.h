/* SPDX-License-Identifier: GPL-2.0-only */
/* How a VM can end, and the exit status that says so. */
#ifndef OUTCOME_H
#define OUTCOME_H

enum outcome {
	OUTCOME_NONE,		/* still running */
	OUTCOME_POWER_OFF,
	OUTCOME_DEBUG_EXIT,	/* status (value << 1) | 1, hence odd */
	OUTCOME_RESET,
	OUTCOME_TRIPLE_FAULT,
	OUTCOME_INTERNAL,
	OUTCOME_FAIL_ENTRY,
	OUTCOME_HOST_ERROR,
	OUTCOME_TIMEOUT,
	OUTCOME_SIGNAL,
	OUTCOME_QUIT,
	OUTCOME_NO_MEMORY,
	OUTCOME_COUNT
};

/* All even, so that no status of the debug-exit port is taken for one of them. */
#define STATUS_OK		0
#define STATUS_HOST_ERROR	4
#define STATUS_RESET		6
#define STATUS_TRIPLE_FAULT	8
#define STATUS_INTERNAL		10
#define STATUS_FAIL_ENTRY	12
#define STATUS_TIMEOUT		14
#define STATUS_SIGNAL		16
#define STATUS_QUIT		18
#define STATUS_NO_MEMORY	20
#define STATUS_USAGE		64

struct outcome_row {
	int status;
	const char *text;
};

/* Indexed by enum outcome. The status of OUTCOME_DEBUG_EXIT comes from the guest. */
extern const struct outcome_row outcome_rows[];

#endif
