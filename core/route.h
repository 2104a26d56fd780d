/* SPDX-License-Identifier: GPL-2.0-only */
/* The routes of a VM: what a change at a GSI does. Whoever signals takes no lock to look. */
#ifndef KITE_CORE_ROUTE_H
#define KITE_CORE_ROUTE_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "../irq/route.h"

struct kite_irq_line;
struct kite_vm;

/* Never changed once published. */
struct kite_routes_table {
	struct rcu_head rcu;
	u32 span;			/* GSIs from this on have no route */
	struct irq_route route[];	/* by GSI */
};

/* What happens at a GSI. A message goes out for all but KITE_GSI_LOWER. */
enum kite_gsi_event {
	KITE_GSI_LOWER,		/* the line goes low */
	KITE_GSI_RAISE,		/* and high */
	KITE_GSI_PULSE,		/* high and back to where it was: an edge */
	KITE_GSI_HOLD,		/* high until the guest's EOI */
};

int kite_routes_init(struct kite_vm *vm);
void kite_routes_free(struct kite_vm *vm);
size_t kite_routes_bytes(struct kite_vm *vm);

/* Any context. -EINVAL: the GSI has no route. */
int kite_gsi_event(struct kite_vm *vm, u32 gsi, enum kite_gsi_event event);

/* The pin that @gsi is routed to, or -1. */
int kite_gsi_pin(struct kite_vm *vm, u32 gsi);

/* The ioctls. */
int kite_routes_set(struct kite_vm *vm, const struct kite_route *routes, u32 count);
int kite_irq_line(struct kite_vm *vm, const struct kite_irq_line *arg);

#endif
