// SPDX-License-Identifier: GPL-2.0-only
/* The reset control register of a PC chipset; the ACPI reset register as well. */
#include "dev/dev.h"

#define RST_CPU		0x04

static u8 cf9_in(void *dev, u16 offset)
{
	struct cf9 *d = dev;

	(void)offset;
	return d->value;
}

static void cf9_out(void *dev, u16 offset, u8 value)
{
	struct cf9 *d = dev;
	bool rises = !(d->value & RST_CPU) && (value & RST_CPU);

	(void)offset;
	d->value = value;
	if (rises)
		d->host->end(d->host, OUTCOME_RESET, 0);
}

int cf9_attach(struct cf9 *d, struct bus *bus, struct dev_host *host)
{
	struct bus_range range = { "reset control", CF9_PORT, 1, cf9_in, cf9_out, d };

	d->host = host;
	d->value = 0;
	return bus_add(bus, &range);
}
