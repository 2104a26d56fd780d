/* SPDX-License-Identifier: GPL-2.0-only */
/* What guests expect of PC firmware, ACPI apart. */
#ifndef FIRMWARE_H
#define FIRMWARE_H

#include "mem.h"
#include "uapi/kite.h"

/* Writes the BIOS data area, the EBDA and the code at the reset vector. */
void firmware_build(const struct mem *mem);
/* The first CPU's local APIC in virtual-wire mode: interrupts of the PIC and NMIs come through. */
void firmware_lapic(struct kite_lapic *lapic);

#endif
