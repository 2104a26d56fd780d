// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a table of routes holds each GSI where user space put it, and nothing
 * else; what cannot be routed is refused.
 */
#include <linux/kernel.h>

#include "irq/route.h"
#include "uapi/kite.h"
#include "unit.h"

#define ADDRESS	0xfee05000ull

#define PIN(g, p)		{ .gsi = (g), .type = KITE_ROUTE_PIN, .pin = (p) }
#define MSI(g, a, d)		{ .gsi = (g), .type = KITE_ROUTE_MSI, .address = (a), .data = (d) }

static void spans(void)
{
	static const struct kite_route r[] = { PIN(7, 0), PIN(1023, 1), PIN(3, 2), PIN(1024, 3) };

	EXPECT_EQ(0, irq_routes_span(r, 0));
	EXPECT_EQ(8, irq_routes_span(r, 1));
	EXPECT_EQ(1024, irq_routes_span(r, 2));
	EXPECT_EQ(1024, irq_routes_span(r, 3));
	EXPECT_EQ(-22, irq_routes_span(r, 4));
}

static void fills(void)
{
	static const struct kite_route r[] = {
		PIN(5, 23), MSI(0, ADDRESS, 0x41), PIN(2, 0), MSI(4, ADDRESS, 0x400), PIN(7, 23),
	};
	struct irq_route to[8] = { 0 };

	EXPECT_EQ(0, irq_routes_fill(to, r, ARRAY_SIZE(r)));
	EXPECT_EQ(IRQ_ROUTE_TO_MSG, to[0].type);
	EXPECT_EQ(5, to[0].msg.dest);
	EXPECT_EQ(0x41, to[0].msg.vector);
	EXPECT_EQ(IRQ_ROUTE_NONE, to[1].type);
	EXPECT_EQ(IRQ_ROUTE_TO_PIN, to[2].type);
	EXPECT_EQ(0, to[2].pin);
	EXPECT_EQ(IRQ_ROUTE_NONE, to[3].type);
	EXPECT_EQ(IRQ_MODE_NMI, to[4].msg.mode);
	EXPECT_EQ(23, to[5].pin);
	EXPECT_EQ(IRQ_ROUTE_NONE, to[6].type);
	EXPECT_EQ(23, to[7].pin);
}

static void refused(void)
{
	static const struct {
		struct kite_route route;
		int want;
	} rows[] = {
		{ PIN(1, 24), -22 },
		{ PIN(1, ~0u), -22 },
		{ { .gsi = 1, .type = KITE_ROUTE_PIN, .data = 1 }, -22 },
		{ { .gsi = 1, .type = KITE_ROUTE_PIN, .address = ADDRESS }, -22 },
		{ { .gsi = 1, .type = 0 }, -22 },
		{ { .gsi = 1, .type = 3, .address = ADDRESS, .data = 0x41 }, -22 },
		{ { .gsi = 1, .type = KITE_ROUTE_MSI, .pin = 1, .address = ADDRESS,
		    .data = 0x41 }, -22 },
		{ MSI(1, 0, 0x41), -22 },
		{ MSI(1, ADDRESS, 0xf), -22 },
		{ MSI(1, ADDRESS | 1ull << 32, 0x41), -22 },
		{ PIN(0, 1), -17 },			/* beside the one of the test */
		{ MSI(0, ADDRESS, 0x41), -17 },
		{ MSI(1, ADDRESS, 0x41), 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kite_route r[] = { PIN(0, 0), rows[i].route };
		struct irq_route to[2] = { 0 };

		unit_context("row %u", i);
		EXPECT_EQ(rows[i].want, irq_routes_fill(to, r, ARRAY_SIZE(r)));
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(spans),
	UNIT_TEST(fills),
	UNIT_TEST(refused),
};

UNIT_MAIN(tests)
