// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A serial port, after the data sheet of the PC16550D. Output leaves at
 * once, so the transmitter is always empty; the line speed has no effect.
 */
#include "dev/dev.h"

#include <linux/serial_reg.h>
#include <string.h>

#define IER_MASK	0x0f
#define MCR_MASK	0x1f
#define MSR_LINES	(UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD)
#define IIR_TIMEOUT	0x0c
#define IIR_FIFOS	0xc0

static const u8 trigger_level[] = { 1, 4, 8, 14 };

static bool fifos_on(const struct uart *u)
{
	return u->fcr & UART_FCR_ENABLE_FIFO;
}

static unsigned int rx_capacity(const struct uart *u)
{
	return fifos_on(u) ? UART_FIFO : 1;
}

/* The pending interrupt of highest priority, as the IIR shows it. */
static u8 interrupt_id(const struct uart *u)
{
	if ((u->ier & UART_IER_RLSI) && u->lsr_errors)
		return UART_IIR_RLSI;
	if ((u->ier & UART_IER_RDI) && u->rx_count) {
		/* Nobody waits four character times: too few bytes time out at once. */
		if (fifos_on(u) && u->rx_count < trigger_level[u->fcr >> 6])
			return IIR_TIMEOUT;
		return UART_IIR_RDI;
	}
	if ((u->ier & UART_IER_THRI) && u->thre_pending)
		return UART_IIR_THRI;
	if ((u->ier & UART_IER_MSI) && (u->msr & UART_MSR_ANY_DELTA))
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

/* On a PC, OUT2 opens the way to the interrupt controller; loopback takes the pin away. */
static void update_line(struct uart *u)
{
	bool open = (u->mcr & UART_MCR_OUT2) && !(u->mcr & UART_MCR_LOOP);
	bool level = open && interrupt_id(u) != UART_IIR_NO_INT;

	if (level == u->line)
		return;
	u->line = level;
	u->host->irq(u->host, UART_GSI, level);
}

static void rx_push(struct uart *u, u8 byte)
{
	if (u->rx_count == rx_capacity(u)) {
		u->lsr_errors |= UART_LSR_OE;
		/* Without FIFO the new byte takes the place of the unread one. */
		if (!fifos_on(u))
			u->rx[u->rx_head] = byte;
		return;
	}
	u->rx[(u->rx_head + u->rx_count++) % UART_FIFO] = byte;
}

static u8 rx_pop(struct uart *u)
{
	u8 byte = u->rx[u->rx_head];

	if (!u->rx_count)
		return 0;
	u->rx_head = (u->rx_head + 1) % UART_FIFO;
	u->rx_count--;
	return byte;
}

static void rx_flush(struct uart *u)
{
	u->rx_head = 0;
	u->rx_count = 0;
}

/*
 * A driver tries out the interrupts and flushes the receiver when it sets up the
 * port, so what arrived before would be lost. The other end honours RTS, which
 * comes last, and keeps its input until then; for a driver without RTS an open
 * way for receive interrupts from a FIFO is as good. In loopback the receiver
 * hears the transmitter only.
 */
static bool listening(const struct uart *u)
{
	if (u->mcr & UART_MCR_LOOP)
		return false;
	if (u->mcr & UART_MCR_RTS)
		return true;
	return (u->ier & UART_IER_RDI) && (u->mcr & UART_MCR_OUT2) && fifos_on(u);
}

unsigned int uart_space(const struct uart *u)
{
	return listening(u) ? rx_capacity(u) - u->rx_count : 0;
}

void uart_receive(struct uart *u, u8 byte)
{
	if (!uart_space(u))
		return;
	rx_push(u, byte);
	update_line(u);
}

static void set_modem_lines(struct uart *u, u8 lines)
{
	u8 changed = (u->msr ^ lines) & 0xf0;
	u8 delta = (changed >> 4) & (UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);

	/* RI counts when it falls. */
	if ((changed & UART_MSR_RI) && !(lines & UART_MSR_RI))
		delta |= UART_MSR_TERI;
	u->msr = (u->msr & UART_MSR_ANY_DELTA) | delta | lines;
}

static u8 looped_lines(u8 mcr)
{
	return (mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) | (mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
	       (mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) | (mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static void write_mcr(struct uart *u, u8 value)
{
	u->mcr = value & MCR_MASK;
	set_modem_lines(u, u->mcr & UART_MCR_LOOP ? looped_lines(u->mcr) : MSR_LINES);
}

static void write_fcr(struct uart *u, u8 value)
{
	bool toggled = (u->fcr ^ value) & UART_FCR_ENABLE_FIFO;

	if (toggled || (value & UART_FCR_CLEAR_RCVR))
		rx_flush(u);
	/* The other bits are taken only together with the enable bit. */
	u->fcr = value & UART_FCR_ENABLE_FIFO ? value & (UART_FCR_ENABLE_FIFO | 0xc0) : 0;
}

static void write_ier(struct uart *u, u8 value)
{
	bool on = !(u->ier & UART_IER_THRI) && (value & UART_IER_THRI);

	u->ier = value & IER_MASK;
	if (on)
		u->thre_pending = true;
}

static void transmit(struct uart *u, u8 byte)
{
	if (u->mcr & UART_MCR_LOOP)
		rx_push(u, byte);
	else
		u->host->output(u->host, byte);
	u->thre_pending = true;
}

static u8 read_iir(struct uart *u)
{
	u8 id = interrupt_id(u);

	if (id == UART_IIR_THRI)
		u->thre_pending = false;
	return id | (fifos_on(u) ? IIR_FIFOS : 0);
}

static u8 read_lsr(struct uart *u)
{
	u8 lsr = UART_LSR_THRE | UART_LSR_TEMT | u->lsr_errors | (u->rx_count ? UART_LSR_DR : 0);

	u->lsr_errors = 0;
	return lsr;
}

static u8 read_msr(struct uart *u)
{
	u8 msr = u->msr;

	u->msr &= ~UART_MSR_ANY_DELTA;
	return msr;
}

static u8 read_data(struct uart *u)
{
	return u->lcr & UART_LCR_DLAB ? u->dll : rx_pop(u);
}

static u8 read_ier(struct uart *u)
{
	return u->lcr & UART_LCR_DLAB ? u->dlm : u->ier;
}

static u8 read_lcr(struct uart *u)
{
	return u->lcr;
}

static u8 read_mcr(struct uart *u)
{
	return u->mcr;
}

static u8 read_scratch(struct uart *u)
{
	return u->scratch;
}

static void write_data(struct uart *u, u8 value)
{
	if (u->lcr & UART_LCR_DLAB)
		u->dll = value;
	else
		transmit(u, value);
}

static void write_ier_dlm(struct uart *u, u8 value)
{
	if (u->lcr & UART_LCR_DLAB)
		u->dlm = value;
	else
		write_ier(u, value);
}

static void write_lcr(struct uart *u, u8 value)
{
	u->lcr = value;
}

static void write_nothing(struct uart *u, u8 value)
{
	(void)u;
	(void)value;
}

static void write_scratch(struct uart *u, u8 value)
{
	u->scratch = value;
}

static const struct {
	u8 (*read)(struct uart *u);
	void (*write)(struct uart *u, u8 value);
} regs[UART_PORTS] = {
	[UART_RX]  = { read_data, write_data },
	[UART_IER] = { read_ier, write_ier_dlm },
	[UART_IIR] = { read_iir, write_fcr },
	[UART_LCR] = { read_lcr, write_lcr },
	[UART_MCR] = { read_mcr, write_mcr },
	[UART_LSR] = { read_lsr, write_nothing },
	[UART_MSR] = { read_msr, write_nothing },
	[UART_SCR] = { read_scratch, write_scratch },
};

/* Whoever holds input for a receiver that is deaf or full must learn when it no longer is. */
static void after_access(struct uart *u, unsigned int space)
{
	update_line(u);
	if (!u->rx_count && uart_space(u) > space)
		u->host->input_ready(u->host);
}

static u8 uart_in(void *dev, u16 offset)
{
	struct uart *u = dev;
	unsigned int space = uart_space(u);
	u8 value = regs[offset].read(u);

	after_access(u, space);
	return value;
}

static void uart_out(void *dev, u16 offset, u8 value)
{
	struct uart *u = dev;
	unsigned int space = uart_space(u);

	regs[offset].write(u, value);
	after_access(u, space);
}

int uart_attach(struct uart *u, struct bus *bus, struct dev_host *host)
{
	struct bus_range range = {
		"uart", UART_PORT, UART_PORTS, uart_in, uart_out, u,
	};

	memset(u, 0, sizeof(*u));
	u->host = host;
	u->msr = MSR_LINES;
	return bus_add(bus, &range);
}
