// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two 8259A interrupt controllers, the slave on input 2 of the master, by Intel's
 * datasheet "8259A Programmable Interrupt Controller". What triggers an input
 * is in the edge/level registers of later PCs, not in ICW1. Vectors are always
 * given as to an 8086.
 */
#include "dev/pic.h"

#include <string.h>

#define MASTER_PORT	0x20
#define SLAVE_PORT	0xa0
#define CHIP_PORTS	2
#define ELCR_PORT	0x4d0
#define ELCR_PORTS	2
/* Timer, keyboard and cascade, clock and coprocessor are edges in every PC. */
#define ELCR_MASTER	0xf8
#define ELCR_SLAVE	0xde

#define CASCADE		2
#define SPURIOUS	7

#define ICW1		0x10
#define ICW1_IC4	0x01
#define ICW1_SINGLE	0x02
#define ICW4_AUTO_EOI	0x02
#define ICW4_NESTED	0x10

#define OCW2_EOI	0x20
#define OCW2_SPECIFIC	0x40
#define OCW2_ROTATE	0x80
#define OCW3		0x08
#define OCW3_READ_ISR	0x01
#define OCW3_READ	0x02
#define OCW3_POLL	0x04
#define OCW3_SPECIAL	0x20
#define OCW3_SET_SPECIAL 0x40

#define POLL_INTERRUPT	0x80

static bool is_master(const struct pic *pic, const struct pic_chip *c)
{
	return c == &pic->master;
}

/* 0 is the highest priority. */
static int rank(const struct pic_chip *c, int input)
{
	return (input - c->lowest - 1) & 7;
}

/* The input of highest priority in @mask, -1 when it is empty. */
static int highest(const struct pic_chip *c, u8 mask)
{
	int i;

	for (i = 1; i <= 8; i++)
		if (mask & BIT((c->lowest + i) & 7))
			return (c->lowest + i) & 7;
	return -1;
}

/* In special mask mode, what is masked does not hold up others. */
static u8 in_service(const struct pic_chip *c)
{
	return c->special_mask ? c->isr & ~c->imr : c->isr;
}

static bool has_slave(const struct pic *pic, const struct pic_chip *c, int input)
{
	return is_master(pic, c) && !c->single && input == CASCADE && (c->wiring & BIT(CASCADE));
}

/* The input that the chip's output stands for, -1 while the output is low. */
static int requested(const struct pic *pic, const struct pic_chip *c)
{
	int asks = highest(c, c->irr & ~c->imr);
	int served = highest(c, in_service(c));

	if (c->next_icw || asks < 0)
		return -1;
	if (served < 0 || rank(c, asks) < rank(c, served))
		return asks;
	/* Fully nested: a slave may have something more urgent than what it had. */
	return asks == served && c->fully_nested && has_slave(pic, c, asks) ? asks : -1;
}

static void set_input(struct pic_chip *c, int input, bool level)
{
	u8 bit = BIT(input);
	bool rises = level && !(c->lines & bit);

	if (!level) {
		/* A request has to stay until it is acknowledged. */
		c->lines &= ~bit;
		c->irr &= ~bit;
		return;
	}
	c->lines |= bit;
	if (rises || (c->elcr & bit))
		c->irr |= bit;
}

static void update(struct pic *pic)
{
	bool intr;

	set_input(&pic->master, CASCADE, requested(pic, &pic->slave) >= 0);
	intr = requested(pic, &pic->master) >= 0;
	if (intr == pic->intr)
		return;
	pic->intr = intr;
	pic->host->intr(pic->host, intr);
}

/* One chip's part in an acknowledgment; returns the input. */
static int acknowledge(struct pic *pic, struct pic_chip *c)
{
	int input = requested(pic, c);

	if (input < 0)
		return SPURIOUS;
	if (!(c->elcr & BIT(input)))
		c->irr &= ~BIT(input);
	if (!c->auto_eoi)
		c->isr |= BIT(input);
	else if (c->rotate_auto)
		c->lowest = input;
	/* The slave's output falls, so that what it asks for next is an edge again. */
	if (!is_master(pic, c))
		set_input(&pic->master, CASCADE, false);
	return input;
}

u8 pic_inta(struct pic *pic)
{
	struct pic_chip *c = &pic->master;
	bool spurious = requested(pic, c) < 0;
	int input = acknowledge(pic, c);

	if (!spurious && has_slave(pic, c, input)) {
		c = &pic->slave;
		input = acknowledge(pic, c);
	}
	update(pic);
	return c->base | input;
}

bool pic_waits(const struct pic *pic, unsigned int input)
{
	const struct pic_chip *c = input < 8 ? &pic->master : &pic->slave;

	return c->irr & ~c->imr & BIT(input & 7);
}

void pic_set_line(struct pic *pic, unsigned int input, bool level)
{
	/* The slave sits there. */
	if (input == CASCADE)
		return;
	set_input(input < 8 ? &pic->master : &pic->slave, input & 7, level);
	update(pic);
}

