// SPDX-License-Identifier: GPL-2.0-only
/* The POST port 0x80: kernels write to it for its delay, so it counts as claimed. */
#include "dev/dev.h"

#define POST_PORT	0x80

static u8 post_in(void *dev, u16 offset)
{
	(void)dev;
	(void)offset;
	return 0xff;
}

static void post_out(void *dev, u16 offset, u8 value)
{
	(void)dev;
	(void)offset;
	(void)value;
}

int post_attach(struct bus *bus)
{
	struct bus_range range = { "post", POST_PORT, 1, post_in, post_out, NULL };

	return bus_add(bus, &range);
}
