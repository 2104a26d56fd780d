/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Doorbells: writes of the guest, by address, length and value, that stand for an
 * event. A sorted array in which one write finds at most one.
 */
#ifndef KITE_IRQ_DOORBELL_H
#define KITE_IRQ_DOORBELL_H

#include <linux/types.h>

struct doorbell {
	u64 addr;
	u64 data;	/* with @match: the value written */
	u8 len;		/* 1, 2, 4, 8; 0: any */
	bool match;
	bool pio;	/* a port, not memory */
	void *target;	/* the owner's */
};

/* The doorbell that @write, with its own length and @match, rings; or NULL. */
const struct doorbell *doorbell_find(const struct doorbell *bells, u32 count,
				     const struct doorbell *write);

/*
 * Where @new belongs among @bells, so that they stay sorted. -EEXIST: there is a
 * write that would ring both @new and another; *@at is that one.
 */
int doorbell_place(const struct doorbell *bells, u32 count, const struct doorbell *new, u32 *at);

#endif
