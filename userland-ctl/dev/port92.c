// SPDX-License-Identifier: GPL-2.0-only
/* System control port A: fast reset and A20, which is always open. */
#include "dev/dev.h"

#define PORT92		0x92
#define FAST_RESET	0x01
#define FAST_A20	0x02

static u8 port92_in(void *dev, u16 offset)
{
	struct port92 *d = dev;

	(void)offset;
	return d->value;
}

static void port92_out(void *dev, u16 offset, u8 value)
{
	struct port92 *d = dev;
	bool rises = !(d->value & FAST_RESET) && (value & FAST_RESET);

	(void)offset;
	d->value = value;
	if (rises)
		d->host->end(d->host, OUTCOME_RESET, 0);
}

int port92_attach(struct port92 *d, struct bus *bus, struct dev_host *host)
{
	struct bus_range range = { "port 92", PORT92, 1, port92_in, port92_out, d };

	d->host = host;
	d->value = FAST_A20;
	return bus_add(bus, &range);
}
