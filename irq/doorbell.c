// SPDX-License-Identifier: GPL-2.0-only
#include "doorbell.h"

#include <linux/errno.h>

static int cmp(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

/*
 * 0 if one write can ring both. Among doorbells of which no two compare equal this
 * is an order: one that takes any length is alone at its address, one that takes
 * any value is alone with its address and length.
 */
static int order(const struct doorbell *a, const struct doorbell *b)
{
	if (a->pio != b->pio)
		return cmp(a->pio, b->pio);
	if (a->addr != b->addr)
		return cmp(a->addr, b->addr);
	if (!a->len || !b->len)
		return 0;
	if (a->len != b->len)
		return cmp(a->len, b->len);
	return a->match && b->match ? cmp(a->data, b->data) : 0;
}

int doorbell_place(const struct doorbell *bells, u32 count, const struct doorbell *new, u32 *at)
{
	u32 lo = 0, hi = count;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		int o = order(new, &bells[mid]);

		if (!o) {
			*at = mid;
			return -EEXIST;
		}
		if (o < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	*at = lo;
	return 0;
}

const struct doorbell *doorbell_find(const struct doorbell *bells, u32 count,
				     const struct doorbell *write)
{
	u32 at;

	return doorbell_place(bells, count, write, &at) ? &bells[at] : NULL;
}
