// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: registers, edges, levels with remote IRR, masks and EOI follow the
 * datasheets of the 82093AA and of the I/O controller hubs; a state that no I/O
 * APIC can be in is refused and changes nothing.
 */
#include <stdlib.h>

#include <linux/bits.h>
#include <linux/kernel.h>

#include "ioapic_util.h"
#include "unit.h"

#define PIN	9
#define VECTOR	0x51

static void reset(void)
{
	struct board b;
	unsigned int reg;

	power_up(&b);
	EXPECT_EQ(0, ioapic_read(&b.io, IOREGSEL));
	EXPECT_EQ(0, reg_read(&b, 0));
	EXPECT_EQ(0x00170020, reg_read(&b, 1));
	EXPECT_EQ(0, reg_read(&b, 2));
	for (reg = 3; reg < 256; reg++) {
		bool low = reg >= 0x10 && reg < 0x40 && !(reg & 1);

		unit_context("register %#x", reg);
		EXPECT_EQ(low ? REDIR_MASKED : 0, reg_read(&b, reg));
	}
}

static void writable_bits(void)
{
	struct board b;
	unsigned int reg;

	for (reg = 0; reg < 256; reg++) {
		u32 expected = 0;

		power_up(&b);
		if (reg >= 0x10 && reg < 0x40)
			expected = reg & 1 ? 0xff000000 : 0x1afff;
		else if (!reg)
			expected = 0x0f000000;
		else if (reg == 1)
			expected = 0x00170020;
		unit_context("register %#x", reg);
		reg_write(&b, reg, 0xffffffff);
		EXPECT_EQ(expected, reg_read(&b, reg));
		EXPECT_EQ(0, b.sent);
	}
	unit_context("%s", "");
	reg_write(&b, 0, 0x05000000);
	EXPECT_EQ(0x05000000, reg_read(&b, 2));
	ioapic_write(&b.io, IOREGSEL, 0xffffff01, receive, &b);
	EXPECT_EQ(1, ioapic_read(&b.io, IOREGSEL));
}

/* Only three offsets are registers, and the EOI register is write-only. */
static void offsets(void)
{
	struct board b, before;
	u32 offset;

	power_up(&b);
	reg_write(&b, 0, 0x05000000);
	for (offset = 0; offset < IOAPIC_MMIO_SIZE; offset += 4) {
		unit_context("offset %#x", offset);
		if (offset != IOREGSEL && offset != IOWIN) {
			EXPECT_EQ(0, ioapic_read(&b.io, offset));
			memcpy(&before, &b, sizeof(b));
			ioapic_write(&b.io, offset, 0xffffffff, receive, &b);
			EXPECT_FALSE(memcmp(&before, &b, sizeof(b)));
		}
	}
}

static void message(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, 0x0300000000000000 | REDIR_LOGICAL | 1 << 8 | VECTOR);
	line(&b, PIN, true);
	EXPECT_EQ(1, b.sent);
	EXPECT_EQ(3, b.last.dest);
	EXPECT_EQ(VECTOR, b.last.vector);
	EXPECT_EQ(IRQ_MODE_LOWEST, b.last.mode);
	EXPECT_EQ(IRQ_TO_DEST, b.last.shorthand);
	EXPECT_TRUE(b.last.logical);
	EXPECT_FALSE(b.last.level);

	redir(&b, PIN, 0xff00000000000000 | REDIR_LEVEL | VECTOR);
	EXPECT_EQ(2, b.sent);
	EXPECT_EQ(IRQ_DEST_BROADCAST, b.last.dest);
	EXPECT_EQ(IRQ_MODE_FIXED, b.last.mode);
	EXPECT_FALSE(b.last.logical);
	EXPECT_TRUE(b.last.level);
}

static void every_pin(void)
{
	struct board b;
	unsigned int pin;

	power_up(&b);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		redir(&b, pin, 0x40 + pin);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		unit_context("pin %u", pin);
		line(&b, pin, true);
		EXPECT_EQ(pin + 1, b.sent);
		EXPECT_EQ(0x40 + pin, b.last.vector);
	}
}

