// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the pair of 8259As asks for, orders, gives out and ends interrupts as
 * the datasheet says, by every command there is.
 */
#include "dev_util.h"

#include "dev/pic.h"

#define EOI		0x20
#define SPECIFIC_EOI	0x60

static struct pic pic;

/* As an operating system sets it up: vectors 20H and 28H, nothing masked. */
static void init(u16 port, u8 base, u8 wiring, u8 icw4)
{
	out8(port, 0x11);
	out8(port + 1, base);
	out8(port + 1, wiring);
	out8(port + 1, icw4);
}

static void reset_with(u8 icw4)
{
	EXPECT_EQ(0, pic_attach(&pic, &bus, notes_reset()));
	init(0x20, 0x20, 4, icw4);
	init(0xa0, 0x28, 2, 1);
}

static void reset(void)
{
	reset_with(1);
}

static void pulse(unsigned int input)
{
	pic_set_line(&pic, input, false);
	pic_set_line(&pic, input, true);
}

static u8 isr(u16 port)
{
	out8(port, 0x0b);
	return in8(port);
}

static u8 irr(u16 port)
{
	out8(port, 0x0a);
	return in8(port);
}

static void at_boot(void)
{
	unsigned int i;

	EXPECT_EQ(0, pic_attach(&pic, &bus, notes_reset()));
	EXPECT_EQ(0xff, in8(0x21));
	EXPECT_EQ(0xff, in8(0xa1));
	for (i = 0; i < PIC_INPUTS; i++)
		pulse(i);
	EXPECT_EQ(0, notes.intr_edges);
	/* Unmasked, they come at the vectors of a PC's firmware. */
	out8(0xa1, 0xfe);
	out8(0x21, 0xfb);
	EXPECT_TRUE(notes.intr);
	EXPECT_EQ(0x70, pic_inta(&pic));
	out8(0x21, 0xfa);
	EXPECT_EQ(0x08, pic_inta(&pic));
}

static void every_input(void)
{
	unsigned int i;

	for (i = 0; i < PIC_INPUTS; i++) {
		if (i == 2)
			continue;
		unit_context("input %u", i);
		reset();
		pic_set_line(&pic, i, true);
		EXPECT_TRUE(notes.intr);
		EXPECT_TRUE(pic_waits(&pic, i));
		EXPECT_EQ(0x20 + i, pic_inta(&pic));
		EXPECT_FALSE(pic_waits(&pic, i));
		EXPECT_FALSE(notes.intr);
		EXPECT_EQ(i < 8 ? BIT(i) : 4, isr(0x20));
		EXPECT_EQ(i < 8 ? 0 : BIT(i - 8), isr(0xa0));
		if (i >= 8)
			out8(0xa0, EOI);
		out8(0x20, EOI);
		EXPECT_EQ(0, isr(0x20));
		EXPECT_EQ(0, isr(0xa0));
		/* An edge is one interrupt, however long the line stays up. */
		EXPECT_FALSE(notes.intr);
	}
	/* Where the slave sits nothing else does. */
	reset();
	pic_set_line(&pic, 2, true);
	EXPECT_EQ(0, notes.intr_edges);
}

static void priorities(void)
{
	reset();
	pulse(5);
	pulse(3);
	EXPECT_EQ(0x23, pic_inta(&pic));
	EXPECT_FALSE(notes.intr);
	/* A higher one interrupts, the same and lower ones wait. */
	pulse(3);
	EXPECT_FALSE(notes.intr);
	pulse(1);
	EXPECT_TRUE(notes.intr);
	EXPECT_EQ(0x21, pic_inta(&pic));
	EXPECT_EQ(0x0a, isr(0x20));
	EXPECT_EQ(0x28, irr(0x20));
	out8(0x20, EOI);
	EXPECT_EQ(0x08, isr(0x20));
	out8(0x20, EOI);
	EXPECT_EQ(0x23, pic_inta(&pic));
	out8(0x20, EOI);
	EXPECT_EQ(0x25, pic_inta(&pic));
	out8(0x20, EOI);
	EXPECT_EQ(0, isr(0x20));
}

static void slave_between_one_and_three(void)
{
	reset();
	pulse(3);
	pulse(15);
	EXPECT_EQ(0x2f, pic_inta(&pic));
	/* The master thinks input 2 is served: a more urgent one of the slave waits. */
	pulse(8);
	EXPECT_FALSE(notes.intr);
	pulse(1);
	EXPECT_EQ(0x21, pic_inta(&pic));
	out8(0x20, EOI);
	out8(0xa0, EOI);
	out8(0x20, EOI);
	EXPECT_EQ(0x28, pic_inta(&pic));
	out8(0xa0, EOI);
	out8(0x20, EOI);
	EXPECT_EQ(0x23, pic_inta(&pic));
}

