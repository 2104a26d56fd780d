// SPDX-License-Identifier: GPL-2.0-only
/*
 * A counter of an 8254, by Intel's datasheet "8254 Programmable Interval Timer".
 * Nothing ticks: a counter remembers when it took its count, and everything else
 * follows from how many clock pulses have come since then.
 */
#include "dev/pit_counter.h"

#include <string.h>

/* What sets the modes apart. */
static const struct {
	bool periodic;		/* starts over at the end of the count */
	bool triggered;		/* a rising GATE starts it, otherwise writing the count does */
	bool rests_low;		/* OUT after the control word */
} modes[] = {
	[0] = { .rests_low = true },
	[1] = { .triggered = true },
	[2] = { .periodic = true },
	[3] = { .periodic = true },
	[4] = { 0 },
	[5] = { .triggered = true },
};

static bool stopped(const struct pit_counter *c)
{
	return !c->gate && !modes[c->mode].triggered;
}

/* Clock pulses since the count was taken. */
static pit_tick elapsed(const struct pit_counter *c, pit_tick now)
{
	if (stopped(c))
		return c->held;
	return now > c->start ? now - c->start : 0;
}

/* How long OUT is high in a cycle of mode 3; it gets the odd pulse. */
static u32 high_half(u32 count)
{
	return (count + 1) / 2;
}

static bool out(const struct pit_counter *c, pit_tick now)
{
	pit_tick e = elapsed(c, now);

	if (!c->running)
		return !modes[c->mode].rests_low;
	switch (c->mode) {
	case 0:
		return e >= c->count;
	case 1:
		return now < c->start || e >= c->count;
	case 2:
		return stopped(c) || e % c->count != c->count - 1;
	case 3:
		return stopped(c) || e % c->count < high_half(c->count);
	default:
		return e != c->count;
	}
}

static u64 rises_of_count(const struct pit_counter *c, pit_tick now)
{
	pit_tick e = elapsed(c, now);

	if (!c->running)
		return 0;
	if (modes[c->mode].periodic)
		return c->count > 1 ? e / c->count : 0;
	/* Modes 0 and 1 rise at the end of the count, 4 and 5 a pulse later. */
	return e >= c->count + (c->mode >= 4 ? 1 : 0);
}

/* When a count that was written amid a cycle is taken: at the end of it, or of its half. */
static pit_tick reload_at(const struct pit_counter *c)
{
	pit_tick e = elapsed(c, c->written);
	pit_tick cycle = c->start + e / c->count * c->count;

	if (c->mode == 3 && e % c->count < high_half(c->count))
		return cycle + high_half(c->count);
	return cycle + c->count;
}

static void settle(struct pit_counter *c, pit_tick now)
{
	pit_tick at;
	bool falls;

	if (!c->reload || !modes[c->mode].periodic || stopped(c))
		return;
	at = reload_at(c);
	if (now < at)
		return;
	falls = c->mode == 3 && out(c, at - 1);
	c->rises += rises_of_count(c, at);
	c->count = c->next;
	/* Where mode 3 falls, half of the new cycle is as good as over. */
	c->start = falls ? at - high_half(c->count) : at;
	c->reload = false;
}

static void begin(struct pit_counter *c, pit_tick now)
{
	c->rises += rises_of_count(c, now);
	c->count = c->next;
	c->start = now + 1;
	c->held = 0;
	c->running = true;
	c->reload = false;
}

static u32 from_bcd(u16 value)
{
	return (value >> 12) * 1000 + (value >> 8 & 15) * 100 + (value >> 4 & 15) * 10 +
	       (value & 15);
}

static u16 to_bcd(u32 value)
{
	return value / 1000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
}

static u32 largest(const struct pit_counter *c)
{
	return c->bcd ? 10000 : 65536;
}

void counter_control(struct pit_counter *c, u8 mode, bool bcd, pit_tick now)
{
	u64 rises = counter_rises(c, now);
	bool was = out(c, now);

	c->mode = mode;
	c->bcd = bcd;
	c->empty = true;
	c->running = false;
	c->reload = false;
	c->rises = rises + (!was && out(c, now));
}

void counter_write(struct pit_counter *c, u16 value, pit_tick now)
{
	u32 count = c->bcd ? from_bcd(value) : value;

	settle(c, now);
	c->next = count ? count : largest(c);
	c->empty = false;
	if (modes[c->mode].triggered || (modes[c->mode].periodic && c->running)) {
		c->written = now;
		c->reload = true;
	} else {
		begin(c, now);
	}
}

void counter_write_first(struct pit_counter *c, pit_tick now)
{
	if (c->mode)
		return;
	c->rises = counter_rises(c, now);
	c->running = false;
}

void counter_gate(struct pit_counter *c, bool gate, pit_tick now)
{
	settle(c, now);
	if (gate == c->gate)
		return;
	if (!gate)
		c->held = elapsed(c, now);
	c->gate = gate;
	if (!gate || c->empty)
		return;
	/* A rising gate starts modes 1, 2, 3 and 5 anew; 0 and 4 go on. */
	if (modes[c->mode].triggered || modes[c->mode].periodic)
		begin(c, now);
	else
		c->start = now - c->held;
}

bool counter_out(struct pit_counter *c, pit_tick now)
{
	settle(c, now);
	return out(c, now);
}

/* Mode 3 counts down by two, in each half from an even number. */
static u32 square_wave(const struct pit_counter *c, pit_tick e)
{
	u32 phase = e % c->count;
	u32 high = high_half(c->count);

	return (c->count & ~1u) - 2 * (phase < high ? phase : phase - high);
}

u16 counter_read(struct pit_counter *c, pit_tick now)
{
	pit_tick e, value;

	settle(c, now);
	e = elapsed(c, now);
	if (!c->running)
		value = c->count;
	else if (c->mode == 2)
		value = c->count - e % c->count;
	else if (c->mode == 3)
		value = square_wave(c, e);
	else
		value = (pit_tick)c->count - e % largest(c) + largest(c);
	return c->bcd ? to_bcd(value % largest(c)) : value;
}

bool counter_null(struct pit_counter *c, pit_tick now)
{
	settle(c, now);
	return c->empty || c->reload || (c->running && now < c->start);
}

u64 counter_rises(struct pit_counter *c, pit_tick now)
{
	settle(c, now);
	return c->rises + rises_of_count(c, now);
}

pit_tick counter_next_rise(struct pit_counter *c, pit_tick now)
{
	pit_tick at;

	settle(c, now);
	if (!c->running || stopped(c))
		return PIT_NEVER;
	if (c->reload && modes[c->mode].periodic)
		return reload_at(c);
	if (!modes[c->mode].periodic) {
		at = c->start + c->count + (c->mode >= 4);
		return at > now ? at : PIT_NEVER;
	}
	return c->count > 1 ? c->start + (elapsed(c, now) / c->count + 1) * c->count : PIT_NEVER;
}
