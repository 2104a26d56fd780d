// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: between devices and CPUs no interrupt is lost. Devices raise lines
 * at random; CPUs take, serve and end interrupts at random, nested, masked,
 * retargeted, with local APICs that are disabled and enabled. When all is quiet,
 * every device has been served. And whatever is written to the I/O APIC, its
 * state stays one that can be restored.
 */
#include <linux/kernel.h>

#include "ioapic_util.h"
#include "lapic_random.h"
#include "irq/lapic.h"
#include "unit.h"

#define CPUS		4
#define SEEDS		100
#define STEPS		20000

#define FIRST_VECTOR	0x30

#define APIC_EOI	0x0b0
#define APIC_LDR	0x0d0
#define APIC_SVR	0x0f0
#define SVR_ENABLED	0x1ff
#define SVR_DISABLED	0x0ff

struct machine {
	struct random random;
	struct ioapic io;
	struct lapic cpu[CPUS];
	u32 page[CPUS][LAPIC_PAGE_SIZE / sizeof(u32)];
	bool eoi_register[CPUS];	/* EOI broadcast suppressed: the handler writes IOEOI */
	bool waiting[IOAPIC_PINS];	/* the device has something to be served */
	u64 requests, served, messages, refused, heard;
};

static bool is_level(unsigned int pin)
{
	return pin % 2;
}

/* Devices of this kind assert until EOI; the others take their line away when served. */
static bool holds(unsigned int pin)
{
	return pin % 4 == 3;
}

/* Deliver as the kernel does: match every CPU, choose one in lowest-priority mode. */
static bool deliver(void *ctx, const struct irq_msg *msg)
{
	struct machine *m = ctx;
	u64 receivers = 0;
	int i;

	for (i = 0; i < CPUS; i++)
		if (lapic_match(lapic_route(&m->cpu[i]), msg, false))
			receivers |= 1ull << i;
	if (msg->mode == IRQ_MODE_LOWEST && receivers)
		receivers = 1ull << lapic_lowest(receivers, msg->vector);
	for (i = 0; i < CPUS; i++)
		if (receivers >> i & 1)
			lapic_accept(&m->cpu[i], msg->vector, msg->level);
	m->messages += !!receivers;
	m->refused += !receivers;
	return receivers;
}

static void select_write(struct machine *m, u32 index, u32 value)
{
	ioapic_write(&m->io, IOREGSEL, index, deliver, m);
	ioapic_write(&m->io, IOWIN, value, deliver, m);
}

/* Not one register at a time: the CPU may change between the halves. */
static void target(struct machine *m, unsigned int pin, bool masked)
{
	u32 low = (FIRST_VECTOR + pin * 8) | (is_level(pin) ? REDIR_LEVEL : 0);
	u32 dest = random_below(&m->random, CPUS);

	/* One CPU by its ID, or one of those in a logical group. */
	if (random_below(&m->random, 2)) {
		low |= REDIR_LOGICAL | IRQ_MODE_LOWEST << 8;
		dest = 1 + random_below(&m->random, (1 << CPUS) - 1);
	}
	select_write(m, 0x11 + 2 * pin, dest << 24);
	select_write(m, 0x10 + 2 * pin, low | (masked ? REDIR_MASKED : 0));
}

static void lapic_wr(struct machine *m, int cpu, u32 offset, u32 value)
{
	struct lapic_out out = { 0 };

	lapic_write(&m->cpu[cpu], offset, value, 0, &out);
	if (out.todo & LAPIC_OUT_EOI)
		ioapic_eoi(&m->io, out.eoi_vector, deliver, m);
	if (out.todo & LAPIC_OUT_ROUTE)
		ioapic_retry(&m->io, deliver, m);
}

static void start(struct machine *m, u64 seed)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	random_seed(&m->random, seed);
	ioapic_reset(&m->io);
	for (i = 0; i < CPUS; i++) {
		lapic_reset(&m->cpu[i], m->page[i], i, !i);
		m->eoi_register[i] = seed & 1;
		lapic_wr(m, i, APIC_LDR, 1u << (24 + i));
		lapic_wr(m, i, APIC_SVR, SVR_ENABLED | (m->eoi_register[i] ? 0x1000 : 0));
	}
	for (i = 0; i < IOAPIC_PINS; i++)
		target(m, i, false);
}

