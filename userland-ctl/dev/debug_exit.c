// SPDX-License-Identifier: GPL-2.0-only
/* The debug-exit port: a test guest ends its VM with a value of its own. */
#include "dev/dev.h"

#define DEBUG_EXIT_PORT		0xf4
#define DEBUG_EXIT_PORTS	4

static u8 exit_in(void *dev, u16 offset)
{
	(void)dev;
	(void)offset;
	return 0;
}

static void exit_out(void *dev, u16 offset, u8 value)
{
	struct dev_host *host = dev;

	if (offset == 0)
		host->end(host, OUTCOME_DEBUG_EXIT, (value << 1 | 1) & 0xff);
}

int debug_exit_attach(struct bus *bus, struct dev_host *host)
{
	struct bus_range range = {
		"debug exit", DEBUG_EXIT_PORT, DEBUG_EXIT_PORTS, exit_in, exit_out, host,
	};

	return bus_add(bus, &range);
}
