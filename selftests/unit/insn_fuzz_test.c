// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the properties of insn_fuzz.c hold for random instructions and for
 * every string of two bytes; the random ones are the same in every run.
 */
#include "insn_fuzz.h"
#include "insn_util.h"
#include "unit.h"

#define RANDOM_INPUTS	1000000
#define SEED		0x4b697465ULL

static unsigned long seen[KITE_INSN_UNSUPPORTED + 1];

static void check(enum kite_insn_mode mode, const u8 *bytes, unsigned int n)
{
	seen[insn_fuzz_check(mode, bytes, n)]++;
}

/* A run that hardly ever sees one of the answers shows little. */
static void expect_all_seen(unsigned long least)
{
	printf("  # %lu ok, %lu need more, %lu unsupported\n", seen[KITE_INSN_OK],
	       seen[KITE_INSN_NEED_MORE], seen[KITE_INSN_UNSUPPORTED]);
	EXPECT_TRUE(seen[KITE_INSN_OK] >= least);
	EXPECT_TRUE(seen[KITE_INSN_NEED_MORE] >= least);
	EXPECT_TRUE(seen[KITE_INSN_UNSUPPORTED] >= least);
	memset(seen, 0, sizeof(seen));
}

static void random_instructions(void)
{
	u8 bytes[INSN_FUZZ_MAX];
	u64 state = SEED;
	unsigned int i;

	for (i = 0; i < RANDOM_INPUTS; i++) {
		random_insn(&state, bytes, sizeof(bytes));
		check(i % INSN_MODES, bytes, random_u64(&state) % (sizeof(bytes) + 1));
	}
	expect_all_seen(RANDOM_INPUTS / 20);
}

static void random_bytes(void)
{
	u8 bytes[INSN_FUZZ_MAX];
	u64 state = SEED;
	unsigned int i, j;

	for (i = 0; i < RANDOM_INPUTS; i++) {
		for (j = 0; j < sizeof(bytes); j++)
			bytes[j] = random_u64(&state) >> 24;
		check(i % INSN_MODES, bytes, random_u64(&state) % (sizeof(bytes) + 1));
	}
	expect_all_seen(RANDOM_INPUTS / 100);
}

static void all_two_byte_strings(void)
{
	unsigned int mode, i;
	u8 bytes[2];

	for (mode = 0; mode < INSN_MODES; mode++) {
		for (i = 0; i < 1 << 16; i++) {
			bytes[0] = i;
			bytes[1] = i >> 8;
			check(mode, bytes, sizeof(bytes));
		}
	}
	expect_all_seen(1000);
}

static const struct unit_test tests[] = {
	UNIT_TEST(random_instructions),
	UNIT_TEST(random_bytes),
	UNIT_TEST(all_two_byte_strings),
};

UNIT_MAIN(tests)
