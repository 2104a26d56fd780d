/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The I/O APIC: 24 pins, version 20H, that is the 82093AA with the EOI register
 * that the I/O controller hubs added. State and rules without locks; the caller
 * serialises.
 */
#ifndef KITE_IRQ_IOAPIC_H
#define KITE_IRQ_IOAPIC_H

#include <linux/compiler.h>
#include <linux/types.h>

struct irq_msg;

#define IOAPIC_PINS		24
#define IOAPIC_DEFAULT_BASE	0xfec00000ull
/* Bytes from the base that the I/O APIC answers for. */
#define IOAPIC_MMIO_SIZE	0x1000

/*
 * A pin has two inputs, wired OR: a line, and for devices that only say when they
 * want service, a level that holds until the guest's EOI.
 */
struct ioapic {
	u32 id;			/* ID register, bits 27:24 */
	u32 select;		/* IOREGSEL */
	u32 lines;		/* asserted lines, bit n for pin n */
	u32 held;		/* asserted until EOI */
	u32 ended;		/* no longer in @held since the owner last cleared this */
	u32 irr;		/* edges seen that no local APIC took yet */
	u64 redir[IOAPIC_PINS];
};

/*
 * Sends a message. False when no local APIC took it: then it stays pending in
 * the I/O APIC ("send pending" in the datasheet's delivery status) and goes out
 * again when the pin, its entry or an EOI next gives reason, or with
 * ioapic_retry().
 */
typedef bool (*ioapic_emit_fn)(void *ctx, const struct irq_msg *msg);

void ioapic_reset(struct ioapic *io);

/* MMIO, 32 bits wide; @offset from the base. What is no register reads as 0. */
u32 ioapic_read(const struct ioapic *io, u32 offset);
void ioapic_write(struct ioapic *io, u32 offset, u32 value, ioapic_emit_fn emit, void *ctx);

/*
 * @pin below IOAPIC_PINS. @level is the logical state of the line, so that
 * the polarity bit, which describes the wire, is stored and has no effect.
 */
void ioapic_set_line(struct ioapic *io, unsigned int pin, bool level,
		     ioapic_emit_fn emit, void *ctx);

/* Assert @pin until the EOI of the interrupt that it makes, as a level-triggered pin. */
void ioapic_hold(struct ioapic *io, unsigned int pin, ioapic_emit_fn emit, void *ctx);

/* A local APIC broadcasts the EOI of @vector. */
void ioapic_eoi(struct ioapic *io, u8 vector, ioapic_emit_fn emit, void *ctx);

/* Send again what is pending, for example after a local APIC was enabled. */
void ioapic_retry(struct ioapic *io, ioapic_emit_fn emit, void *ctx);

/* The state, with the delivery status of each pin. */
void ioapic_get_state(const struct ioapic *io, struct ioapic *state);

/*
 * Restore a state; the delivery status follows from the rest and is ignored.
 * ioapic_retry() then sends what is pending. -EINVAL, nothing changed: a
 * reserved bit, a pin that does not exist, a remote IRR or an edge that the
 * pin's trigger mode or mask rules out.
 */
int __must_check ioapic_set_state(struct ioapic *io, const struct ioapic *state);

#endif
