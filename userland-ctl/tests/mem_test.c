// SPDX-License-Identifier: GPL-2.0-only
/* Contract: no access outside RAM, and a memory map that is exactly the RAM. */
#include "mem.h"
#include "unit.h"

static void bounds(void)
{
	static const struct { u64 gpa, len; bool ok; } rows[] = {
		{ 0, 0, true }, { 0, GIB(3), true }, { 0, GIB(3) + 1, false },
		{ GIB(3) - 1, 1, true }, { GIB(3) - 1, 2, false }, { GIB(3), 1, false },
		{ GIB(4) - 1, 1, false }, { GIB(4), MIB(4), true }, { GIB(4), MIB(4) + 1, false },
		{ GIB(4) + MIB(4) - 1, 1, true }, { GIB(4) + MIB(4), 1, false },
		{ ~0ull, 1, false }, { 1, ~0ull, false }, { ~0ull, ~0ull, false },
		{ GIB(4), ~0ull, false },
	};
	struct mem mem;
	unsigned int i;

	EXPECT_EQ(0, mem_alloc(&mem, GIB(3) + MIB(4)));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("0x%llx bytes at 0x%llx", rows[i].len, rows[i].gpa);
		EXPECT_EQ(rows[i].ok, !!mem_ptr(&mem, rows[i].gpa, rows[i].len));
	}
	EXPECT_TRUE(mem_ptr(&mem, GIB(4), 1) == mem.host + GIB(3));
	EXPECT_FALSE(mem_write(&mem, GIB(3), "x", 1));
	EXPECT_TRUE(mem_write(&mem, GIB(4), "x", 1));
	EXPECT_EQ('x', mem.host[GIB(3)]);
	EXPECT_TRUE(mem_zero(&mem, GIB(4), 1));
	EXPECT_EQ(0, mem.host[GIB(3)]);
	mem_free(&mem);
}

static void map_of(u64 size, u64 want_ram)
{
	struct mem_range map[MEM_MAP_MAX];
	struct mem mem;
	unsigned int i, n;
	u64 ram = 0;

	EXPECT_EQ(0, mem_alloc(&mem, size));
	n = mem_map(&mem, map);
	for (i = 0; i < n; i++) {
		if (i)
			EXPECT_TRUE(map[i - 1].start + map[i - 1].len <= map[i].start);
		EXPECT_TRUE(map[i].len > 0);
		EXPECT_TRUE(mem_ptr(&mem, map[i].start, map[i].len));
		EXPECT_TRUE(map[i].type != MEM_RAM || map[i].start >= MEM_1M ||
			    map[i].start + map[i].len <= MEM_EBDA);
		if (map[i].type == MEM_RAM)
			ram += map[i].len;
	}
	EXPECT_EQ(want_ram, ram);
	mem_free(&mem);
}

static void memory_map(void)
{
	u64 hole = MEM_1M - MEM_EBDA;

	map_of(MEM_MIN, MEM_MIN - hole);
	map_of(MIB(256), MIB(256) - hole);
	map_of(GIB(3), GIB(3) - hole);
	map_of(GIB(3) + 4096, GIB(3) + 4096 - hole);
	map_of(GIB(64), GIB(64) - hole);
}

static const struct unit_test tests[] = {
	UNIT_TEST(bounds),
	UNIT_TEST(memory_map),
};

UNIT_MAIN(tests)
