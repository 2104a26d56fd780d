// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port 61h of a PC: gate and output of the timer's channel 2, by which guests
 * measure time, and the toggling refresh bit. There is nothing to hear.
 */
#include "dev/pit.h"

#define SPEAKER_PORT	0x61
#define GATE		0x01
#define WRITABLE	0x0f	/* gate, speaker, and the enables of parity and channel check */
#define REFRESH		0x10
#define OUT		0x20

static u8 speaker_in(void *dev, u16 offset)
{
	struct speaker *s = dev;

	(void)offset;
	return s->value | (pit_refresh(s->pit) ? REFRESH : 0) | (pit_out2(s->pit) ? OUT : 0);
}

static void speaker_out(void *dev, u16 offset, u8 value)
{
	struct speaker *s = dev;

	(void)offset;
	s->value = value & WRITABLE;
	pit_gate2(s->pit, value & GATE);
}

int speaker_attach(struct speaker *s, struct bus *bus, struct pit *pit)
{
	struct bus_range range = { "speaker", SPEAKER_PORT, 1, speaker_in, speaker_out, s };

	*s = (struct speaker){ .pit = pit };
	return bus_add(bus, &range);
}