static void op_request(struct machine *m)
{
	unsigned int pin = random_below(&m->random, IOAPIC_PINS);

	m->requests++;
	m->waiting[pin] = true;
	if (holds(pin)) {
		ioapic_hold(&m->io, pin, deliver, m);
		return;
	}
	ioapic_set_line(&m->io, pin, true, deliver, m);
	if (!is_level(pin))
		ioapic_set_line(&m->io, pin, false, deliver, m);
}

/* Devices that hear of the EOI and, if they want service again by then, say so again. */
static void hear(struct machine *m)
{
	u32 ended = m->io.ended;
	unsigned int pin;

	m->io.ended = 0;
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(ended & 1u << pin))
			continue;
		EXPECT_TRUE(holds(pin));
		m->heard++;
		if (m->waiting[pin])
			ioapic_hold(&m->io, pin, deliver, m);
	}
}

static void serve(struct machine *m, int cpu)
{
	int vector = lapic_pending(&m->cpu[cpu]);
	unsigned int pin = (vector - FIRST_VECTOR) / 8;

	if (vector < 0)
		return;
	lapic_ack(&m->cpu[cpu], vector);
	EXPECT_EQ(0, (vector - FIRST_VECTOR) % 8);
	EXPECT_TRUE(pin < IOAPIC_PINS);
	if (pin >= IOAPIC_PINS)
		return;
	m->served += m->waiting[pin];
	m->waiting[pin] = false;
	if (is_level(pin) && !holds(pin))
		ioapic_set_line(&m->io, pin, false, deliver, m);
}

static void end(struct machine *m, int cpu)
{
	int vector = m->cpu[cpu].isr_top;

	if (vector < 0)
		return;
	lapic_wr(m, cpu, APIC_EOI, 0);
	if (m->eoi_register[cpu])
		ioapic_write(&m->io, IOEOI, vector, deliver, m);
	hear(m);
}

static void op_serve(struct machine *m)
{
	serve(m, random_below(&m->random, CPUS));
}

static void op_end(struct machine *m)
{
	end(m, random_below(&m->random, CPUS));
}

/* Software masks level pins only: an edge while masked is lost by design. */
static void op_target(struct machine *m)
{
	unsigned int pin = random_below(&m->random, IOAPIC_PINS);

	target(m, pin, is_level(pin) && random_below(&m->random, 2));
}

static void op_switch(struct machine *m)
{
	int cpu = random_below(&m->random, CPUS);
	u32 svr = random_below(&m->random, 2) ? SVR_ENABLED : SVR_DISABLED;

	lapic_wr(m, cpu, APIC_SVR, svr | (m->eoi_register[cpu] ? 0x1000 : 0));
}

static void op_save(struct machine *m)
{
	struct ioapic state, before = m->io;

	ioapic_get_state(&m->io, &state);
	memset(&m->io, 0xa5, sizeof(m->io));
	EXPECT_EQ(0, ioapic_set_state(&m->io, &state));
	EXPECT_FALSE(memcmp(&before, &m->io, sizeof(before)));
}

/* All APICs on, all pins unmasked, and no new requests: everyone gets served. */
static void settle(struct machine *m)
{
	unsigned int i, round;

	for (i = 0; i < CPUS; i++)
		lapic_wr(m, i, APIC_SVR, SVR_ENABLED | (m->eoi_register[i] ? 0x1000 : 0));
	for (i = 0; i < IOAPIC_PINS; i++)
		target(m, i, false);
	for (round = 0; round < 4 * IOAPIC_PINS; round++) {
		for (i = 0; i < CPUS; i++) {
			serve(m, i);
			end(m, i);
		}
	}
	EXPECT_EQ(0, m->io.irr);
	EXPECT_EQ(0, m->io.lines);
	EXPECT_EQ(0, m->io.held);
	for (i = 0; i < IOAPIC_PINS; i++) {
		EXPECT_FALSE(m->waiting[i]);
		EXPECT_FALSE(m->io.redir[i] & REDIR_RIRR);
	}
	for (i = 0; i < CPUS; i++) {
		EXPECT_EQ(-1, m->cpu[i].irr_top);
		EXPECT_EQ(-1, m->cpu[i].isr_top);
	}
}

