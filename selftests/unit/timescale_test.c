// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: ticks are scaled as the CPU does it, to 48 bits behind the point; the way
 * back is never too short; nanoseconds are right to 1 in 2^31, for every frequency, and
 * never run ahead.
 */
#include <linux/kernel.h>

#include "core/timescale.h"
#include "unit.h"

static const u32 frequencies[] = {
	1000, 1001, 32768, 99999, 100000, 999999, 1000000, 1000001, 1999999, 2400000, 2593907,
	2999997, 3000000, 3500000, 4294967, 9999991, 99999989, 100000000,
};

#define FOR_EACH_KHZ(i, khz)	\
	for (i = 0; i < ARRAY_SIZE(frequencies) && (khz = frequencies[i]); i++)

static void ns_scale_is_normal(void)
{
	unsigned int i;
	s8 shift;
	u32 khz, mul;

	FOR_EACH_KHZ(i, khz) {
		unit_context("%u kHz", khz);
		kite_ns_scale(khz, &mul, &shift);
		EXPECT_TRUE(mul >> 31);
		EXPECT_TRUE(shift > -32 && shift < 32);
	}
}

static void ns_are_exact(void)
{
	/* From a tick to a year and more. */
	static const u64 ms[] = { 1, 1000, 3600000, 86400000, 31536000000, 3153600000000 };
	unsigned int i, n;
	u64 want, got;
	s8 shift;
	u32 khz, mul;

	FOR_EACH_KHZ(i, khz) {
		kite_ns_scale(khz, &mul, &shift);
		for (n = 0; n < ARRAY_SIZE(ms); n++) {
			unit_context("%u kHz, %llu ms", khz, (unsigned long long)ms[n]);
			if (ms[n] > ~0ull / khz)
				break;
			want = ms[n] * 1000000;
			got = kite_ticks_to_ns(ms[n] * khz, mul, shift);
			EXPECT_TRUE(got <= want);
			/* One more for the tick that a right shift drops, one for the end. */
			EXPECT_TRUE(want - got <= (want >> 31) + 2);
		}
	}
}

static void ns_never_go_back(void)
{
	u64 ticks, last, now;
	unsigned int i;
	s8 shift;
	u32 khz, mul;

	FOR_EACH_KHZ(i, khz) {
		unit_context("%u kHz", khz);
		kite_ns_scale(khz, &mul, &shift);
		last = 0;
		for (ticks = 0; ticks < 100000; ticks++) {
			now = kite_ticks_to_ns(ticks, mul, shift);
			EXPECT_TRUE(now >= last);
			last = now;
		}
	}
}

/* A guest turns the formula round: Linux finds the frequency in it. */
static void guests_find_the_frequency(void)
{
	unsigned int i;
	u32 khz, mul;
	u64 found;
	s8 shift;

	FOR_EACH_KHZ(i, khz) {
		unit_context("%u kHz", khz);
		kite_ns_scale(khz, &mul, &shift);
		found = (1000000ull << 32) / mul;
		found = shift < 0 ? found << -shift : found >> shift;
		EXPECT_TRUE(found <= khz);
		EXPECT_TRUE(khz - found <= (shift < 0 ? (1u << -shift) - 1 : 0u));
	}
}

static void scaling(void)
{
	unsigned int i, n;
	u32 guest, host;
	u64 ratio;

	FOR_EACH_KHZ(i, guest) {
		FOR_EACH_KHZ(n, host) {
			/* The multiplier has 16 bits before the point; no TSC is that slow. */
			if (guest / host >> 16)
				continue;
			unit_context("%u of %u kHz", guest, host);
			ratio = kite_tsc_ratio(guest, host);
			EXPECT_EQ((u64)(((__uint128_t)guest << 48) / host), ratio);
			/* A second, to a tick for each 2^48 of the host's. */
			EXPECT_TRUE((u64)guest * 1000 - kite_tsc_scale(host * 1000ull, ratio) <= 1);
		}
	}
	/* The product has 128 bits, and the CPU keeps 64 of them. */
	EXPECT_EQ((u64)(((__uint128_t)~0ull * (3ull << 48)) >> 48),
		  kite_tsc_scale(~0ull, 3ull << 48));
	EXPECT_EQ(12345ull, kite_tsc_scale(12345, 0));
	EXPECT_EQ(12345ull, kite_tsc_unscale(12345, 0));
}

static void the_way_back_is_never_short(void)
{
	unsigned int i, n;
	u32 guest, host;
	u64 ratio, ticks, back;

	FOR_EACH_KHZ(i, guest) {
		FOR_EACH_KHZ(n, host) {
			ratio = kite_tsc_ratio(guest, host);
			for (ticks = 1; ticks < 1ull << 40; ticks = ticks * 7 + 3) {
				unit_context("%llu ticks, %u of %u kHz", (unsigned long long)ticks,
					     guest, host);
				back = kite_tsc_unscale(ticks, ratio);
				EXPECT_TRUE(kite_tsc_scale(back, ratio) >= ticks);
				/* And never longer than a tick of either. */
				EXPECT_TRUE(back < 2 ||
					    kite_tsc_scale(back - 2, ratio) <= ticks);
			}
		}
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(ns_scale_is_normal),
	UNIT_TEST(ns_are_exact),
	UNIT_TEST(ns_never_go_back),
	UNIT_TEST(guests_find_the_frequency),
	UNIT_TEST(scaling),
	UNIT_TEST(the_way_back_is_never_short),
};

UNIT_MAIN(tests)
