// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: an MSI address and its data make the message that the SDM, section
 * "Message Signalled Interrupts", describes; what is no MSI is refused and
 * leaves the message alone.
 */
#include <string.h>

#include <linux/kernel.h>

#include "irq/msg.h"
#include "irq/msi.h"
#include "unit.h"

#define ADDRESS	0xfee00000ull

static void good(void)
{
	static const struct {
		u64 address;
		u32 data;
		struct irq_msg msg;
	} rows[] = {
		{ 0xfee05000, 0x0041, { .dest = 5, .vector = 0x41 } },
		{ 0xfee05000, 0x0010, { .dest = 5, .vector = 0x10 } },
		{ 0xfeefe000, 0x00ff, { .dest = 0xfe, .vector = 0xff } },
		{ 0xfeeff000, 0x0041, { .dest = IRQ_DEST_BROADCAST, .vector = 0x41 } },
		{ 0xfee03004, 0x0041, { .dest = 3, .vector = 0x41, .logical = true } },
		{ 0xfeeff004, 0x0041, { .dest = IRQ_DEST_BROADCAST, .vector = 0x41,
					.logical = true } },
		/* Redirection hint: only a logical group can be chosen from. */
		{ 0xfee03008, 0x0041, { .dest = 3, .vector = 0x41 } },
		{ 0xfee0300c, 0x0041, { .dest = 3, .vector = 0x41, .mode = IRQ_MODE_LOWEST,
					.logical = true } },
		{ 0xfee0300c, 0x0441, { .dest = 3, .vector = 0x41, .mode = IRQ_MODE_NMI,
					.logical = true } },
		{ 0xfee03000, 0x0141, { .dest = 3, .vector = 0x41, .mode = IRQ_MODE_LOWEST } },
		{ 0xfee03000, 0x0200, { .dest = 3, .mode = IRQ_MODE_SMI } },
		{ 0xfee03000, 0x0400, { .dest = 3, .mode = IRQ_MODE_NMI } },
		{ 0xfee03000, 0x0502, { .dest = 3, .vector = 2, .mode = IRQ_MODE_INIT } },
		{ 0xfee03000, 0x0700, { .dest = 3, .mode = IRQ_MODE_EXTINT } },
		{ 0xfee03000, 0xc041, { .dest = 3, .vector = 0x41, .level = true } },
		{ 0xfee03000, 0x4041, { .dest = 3, .vector = 0x41 } },
		/* Only vectors have an EOI to wait for. */
		{ 0xfee03000, 0xc400, { .dest = 3, .mode = IRQ_MODE_NMI } },
		/* Bits that say nothing. */
		{ 0xfee03ff3, 0xffff3841, { .dest = 3, .vector = 0x41 } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct irq_msg msg;

		memset(&msg, 0xa5, sizeof(msg));
		unit_context("address %#llx data %#x", rows[i].address, rows[i].data);
		EXPECT_EQ(0, msi_to_msg(rows[i].address, rows[i].data, &msg));
		EXPECT_EQ(rows[i].msg.dest, msg.dest);
		EXPECT_EQ(rows[i].msg.vector, msg.vector);
		EXPECT_EQ(rows[i].msg.mode, msg.mode);
		EXPECT_EQ(IRQ_TO_DEST, msg.shorthand);
		EXPECT_EQ(rows[i].msg.logical, msg.logical);
		EXPECT_EQ(rows[i].msg.level, msg.level);
	}
}

static void bad(void)
{
	static const struct {
		u64 address;
		u32 data;
	} rows[] = {
		{ 0xfed00000, 0x41 },		{ 0xfef00000, 0x41 },
		{ 0, 0x41 },			{ 0x1fee00000, 0x41 },
		{ 0x80000000fee00000, 0x41 },	{ ADDRESS, 0 },
		{ ADDRESS, 0x0f },		{ ADDRESS, 0x10f },
		{ ADDRESS, 0x341 },		{ ADDRESS, 0x641 },
		{ ADDRESS, 0x8041 },		{ ADDRESS, 0x8441 },
	};
	struct irq_msg msg, before;
	unsigned int i;

	memset(&msg, 0x5a, sizeof(msg));
	memcpy(&before, &msg, sizeof(msg));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("address %#llx data %#x", rows[i].address, rows[i].data);
		EXPECT_EQ(-22, msi_to_msg(rows[i].address, rows[i].data, &msg));
		EXPECT_FALSE(memcmp(&msg, &before, sizeof(msg)));
	}
}

/* Every data word gives a message that a local APIC can take, or is refused. */
static void all_data(void)
{
	unsigned int accepted = 0;
	u32 data;

	for (data = 0; data <= 0xffff; data++) {
		struct irq_msg msg;

		if (msi_to_msg(ADDRESS, data, &msg))
			continue;
		unit_context("data %#x", data);
		accepted++;
		EXPECT_TRUE(msg.mode != IRQ_MODE_RESERVED && msg.mode != IRQ_MODE_SIPI);
		EXPECT_TRUE(!irq_mode_has_vector(msg.mode) || msg.vector >= IRQ_VECTOR_MIN);
	}
	unit_context("%s", "");
	/* 2 modes of 240 vectors and 4 of 256; 3 of 4 triggers; 8 values of bits 13:11. */
	EXPECT_EQ((2 * 240 + 4 * 256) * 3 * 8, accepted);
}

static const struct unit_test tests[] = {
	UNIT_TEST(good),
	UNIT_TEST(bad),
	UNIT_TEST(all_data),
};

UNIT_MAIN(tests)
