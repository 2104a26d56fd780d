/* SPDX-License-Identifier: GPL-2.0-only */
/* The judgement on a host: every requirement, whether it is met, what to do. */
#ifndef CHECK_H
#define CHECK_H

#include "host.h"

enum check_status {
	CHECK_OK,
	CHECK_NOTE,		/* worth knowing, no obstacle */
	CHECK_WITHOUT,		/* optional and not there */
	CHECK_UNKNOWN,
	CHECK_MISSING,
};

enum check_verdict {
	CHECK_CAN = 0,
	CHECK_CANNOT = 1,
	CHECK_NOT_PERMITTED = 2,
};

struct check_item {
	enum check_status status;
	const char *group;	/* "host", or the word of VMX controls */
	int bit;		/* of a control, else -1 */
	bool required;
	const char *name;
	const char *text;	/* why Kite wants it, what was found or what to do */
};

typedef void check_emit_fn(void *ctx, const struct check_item *item);

/* Calls @emit for each item in a fixed order. */
enum check_verdict check_host(const struct host *host, check_emit_fn *emit, void *ctx);

#endif
