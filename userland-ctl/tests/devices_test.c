// SPDX-License-Identifier: GPL-2.0-only
/* Contract: each way to reset, power off or leave does so, and its near misses do not. */
#include "dev_util.h"

static struct i8042 i8042;
static struct port92 port92;
static struct cf9 cf9;
static struct acpi_pm acpi_pm;

static void reset(void)
{
	struct dev_host *host = notes_reset();

	EXPECT_EQ(0, i8042_attach(&i8042, &bus, host));
	EXPECT_EQ(0, port92_attach(&port92, &bus, host));
	EXPECT_EQ(0, cf9_attach(&cf9, &bus, host));
	EXPECT_EQ(0, acpi_pm_attach(&acpi_pm, &bus, host));
	EXPECT_EQ(0, debug_exit_attach(&bus, host));
	EXPECT_EQ(0, debugcon_attach(&bus, host));
	EXPECT_EQ(0, post_attach(&bus));
}

struct write {
	u16 port;
	u8 value;
};

static const struct {
	const char *what;
	struct write writes[2];
	enum outcome why;
} rows[] = {
	{ "i8042 pulse", { { 0x64, 0xfe } }, OUTCOME_RESET },
	{ "i8042 pulse of all lines", { { 0x64, 0xf0 } }, OUTCOME_RESET },
	{ "i8042 pulse of no line", { { 0x64, 0xff } }, OUTCOME_NONE },
	{ "i8042 pulse of A20", { { 0x64, 0xfd } }, OUTCOME_NONE },
	{ "i8042 output port", { { 0x64, 0xd1 }, { 0x60, 0xfe } }, OUTCOME_RESET },
	{ "i8042 output port, A20", { { 0x64, 0xd1 }, { 0x60, 0xdf } }, OUTCOME_NONE },
	{ "i8042 data for nothing", { { 0x60, 0xfe } }, OUTCOME_NONE },
	{ "i8042 data for another command", { { 0x64, 0x60 }, { 0x60, 0 } }, OUTCOME_NONE },
	{ "port 92 fast reset", { { 0x92, 0x01 } }, OUTCOME_RESET },
	{ "port 92 A20", { { 0x92, 0x02 } }, OUTCOME_NONE },
	{ "cf9 as ACPI does it", { { 0xcf9, 0x06 } }, OUTCOME_RESET },
	{ "cf9 in two steps", { { 0xcf9, 0x02 }, { 0xcf9, 0x06 } }, OUTCOME_RESET },
	{ "cf9 soft", { { 0xcf9, 0x04 } }, OUTCOME_RESET },
	{ "cf9 only armed", { { 0xcf9, 0x0a } }, OUTCOME_NONE },
	{ "S5", { { 0x600, 0x20 | 5 << 2 } }, OUTCOME_POWER_OFF },
	{ "S5 without SLP_EN", { { 0x600, 5 << 2 } }, OUTCOME_NONE },
	{ "S3", { { 0x600, 0x20 | 3 << 2 } }, OUTCOME_NONE },
	{ "S5 in PM1 control", { { 0x615, 0x20 | 5 << 2 } }, OUTCOME_POWER_OFF },
	{ "S5 in PM1 control without SLP_EN", { { 0x615, 5 << 2 } }, OUTCOME_NONE },
	{ "PM1 control, low byte", { { 0x614, 0x20 | 5 << 2 } }, OUTCOME_NONE },
	{ "PM1 events and timer", { { 0x611, 0x34 }, { 0x618, 0x34 } }, OUTCOME_NONE },
	{ "sleep status", { { 0x601, 0xff } }, OUTCOME_NONE },
	{ "debug exit", { { 0xf4, 0 } }, OUTCOME_DEBUG_EXIT },
	{ "debug exit, upper bytes", { { 0xf5, 1 }, { 0xf7, 1 } }, OUTCOME_NONE },
	{ "post", { { 0x80, 0xff } }, OUTCOME_NONE },
};

