// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: an access goes to the range of its first port, byte by byte and no
 * further than the range; where nobody is, input reads all ones.
 */
#include "bus.h"
#include "unit.h"

#include <errno.h>

static u16 seen[16];
static u8 values[16];
static unsigned int count;

static u8 in(void *dev, u16 offset)
{
	(void)dev;
	seen[count++] = offset;
	return 0xa0 + offset;
}

static void out(void *dev, u16 offset, u8 value)
{
	(void)dev;
	seen[count] = offset;
	values[count++] = value;
}

static struct bus make_bus(void)
{
	struct bus bus = { 0 };
	struct bus_range range = { "test", 0x100, 3, in, out, NULL };

	EXPECT_EQ(0, bus_add(&bus, &range));
	count = 0;
	return bus;
}

static void claims_its_ports(void)
{
	struct bus bus = make_bus();
	u8 b = 0;

	EXPECT_FALSE(bus_in(&bus, 0xff, 1, &b));
	EXPECT_EQ(0xff, b);
	EXPECT_TRUE(bus_in(&bus, 0x100, 1, &b));
	EXPECT_EQ(0xa0, b);
	EXPECT_TRUE(bus_in(&bus, 0x102, 1, &b));
	EXPECT_EQ(0xa2, b);
	EXPECT_FALSE(bus_in(&bus, 0x103, 1, &b));
	EXPECT_EQ(2, bus.unclaimed);
}

static void splits_wide_access(void)
{
	struct bus bus = make_bus();
	u8 data[4] = { 1, 2, 3, 4 };

	EXPECT_TRUE(bus_out(&bus, 0x101, 4, data));
	EXPECT_EQ(2, count);
	EXPECT_EQ(1, seen[0]);
	EXPECT_EQ(1, values[0]);
	EXPECT_EQ(2, seen[1]);
	EXPECT_EQ(2, values[1]);
	EXPECT_TRUE(bus_in(&bus, 0x101, 4, data));
	EXPECT_EQ(0xa1, data[0]);
	EXPECT_EQ(0xa2, data[1]);
	EXPECT_EQ(0xff, data[2]);
	EXPECT_EQ(0xff, data[3]);
}

static void belongs_to_first_port(void)
{
	struct bus bus = make_bus();
	u8 data[4] = { 0 };

	EXPECT_FALSE(bus_out(&bus, 0xfe, 4, data));
	EXPECT_EQ(0, count);
	EXPECT_FALSE(bus_in(&bus, 0xffff, 4, data));
	EXPECT_EQ(0xff, data[3]);
}

static void refuses_overlap(void)
{
	struct bus bus = make_bus();
	struct bus_range last = { "last", 0x102, 1, in, out, NULL };
	struct bus_range around = { "around", 0xf0, 0x100, in, out, NULL };
	struct bus_range beside = { "beside", 0x103, 1, in, out, NULL };

	EXPECT_EQ(-EEXIST, bus_add(&bus, &last));
	EXPECT_EQ(-EEXIST, bus_add(&bus, &around));
	EXPECT_EQ(1, bus.count);
	EXPECT_EQ(0, bus_add(&bus, &beside));
}

static void refuses_too_many(void)
{
	struct bus bus = make_bus();
	struct bus_range range = { "more", 0x200, 1, in, out, NULL };

	while (bus.count < BUS_MAX_RANGES) {
		EXPECT_EQ(0, bus_add(&bus, &range));
		range.first++;
	}
	EXPECT_EQ(-ENOSPC, bus_add(&bus, &range));
}

static const struct unit_test tests[] = {
	UNIT_TEST(claims_its_ports),
	UNIT_TEST(splits_wide_access),
	UNIT_TEST(belongs_to_first_port),
	UNIT_TEST(refuses_overlap),
	UNIT_TEST(refuses_too_many),
};

UNIT_MAIN(tests)