static void fully_nested_slave(void)
{
	reset_with(0x11);
	pulse(15);
	EXPECT_EQ(0x2f, pic_inta(&pic));
	pulse(8);
	EXPECT_TRUE(notes.intr);
	EXPECT_EQ(0x28, pic_inta(&pic));
	EXPECT_EQ(0x81, isr(0xa0));
	/* Not for one that is less urgent. */
	pulse(9);
	EXPECT_FALSE(notes.intr);
}

static void spurious(void)
{
	reset();
	pic_set_line(&pic, 4, true);
	EXPECT_TRUE(notes.intr);
	pic_set_line(&pic, 4, false);
	EXPECT_FALSE(notes.intr);
	EXPECT_EQ(0x27, pic_inta(&pic));
	EXPECT_EQ(0, isr(0x20));
	/* Gone at the slave only: the master has served input 2. */
	pic_set_line(&pic, 12, true);
	pic.slave.irr = 0;
	EXPECT_EQ(0x2f, pic_inta(&pic));
	EXPECT_EQ(0, isr(0xa0));
	EXPECT_EQ(4, isr(0x20));
}

static void masks(void)
{
	reset();
	out8(0x21, 0x10);
	pulse(4);
	EXPECT_FALSE(notes.intr);
	EXPECT_FALSE(pic_waits(&pic, 4));
	EXPECT_EQ(0x10, irr(0x20));
	out8(0x21, 0);
	EXPECT_TRUE(notes.intr);
	out8(0x21, 0x10);
	EXPECT_FALSE(notes.intr);
	/* The slave behind a masked input 2. */
	out8(0x21, 0x14);
	pulse(10);
	EXPECT_FALSE(notes.intr);
	out8(0x21, 0x10);
	EXPECT_EQ(0x2a, pic_inta(&pic));
}

static void special_mask_mode(void)
{
	reset();
	pulse(1);
	EXPECT_EQ(0x21, pic_inta(&pic));
	pulse(6);
	EXPECT_FALSE(notes.intr);
	out8(0x20, 0x68);
	EXPECT_FALSE(notes.intr);
	out8(0x21, 0x02);
	EXPECT_TRUE(notes.intr);
	EXPECT_EQ(0x26, pic_inta(&pic));
	/* An EOI for the highest passes over what is masked. */
	out8(0x20, EOI);
	EXPECT_EQ(0x02, isr(0x20));
	out8(0x20, EOI);
	EXPECT_EQ(0x02, isr(0x20));
	out8(0x20, SPECIFIC_EOI | 1);
	EXPECT_EQ(0, isr(0x20));
	/* And off again; without ESMM the bit counts for nothing. */
	out8(0x20, 0x28);
	EXPECT_TRUE(pic.master.special_mask);
	out8(0x20, 0x48);
	EXPECT_FALSE(pic.master.special_mask);
}

static void specific_eoi(void)
{
	reset();
	pulse(6);
	EXPECT_EQ(0x26, pic_inta(&pic));
	pulse(2 + 3);
	EXPECT_EQ(0x25, pic_inta(&pic));
	out8(0x20, SPECIFIC_EOI | 6);
	EXPECT_EQ(0x20, isr(0x20));
	/* No operation. */
	out8(0x20, 0x40);
	EXPECT_EQ(0x20, isr(0x20));
	out8(0x20, EOI);
	out8(0x20, EOI);
	EXPECT_EQ(0, isr(0x20));
}

static void rotation(void)
{
	reset();
	/* By command: 4 is the lowest, 5 the highest. */
	out8(0x20, 0xc4);
	pulse(0);
	pulse(4);
	pulse(5);
	EXPECT_EQ(0x25, pic_inta(&pic));
	/* With the EOI: 5 becomes the lowest, 6 the highest. */
	out8(0x20, 0xa0);
	EXPECT_EQ(0x20, pic_inta(&pic));
	pulse(5);
	out8(0x20, EOI);
	EXPECT_EQ(0x24, pic_inta(&pic));
	/* With a specific EOI: 7 is the highest. */
	out8(0x20, 0xe0 | 4);
	EXPECT_EQ(4, pic.master.lowest);
	EXPECT_EQ(0x25, pic_inta(&pic));
}

static void auto_eoi(void)
{
	reset_with(3);
	pulse(3);
	EXPECT_EQ(0x23, pic_inta(&pic));
	EXPECT_EQ(0, isr(0x20));
	EXPECT_EQ(7, pic.master.lowest);
	out8(0x20, 0x80);
	pulse(3);
	EXPECT_EQ(0x23, pic_inta(&pic));
	EXPECT_EQ(3, pic.master.lowest);
	out8(0x20, 0x00);
	pulse(5);
	EXPECT_EQ(0x25, pic_inta(&pic));
	EXPECT_EQ(3, pic.master.lowest);
}