static void endings(void)
{
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("%s", rows[i].what);
		reset();
		for (k = 0; k < 2 && rows[i].writes[k].port; k++)
			out8(rows[i].writes[k].port, rows[i].writes[k].value);
		EXPECT_EQ(rows[i].why, notes.why);
		EXPECT_EQ(rows[i].why != OUTCOME_NONE, notes.ends);
		EXPECT_EQ(0, bus.unclaimed);
	}
}

/* PCI configuration by 32-bit writes to 0xcf8 covers 0xcf9. */
static void pci_address_does_not_reset(void)
{
	static const u8 address[] = { 0x00, 0xff, 0xff, 0x80 };
	u8 data[4];

	reset();
	EXPECT_FALSE(bus_out(&bus, 0xcf8, 4, address));
	EXPECT_EQ(OUTCOME_NONE, notes.why);
	EXPECT_FALSE(bus_in(&bus, 0xcf8, 4, data));
	EXPECT_EQ(0xff, data[3]);
}

static void debug_exit_status(void)
{
	static const struct { u8 value; int status; } status_rows[] = {
		{ 0, 1 }, { 1, 3 }, { 0x10, 0x21 }, { 0x7f, 0xff }, { 0x80, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(status_rows); i++) {
		u8 wide[4] = { status_rows[i].value, 0, 0, 0 };

		unit_context("value 0x%x", status_rows[i].value);
		reset();
		bus_out(&bus, 0xf4, 4, wide);
		EXPECT_EQ(1, notes.ends);
		EXPECT_EQ(status_rows[i].status, notes.status);
	}
}

static void status_reads(void)
{
	reset();
	/* Ready for a command, nothing to read. */
	EXPECT_EQ(0x04, in8(0x64));
	out8(0x64, 0xd0);
	EXPECT_EQ(0x05, in8(0x64));
	EXPECT_EQ(0x03, in8(0x60));
	EXPECT_EQ(0x04, in8(0x64));
	EXPECT_EQ(0x02, in8(0x92));
	out8(0xcf9, 0x02);
	EXPECT_EQ(0x02, in8(0xcf9));
	EXPECT_EQ(0, in8(0x601));
	EXPECT_EQ(0xe9, in8(0xe9));
	EXPECT_EQ(0xff, in8(0x80));
}

static void acpi_registers(void)
{
	static const u8 s5[] = { 0x02, 5 << 2 };
	u8 data[4] = { 0 };
	u32 timer;

	reset();
	/* No event; ACPI mode always. */
	EXPECT_TRUE(bus_in(&bus, 0x610, 4, data));
	EXPECT_EQ(0, data[0] | data[1] | data[2] | data[3]);
	out8(0x612, 0x20);
	out8(0x613, 0x01);
	EXPECT_EQ(0x20, in8(0x612));
	EXPECT_EQ(0x01, in8(0x613));
	EXPECT_EQ(1, in8(0x614));
	bus_out(&bus, 0x614, 2, s5);
	EXPECT_EQ(0x03, in8(0x614));
	EXPECT_EQ(5 << 2, in8(0x615));
	EXPECT_EQ(0, notes.ends);
	/* 88 ms are 315000 ticks, and a read is of one moment. */
	notes.clock = 88000000;
	EXPECT_TRUE(bus_in(&bus, 0x618, 4, (u8 *)&timer));
	EXPECT_EQ(315000, timer);
	notes.clock = 88000000 - 280;
	EXPECT_TRUE(bus_in(&bus, 0x618, 4, (u8 *)&timer));
	EXPECT_EQ(314998, timer);
	EXPECT_EQ(314998 & 0xff, in8(0x618));
	notes.clock *= 2;
	EXPECT_EQ(314998 >> 8 & 0xff, in8(0x619));
}

static void debugcon(void)
{
	reset();
	out8(0xe9, '!');
	EXPECT_EQ(1, notes.output_len);
	EXPECT_EQ('!', notes.output[0]);
}

static const struct unit_test tests[] = {
	UNIT_TEST(endings),
	UNIT_TEST(pci_address_does_not_reset),
	UNIT_TEST(debug_exit_status),
	UNIT_TEST(status_reads),
	UNIT_TEST(acpi_registers),
	UNIT_TEST(debugcon),
};

UNIT_MAIN(tests)
