// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the base of a TSS is put together from the four places of its
 * descriptor, whatever its bits are.
 */
#include <linux/kernel.h>

#include "unit.h"
#include "vmx/tss.h"

static void bases(void)
{
	static const struct {
		u64 low, high, base;
	} rows[] = {
		{ 0, 0, 0 },
		/* A busy TSS of 104 bytes; bit 31 of the base is the sign of a 32-bit number. */
		{ 0x8c008b0d50000067ull, 0xfffffe1a, 0xfffffe1a8c0d5000ull },
		{ 0x00008b0030000067ull, 0xfffffe00, 0xfffffe0000003000ull },
		{ 0xff0000ffffff0000ull, 0, 0xffffffffull },
		{ 0x00ffff000000ffffull & ~0xff00000000ull, 0, 0 },
		/* The upper half of the second quadword is reserved. */
		{ 0, 0xaaaaaaaa12345678ull, 0x1234567800000000ull },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("row %u", i);
		EXPECT_EQ(rows[i].base, vmx_tss_base(rows[i].low, rows[i].high));
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(bases),
};

UNIT_MAIN(tests)