static void polling(void)
{
	reset();
	out8(0x20, 0x0c);
	EXPECT_EQ(0, in8(0x20));
	pulse(6);
	out8(0x20, 0x0c);
	EXPECT_EQ(0x86, in8(0x20));
	EXPECT_FALSE(notes.intr);
	EXPECT_EQ(0x40, isr(0x20));
	out8(0x20, EOI);
	/* The slave behind the master; at the data port it is the same. */
	pulse(11);
	out8(0x20, 0x0c);
	EXPECT_EQ(0x82, in8(0x21));
	out8(0xa0, 0x0c);
	EXPECT_EQ(0x83, in8(0xa1));
	EXPECT_EQ(8, isr(0xa0));
	EXPECT_EQ(4, isr(0x20));
	/* One read only. */
	EXPECT_EQ(0, in8(0x21));
}

static void level_triggered(void)
{
	reset();
	out8(0x4d0, 0xff);
	out8(0x4d1, 0xff);
	EXPECT_EQ(0xf8, in8(0x4d0));
	EXPECT_EQ(0xde, in8(0x4d1));
	pic_set_line(&pic, 11, true);
	EXPECT_EQ(0x2b, pic_inta(&pic));
	EXPECT_FALSE(notes.intr);
	out8(0xa0, EOI);
	out8(0x20, EOI);
	EXPECT_TRUE(notes.intr);
	EXPECT_EQ(0x2b, pic_inta(&pic));
	pic_set_line(&pic, 11, false);
	out8(0xa0, EOI);
	out8(0x20, EOI);
	EXPECT_FALSE(notes.intr);
	/* An edge input that is up is no request; as a level it is. */
	out8(0x4d0, 0);
	pic_set_line(&pic, 5, true);
	EXPECT_EQ(0x25, pic_inta(&pic));
	out8(0x20, EOI);
	EXPECT_FALSE(notes.intr);
	out8(0x4d0, 0x20);
	EXPECT_TRUE(notes.intr);
	out8(0x4d0, 0);
	EXPECT_FALSE(notes.intr);
}

static void slave_asks_twice(void)
{
	reset();
	pulse(9);
	pulse(14);
	EXPECT_EQ(0x29, pic_inta(&pic));
	out8(0xa0, EOI);
	out8(0x20, EOI);
	EXPECT_EQ(0x2e, pic_inta(&pic));
	out8(0xa0, EOI);
	out8(0x20, EOI);
	EXPECT_FALSE(notes.intr);
}

/* ICW1 starts over: edges, mask, service, priorities. */
static void initialisation(void)
{
	reset();
	pulse(3);
	EXPECT_EQ(0x23, pic_inta(&pic));
	pulse(4);
	out8(0x20, 0xc4);
	out8(0x21, 0xf0);
	out8(0x20, 0x0b);
	out8(0x20, 0x11);
	EXPECT_EQ(0, in8(0x20));
	EXPECT_EQ(0, in8(0x21));
	EXPECT_EQ(0, isr(0x20));
	EXPECT_FALSE(notes.intr);
	/* No interrupts between its words. */
	pulse(5);
	out8(0x21, 0x47);
	out8(0x21, 4);
	EXPECT_FALSE(notes.intr);
	out8(0x21, 1);
	EXPECT_TRUE(notes.intr);
	EXPECT_EQ(0x45, pic_inta(&pic));
	/* Then the mask again. */
	out8(0x21, 0xaa);
	EXPECT_EQ(0xaa, in8(0x21));
}

static void short_initialisation(void)
{
	reset();
	/* One chip alone, no ICW4: ICW3 is left out too. */
	out8(0x20, 0x12);
	out8(0x21, 0x60);
	out8(0x21, 0x55);
	EXPECT_EQ(0x55, in8(0x21));
	out8(0x21, 0);
	pulse(9);
	EXPECT_EQ(0x62, pic_inta(&pic));
	/* With a slave, no ICW4. */
	out8(0x20, 0x10);
	out8(0x21, 0x60);
	out8(0x21, 4);
	out8(0x21, 0x33);
	EXPECT_EQ(0x33, in8(0x21));
}

static const struct unit_test tests[] = {
	UNIT_TEST(at_boot),
	UNIT_TEST(every_input),
	UNIT_TEST(priorities),
	UNIT_TEST(slave_between_one_and_three),
	UNIT_TEST(fully_nested_slave),
	UNIT_TEST(spurious),
	UNIT_TEST(masks),
	UNIT_TEST(special_mask_mode),
	UNIT_TEST(specific_eoi),
	UNIT_TEST(rotation),
	UNIT_TEST(auto_eoi),
	UNIT_TEST(polling),
	UNIT_TEST(level_triggered),
	UNIT_TEST(slave_asks_twice),
	UNIT_TEST(initialisation),
	UNIT_TEST(short_initialisation),
};

UNIT_MAIN(tests)
