/* SPDX-License-Identifier: GPL-2.0-only */
/* The pair of 8259A interrupt controllers of a PC, with the edge/level registers beside it. */
#ifndef DEV_PIC_H
#define DEV_PIC_H

#include "dev/dev.h"

#define PIC_INPUTS	16	/* input 2 is taken by the slave */

/* One chip. Bit n of a register is input n. */
struct pic_chip {
	u8 lines;		/* levels of the inputs */
	u8 irr, isr, imr;
	u8 elcr;		/* inputs that are level triggered */
	u8 base;		/* ICW2: vector of input 0 */
	u8 wiring;		/* ICW3: inputs with slaves, or the slave's number */
	u8 lowest;		/* the input of lowest priority */
	u8 next_icw;		/* which one port 1 takes next, 0: none */
	bool single, wants_icw4;
	bool auto_eoi, rotate_auto, fully_nested, special_mask;
	bool poll, read_isr;
};

struct pic {
	struct dev_host *host;
	struct pic_chip master, slave;
	bool intr;		/* the master's output */
};

int pic_attach(struct pic *pic, struct bus *bus, struct dev_host *host);
void pic_set_line(struct pic *pic, unsigned int input, bool level);
/* Input @input asks for an interrupt, is not masked and has not been acknowledged. */
bool pic_waits(const struct pic *pic, unsigned int input);
/* The CPU acknowledges an interrupt; returns the vector, that of input 7 when the cause is gone. */
u8 pic_inta(struct pic *pic);

#endif
