// SPDX-License-Identifier: GPL-2.0-only
/* The debug console: a port that writes to the console, no questions asked. */
#include "dev/dev.h"

#define DEBUGCON_PORT	0xe9

/* Guests look for the port by reading its own number from it. */
static u8 debugcon_in(void *dev, u16 offset)
{
	(void)dev;
	(void)offset;
	return DEBUGCON_PORT;
}

static void debugcon_out(void *dev, u16 offset, u8 value)
{
	struct dev_host *host = dev;

	(void)offset;
	host->output(host, value);
}

int debugcon_attach(struct bus *bus, struct dev_host *host)
{
	struct bus_range range = {
		"debug console", DEBUGCON_PORT, 1, debugcon_in, debugcon_out, host,
	};

	return bus_add(bus, &range);
}
