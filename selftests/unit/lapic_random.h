/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that are the same on every machine: xorshift with a multiplier. */
#ifndef KITE_UNIT_LAPIC_RANDOM_H
#define KITE_UNIT_LAPIC_RANDOM_H

#include <linux/types.h>

struct random {
	u64 state;
};

static inline u64 random_next(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 0x2545f4914f6cdd1dull;
}

/* 0 to @bound - 1. */
static inline u32 random_below(struct random *r, u32 bound)
{
	return (random_next(r) >> 32) % bound;
}

/* The first numbers of neighbouring seeds are alike: skip them. */
static inline void random_seed(struct random *r, u64 seed)
{
	int i;

	r->state = seed * 0x9e3779b97f4a7c15ull + 1;
	for (i = 0; i < 8; i++)
		random_next(r);
}

#endif
