/* SPDX-License-Identifier: GPL-2.0-only */
/* The 8254 interval timer of a PC, and the port that has the gate and output of counter 2. */
#ifndef DEV_PIT_H
#define DEV_PIT_H

#include "dev/dev.h"
#include "dev/pit_counter.h"

#define PIT_GSI		2	/* as the MADT says; at the PIC it is input 0 */
#define PIT_CHANNELS	3

struct pit_channel {
	struct pit_counter counter;
	u8 access;		/* ACCESS_*: the bytes of a count that go through the port */
	u8 low;			/* the first byte of a count */
	bool write_high, read_high;	/* which byte is next */
	u16 latch;
	u8 latched;		/* bytes of @latch that are unread */
	u8 status;
	bool status_latched;
};

struct pit {
	struct dev_host *host;
	struct pit_channel ch[PIT_CHANNELS];
	/* Of channel 0: */
	bool programmed;	/* by the guest; no interrupts before that */
	u64 seen;		/* rises of OUT that are accounted for */
	u64 owed;		/* of these, interrupts not made yet */
	bool line;
};

int pit_attach(struct pit *pit, struct bus *bus, struct dev_host *host);
/* Makes the interrupts that are due: when the timer fires, and after an acknowledgment. */
void pit_update(struct pit *pit);

struct speaker {
	struct pit *pit;
	u8 value;
};

int speaker_attach(struct speaker *speaker, struct bus *bus, struct pit *pit);

/* Gate and output of channel 2, and a bit that changes with every refresh of the DRAM. */
void pit_gate2(struct pit *pit, bool gate);
bool pit_out2(struct pit *pit);
bool pit_refresh(struct pit *pit);

#endif
