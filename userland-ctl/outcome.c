// SPDX-License-Identifier: GPL-2.0-only
/* The table of outcomes: exit status and words. */
#include "outcome.h"

const struct outcome_row outcome_rows[] = {
	[OUTCOME_NONE]		= { STATUS_HOST_ERROR, "ended without a reason" },
	[OUTCOME_POWER_OFF]	= { STATUS_OK, "guest powered off" },
	[OUTCOME_DEBUG_EXIT]	= { 1, "guest wrote to the debug-exit port" },
	[OUTCOME_RESET]		= { STATUS_RESET, "guest asked for a reset" },
	[OUTCOME_TRIPLE_FAULT]	= { STATUS_TRIPLE_FAULT, "guest crashed with a triple fault" },
	[OUTCOME_INTERNAL]	= { STATUS_INTERNAL, "internal error, Kite cannot go on" },
	[OUTCOME_FAIL_ENTRY]	= { STATUS_FAIL_ENTRY, "VM entry failed" },
	[OUTCOME_HOST_ERROR]	= { STATUS_HOST_ERROR, "error of the host" },
	[OUTCOME_TIMEOUT]	= { STATUS_TIMEOUT, "time is up (--timeout)" },
	[OUTCOME_SIGNAL]	= { STATUS_SIGNAL, "stopped by a signal" },
	[OUTCOME_QUIT]		= { STATUS_QUIT, "stopped from the terminal" },
	[OUTCOME_NO_MEMORY]	= { STATUS_NO_MEMORY, "guest ran to where no memory is" },
};
