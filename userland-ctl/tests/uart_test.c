// SPDX-License-Identifier: GPL-2.0-only
/* Contract: the registers and interrupts of a 16550A, as its data sheet has them. */
#include <linux/serial_reg.h>

#include "dev_util.h"

#define REG(n)	(UART_PORT + (n))

static struct uart uart;

static void reset(void)
{
	EXPECT_EQ(0, uart_attach(&uart, &bus, notes_reset()));
}

/* A driver's set-up: FIFO on with the given trigger, DTR, RTS and OUT2. */
static void set_up(u8 fcr, u8 ier)
{
	reset();
	out8(REG(UART_FCR), fcr);
	out8(REG(UART_MCR), UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	out8(REG(UART_IER), ier);
}

static void after_reset(void)
{
	reset();
	EXPECT_EQ(0, in8(REG(UART_IER)));
	EXPECT_EQ(UART_IIR_NO_INT, in8(REG(UART_IIR)));
	EXPECT_EQ(0, in8(REG(UART_LCR)));
	EXPECT_EQ(0, in8(REG(UART_MCR)));
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in8(REG(UART_LSR)));
	EXPECT_EQ(UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD, in8(REG(UART_MSR)));
	EXPECT_EQ(0, notes.edges);
}

static void output_leaves(void)
{
	reset();
	out8(REG(UART_TX), 'k');
	out8(REG(UART_TX), 'i');
	EXPECT_EQ(2, notes.output_len);
	EXPECT_EQ('k', notes.output[0]);
	EXPECT_EQ('i', notes.output[1]);
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in8(REG(UART_LSR)));
}

static void divisor_latch(void)
{
	reset();
	out8(REG(UART_LCR), UART_LCR_DLAB | 3);
	out8(REG(UART_DLL), 0x34);
	out8(REG(UART_DLM), 0x12);
	EXPECT_EQ(0x34, in8(REG(UART_DLL)));
	EXPECT_EQ(0x12, in8(REG(UART_DLM)));
	EXPECT_EQ(0, notes.output_len);
	out8(REG(UART_LCR), 3);
	EXPECT_EQ(0, in8(REG(UART_IER)));
	out8(REG(UART_IER), 0xff);
	EXPECT_EQ(0x0f, in8(REG(UART_IER)));
	out8(REG(UART_LCR), UART_LCR_DLAB);
	EXPECT_EQ(0x12, in8(REG(UART_DLM)));
}

static void scratch(void)
{
	reset();
	out8(REG(UART_SCR), 0x5a);
	EXPECT_EQ(0x5a, in8(REG(UART_SCR)));
}

/* Drivers tell a 16550A by both upper bits of the IIR, and a 16750 by bit 5. */
static void fifo_bits(void)
{
	reset();
	out8(REG(UART_FCR), UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
	EXPECT_EQ(0xc1, in8(REG(UART_IIR)));
	out8(REG(UART_FCR), 0xc0);
	EXPECT_EQ(0x01, in8(REG(UART_IIR)));
}

static void thre_interrupt(void)
{
	set_up(UART_FCR_ENABLE_FIFO, UART_IER_THRI);
	EXPECT_TRUE(notes.line[UART_GSI]);
	EXPECT_EQ(UART_IIR_THRI, in8(REG(UART_IIR)) & 0x0f);
	EXPECT_FALSE(notes.line[UART_GSI]);
	EXPECT_EQ(UART_IIR_NO_INT, in8(REG(UART_IIR)) & 0x0f);
	out8(REG(UART_TX), 'x');
	EXPECT_TRUE(notes.line[UART_GSI]);
	/* Off and on again asks anew; Linux tests for that. */
	in8(REG(UART_IIR));
	out8(REG(UART_IER), 0);
	EXPECT_FALSE(notes.line[UART_GSI]);
	out8(REG(UART_IER), UART_IER_THRI);
	EXPECT_TRUE(notes.line[UART_GSI]);
}

static void thre_pending_without_enable(void)
{
	set_up(UART_FCR_ENABLE_FIFO, 0);
	out8(REG(UART_TX), 'x');
	EXPECT_FALSE(notes.line[UART_GSI]);
	EXPECT_EQ(UART_IIR_NO_INT, in8(REG(UART_IIR)) & 0x0f);
}

static void receive_with_trigger(void)
{
	unsigned int i;

	set_up(UART_FCR_ENABLE_FIFO | UART_FCR_R_TRIG_10, UART_IER_RDI);
	for (i = 0; i < 7; i++)
		uart_receive(&uart, 'a' + i);
	EXPECT_EQ(0x0c, in8(REG(UART_IIR)) & 0x0f);
	uart_receive(&uart, 'h');
	EXPECT_EQ(UART_IIR_RDI, in8(REG(UART_IIR)) & 0x0f);
	EXPECT_TRUE(notes.line[UART_GSI]);
	for (i = 0; i < 8; i++) {
		EXPECT_TRUE(in8(REG(UART_LSR)) & UART_LSR_DR);
		EXPECT_EQ('a' + i, in8(REG(UART_RX)));
	}
	EXPECT_FALSE(in8(REG(UART_LSR)) & UART_LSR_DR);
	EXPECT_FALSE(notes.line[UART_GSI]);
	EXPECT_EQ(0, in8(REG(UART_RX)));
}

static void fifo_wraps(void)
{
	unsigned int i, round;

	set_up(UART_FCR_ENABLE_FIFO, 0);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < UART_FIFO; i++) {
			EXPECT_EQ(UART_FIFO - i, uart_space(&uart));
			uart_receive(&uart, round * 16 + i);
		}
		EXPECT_EQ(0, uart_space(&uart));
		/* What does not fit is lost, the rest stays. */
		uart_receive(&uart, 0xee);
		for (i = 0; i < UART_FIFO - 3; i++)
			EXPECT_EQ(round * 16 + i, in8(REG(UART_RX)));
		for (; i < UART_FIFO; i++)
			EXPECT_EQ(round * 16 + i, in8(REG(UART_RX)));
	}
}

