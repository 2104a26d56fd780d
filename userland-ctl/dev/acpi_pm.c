// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sleep control and status registers of hardware-reduced ACPI. S5 powers
 * off; there is no other sleep state, so the wake status never rises.
 */
#include "dev/dev.h"

#define SLP_TYP_SHIFT	2
#define SLP_TYP_MASK	0x07
#define SLP_EN		0x20

static u8 acpi_in(void *dev, u16 offset)
{
	(void)dev;
	(void)offset;
	return 0;
}

static void acpi_out(void *dev, u16 offset, u8 value)
{
	struct acpi_pm *d = dev;
	u8 type = (value >> SLP_TYP_SHIFT) & SLP_TYP_MASK;

	if (offset == 0 && (value & SLP_EN) && type == ACPI_S5_TYPE)
		d->host->end(d->host, OUTCOME_POWER_OFF, 0);
}

int acpi_pm_attach(struct acpi_pm *d, struct bus *bus, struct dev_host *host)
{
	struct bus_range range = {
		"acpi sleep", ACPI_SLEEP_CONTROL, ACPI_SLEEP_STATUS - ACPI_SLEEP_CONTROL + 1,
		acpi_in, acpi_out, d,
	};

	d->host = host;
	return bus_add(bus, &range);
}
