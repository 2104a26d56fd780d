/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the interrupts of devices go: from a GSI to a pin of the I/O APIC or to a message. */
#ifndef KITE_IRQ_ROUTE_H
#define KITE_IRQ_ROUTE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "msg.h"

struct kite_route;

enum irq_route_type {
	IRQ_ROUTE_NONE,
	IRQ_ROUTE_TO_PIN,
	IRQ_ROUTE_TO_MSG,
};

/* Ready to be followed: a message is decoded once, when the route is made. */
struct irq_route {
	u8 type;
	u8 pin;
	struct irq_msg msg;
};

/* How many routes, indexed by GSI, hold @count of user space. -EINVAL: a GSI out of range. */
int __must_check irq_routes_span(const struct kite_route *from, u32 count);

/*
 * Fill @to, which is zeroed and indexed by GSI. -EINVAL: a type or pin that does not
 * exist, a member that the type has no use for, no valid message. -EEXIST: a GSI twice.
 */
int __must_check irq_routes_fill(struct irq_route *to, const struct kite_route *from, u32 count);

#endif