static void edge(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, VECTOR);
	line(&b, PIN, false);
	EXPECT_EQ(0, b.sent);
	line(&b, PIN, true);
	EXPECT_EQ(1, b.sent);
	line(&b, PIN, true);
	EXPECT_EQ(1, b.sent);
	line(&b, PIN, false);
	EXPECT_EQ(1, b.sent);
	/* No EOI is needed in between, and none has an effect. */
	line(&b, PIN, true);
	EXPECT_EQ(2, b.sent);
	EXPECT_EQ(VECTOR, redir_read(&b, PIN));
	ioapic_eoi(&b.io, VECTOR, receive, &b);
	EXPECT_EQ(2, b.sent);
}

/* Lost, as the datasheet says: neither the edge nor the level behind it comes later. */
static void edge_while_masked(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_MASKED | VECTOR);
	line(&b, PIN, true);
	EXPECT_EQ(0, b.io.irr);
	redir(&b, PIN, VECTOR);
	EXPECT_EQ(0, b.sent);
	line(&b, PIN, false);
	line(&b, PIN, true);
	EXPECT_EQ(1, b.sent);
}

static void level(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_LEVEL | VECTOR);
	EXPECT_EQ(0, b.sent);
	line(&b, PIN, true);
	EXPECT_EQ(1, b.sent);
	EXPECT_EQ(REDIR_LEVEL | REDIR_RIRR | VECTOR, redir_read(&b, PIN));
	line(&b, PIN, true);
	line(&b, PIN, false);
	line(&b, PIN, true);
	EXPECT_EQ(1, b.sent);

	/* The EOI of another vector is not ours. Ours, and the line is still up: again. */
	ioapic_eoi(&b.io, VECTOR + 1, receive, &b);
	EXPECT_EQ(1, b.sent);
	ioapic_eoi(&b.io, VECTOR, receive, &b);
	EXPECT_EQ(2, b.sent);
	EXPECT_EQ(REDIR_LEVEL | REDIR_RIRR | VECTOR, redir_read(&b, PIN));
	line(&b, PIN, false);
	ioapic_eoi(&b.io, VECTOR, receive, &b);
	EXPECT_EQ(2, b.sent);
	EXPECT_EQ(REDIR_LEVEL | VECTOR, redir_read(&b, PIN));
	ioapic_eoi(&b.io, VECTOR, receive, &b);
	EXPECT_EQ(2, b.sent);
}

static void level_while_masked(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_MASKED | REDIR_LEVEL | VECTOR);
	line(&b, PIN, true);
	EXPECT_EQ(0, b.sent);
	redir(&b, PIN, REDIR_LEVEL | VECTOR);
	EXPECT_EQ(1, b.sent);
	/* Masked after acceptance: the EOI still ends it, and the line waits. */
	redir(&b, PIN, REDIR_MASKED | REDIR_LEVEL | VECTOR);
	EXPECT_EQ(REDIR_MASKED | REDIR_LEVEL | REDIR_RIRR | VECTOR, redir_read(&b, PIN));
	ioapic_eoi(&b.io, VECTOR, receive, &b);
	EXPECT_EQ(1, b.sent);
	EXPECT_EQ(REDIR_MASKED | REDIR_LEVEL | VECTOR, redir_read(&b, PIN));
	redir(&b, PIN, REDIR_LEVEL | VECTOR);
	EXPECT_EQ(2, b.sent);
	/* A level that went while masked is gone. */
	redir(&b, PIN, REDIR_MASKED | REDIR_LEVEL | VECTOR);
	line(&b, PIN, false);
	ioapic_eoi(&b.io, VECTOR, receive, &b);
	redir(&b, PIN, REDIR_LEVEL | VECTOR);
	EXPECT_EQ(2, b.sent);
}

