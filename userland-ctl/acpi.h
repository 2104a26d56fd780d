/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables of the VM. */
#ifndef ACPI_H
#define ACPI_H

#include "mem.h"

/*
 * Writes the tables into the BIOS area for @cpus vCPUs. Returns the address of
 * the RSDP, 0 if they do not fit.
 */
u64 acpi_build(const struct mem *mem, unsigned int cpus);

#endif
