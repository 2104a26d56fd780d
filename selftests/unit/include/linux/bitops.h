/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_LINUX_BITOPS_H
#define KITE_UNIT_LINUX_BITOPS_H

#include <linux/bits.h>
#include <linux/types.h>

static inline s64 sign_extend64(u64 value, int sign_bit)
{
	return (s64)(value << (63 - sign_bit)) >> (63 - sign_bit);
}

/* Number of the highest set bit, from 1; 0 for 0. */
static inline int fls(unsigned int value)
{
	return value ? 32 - __builtin_clz(value) : 0;
}

static inline unsigned int hweight64(u64 value)
{
	return __builtin_popcountll(value);
}

/* Undefined for 0. */
static inline unsigned long __ffs64(u64 value)
{
	return __builtin_ctzll(value);
}

#endif
