/* SPDX-License-Identifier: GPL-2.0-only */
/* The I/O port space of the VM: a table of port ranges. */
#ifndef BUS_H
#define BUS_H

#include "lib/types.h"

#define BUS_MAX_RANGES	24

/*
 * An access belongs to the range that holds its first port and is handed to
 * the device byte by byte, upwards, as an 8-bit device on a PC bus sees it.
 * Bytes beyond the end of the range go nowhere.
 */
struct bus_range {
	const char *name;
	u16 first;
	u16 count;
	u8 (*in)(void *dev, u16 offset);
	void (*out)(void *dev, u16 offset, u8 value);
	void *dev;
};

struct bus {
	struct bus_range range[BUS_MAX_RANGES];
	unsigned int count;
	u64 unclaimed;		/* accesses that no device answered */
};

/* Returns -ENOSPC when the table is full and -EEXIST when the range overlaps another. */
int bus_add(struct bus *bus, const struct bus_range *range);

/* Return false when nothing is there: input reads all ones, output is dropped. */
bool bus_in(struct bus *bus, u16 port, u8 width, u8 *data);
bool bus_out(struct bus *bus, u16 port, u8 width, const u8 *data);

#endif
