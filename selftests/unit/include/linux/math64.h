/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_LINUX_MATH64_H
#define KITE_UNIT_LINUX_MATH64_H

#include <linux/types.h>

/* In the kernel's words; the compiler has 128 bits. */
static inline u64 mul_u64_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (__uint128_t)a * b >> shift;
}

static inline u64 mul_u64_u32_shr(u64 a, u32 b, unsigned int shift)
{
	return mul_u64_u64_shr(a, b, shift);
}

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 divisor)
{
	return (__uint128_t)a * b / divisor;
}

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

#endif
