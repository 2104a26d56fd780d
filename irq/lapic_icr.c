// SPDX-License-Identifier: GPL-2.0-only
/* Local APIC: interprocessor interrupts, from the ICR to the destinations. */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/types.h>

#include "lapic.h"
#include "lapic_regs.h"
#include "msg.h"

#define ICR_MODE_SHIFT		8
#define ICR_LOGICAL		BIT(11)
#define ICR_LEVEL_ASSERT	BIT(14)
#define ICR_TRIGGER_LEVEL	BIT(15)
#define ICR_SHORTHAND_SHIFT	18

/* Layout of the word that lapic_route() makes. */
#define ROUTE_LOGICAL_SHIFT	32		/* xAPIC logical ID; below it the ID */
#define ROUTE_PRESENT		BIT_ULL(40)
#define ROUTE_X2APIC		BIT_ULL(41)
#define ROUTE_CLUSTER		BIT_ULL(42)
#define ROUTE_ENABLED		BIT_ULL(43)

/* Delivery modes that the ICR can send with each shorthand, one bit a mode. */
static const u8 sendable[] = {
	[IRQ_TO_DEST]	= 0xff & ~(BIT(IRQ_MODE_RESERVED) | BIT(IRQ_MODE_EXTINT)),
	[IRQ_TO_SELF]	= BIT(IRQ_MODE_FIXED),
	[IRQ_TO_ALL]	= BIT(IRQ_MODE_FIXED),
	[IRQ_TO_OTHERS]	= 0xff & ~(BIT(IRQ_MODE_RESERVED) | BIT(IRQ_MODE_EXTINT)),
};

/*
 * The trigger mode matters for one thing only: INIT level de-assert, which no
 * processor since the Pentium 4 acts on. All else goes out as an edge.
 */
static bool is_init_deassert(u32 icr, u8 mode)
{
	return mode == IRQ_MODE_INIT &&
	       (icr & (ICR_TRIGGER_LEVEL | ICR_LEVEL_ASSERT)) == ICR_TRIGGER_LEVEL;
}

void lapic_send(struct lapic *l, u32 icr, u32 dest, struct lapic_out *out)
{
	struct irq_msg msg = {
		.dest = dest,
		.vector = icr,
		.mode = icr >> ICR_MODE_SHIFT & 7,
		.shorthand = icr >> ICR_SHORTHAND_SHIFT & 3,
		.logical = icr & ICR_LOGICAL,
	};

	if (!(sendable[msg.shorthand] & BIT(msg.mode)) || is_init_deassert(icr, msg.mode))
		return;

	if (irq_mode_has_vector(msg.mode) && msg.vector < IRQ_VECTOR_MIN) {
		lapic_todo(out, LAPIC_OUT_PENDING, lapic_error(l, LAPIC_ESR_SEND_VECTOR));
		return;
	}

	if (msg.shorthand == IRQ_TO_SELF) {
		lapic_todo(out, LAPIC_OUT_PENDING,
			   l->enabled && lapic_accept(l, msg.vector, false));
		return;
	}

	out->todo |= LAPIC_OUT_IPI;
	out->ipi = msg;
}

u64 lapic_route(const struct lapic *l)
{
	u64 route = ROUTE_PRESENT;

	if (!(l->base & LAPIC_BASE_EN))
		return 0;
	if (l->enabled)
		route |= ROUTE_ENABLED;
	if (lapic_is_x2apic(l))
		return route | ROUTE_X2APIC | l->id;
	if (!(lapic_get(l, LAPIC_DFR) & LAPIC_DFR_MODEL))
		route |= ROUTE_CLUSTER;
	return route | (u64)(lapic_get(l, LAPIC_LDR) >> 24) << ROUTE_LOGICAL_SHIFT | (l->id & 0xff);
}

static bool match_logical(u64 route, u32 dest)
{
	u32 id = route;
	u8 logical = route >> ROUTE_LOGICAL_SHIFT;

	if (route & ROUTE_X2APIC)
		return dest >> 16 == id >> 4 && dest & 1u << (id & 0xf);
	if (dest > 0xff)
		return false;
	if (route & ROUTE_CLUSTER)
		return dest >> 4 == logical >> 4 && dest & logical & 0xf;
	return dest & logical;
}

static bool match_dest(u64 route, const struct irq_msg *msg)
{
	if (msg->dest == IRQ_DEST_BROADCAST)
		return true;
	if (msg->logical)
		return match_logical(route, msg->dest);
	return msg->dest == (u32)route;
}

bool lapic_match(u64 route, const struct irq_msg *msg, bool self)
{
	u64 needed = ROUTE_PRESENT | (irq_mode_has_vector(msg->mode) ? ROUTE_ENABLED : 0);

	if ((route & needed) != needed)
		return false;
	if (msg->shorthand == IRQ_TO_DEST)
		return match_dest(route, msg);
	return self ? msg->shorthand != IRQ_TO_OTHERS : msg->shorthand != IRQ_TO_SELF;
}

int lapic_lowest(u64 candidates, u8 vector)
{
	unsigned int skip;

	if (!candidates)
		return -1;
	for (skip = vector % hweight64(candidates); skip; skip--)
		candidates &= candidates - 1;
	return __ffs64(candidates);
}