static void eoi_register(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_LEVEL | VECTOR);
	redir(&b, PIN + 1, REDIR_LEVEL | VECTOR);
	line(&b, PIN, true);
	line(&b, PIN + 1, true);
	line(&b, PIN, false);
	EXPECT_EQ(2, b.sent);
	ioapic_write(&b.io, IOEOI, 0xffffff00 | VECTOR, receive, &b);
	/* Both pins had the vector; one is still up. */
	EXPECT_EQ(REDIR_LEVEL | VECTOR, redir_read(&b, PIN));
	EXPECT_EQ(REDIR_LEVEL | REDIR_RIRR | VECTOR, redir_read(&b, PIN + 1));
	EXPECT_EQ(3, b.sent);
}

/* How software without the EOI register clears remote IRR. */
/* Asserted until EOI: one message, then silence until it is asserted again. */
static void held_until_eoi(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_LEVEL | 0x41);
	ioapic_hold(&b.io, PIN, receive, &b);
	ioapic_hold(&b.io, PIN, receive, &b);
	EXPECT_EQ(1, b.sent);
	EXPECT_EQ(1u << PIN, b.io.held);
	EXPECT_EQ(0, b.io.lines);
	ioapic_eoi(&b.io, 0x42, receive, &b);
	EXPECT_EQ(1u << PIN, b.io.held);
	EXPECT_EQ(0, b.io.ended);
	ioapic_eoi(&b.io, 0x41, receive, &b);
	EXPECT_EQ(0, b.io.held);
	EXPECT_EQ(1u << PIN, b.io.ended);
	EXPECT_EQ(1, b.sent);
	ioapic_hold(&b.io, PIN, receive, &b);
	EXPECT_EQ(2, b.sent);
	/* By the EOI register, too. */
	b.io.ended = 0;
	ioapic_write(&b.io, IOEOI, 0x41, receive, &b);
	EXPECT_EQ(1u << PIN, b.io.ended);
}

/* The line and the held level are wired OR: neither takes the other away. */
static void held_beside_a_line(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_LEVEL | 0x41);
	ioapic_hold(&b.io, PIN, receive, &b);
	line(&b, PIN, true);
	EXPECT_EQ(1, b.sent);
	ioapic_eoi(&b.io, 0x41, receive, &b);
	EXPECT_EQ(1u << PIN, b.io.ended);
	EXPECT_EQ(2, b.sent);			/* the line is still up */
	ioapic_hold(&b.io, PIN, receive, &b);
	line(&b, PIN, false);
	EXPECT_EQ(1u << PIN, b.io.held);
	ioapic_eoi(&b.io, 0x41, receive, &b);
	EXPECT_EQ(2, b.sent);
}

/* An EOI of the pin's vector that is not its own: masked, it has sent nothing yet. */
static void held_while_masked(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_LEVEL | REDIR_MASKED | 0x41);
	ioapic_hold(&b.io, PIN, receive, &b);
	ioapic_eoi(&b.io, 0x41, receive, &b);
	EXPECT_EQ(1u << PIN, b.io.held);
	EXPECT_EQ(0, b.io.ended);
	redir(&b, PIN, REDIR_LEVEL | 0x41);
	EXPECT_EQ(1, b.sent);
}

static void trigger_change_clears_remote_irr(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_LEVEL | VECTOR);
	line(&b, PIN, true);
	line(&b, PIN, false);
	redir(&b, PIN, REDIR_MASKED | VECTOR);
	EXPECT_EQ(REDIR_MASKED | VECTOR, redir_read(&b, PIN));
	redir(&b, PIN, REDIR_MASKED | REDIR_LEVEL | VECTOR);
	EXPECT_EQ(REDIR_MASKED | REDIR_LEVEL | VECTOR, redir_read(&b, PIN));
	/* Neither remote IRR nor delivery status can be written. */
	redir(&b, PIN, REDIR_LEVEL | REDIR_RIRR | REDIR_PENDING | VECTOR);
	EXPECT_EQ(REDIR_LEVEL | VECTOR, redir_read(&b, PIN));
	/* A new vector in between leaves it alone. */
	line(&b, PIN, true);
	redir(&b, PIN, REDIR_LEVEL | (VECTOR + 1));
	EXPECT_EQ(REDIR_LEVEL | REDIR_RIRR | (VECTOR + 1), redir_read(&b, PIN));
}

