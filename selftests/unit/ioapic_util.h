/* SPDX-License-Identifier: GPL-2.0-only */
/* An I/O APIC to test, with a local APIC that records what comes. */
#ifndef KITE_UNIT_IOAPIC_UTIL_H
#define KITE_UNIT_IOAPIC_UTIL_H

#include <string.h>

#include "irq/ioapic.h"
#include "irq/msg.h"

#define IOREGSEL	0x00
#define IOWIN		0x10
#define IOEOI		0x40

#define REDIR_LOGICAL	0x800
#define REDIR_PENDING	0x1000
#define REDIR_LOW	0x2000
#define REDIR_RIRR	0x4000
#define REDIR_LEVEL	0x8000
#define REDIR_MASKED	0x10000

struct board {
	struct ioapic io;
	bool refuse;		/* no local APIC takes what is sent */
	unsigned int sent;
	struct irq_msg last;
};

static inline bool receive(void *ctx, const struct irq_msg *msg)
{
	struct board *b = ctx;

	if (b->refuse)
		return false;
	b->sent++;
	b->last = *msg;
	return true;
}

static inline u32 reg_read(struct board *b, u32 reg)
{
	ioapic_write(&b->io, IOREGSEL, reg, receive, b);
	return ioapic_read(&b->io, IOWIN);
}

static inline void reg_write(struct board *b, u32 reg, u32 value)
{
	ioapic_write(&b->io, IOREGSEL, reg, receive, b);
	ioapic_write(&b->io, IOWIN, value, receive, b);
}

static inline u64 redir_read(struct board *b, unsigned int pin)
{
	return reg_read(b, 0x10 + 2 * pin) | (u64)reg_read(b, 0x11 + 2 * pin) << 32;
}

static inline void redir(struct board *b, unsigned int pin, u64 value)
{
	reg_write(b, 0x11 + 2 * pin, value >> 32);
	reg_write(b, 0x10 + 2 * pin, value);
}

static inline void line(struct board *b, unsigned int pin, bool asserted)
{
	ioapic_set_line(&b->io, pin, asserted, receive, b);
}

static inline void power_up(struct board *b)
{
	memset(b, 0xa5, sizeof(*b));
	ioapic_reset(&b->io);
	b->refuse = false;
	b->sent = 0;
}

#endif
