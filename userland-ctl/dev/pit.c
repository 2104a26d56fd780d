// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of an 8254 interval timer, by Intel's datasheet "8254 Programmable
 * Interval Timer", and the interrupts of its channel 0.
 *
 * An interrupt that cannot be made in time is made later: when its timer was late,
 * or when the one before it still waits at the PIC. In periodic modes the line
 * falls only to rise again.
 */
#include "dev/pit.h"

#define PIT_PORT	0x40
#define PIT_PORTS	4
#define CONTROL		3

/* The clock has 105/88 MHz: a twelfth of 14.31818 MHz, which is 315/22 MHz. */
#define TICKS_NUM	105
#define TICKS_DEN	88000
#define TICKS_PER_SEC	1193182

/* Interrupts that are late follow each other no faster, unless the PIC asks for them. */
#define CATCH_UP_MIN	60
/* A guest that is further behind than this does not catch up. */
#define BACKLOG		TICKS_PER_SEC

#define REFRESH_COUNT	18	/* what firmware has channel 1 count: 15 us */

enum { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };

#define READ_BACK	3	/* in place of a channel */
#define RB_NO_COUNT	0x20
#define RB_NO_STATUS	0x10

#define STATUS_OUT	0x80
#define STATUS_NULL	0x40

static pit_tick pit_now(struct pit *pit)
{
	u64 ns = pit->host->clock_ns(pit->host);

	return ns / TICKS_DEN * TICKS_NUM + ns % TICKS_DEN * TICKS_NUM / TICKS_DEN;
}

/* The first nanosecond of a tick. */
static u64 tick_ns(pit_tick tick)
{
	return tick / TICKS_NUM * TICKS_DEN +
	       (tick % TICKS_NUM * TICKS_DEN + TICKS_NUM - 1) / TICKS_NUM;
}

static void set_line(struct pit *pit, bool level)
{
	if (pit->line == level)
		return;
	pit->line = level;
	pit->host->irq(pit->host, PIT_GSI, level);
}

static void count_rises(struct pit *pit, pit_tick now)
{
	struct pit_counter *c = &pit->ch[0].counter;
	u64 rises = counter_rises(c, now);
	u64 most = c->count ? BACKLOG / c->count + 1 : 1;

	pit->owed += rises - pit->seen;
	pit->seen = rises;
	if (pit->owed > most)
		pit->owed = most;
}

static pit_tick next_look(struct pit *pit, pit_tick now)
{
	struct pit_counter *c = &pit->ch[0].counter;
	pit_tick next = counter_next_rise(c, now);
	pit_tick soon = c->count / 2;

	if (next != PIT_NEVER && next < now + CATCH_UP_MIN)
		next = now + CATCH_UP_MIN;
	if (!pit->owed)
		return next;
	soon = now + (soon < CATCH_UP_MIN ? CATCH_UP_MIN : soon);
	return soon < next ? soon : next;
}

void pit_update(struct pit *pit)
{
	pit_tick now = pit_now(pit);
	pit_tick next;

	if (!pit->programmed)
		return;
	count_rises(pit, now);
	if (pit->owed && !pit->host->irq_waits(pit->host, PIT_GSI)) {
		pit->owed--;
		set_line(pit, false);
		set_line(pit, true);
	}
	next = next_look(pit, now);
	pit->host->set_timer(pit->host, DEV_TIMER_PIT,
			     next == PIT_NEVER ? DEV_TIMER_OFF : tick_ns(next));
}

static void latch_count(struct pit_channel *ch, pit_tick now)
{
	if (ch->latched)
		return;
	ch->latch = counter_read(&ch->counter, now);
	ch->latched = ch->access == ACCESS_BOTH ? 2 : 1;
}

static void latch_status(struct pit_channel *ch, pit_tick now)
{
	struct pit_counter *c = &ch->counter;

	if (ch->status_latched)
		return;
	ch->status = (counter_out(c, now) ? STATUS_OUT : 0) |
		     (counter_null(c, now) ? STATUS_NULL : 0) |
		     ch->access << 4 | c->mode << 1 | c->bcd;
	ch->status_latched = true;
}

static void read_back(struct pit *pit, u8 value, pit_tick now)
{
	unsigned int i;

	for (i = 0; i < PIT_CHANNELS; i++) {
		if (!(value & BIT(i + 1)))
			continue;
		if (!(value & RB_NO_COUNT))
			latch_count(&pit->ch[i], now);
		if (!(value & RB_NO_STATUS))
			latch_status(&pit->ch[i], now);
	}
}

