// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: guests find the EBDA, base memory, a reset vector that resets, and an APIC that
 * lets the PIC's interrupts through.
 */
#include "dev/dev.h"
#include "firmware.h"
#include "unit.h"

static struct mem mem;

static u64 read_le(u64 gpa, unsigned int width)
{
	u64 value = 0;

	memcpy(&value, mem_ptr(&mem, gpa, width), width);
	return value;
}

static void data_areas(void)
{
	struct mem_range map[MEM_MAP_MAX];

	EXPECT_EQ(0x3f8, read_le(0x400, 2));
	EXPECT_EQ(MEM_EBDA, read_le(0x40e, 2) << 4);
	EXPECT_EQ(639, read_le(0x413, 2));
	EXPECT_EQ(1, read_le(MEM_EBDA, 1));
	/* The memory map agrees. */
	mem_map(&mem, map);
	EXPECT_EQ(639 * 1024, map[0].len);
	EXPECT_EQ(1024, map[1].len);
}

/* mov $0xcf9, %dx; mov $6, %al; out %al, %dx; then it halts for good. */
static void reset_vector(void)
{
	static const u8 code[] = { 0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xf4, 0xeb, 0xfd };

	EXPECT_TRUE(!memcmp(mem_ptr(&mem, 0xffff0, sizeof(code)), code, sizeof(code)));
}

static u32 apic(const struct kite_lapic *lapic, u32 reg)
{
	u32 value;

	memcpy(&value, lapic->regs + reg, sizeof(value));
	return value;
}

static void virtual_wire(void)
{
	struct kite_lapic lapic;
	struct kite_lapic before;

	memset(&lapic, 0x5a, sizeof(lapic));
	before = lapic;
	firmware_lapic(&lapic);
	EXPECT_EQ(0x1ff, apic(&lapic, 0xf0));
	EXPECT_EQ(0x700, apic(&lapic, 0x350));
	EXPECT_EQ(0x400, apic(&lapic, 0x360));
	/* Nothing else. */
	memcpy(lapic.regs + 0xf0, before.regs + 0xf0, 4);
	memcpy(lapic.regs + 0x350, before.regs + 0x350, 4);
	memcpy(lapic.regs + 0x360, before.regs + 0x360, 4);
	EXPECT_TRUE(!memcmp(&before, &lapic, sizeof(lapic)));
}

static const struct unit_test tests[] = {
	UNIT_TEST(data_areas),
	UNIT_TEST(reset_vector),
	UNIT_TEST(virtual_wire),
};

int main(void)
{
	if (mem_alloc(&mem, MEM_MIN, NULL, NULL))
		return 1;
	firmware_build(&mem);
	return unit_run(tests, ARRAY_SIZE(tests));
}
