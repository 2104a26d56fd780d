// SPDX-License-Identifier: GPL-2.0-only
/*
 * The traces of a PC BIOS: where the EBDA is, how much base memory there is,
 * code at the reset vector, an APIC in virtual-wire mode. There are no BIOS services.
 */
#include "firmware.h"

#include "dev/dev.h"

#include <string.h>

#define BDA_COM1	0x400
#define BDA_EBDA	0x40e	/* segment */
#define BDA_BASE_MEMORY	0x413	/* KiB */
#define RESET_VECTOR	0xffff0u

#define APIC_SVR	0x0f0
#define APIC_LINT0	0x350
#define APIC_LINT1	0x360
#define SVR_ENABLED	0x100
#define SPURIOUS_VECTOR	0x0ff
#define DELIVER_NMI	0x400
#define DELIVER_EXTINT	0x700

/* Guests reboot by a jump to the reset vector in real mode. */
static const u8 reset_code[] = {
	0xba, CF9_PORT & 0xff, CF9_PORT >> 8,	/* mov $CF9_PORT, %dx */
	0xb0, CF9_RESET,			/* mov $CF9_RESET, %al */
	0xee,					/* out %al, %dx */
	0xf4,					/* 1: hlt */
	0xeb, 0xfd,				/* jmp 1b */
};

static void put16(const struct mem *mem, u64 gpa, u16 value)
{
	mem_write(mem, gpa, &value, sizeof(value));
}

void firmware_build(const struct mem *mem)
{
	u8 ebda_kib = (MEM_VGA - MEM_EBDA) >> 10;

	put16(mem, BDA_COM1, UART_PORT);
	put16(mem, BDA_EBDA, MEM_EBDA >> 4);
	put16(mem, BDA_BASE_MEMORY, MEM_EBDA >> 10);
	mem_write(mem, MEM_EBDA, &ebda_kib, sizeof(ebda_kib));
	mem_write(mem, RESET_VECTOR, reset_code, sizeof(reset_code));
}

static void put_register(struct kite_lapic *lapic, u32 reg, u32 value)
{
	memcpy(lapic->regs + reg, &value, sizeof(value));
}

void firmware_lapic(struct kite_lapic *lapic)
{
	put_register(lapic, APIC_SVR, SVR_ENABLED | SPURIOUS_VECTOR);
	put_register(lapic, APIC_LINT0, DELIVER_EXTINT);
	put_register(lapic, APIC_LINT1, DELIVER_NMI);
}