/* What is owed belongs to the old mode; if OUT rises with the new one, that counts. */
static void forget(struct pit *pit, pit_tick now)
{
	pit->seen = counter_rises(&pit->ch[0].counter, now);
	pit->owed = 0;
	pit->programmed = true;
}

static void set_mode(struct pit *pit, struct pit_channel *ch, u8 value, pit_tick now)
{
	u8 mode = value >> 1 & 7;

	ch->access = value >> 4 & 3;
	ch->write_high = ch->access == ACCESS_HIGH;
	ch->read_high = ch->access == ACCESS_HIGH;
	ch->latched = 0;
	ch->status_latched = false;
	if (ch == &pit->ch[0])
		forget(pit, now);
	/* Modes 6 and 7 are 2 and 3. */
	counter_control(&ch->counter, mode > 5 ? mode - 4 : mode, value & 1, now);
}

static void write_control(struct pit *pit, u8 value, pit_tick now)
{
	u8 channel = value >> 6;

	if (channel == READ_BACK)
		read_back(pit, value, now);
	else if ((value >> 4 & 3) == ACCESS_LATCH)
		latch_count(&pit->ch[channel], now);
	else
		set_mode(pit, &pit->ch[channel], value, now);
}

static void write_count(struct pit_channel *ch, u8 value, pit_tick now)
{
	switch (ch->access) {
	case ACCESS_LOW:
		counter_write(&ch->counter, value, now);
		return;
	case ACCESS_HIGH:
		counter_write(&ch->counter, value << 8, now);
		return;
	}
	if (ch->write_high) {
		counter_write(&ch->counter, value << 8 | ch->low, now);
	} else {
		ch->low = value;
		counter_write_first(&ch->counter, now);
	}
	ch->write_high = !ch->write_high;
}

static u8 read_count(struct pit_channel *ch, pit_tick now)
{
	u16 count = ch->latch;
	bool high = ch->read_high;

	if (ch->status_latched) {
		ch->status_latched = false;
		return ch->status;
	}
	if (ch->latched)
		ch->latched--;
	else
		count = counter_read(&ch->counter, now);
	if (ch->access == ACCESS_BOTH)
		ch->read_high = !high;
	return high ? count >> 8 : count;
}

static u8 pit_in(void *dev, u16 offset)
{
	struct pit *pit = dev;

	/* Nothing drives the bus when the control word is read. */
	return offset == CONTROL ? 0xff : read_count(&pit->ch[offset], pit_now(pit));
}

static void pit_out(void *dev, u16 offset, u8 value)
{
	struct pit *pit = dev;
	pit_tick now = pit_now(pit);

	if (offset == CONTROL)
		write_control(pit, value, now);
	else
		write_count(&pit->ch[offset], value, now);
	/* In the other modes OUT is low for a moment only. */
	if (pit->ch[0].counter.mode == 0 && !counter_out(&pit->ch[0].counter, now))
		set_line(pit, false);
	pit_update(pit);
}

void pit_gate2(struct pit *pit, bool gate)
{
	counter_gate(&pit->ch[2].counter, gate, pit_now(pit));
}

bool pit_out2(struct pit *pit)
{
	return counter_out(&pit->ch[2].counter, pit_now(pit));
}

bool pit_refresh(struct pit *pit)
{
	return pit_now(pit) / REFRESH_COUNT & 1;
}

int pit_attach(struct pit *pit, struct bus *bus, struct dev_host *host)
{
	struct bus_range range = { "pit", PIT_PORT, PIT_PORTS, pit_in, pit_out, pit };
	pit_tick now;
	unsigned int i;

	*pit = (struct pit){ .host = host };
	now = pit_now(pit);
	/* As firmware leaves it: channel 0 at 18.2 Hz, 1 for the refresh, 2 silent. */
	for (i = 0; i < PIT_CHANNELS; i++) {
		pit->ch[i].access = ACCESS_BOTH;
		pit->ch[i].counter.gate = i < 2;
		counter_control(&pit->ch[i].counter, i == 1 ? 2 : 3, false, now);
	}
	counter_write(&pit->ch[0].counter, 0, now);
	counter_write(&pit->ch[1].counter, REFRESH_COUNT, now);
	return bus_add(bus, &range);
}