/* Without a vector there is no EOI: level or not, one message an edge. */
static void modes(void)
{
	struct board b;
	unsigned int mode;

	for (mode = 0; mode < 8; mode++) {
		bool reserved = mode == IRQ_MODE_RESERVED || mode == IRQ_MODE_SIPI;
		bool has_vector = mode <= IRQ_MODE_LOWEST;

		unit_context("mode %u", mode);
		power_up(&b);
		redir(&b, PIN, REDIR_LEVEL | mode << 8 | VECTOR);
		line(&b, PIN, true);
		EXPECT_EQ(!reserved, b.sent);
		if (reserved)
			continue;
		EXPECT_EQ(mode, b.last.mode);
		EXPECT_EQ(has_vector, b.last.level);
		EXPECT_EQ(has_vector, !!(redir_read(&b, PIN) & REDIR_RIRR));
		line(&b, PIN, false);
		line(&b, PIN, true);
		EXPECT_EQ(has_vector ? 1 : 2, b.sent);
	}
}

/* The line is given as asserted or not, so polarity has nothing to turn round. */
static void polarity(void)
{
	struct board b;

	power_up(&b);
	redir(&b, PIN, REDIR_LEVEL | REDIR_LOW | VECTOR);
	EXPECT_EQ(0, b.sent);
	line(&b, PIN, true);
	EXPECT_EQ(1, b.sent);
	EXPECT_EQ(REDIR_LEVEL | REDIR_LOW | REDIR_RIRR | VECTOR, redir_read(&b, PIN));
}

/* No local APIC takes the message: it stays "send pending". */
static void send_pending(void)
{
	struct board b;

	power_up(&b);
	b.refuse = true;
	redir(&b, PIN, VECTOR);
	redir(&b, PIN + 1, REDIR_LEVEL | VECTOR);
	line(&b, PIN, true);
	line(&b, PIN, false);
	line(&b, PIN + 1, true);
	EXPECT_EQ(REDIR_PENDING | VECTOR, redir_read(&b, PIN));
	EXPECT_EQ(REDIR_PENDING | REDIR_LEVEL | VECTOR, redir_read(&b, PIN + 1));

	b.refuse = false;
	ioapic_retry(&b.io, receive, &b);
	EXPECT_EQ(2, b.sent);
	EXPECT_EQ(VECTOR, redir_read(&b, PIN));
	EXPECT_EQ(REDIR_LEVEL | REDIR_RIRR | VECTOR, redir_read(&b, PIN + 1));
	ioapic_retry(&b.io, receive, &b);
	EXPECT_EQ(2, b.sent);

	/* The mask, or level triggering, withdraws the edge. */
	b.refuse = true;
	line(&b, PIN, true);
	EXPECT_EQ(REDIR_PENDING | VECTOR, redir_read(&b, PIN));
	redir(&b, PIN, REDIR_MASKED | VECTOR);
	EXPECT_EQ(REDIR_MASKED | VECTOR, redir_read(&b, PIN));
	redir(&b, PIN, VECTOR);
	line(&b, PIN, false);
	line(&b, PIN, true);
	line(&b, PIN, false);
	redir(&b, PIN, REDIR_LEVEL | VECTOR);
	redir(&b, PIN, VECTOR);
	b.refuse = false;
	ioapic_retry(&b.io, receive, &b);
	EXPECT_EQ(2, b.sent);
}

