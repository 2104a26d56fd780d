// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fixed hardware of ACPI: PM1 event and control registers, the power-management
 * timer, and beside them a sleep control register as hardware-reduced machines have.
 * S5 powers off; there is no other sleep state and no event, so no status bit rises.
 */
#include "dev/dev.h"

#define SLP_TYP_SHIFT	2
#define SLP_TYP_MASK	0x07
#define SLP_EN		0x20	/* reads 0 */

#define EVENT_STATUS	2	/* bytes; then the enables */
#define CONTROL_LOW	0
#define SCI_ENABLED	0x01	/* ACPI mode is the only one */

/* The timer has 315/88 MHz. */
#define TIMER_NUM	315
#define TIMER_DEN	88000

static void sleep_command(struct acpi_pm *d, u8 value)
{
	u8 type = (value >> SLP_TYP_SHIFT) & SLP_TYP_MASK;

	if ((value & SLP_EN) && type == ACPI_S5_TYPE)
		d->host->end(d->host, OUTCOME_POWER_OFF, 0);
}

static u8 sleep_in(void *dev, u16 offset)
{
	(void)dev;
	(void)offset;
	return 0;
}

static void sleep_out(void *dev, u16 offset, u8 value)
{
	if (offset == 0)
		sleep_command(dev, value);
}

static u8 event_in(void *dev, u16 offset)
{
	struct acpi_pm *d = dev;

	return offset < EVENT_STATUS ? 0 : d->enable[offset - EVENT_STATUS];
}

static void event_out(void *dev, u16 offset, u8 value)
{
	struct acpi_pm *d = dev;

	if (offset >= EVENT_STATUS)
		d->enable[offset - EVENT_STATUS] = value;
}

static u8 control_in(void *dev, u16 offset)
{
	struct acpi_pm *d = dev;

	return offset == CONTROL_LOW ? d->control[0] | SCI_ENABLED : d->control[1];
}

static void control_out(void *dev, u16 offset, u8 value)
{
	struct acpi_pm *d = dev;

	if (offset == CONTROL_LOW) {
		d->control[0] = value;
		return;
	}
	d->control[1] = value & ~SLP_EN;
	sleep_command(d, value);
}

static u8 timer_in(void *dev, u16 offset)
{
	struct acpi_pm *d = dev;
	u64 ns;

	/* The bytes of one access belong together. */
	if (offset == 0) {
		ns = d->host->clock_ns(d->host);
		d->timer = ns / TIMER_DEN * TIMER_NUM + ns % TIMER_DEN * TIMER_NUM / TIMER_DEN;
	}
	return d->timer >> 8 * offset;
}

static void timer_out(void *dev, u16 offset, u8 value)
{
	(void)dev;
	(void)offset;
	(void)value;
}

int acpi_pm_attach(struct acpi_pm *d, struct bus *bus, struct dev_host *host)
{
	const struct bus_range ranges[] = {
		{ "acpi sleep", ACPI_SLEEP_CONTROL, ACPI_SLEEP_STATUS - ACPI_SLEEP_CONTROL + 1,
		  sleep_in, sleep_out, d },
		{ "acpi event", ACPI_PM1_EVENT, ACPI_PM1_EVENT_LEN, event_in, event_out, d },
		{ "acpi control", ACPI_PM1_CONTROL, ACPI_PM1_CONTROL_LEN, control_in, control_out,
		  d },
		{ "acpi timer", ACPI_PM_TIMER, ACPI_PM_TIMER_LEN, timer_in, timer_out, d },
	};
	unsigned int i;
	int ret = 0;

	*d = (struct acpi_pm){ .host = host };
	for (i = 0; !ret && i < ARRAY_SIZE(ranges); i++)
		ret = bus_add(bus, &ranges[i]);
	return ret;
}
