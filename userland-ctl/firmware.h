/* SPDX-License-Identifier: GPL-2.0-only */
/* What guests expect of PC firmware in memory, ACPI apart. */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include "mem.h"

/* Writes the BIOS data area, the EBDA and the code at the reset vector. */
void firmware_build(const struct mem *mem);

#endif