static void state(void)
{
	struct board a, b;
	struct ioapic copy, again;

	power_up(&a);
	reg_write(&a, 0, 0x05000000);
	redir(&a, 1, REDIR_LEVEL | VECTOR);
	line(&a, 1, true);
	a.refuse = true;
	redir(&a, 2, VECTOR + 1);
	line(&a, 2, true);
	redir(&a, 3, 0x0900000000000000 | REDIR_LEVEL | REDIR_LOW | (VECTOR + 2));
	line(&a, 3, true);
	ioapic_get_state(&a.io, &copy);
	EXPECT_EQ(REDIR_LEVEL | REDIR_RIRR | VECTOR, copy.redir[1]);
	EXPECT_EQ(REDIR_PENDING | (VECTOR + 1), copy.redir[2]);
	EXPECT_EQ(0xe, copy.lines);
	EXPECT_EQ(0x4, copy.irr);

	power_up(&b);
	EXPECT_EQ(0, ioapic_set_state(&b.io, &copy));
	EXPECT_FALSE(memcmp(&a.io, &b.io, sizeof(a.io)));
	ioapic_get_state(&b.io, &again);
	EXPECT_FALSE(memcmp(&copy, &again, sizeof(copy)));
	EXPECT_EQ(0, b.sent);
	ioapic_retry(&b.io, receive, &b);
	EXPECT_EQ(2, b.sent);
	EXPECT_EQ(9, b.last.dest);
}

static void bad_states(void)
{
	/* What replaces a member of a state after reset, with pin PIN edge-triggered. */
	static const struct {
		u32 id, select, lines, irr;
		u64 redir;
	} rows[] = {
		{ .id = 0x10000000, .redir = VECTOR },
		{ .select = 0x100, .redir = VECTOR },
		{ .lines = 1u << IOAPIC_PINS, .redir = VECTOR },
		{ .irr = 1u << 31, .redir = VECTOR },
		{ .redir = 0x20000 | VECTOR },
		{ .redir = 1ull << 55 | VECTOR },
		{ .redir = REDIR_RIRR | VECTOR },
		{ .redir = REDIR_RIRR | REDIR_LEVEL | 0x400 },
		{ .irr = BIT(PIN), .redir = REDIR_MASKED | VECTOR },
		{ .irr = BIT(PIN), .redir = REDIR_LEVEL | VECTOR },
	};
	struct ioapic copy, before;
	struct board b;
	unsigned int i;

	power_up(&b);
	memcpy(&before, &b.io, sizeof(before));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("row %u", i);
		ioapic_get_state(&b.io, &copy);
		copy.id = rows[i].id;
		copy.select = rows[i].select;
		copy.lines = rows[i].lines;
		copy.irr = rows[i].irr;
		copy.redir[PIN] = rows[i].redir;
		EXPECT_EQ(-22, ioapic_set_state(&b.io, &copy));
		EXPECT_FALSE(memcmp(&before, &b.io, sizeof(before)));
	}
	/* Each row has one thing wrong: without it the state is good. */
	unit_context("%s", "");
	copy.irr = 0;
	EXPECT_EQ(0, ioapic_set_state(&b.io, &copy));
}

/* Loops over the pins end with the last: the sanitizer watches the end of the allocation. */
static void ends_with_the_last_pin(void)
{
	struct ioapic *io = malloc(sizeof(*io));
	unsigned int vector;
	struct board b;

	power_up(&b);
	ioapic_reset(io);
	ioapic_retry(io, receive, &b);
	for (vector = 0; vector < 256; vector++)
		ioapic_eoi(io, vector, receive, &b);
	EXPECT_EQ(0, ioapic_set_state(io, &b.io));
	EXPECT_EQ(0, b.sent);
	free(io);
}

static const struct unit_test tests[] = {
	UNIT_TEST(reset),
	UNIT_TEST(writable_bits),
	UNIT_TEST(offsets),
	UNIT_TEST(message),
	UNIT_TEST(every_pin),
	UNIT_TEST(edge),
	UNIT_TEST(edge_while_masked),
	UNIT_TEST(level),
	UNIT_TEST(level_while_masked),
	UNIT_TEST(eoi_register),
	UNIT_TEST(held_until_eoi),
	UNIT_TEST(held_beside_a_line),
	UNIT_TEST(held_while_masked),
	UNIT_TEST(trigger_change_clears_remote_irr),
	UNIT_TEST(modes),
	UNIT_TEST(polarity),
	UNIT_TEST(send_pending),
	UNIT_TEST(state),
	UNIT_TEST(bad_states),
	UNIT_TEST(ends_with_the_last_pin),
};

UNIT_MAIN(tests)
