// SPDX-License-Identifier: GPL-2.0-only
/* The I/O APIC, from the datasheets of the 82093AA and the I/O controller hubs. */
#include "ioapic.h"

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "msg.h"

/* Offsets in MMIO space. */
#define IOREGSEL		0x00
#define IOWIN			0x10
#define IOEOI			0x40

/* Registers behind IOWIN. */
#define REG_ID			0x00
#define REG_VERSION		0x01
#define REG_ARBITRATION		0x02
#define REG_REDIR		0x10

#define ID_BITS			0x0f000000u
#define SELECT_BITS		0xffu
#define VERSION_VALUE		(0x20u | (IOAPIC_PINS - 1) << 16)

/* A redirection entry. */
#define REDIR_MODE_SHIFT	8
#define REDIR_LOGICAL		BIT_ULL(11)
#define REDIR_PENDING		BIT_ULL(12)	/* delivery status */
#define REDIR_REMOTE_IRR	BIT_ULL(14)
#define REDIR_LEVEL		BIT_ULL(15)
#define REDIR_MASK		BIT_ULL(16)
#define REDIR_DEST_SHIFT	56
#define REDIR_WRITABLE		0x1afffull
#define REDIR_DEST		(0xffull << REDIR_DEST_SHIFT)

#define PIN_BITS		((1u << IOAPIC_PINS) - 1)

#define MODES_RESERVED		(BIT(IRQ_MODE_RESERVED) | BIT(IRQ_MODE_SIPI))

static u8 redir_mode(u64 redir)
{
	return redir >> REDIR_MODE_SHIFT & 7;
}

/* Modes without a vector have no EOI either: they are edges, whatever the trigger bit says. */
static bool redir_is_level(u64 redir)
{
	return (redir & REDIR_LEVEL) && irq_mode_has_vector(redir_mode(redir));
}

static bool asserted(const struct ioapic *io, unsigned int pin)
{
	return (io->lines | io->held) & BIT(pin);
}

/* The pin has something to send: "send pending" in the delivery status. */
static bool pin_pending(const struct ioapic *io, unsigned int pin)
{
	u64 redir = io->redir[pin];

	if (redir & REDIR_MASK)
		return false;
	if (redir_is_level(redir))
		return asserted(io, pin) && !(redir & REDIR_REMOTE_IRR);
	return io->irr & BIT(pin);
}

/* Remote IRR holds back the next message of a level until its EOI. */
static void pin_service(struct ioapic *io, unsigned int pin, ioapic_emit_fn emit, void *ctx)
{
	u64 redir = io->redir[pin];
	struct irq_msg msg = {
		.dest = irq_dest8(redir >> REDIR_DEST_SHIFT),
		.vector = redir,
		.mode = redir_mode(redir),
		.shorthand = IRQ_TO_DEST,
		.logical = redir & REDIR_LOGICAL,
		.level = redir_is_level(redir),
	};

	if (!pin_pending(io, pin) || BIT(msg.mode) & MODES_RESERVED || !emit(ctx, &msg))
		return;
	if (msg.level)
		io->redir[pin] |= REDIR_REMOTE_IRR;
	else
		io->irr &= ~BIT(pin);
}

void ioapic_retry(struct ioapic *io, ioapic_emit_fn emit, void *ctx)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++)
		pin_service(io, pin, emit, ctx);
}

void ioapic_reset(struct ioapic *io)
{
	unsigned int pin;

	memset(io, 0, sizeof(*io));
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		io->redir[pin] = REDIR_MASK;
}

/*
 * An edge on a masked pin is lost, as the datasheet says, and one that waits to
 * be sent is withdrawn with the mask. To select edge triggering clears remote
 * IRR; that is how software without the EOI register gets rid of it.
 */
static void redir_write(struct ioapic *io, unsigned int pin, bool high, u32 value)
{
	u64 *redir = &io->redir[pin];

	if (high)
		*redir = (*redir & ~REDIR_DEST) | ((u64)value << 32 & REDIR_DEST);
	else
		*redir = (*redir & ~REDIR_WRITABLE) | (value & REDIR_WRITABLE);

	if (!redir_is_level(*redir))
		*redir &= ~REDIR_REMOTE_IRR;
	if (redir_is_level(*redir) || *redir & REDIR_MASK)
		io->irr &= ~BIT(pin);
}

static u64 redir_value(const struct ioapic *io, unsigned int pin)
{
	return io->redir[pin] | (pin_pending(io, pin) ? REDIR_PENDING : 0);
}

