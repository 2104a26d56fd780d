// SPDX-License-Identifier: GPL-2.0-only
/* Dispatch of port accesses to devices. */
#include "bus.h"

#include <errno.h>
#include <string.h>

static bool overlaps(const struct bus_range *a, const struct bus_range *b)
{
	return a->first < b->first + b->count && b->first < a->first + a->count;
}

int bus_add(struct bus *bus, const struct bus_range *range)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++)
		if (overlaps(&bus->range[i], range))
			return -EEXIST;
	if (bus->count == BUS_MAX_RANGES)
		return -ENOSPC;
	bus->range[bus->count++] = *range;
	return 0;
}

static const struct bus_range *find(struct bus *bus, u16 port)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++) {
		const struct bus_range *r = &bus->range[i];

		if (port >= r->first && port - r->first < r->count)
			return r;
	}
	bus->unclaimed++;
	return NULL;
}

bool bus_in(struct bus *bus, u16 port, u8 width, u8 *data)
{
	const struct bus_range *r = find(bus, port);
	u16 offset;
	u8 i;

	memset(data, 0xff, width);
	if (!r)
		return false;
	offset = port - r->first;
	for (i = 0; i < width && offset + i < r->count; i++)
		data[i] = r->in(r->dev, offset + i);
	return true;
}

bool bus_out(struct bus *bus, u16 port, u8 width, const u8 *data)
{
	const struct bus_range *r = find(bus, port);
	u16 offset;
	u8 i;

	if (!r)
		return false;
	offset = port - r->first;
	for (i = 0; i < width && offset + i < r->count; i++)
		r->out(r->dev, offset + i, data[i]);
	return true;
}
