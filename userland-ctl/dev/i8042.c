// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of an i8042 keyboard controller that is not about keyboards: the
 * reset pulse and the output port with reset and A20. No keyboard answers.
 */
#include "dev/dev.h"

#include <string.h>

#define DATA_PORT	0x60
#define COMMAND_PORT	0x64

#define STATUS_FULL	0x01
#define STATUS_SYSTEM	0x04	/* self test passed */

#define CMD_READ_OUTPUT		0xd0
#define CMD_WRITE_OUTPUT	0xd1
#define CMD_PULSE		0xf0	/* pulses the lines whose bits are 0 */

#define OUTPUT_RESET	0x01	/* active low */
#define OUTPUT_A20	0x02

static u8 data_in(void *dev, u16 offset)
{
	struct i8042 *d = dev;

	(void)offset;
	d->full = false;
	return d->data;
}

static void data_out(void *dev, u16 offset, u8 value)
{
	struct i8042 *d = dev;

	(void)offset;
	if (d->command == CMD_WRITE_OUTPUT && !(value & OUTPUT_RESET))
		d->host->end(d->host, OUTCOME_RESET, 0);
	d->command = 0;
}

static u8 status_in(void *dev, u16 offset)
{
	struct i8042 *d = dev;

	(void)offset;
	return STATUS_SYSTEM | (d->full ? STATUS_FULL : 0);
}

static void command_out(void *dev, u16 offset, u8 value)
{
	struct i8042 *d = dev;

	(void)offset;
	d->command = value;
	if (value == CMD_READ_OUTPUT) {
		/* A20 is always open. */
		d->data = OUTPUT_RESET | OUTPUT_A20;
		d->full = true;
	}
	if ((value & 0xf0) == CMD_PULSE && !(value & OUTPUT_RESET))
		d->host->end(d->host, OUTCOME_RESET, 0);
}

int i8042_attach(struct i8042 *d, struct bus *bus, struct dev_host *host)
{
	struct bus_range data = { "i8042 data", DATA_PORT, 1, data_in, data_out, d };
	struct bus_range command = { "i8042 command", COMMAND_PORT, 1, status_in, command_out, d };
	int ret;

	memset(d, 0, sizeof(*d));
	d->host = host;
	ret = bus_add(bus, &data);
	return ret ? ret : bus_add(bus, &command);
}
