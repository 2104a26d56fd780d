/* SPDX-License-Identifier: GPL-2.0-only */
/* One counter of an 8254: what it has counted to is a function of the time. */
#ifndef DEV_PIT_COUNTER_H
#define DEV_PIT_COUNTER_H

#include "lib/types.h"

/* A time in pulses of the 1.19 MHz clock. Signed, because a cycle may have begun before 0. */
typedef __s64 pit_tick;

#define PIT_NEVER	((pit_tick)0x7fffffffffffffff)

struct pit_counter {
	u8 mode;		/* 0 to 5 */
	bool bcd;
	bool gate;
	bool empty;		/* no count since the control word */
	bool running;		/* @start and @count hold; else OUT is at rest */
	bool reload;		/* @next waits for the end of a (half) cycle, or for GATE */
	u32 next;		/* what was written last, 1 to 65536 */
	u32 count;		/* what it counts down from */
	pit_tick start;		/* when it took @count */
	pit_tick written;	/* when @next came */
	pit_tick held;		/* pulses counted when GATE stopped it */
	u64 rises;		/* of OUT, before @start */
};

void counter_control(struct pit_counter *c, u8 mode, bool bcd, pit_tick now);
/* @value as in the count register: 0 is the largest count. */
void counter_write(struct pit_counter *c, u16 value, pit_tick now);
/* The first of two bytes of a count stops mode 0. */
void counter_write_first(struct pit_counter *c, pit_tick now);
void counter_gate(struct pit_counter *c, bool gate, pit_tick now);

bool counter_out(struct pit_counter *c, pit_tick now);
u16 counter_read(struct pit_counter *c, pit_tick now);
/* The count that was written is not being counted yet. */
bool counter_null(struct pit_counter *c, pit_tick now);
/* How often OUT has risen up to now. Not kept for a counter whose gate changes. */
u64 counter_rises(struct pit_counter *c, pit_tick now);
/* When to look for the next rise, not too late; PIT_NEVER when there is none to come. */
pit_tick counter_next_rise(struct pit_counter *c, pit_tick now);

#endif
