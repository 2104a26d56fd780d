/* SPDX-License-Identifier: GPL-2.0-only */
/* Pure: arithmetic of time-stamp counters. Also built and tested in user space. */
#ifndef KITE_CORE_TIMESCALE_H
#define KITE_CORE_TIMESCALE_H

#include <linux/math64.h>
#include <linux/types.h>

/* Fractional bits of the TSC multiplier. SDM, chapter "VMCS", "VM-Execution Control Fields". */
#define KITE_RATIO_SHIFT	48

/* Host ticks to guest ticks, as the CPU does it. */
static inline u64 kite_tsc_ratio(u32 guest_khz, u32 host_khz)
{
	return mul_u64_u64_div_u64(guest_khz, 1ull << KITE_RATIO_SHIFT, host_khz);
}

/* @ratio 0: no scaling. */
static inline u64 kite_tsc_scale(u64 host_ticks, u64 ratio)
{
	return ratio ? mul_u64_u64_shr(host_ticks, ratio, KITE_RATIO_SHIFT) : host_ticks;
}

/* The way back, for spans that fit: never too short. */
static inline u64 kite_tsc_unscale(u64 guest_ticks, u64 ratio)
{
	if (!ratio)
		return guest_ticks;
	return mul_u64_u64_div_u64(guest_ticks, 1ull << KITE_RATIO_SHIFT, ratio) + 1;
}

/*
 * Nanoseconds are (ticks << shift) * mul >> 32, with a right shift if @shift is
 * negative: the formula of the paravirtual clock. @mul has its top bit set, and is
 * rounded down, so the guest finds @khz again when it turns the formula round.
 */
static inline void kite_ns_scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 ns = 1000000ull << 32, ticks = khz;

	*shift = 0;
	while (ns >> 32 >= ticks) {
		ticks <<= 1;
		(*shift)++;
	}
	while (ns >> 31 < ticks) {
		ns <<= 1;
		(*shift)--;
	}
	*mul = div64_u64(ns, ticks);
}

static inline u64 kite_ticks_to_ns(u64 ticks, u32 mul, s8 shift)
{
	ticks = shift < 0 ? ticks >> -shift : ticks << shift;
	return mul_u64_u32_shr(ticks, mul, 32);
}

#endif