static bool is_redir(u32 reg)
{
	return reg >= REG_REDIR && reg < REG_REDIR + 2 * IOAPIC_PINS;
}

/* The guest chooses the register; no mispredicted branch may take it further. */
static unsigned int redir_pin(u32 reg)
{
	return array_index_nospec((reg - REG_REDIR) / 2, IOAPIC_PINS);
}

static u32 window_read(const struct ioapic *io)
{
	u32 reg = io->select;

	if (is_redir(reg))
		return redir_value(io, redir_pin(reg)) >> (reg % 2 ? 32 : 0);
	if (reg == REG_VERSION)
		return VERSION_VALUE;
	/* The arbitration ID is loaded whenever the ID is written. */
	return reg == REG_ID || reg == REG_ARBITRATION ? io->id : 0;
}

static void window_write(struct ioapic *io, u32 value, ioapic_emit_fn emit, void *ctx)
{
	u32 reg = io->select;
	unsigned int pin;

	if (is_redir(reg)) {
		pin = redir_pin(reg);
		redir_write(io, pin, reg % 2, value);
		pin_service(io, pin, emit, ctx);
	} else if (reg == REG_ID) {
		io->id = value & ID_BITS;
	}
}

u32 ioapic_read(const struct ioapic *io, u32 offset)
{
	if (offset == IOREGSEL)
		return io->select;
	return offset == IOWIN ? window_read(io) : 0;
}

void ioapic_write(struct ioapic *io, u32 offset, u32 value, ioapic_emit_fn emit, void *ctx)
{
	if (offset == IOREGSEL)
		io->select = value & SELECT_BITS;
	else if (offset == IOWIN)
		window_write(io, value, emit, ctx);
	else if (offset == IOEOI)
		ioapic_eoi(io, value, emit, ctx);
}

/* One of the inputs has changed; @before: the level until then. */
static void input(struct ioapic *io, unsigned int pin, bool before, ioapic_emit_fn emit, void *ctx)
{
	u64 redir = io->redir[pin];

	if (asserted(io, pin) && !before && !redir_is_level(redir) && !(redir & REDIR_MASK))
		io->irr |= BIT(pin);
	pin_service(io, pin, emit, ctx);
}

void ioapic_set_line(struct ioapic *io, unsigned int pin, bool level,
		     ioapic_emit_fn emit, void *ctx)
{
	bool before = asserted(io, pin);

	if (level)
		io->lines |= BIT(pin);
	else
		io->lines &= ~BIT(pin);
	input(io, pin, before, emit, ctx);
}

void ioapic_hold(struct ioapic *io, unsigned int pin, ioapic_emit_fn emit, void *ctx)
{
	bool before = asserted(io, pin);

	io->held |= BIT(pin);
	input(io, pin, before, emit, ctx);
}

void ioapic_eoi(struct ioapic *io, u8 vector, ioapic_emit_fn emit, void *ctx)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if ((u8)io->redir[pin] != vector)
			continue;
		if (io->redir[pin] & REDIR_REMOTE_IRR) {
			io->ended |= io->held & BIT(pin);
			io->held &= ~BIT(pin);
		}
		io->redir[pin] &= ~REDIR_REMOTE_IRR;
		pin_service(io, pin, emit, ctx);
	}
}

void ioapic_get_state(const struct ioapic *io, struct ioapic *state)
{
	unsigned int pin;

	*state = *io;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		state->redir[pin] = redir_value(io, pin);
}

static bool pin_valid(const struct ioapic *state, unsigned int pin)
{
	u64 redir = state->redir[pin];

	if (redir & ~(REDIR_WRITABLE | REDIR_DEST | REDIR_PENDING | REDIR_REMOTE_IRR))
		return false;
	if ((redir & REDIR_REMOTE_IRR) && !redir_is_level(redir))
		return false;
	return !(state->irr & BIT(pin)) || !(redir_is_level(redir) || redir & REDIR_MASK);
}

int ioapic_set_state(struct ioapic *io, const struct ioapic *state)
{
	unsigned int pin;

	if (state->id & ~ID_BITS || state->select & ~SELECT_BITS ||
	    (state->lines | state->held | state->ended | state->irr) & ~PIN_BITS)
		return -EINVAL;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if (!pin_valid(state, pin))
			return -EINVAL;

	*io = *state;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		io->redir[pin] &= ~REDIR_PENDING;
	return 0;
}