static void write_icw1(struct pic_chip *c, u8 value)
{
	/* Edges that came before are forgotten. */
	c->irr = c->lines & c->elcr;
	c->isr = 0;
	c->imr = 0;
	c->lowest = 7;
	c->single = value & ICW1_SINGLE;
	c->wants_icw4 = value & ICW1_IC4;
	c->auto_eoi = false;
	c->rotate_auto = false;
	c->fully_nested = false;
	c->special_mask = false;
	c->poll = false;
	c->read_isr = false;
	c->next_icw = 2;
}

static void end_of_interrupt(struct pic_chip *c, u8 value)
{
	int input = value & OCW2_SPECIFIC ? value & 7 : highest(c, in_service(c));

	if (input < 0)
		return;
	c->isr &= ~BIT(input);
	if (value & OCW2_ROTATE)
		c->lowest = input;
}

static void write_ocw2(struct pic_chip *c, u8 value)
{
	if (value & OCW2_EOI)
		end_of_interrupt(c, value);
	else if (!(value & OCW2_SPECIFIC))
		c->rotate_auto = value & OCW2_ROTATE;
	else if (value & OCW2_ROTATE)
		c->lowest = value & 7;
}

static void write_ocw3(struct pic_chip *c, u8 value)
{
	c->poll = value & OCW3_POLL;
	if (value & OCW3_READ)
		c->read_isr = value & OCW3_READ_ISR;
	if (value & OCW3_SET_SPECIAL)
		c->special_mask = value & OCW3_SPECIAL;
}

static void write_command(struct pic_chip *c, u8 value)
{
	if (value & ICW1)
		write_icw1(c, value);
	else if (value & OCW3)
		write_ocw3(c, value);
	else
		write_ocw2(c, value);
}

static void write_data(struct pic_chip *c, u8 value)
{
	switch (c->next_icw) {
	case 2:
		c->base = value & 0xf8;
		c->next_icw = c->single ? 4 : 3;
		break;
	case 3:
		c->wiring = value;
		c->next_icw = 4;
		break;
	case 4:
		c->auto_eoi = value & ICW4_AUTO_EOI;
		c->fully_nested = value & ICW4_NESTED;
		c->next_icw = 0;
		break;
	default:
		c->imr = value;
	}
	if (c->next_icw == 4 && !c->wants_icw4)
		c->next_icw = 0;
}

/* A read after OCW3 with P acknowledges as the CPU would. */
static u8 read_poll(struct pic *pic, struct pic_chip *c)
{
	u8 value = 0;

	c->poll = false;
	if (requested(pic, c) >= 0)
		value = POLL_INTERRUPT | acknowledge(pic, c);
	update(pic);
	return value;
}

static u8 chip_in(struct pic *pic, struct pic_chip *c, u16 offset)
{
	if (c->poll)
		return read_poll(pic, c);
	if (offset)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static void chip_out(struct pic *pic, struct pic_chip *c, u16 offset, u8 value)
{
	if (offset)
		write_data(c, value);
	else
		write_command(c, value);
	update(pic);
}

static u8 master_in(void *dev, u16 offset)
{
	struct pic *pic = dev;

	return chip_in(pic, &pic->master, offset);
}

static void master_out(void *dev, u16 offset, u8 value)
{
	struct pic *pic = dev;

	chip_out(pic, &pic->master, offset, value);
}

static u8 slave_in(void *dev, u16 offset)
{
	struct pic *pic = dev;

	return chip_in(pic, &pic->slave, offset);
}

static void slave_out(void *dev, u16 offset, u8 value)
{
	struct pic *pic = dev;

	chip_out(pic, &pic->slave, offset, value);
}

static u8 elcr_in(void *dev, u16 offset)
{
	struct pic *pic = dev;

	return offset ? pic->slave.elcr : pic->master.elcr;
}

static void set_elcr(struct pic_chip *c, u8 value)
{
	u8 changed = c->elcr ^ value;

	/* A level is a request by itself; what was none as an edge does not become one. */
	c->irr = (c->irr & ~changed) | (c->lines & changed & value);
	c->elcr = value;
}

static void elcr_out(void *dev, u16 offset, u8 value)
{
	struct pic *pic = dev;

	if (offset)
		set_elcr(&pic->slave, value & ELCR_SLAVE);
	else
		set_elcr(&pic->master, value & ELCR_MASTER);
	update(pic);
}

/* As a PC's firmware leaves them, but with all inputs masked: nothing handles its vectors. */
static const struct pic_chip master_at_boot = {
	.base = 0x08, .imr = 0xff, .wiring = BIT(CASCADE), .lowest = 7,
};

static const struct pic_chip slave_at_boot = {
	.base = 0x70, .imr = 0xff, .wiring = CASCADE, .lowest = 7,
};

int pic_attach(struct pic *pic, struct bus *bus, struct dev_host *host)
{
	const struct bus_range ranges[] = {
		{ "master pic", MASTER_PORT, CHIP_PORTS, master_in, master_out, pic },
		{ "slave pic", SLAVE_PORT, CHIP_PORTS, slave_in, slave_out, pic },
		{ "elcr", ELCR_PORT, ELCR_PORTS, elcr_in, elcr_out, pic },
	};
	unsigned int i;
	int ret = 0;

	*pic = (struct pic){ .host = host, .master = master_at_boot, .slave = slave_at_boot };
	for (i = 0; !ret && i < ARRAY_SIZE(ranges); i++)
		ret = bus_add(bus, &ranges[i]);
	return ret;
}