static void one_byte_without_fifo(void)
{
	set_up(0, UART_IER_RDI);
	EXPECT_EQ(1, uart_space(&uart));
	uart_receive(&uart, 'a');
	EXPECT_EQ(0, uart_space(&uart));
	EXPECT_EQ(UART_IIR_RDI, in8(REG(UART_IIR)));
	EXPECT_EQ('a', in8(REG(UART_RX)));
}

static void fifo_flush(void)
{
	set_up(UART_FCR_ENABLE_FIFO, UART_IER_RDI);
	uart_receive(&uart, 'a');
	out8(REG(UART_FCR), UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	EXPECT_FALSE(in8(REG(UART_LSR)) & UART_LSR_DR);
	EXPECT_FALSE(notes.line[UART_GSI]);
	uart_receive(&uart, 'b');
	out8(REG(UART_FCR), 0);
	EXPECT_FALSE(in8(REG(UART_LSR)) & UART_LSR_DR);
}

/* Input that comes before the driver is set up would be flushed, so it has to wait. */
static void input_waits_for_driver(void)
{
	reset();
	EXPECT_EQ(0, uart_space(&uart));
	uart_receive(&uart, 'a');
	EXPECT_FALSE(in8(REG(UART_LSR)) & UART_LSR_DR);
	out8(REG(UART_MCR), UART_MCR_RTS);
	EXPECT_EQ(1, notes.input_ready);
	EXPECT_EQ(1, uart_space(&uart));
	out8(REG(UART_MCR), UART_MCR_OUT2);
	EXPECT_EQ(0, uart_space(&uart));
	/* Linux sets all of these while it looks what port this is. */
	out8(REG(UART_IER), 0x0f);
	EXPECT_EQ(0, uart_space(&uart));
	out8(REG(UART_FCR), UART_FCR_ENABLE_FIFO);
	EXPECT_EQ(UART_FIFO, uart_space(&uart));
	EXPECT_EQ(2, notes.input_ready);
	out8(REG(UART_IER), 0);
	EXPECT_EQ(0, uart_space(&uart));
}

static void asks_for_more_when_empty(void)
{
	set_up(UART_FCR_ENABLE_FIFO, UART_IER_RDI);
	notes.input_ready = 0;
	uart_receive(&uart, 'a');
	uart_receive(&uart, 'b');
	in8(REG(UART_RX));
	EXPECT_EQ(0, notes.input_ready);
	in8(REG(UART_RX));
	EXPECT_EQ(1, notes.input_ready);
}

static void out2_gates_interrupt(void)
{
	set_up(UART_FCR_ENABLE_FIFO, UART_IER_RDI);
	out8(REG(UART_MCR), UART_MCR_RTS);
	uart_receive(&uart, 'a');
	EXPECT_FALSE(notes.line[UART_GSI]);
	out8(REG(UART_MCR), UART_MCR_RTS | UART_MCR_OUT2);
	EXPECT_TRUE(notes.line[UART_GSI]);
	out8(REG(UART_MCR), UART_MCR_RTS | UART_MCR_OUT2 | UART_MCR_LOOP);
	EXPECT_FALSE(notes.line[UART_GSI]);
}

static void loopback_data(void)
{
	unsigned int i;

	set_up(UART_FCR_ENABLE_FIFO, 0);
	out8(REG(UART_MCR), UART_MCR_LOOP | UART_MCR_RTS);
	EXPECT_EQ(0, uart_space(&uart));
	for (i = 0; i < UART_FIFO + 1; i++)
		out8(REG(UART_TX), i);
	EXPECT_EQ(0, notes.output_len);
	EXPECT_EQ(UART_LSR_OE | UART_LSR_DR, in8(REG(UART_LSR)) & (UART_LSR_OE | UART_LSR_DR));
	EXPECT_FALSE(in8(REG(UART_LSR)) & UART_LSR_OE);
	for (i = 0; i < UART_FIFO; i++)
		EXPECT_EQ(i, in8(REG(UART_RX)));
	EXPECT_FALSE(in8(REG(UART_LSR)) & UART_LSR_DR);
}

static void overrun_without_fifo(void)
{
	set_up(0, UART_IER_RLSI);
	out8(REG(UART_MCR), UART_MCR_LOOP);
	out8(REG(UART_TX), 1);
	out8(REG(UART_TX), 2);
	EXPECT_EQ(UART_IIR_RLSI, in8(REG(UART_IIR)));
	EXPECT_TRUE(in8(REG(UART_LSR)) & UART_LSR_OE);
	EXPECT_EQ(UART_IIR_NO_INT, in8(REG(UART_IIR)));
	EXPECT_EQ(2, in8(REG(UART_RX)));
}

/* Linux takes a port without this for no port at all. */
static void loopback_modem_lines(void)
{
	static const struct { u8 mcr, msr; } rows[] = {
		{ UART_MCR_RTS, UART_MSR_CTS }, { UART_MCR_DTR, UART_MSR_DSR },
		{ UART_MCR_OUT1, UART_MSR_RI }, { UART_MCR_OUT2, UART_MSR_DCD },
		{ UART_MCR_RTS | UART_MCR_OUT2, UART_MSR_CTS | UART_MSR_DCD }, { 0, 0 },
	};
	unsigned int i;

	reset();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("row %u", i);
		out8(REG(UART_MCR), UART_MCR_LOOP | rows[i].mcr);
		EXPECT_EQ(rows[i].msr, in8(REG(UART_MSR)) & 0xf0);
	}
}