static struct machine machine;

static void devices(void)
{
	static void (*const ops[])(struct machine *m) = {
		op_request, op_request, op_request, op_serve, op_serve, op_serve, op_end, op_end,
		op_end, op_target, op_switch, op_save,
	};
	u64 seed, requests = 0, served = 0, messages = 0, refused = 0, heard = 0;
	int i;

	for (seed = 1; seed <= SEEDS; seed++) {
		start(&machine, seed);
		for (i = 0; i < STEPS; i++) {
			unit_context("seed %llu step %d", seed, i);
			ops[random_below(&machine.random, ARRAY_SIZE(ops))](&machine);
			if (i % 1000 == 999)
				settle(&machine);
		}
		requests += machine.requests;
		served += machine.served;
		messages += machine.messages;
		refused += machine.refused;
		heard += machine.heard;
	}
	printf("  # %llu requests, %llu served, %llu messages, %llu refused, %llu ends heard\n",
	       requests, served, messages, refused, heard);
	/* Requests to a device that already waits are one; but the run must not idle. */
	EXPECT_TRUE(served > requests / 10 && refused > 1000 && heard > 1000);
}

/* A board whose local APICs refuse at random; nothing else is asked of it. */
static bool maybe(void *ctx, const struct irq_msg *msg)
{
	struct machine *m = ctx;

	EXPECT_TRUE(msg->mode != IRQ_MODE_RESERVED && msg->mode != IRQ_MODE_SIPI);
	EXPECT_TRUE(!msg->level || irq_mode_has_vector(msg->mode));
	return random_below(&m->random, 4);
}

static bool yes(void *ctx, const struct irq_msg *msg)
{
	return ctx && msg;
}

static void write_anything(struct machine *m)
{
	u32 index = random_below(&m->random, 4) ? 0x10 + random_below(&m->random, 48) :
		    (u32)random_next(&m->random);
	u32 offset = random_below(&m->random, 8) ? IOWIN : random_below(&m->random, 0x100);

	ioapic_write(&m->io, IOREGSEL, index, maybe, m);
	ioapic_write(&m->io, offset, random_next(&m->random) & random_next(&m->random), maybe, m);
	ioapic_read(&m->io, offset);
}

static void anything(void)
{
	struct machine *m = &machine;
	unsigned int pin;
	u64 seed;
	int i;

	for (seed = 1; seed <= SEEDS; seed++) {
		start(m, seed);
		for (i = 0; i < STEPS; i++) {
			unit_context("seed %llu step %d", seed, i);
			pin = random_below(&m->random, IOAPIC_PINS);
			if (random_below(&m->random, 2))
				write_anything(m);
			ioapic_set_line(&m->io, pin, random_below(&m->random, 2), maybe, m);
			if (!random_below(&m->random, 4))
				ioapic_hold(&m->io, pin, maybe, m);
			if (!random_below(&m->random, 4))
				ioapic_eoi(&m->io, random_next(&m->random), maybe, m);
			op_save(m);
			if (random_below(&m->random, 64))
				continue;
			/* When all is taken, nothing is pending but what may not be sent. */
			ioapic_retry(&m->io, yes, m);
			for (pin = 0; pin < IOAPIC_PINS; pin++) {
				struct ioapic state;
				u8 mode = m->io.redir[pin] >> 8 & 7;

				ioapic_get_state(&m->io, &state);
				EXPECT_TRUE(!(state.redir[pin] & REDIR_PENDING) ||
					    mode == IRQ_MODE_RESERVED || mode == IRQ_MODE_SIPI);
			}
		}
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(devices),
	UNIT_TEST(anything),
};

UNIT_MAIN(tests)
