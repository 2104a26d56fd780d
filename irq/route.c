// SPDX-License-Identifier: GPL-2.0-only
#include "route.h"

#include <linux/errno.h>
#include <linux/minmax.h>

#include "../uapi/kite.h"
#include "ioapic.h"
#include "msi.h"

int irq_routes_span(const struct kite_route *from, u32 count)
{
	u32 i, span = 0;

	for (i = 0; i < count; i++) {
		if (from[i].gsi >= KITE_GSIS)
			return -EINVAL;
		span = max(span, from[i].gsi + 1);
	}
	return span;
}

static int fill_one(struct irq_route *to, const struct kite_route *from)
{
	if (to->type != IRQ_ROUTE_NONE)
		return -EEXIST;
	if (from->type == KITE_ROUTE_MSI) {
		to->type = IRQ_ROUTE_TO_MSG;
		return from->pin ? -EINVAL : msi_to_msg(from->address, from->data, &to->msg);
	}
	if (from->type != KITE_ROUTE_PIN || from->pin >= IOAPIC_PINS || from->address ||
	    from->data)
		return -EINVAL;
	to->type = IRQ_ROUTE_TO_PIN;
	to->pin = from->pin;
	return 0;
}

int irq_routes_fill(struct irq_route *to, const struct kite_route *from, u32 count)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++)
		ret = fill_one(&to[from[i].gsi], &from[i]);
	return ret;
}