static void modem_status_interrupt(void)
{
	set_up(0, UART_IER_MSI);
	out8(REG(UART_MCR), UART_MCR_LOOP | UART_MCR_OUT1);
	EXPECT_EQ(UART_IIR_MSI, in8(REG(UART_IIR)));
	/* DSR and CTS fall, DCD falls; RI rises, which does not count. */
	EXPECT_EQ(UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD, in8(REG(UART_MSR)) & 0x0f);
	EXPECT_EQ(UART_IIR_NO_INT, in8(REG(UART_IIR)));
	out8(REG(UART_MCR), UART_MCR_LOOP);
	EXPECT_EQ(UART_MSR_TERI, in8(REG(UART_MSR)) & 0x0f);
}

static void priorities(void)
{
	set_up(UART_FCR_ENABLE_FIFO, 0x0f);
	out8(REG(UART_MCR), UART_MCR_LOOP | UART_MCR_OUT1);
	while (!(uart.lsr_errors & UART_LSR_OE))
		out8(REG(UART_TX), 0);
	EXPECT_EQ(UART_IIR_RLSI, in8(REG(UART_IIR)) & 0x0f);
	in8(REG(UART_LSR));
	EXPECT_EQ(UART_IIR_RDI, in8(REG(UART_IIR)) & 0x0f);
	out8(REG(UART_FCR), UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	EXPECT_EQ(UART_IIR_THRI, in8(REG(UART_IIR)) & 0x0f);
	EXPECT_EQ(UART_IIR_MSI, in8(REG(UART_IIR)) & 0x0f);
	in8(REG(UART_MSR));
	EXPECT_EQ(UART_IIR_NO_INT, in8(REG(UART_IIR)) & 0x0f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(after_reset),
	UNIT_TEST(output_leaves),
	UNIT_TEST(divisor_latch),
	UNIT_TEST(scratch),
	UNIT_TEST(fifo_bits),
	UNIT_TEST(thre_interrupt),
	UNIT_TEST(thre_pending_without_enable),
	UNIT_TEST(receive_with_trigger),
	UNIT_TEST(fifo_wraps),
	UNIT_TEST(one_byte_without_fifo),
	UNIT_TEST(fifo_flush),
	UNIT_TEST(input_waits_for_driver),
	UNIT_TEST(asks_for_more_when_empty),
	UNIT_TEST(out2_gates_interrupt),
	UNIT_TEST(loopback_data),
	UNIT_TEST(overrun_without_fifo),
	UNIT_TEST(loopback_modem_lines),
	UNIT_TEST(modem_status_interrupt),
	UNIT_TEST(priorities),
};

UNIT_MAIN(tests)
