/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine that only takes notes, for device tests. */
#ifndef DEV_UTIL_H
#define DEV_UTIL_H

#include "dev/dev.h"
#include "unit.h"

struct notes {
	struct dev_host host;
	enum outcome why;
	int status;
	unsigned int ends;
	bool line[24];
	unsigned int edges;
	char output[64];
	unsigned int output_len;
	unsigned int input_ready;
	u64 ns;
	u64 clock;
	u64 timer[DEV_TIMERS];
	bool waits;
	bool intr;
	unsigned int intr_edges;
};

static struct notes notes;
static struct bus bus;

static void note_end(struct dev_host *host, enum outcome why, int status)
{
	(void)host;
	notes.why = why;
	notes.status = status;
	notes.ends++;
}

static void note_irq(struct dev_host *host, u32 gsi, bool level)
{
	(void)host;
	EXPECT_TRUE(notes.line[gsi] != level);
	notes.line[gsi] = level;
	notes.edges++;
}

static void note_output(struct dev_host *host, u8 byte)
{
	(void)host;
	notes.output[notes.output_len++ % sizeof(notes.output)] = byte;
}

static void note_input_ready(struct dev_host *host)
{
	(void)host;
	notes.input_ready++;
}

static u64 note_now(struct dev_host *host)
{
	(void)host;
	return notes.ns;
}

static u64 note_clock(struct dev_host *host)
{
	(void)host;
	return notes.clock;
}

static void note_timer(struct dev_host *host, enum dev_timer timer, u64 ns)
{
	(void)host;
	notes.timer[timer] = ns;
}

static bool note_waits(struct dev_host *host, u32 gsi)
{
	(void)host;
	(void)gsi;
	return notes.waits;
}

static void note_intr(struct dev_host *host, bool level)
{
	(void)host;
	EXPECT_TRUE(notes.intr != level);
	notes.intr = level;
	notes.intr_edges++;
}

static inline struct dev_host *notes_reset(void)
{
	memset(&notes, 0, sizeof(notes));
	memset(&bus, 0, sizeof(bus));
	notes.host = (struct dev_host){
		.end = note_end,
		.irq = note_irq,
		.output = note_output,
		.input_ready = note_input_ready,
		.now_ns = note_now,
		.clock_ns = note_clock,
		.set_timer = note_timer,
		.irq_waits = note_waits,
		.intr = note_intr,
	};
	return &notes.host;
}

static inline u8 in8(u16 port)
{
	u8 value = 0;

	bus_in(&bus, port, 1, &value);
	return value;
}

static inline void out8(u16 port, u8 value)
{
	bus_out(&bus, port, 1, &value);
}

#endif
