/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device model may ask of the machine it sits in, and the devices there are. */
#ifndef DEV_DEV_H
#define DEV_DEV_H

#include "bus.h"
#include "lib/types.h"
#include "outcome.h"

#include <time.h>

enum dev_timer {
	DEV_TIMER_PIT,
	DEV_TIMER_RTC,
	DEV_TIMERS
};

#define DEV_TIMER_OFF	(~0ull)

/* All calls into and out of a device happen under the lock of the machine. */
struct dev_host {
	/* The VM ends; the first call wins. */
	void (*end)(struct dev_host *host, enum outcome why, int status);
	/* Set an interrupt line; the device calls only when the level changes. */
	void (*irq)(struct dev_host *host, u32 gsi, bool level);
	/* A byte for the console, or for the debug console. */
	void (*output)(struct dev_host *host, u8 byte);
	/* The serial port can take input again. */
	void (*input_ready)(struct dev_host *host);
	/* Nanoseconds since the epoch, UTC. */
	u64 (*now_ns)(struct dev_host *host);
	/* Nanoseconds of a clock that nobody sets. */
	u64 (*clock_ns)(struct dev_host *host);
	/* The device's function for @timer is called once, soon after @ns of that clock. */
	void (*set_timer)(struct dev_host *host, enum dev_timer timer, u64 ns);
	/* The interrupt was given to the PIC, which has not had it acknowledged. */
	bool (*irq_waits)(struct dev_host *host, u32 gsi);
	/* The level of the PIC's output. */
	void (*intr)(struct dev_host *host, bool level);
};

#define UART_PORT	0x3f8
#define UART_PORTS	8
#define UART_GSI	4
#define UART_FIFO	16

struct uart {
	struct dev_host *host;
	u8 ier, fcr, lcr, mcr, lsr_errors, msr, scratch, dll, dlm;
	u8 rx[UART_FIFO];
	u8 rx_head, rx_count;
	bool thre_pending;
	bool line;
};

int uart_attach(struct uart *uart, struct bus *bus, struct dev_host *host);
/* How many bytes uart_receive() takes now. */
unsigned int uart_space(const struct uart *uart);
/* A byte for which there is no space is lost. */
void uart_receive(struct uart *uart, u8 byte);

#define RTC_GSI		8
#define CMOS_SIZE	128

struct rtc {
	struct dev_host *host;
	u8 index;
	u8 cmos[CMOS_SIZE];
	time_t offset;		/* seconds the guest's clock is ahead of the host's */
	struct tm held;		/* the guest's time while it holds SET */
	u64 seen;		/* up to when @flags holds all that happened, host's time */
	u8 flags;		/* of register C, as they wait to be read */
	bool line;
};

int rtc_attach(struct rtc *rtc, struct bus *bus, struct dev_host *host, u64 low_mem,
	       u64 high_mem);
/* Makes the interrupt that is due: when the timer fires. */
void rtc_update(struct rtc *rtc);

struct i8042 {
	struct dev_host *host;
	u8 command;		/* waits for its data byte */
	u8 data;
	bool full;		/* @data is unread */
};

int i8042_attach(struct i8042 *dev, struct bus *bus, struct dev_host *host);

struct port92 {
	struct dev_host *host;
	u8 value;
};

int port92_attach(struct port92 *dev, struct bus *bus, struct dev_host *host);

#define CF9_PORT	0xcf9
#define CF9_RESET	0x06	/* system reset, from low to high on RST_CPU */

struct cf9 {
	struct dev_host *host;
	u8 value;
};

int cf9_attach(struct cf9 *dev, struct bus *bus, struct dev_host *host);

#define ACPI_SLEEP_CONTROL	0x600
#define ACPI_SLEEP_STATUS	0x601
#define ACPI_PM1_EVENT		0x610
#define ACPI_PM1_EVENT_LEN	4
#define ACPI_PM1_CONTROL	0x614
#define ACPI_PM1_CONTROL_LEN	2
#define ACPI_PM_TIMER		0x618
#define ACPI_PM_TIMER_LEN	4
#define ACPI_SCI		9	/* never raised */
#define ACPI_S5_TYPE		5	/* \_S5 in acpi/dsdt.asl */

struct acpi_pm {
	struct dev_host *host;
	u8 enable[2], control[2];
	u32 timer;		/* as its lowest byte was read */
};

int acpi_pm_attach(struct acpi_pm *dev, struct bus *bus, struct dev_host *host);

int debug_exit_attach(struct bus *bus, struct dev_host *host);
int debugcon_attach(struct bus *bus, struct dev_host *host);
int post_attach(struct bus *bus);

#endif
