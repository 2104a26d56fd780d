/* SPDX-License-Identifier: GPL-2.0-only */
/* An interrupt message on its way from a source to the local APICs. */
#ifndef KITE_IRQ_MSG_H
#define KITE_IRQ_MSG_H

#include <linux/types.h>

/* Delivery modes, encoded as in the ICR, the LVT, the I/O APIC and MSI data. */
enum irq_mode {
	IRQ_MODE_FIXED		= 0,
	IRQ_MODE_LOWEST		= 1,
	IRQ_MODE_SMI		= 2,
	IRQ_MODE_RESERVED	= 3,
	IRQ_MODE_NMI		= 4,
	IRQ_MODE_INIT		= 5,
	IRQ_MODE_SIPI		= 6,
	IRQ_MODE_EXTINT		= 7,
};

/* Destination shorthands, encoded as in the ICR. */
enum irq_shorthand {
	IRQ_TO_DEST		= 0,
	IRQ_TO_SELF		= 1,
	IRQ_TO_ALL		= 2,
	IRQ_TO_OTHERS		= 3,
};

/* Vectors below this one are illegal in fixed and lowest-priority mode. */
#define IRQ_VECTOR_MIN		16
#define IRQ_VECTORS		256

#define IRQ_DEST_BROADCAST	0xffffffffu

/* @dest is 32 bits wide whatever the sender; see irq_dest8(). */
struct irq_msg {
	u32 dest;
	u8 vector;
	u8 mode;
	u8 shorthand;
	bool logical;
	bool level;
};

/*
 * FFH is the broadcast of senders with 8-bit destinations: the xAPIC ICR, the
 * I/O APIC, MSI. To an x2APIC sender it is an ordinary destination, so widen it
 * where the width is still known.
 */
static inline u32 irq_dest8(u8 dest)
{
	return dest == 0xff ? IRQ_DEST_BROADCAST : dest;
}

/* Modes that carry a vector for the IRR. The others leave the LAPIC's registers alone. */
static inline bool irq_mode_has_vector(u8 mode)
{
	return mode == IRQ_MODE_FIXED || mode == IRQ_MODE_LOWEST;
}

#endif
