// SPDX-License-Identifier: GPL-2.0-only
/*
 * An MC146818 real-time clock and CMOS memory. The time follows the host's,
 * plus what the guest set. Its timer runs only while an interrupt is enabled and
 * none waits; the flags of register C are found out when someone looks.
 */
#include "dev/dev.h"

#include <string.h>
#include <time.h>

#define RTC_PORT	0x70
#define RTC_PORTS	2
#define INDEX_MASK	0x7f	/* bit 7 masks NMIs on a PC */

#define REG_A		0x0a
#define REG_B		0x0b
#define REG_C		0x0c
#define REG_D		0x0d
#define REG_CENTURY	0x32

#define ALARM_SEC	0x01
#define ALARM_MIN	0x03
#define ALARM_HOUR	0x05
#define ALARM_ANY	0xc0	/* both bits: matches always */
#define ALARM_SPAN	86400	/* seconds; every alarm has matched in a day */

#define A_UIP		0x80
#define A_RATE		0x0f
#define A_DIVIDER	0x26	/* 32768 Hz time base, 1024 Hz periodic rate */
#define B_24H		0x02
#define B_BINARY	0x04
#define B_UIE		0x10
#define B_INTERRUPTS	0x70	/* the enables stand where the flags of C are */
#define B_SET		0x80
#define C_UPDATE	0x10
#define C_ALARM		0x20
#define C_PERIODIC	0x40
#define C_IRQ		0x80
#define D_VALID		0x80
#define HOUR_PM		0x80

#define NSEC_PER_SEC	1000000000ull
#define TIME_BASE	32768
/* UIP rises 244 us before an update, which takes 1984 us. */
#define UPDATE_NS	(244000 + 1984000)

static u8 encode(const struct rtc *rtc, int value)
{
	if (rtc->cmos[REG_B] & B_BINARY)
		return value;
	return (value / 10) << 4 | value % 10;
}

static int decode(const struct rtc *rtc, u8 value)
{
	if (rtc->cmos[REG_B] & B_BINARY)
		return value;
	return (value >> 4) * 10 + (value & 0x0f);
}

static u8 encode_hour(const struct rtc *rtc, int hour)
{
	if (rtc->cmos[REG_B] & B_24H)
		return encode(rtc, hour);
	return encode(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct rtc *rtc, u8 value)
{
	if (rtc->cmos[REG_B] & B_24H)
		return decode(rtc, value);
	return decode(rtc, value & ~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

static u64 host_seconds(struct rtc *rtc)
{
	return rtc->host->now_ns(rtc->host) / NSEC_PER_SEC;
}

static struct tm guest_time(struct rtc *rtc)
{
	struct tm tm;
	time_t t;

	if (rtc->cmos[REG_B] & B_SET)
		return rtc->held;
	t = (time_t)host_seconds(rtc) + rtc->offset;
	gmtime_r(&t, &tm);
	return tm;
}

/*
 * While the clock is held the fields stand as written: day 31 may come before
 * the month that has one. timegm() makes a date of them once the clock runs.
 */
static void set_guest_time(struct rtc *rtc, const struct tm *tm)
{
	rtc->held = *tm;
	if (!(rtc->cmos[REG_B] & B_SET))
		rtc->offset = timegm(&rtc->held) - (time_t)host_seconds(rtc);
}

static int year_of(const struct tm *tm)
{
	return tm->tm_year + 1900;
}

static u8 get_sec(const struct rtc *rtc, const struct tm *tm)
{
	return encode(rtc, tm->tm_sec);
}

static u8 get_min(const struct rtc *rtc, const struct tm *tm)
{
	return encode(rtc, tm->tm_min);
}

static u8 get_hour(const struct rtc *rtc, const struct tm *tm)
{
	return encode_hour(rtc, tm->tm_hour);
}

static u8 get_weekday(const struct rtc *rtc, const struct tm *tm)
{
	return encode(rtc, tm->tm_wday + 1);
}

static u8 get_day(const struct rtc *rtc, const struct tm *tm)
{
	return encode(rtc, tm->tm_mday);
}

static u8 get_month(const struct rtc *rtc, const struct tm *tm)
{
	return encode(rtc, tm->tm_mon + 1);
}

static u8 get_year(const struct rtc *rtc, const struct tm *tm)
{
	return encode(rtc, year_of(tm) % 100);
}

static u8 get_century(const struct rtc *rtc, const struct tm *tm)
{
	return encode(rtc, year_of(tm) / 100);
}

static void set_sec(const struct rtc *rtc, struct tm *tm, u8 v)
{
	tm->tm_sec = decode(rtc, v);
}

static void set_min(const struct rtc *rtc, struct tm *tm, u8 v)
{
	tm->tm_min = decode(rtc, v);
}

static void set_hour(const struct rtc *rtc, struct tm *tm, u8 v)
{
	tm->tm_hour = decode_hour(rtc, v);
}

/* The day of the week follows from the date. */
static void set_weekday(const struct rtc *rtc, struct tm *tm, u8 v)
{
	(void)rtc;
	(void)tm;
	(void)v;
}

static void set_day(const struct rtc *rtc, struct tm *tm, u8 v)
{
	tm->tm_mday = decode(rtc, v);
}

static void set_month(const struct rtc *rtc, struct tm *tm, u8 v)
{
	tm->tm_mon = decode(rtc, v) - 1;
}

static void set_year(const struct rtc *rtc, struct tm *tm, u8 v)
{
	tm->tm_year = year_of(tm) / 100 * 100 + decode(rtc, v) - 1900;
}

static void set_century(const struct rtc *rtc, struct tm *tm, u8 v)
{
	tm->tm_year = decode(rtc, v) * 100 + year_of(tm) % 100 - 1900;
}

static const struct {
	u8 reg;
	u8 (*get)(const struct rtc *rtc, const struct tm *tm);
	void (*set)(const struct rtc *rtc, struct tm *tm, u8 value);
} clock_regs[] = {
	{ 0x00, get_sec, set_sec },
	{ 0x02, get_min, set_min },
	{ 0x04, get_hour, set_hour },
	{ 0x06, get_weekday, set_weekday },
	{ 0x07, get_day, set_day },
	{ 0x08, get_month, set_month },
	{ 0x09, get_year, set_year },
	{ REG_CENTURY, get_century, set_century },
};

static int clock_reg(u8 reg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(clock_regs); i++)
		if (clock_regs[i].reg == reg)
			return i;
	return -1;
}

static u8 read_a(struct rtc *rtc)
{
	u64 ns = rtc->host->now_ns(rtc->host) % NSEC_PER_SEC;
	bool updating = !(rtc->cmos[REG_B] & B_SET) && ns >= NSEC_PER_SEC - UPDATE_NS;

	return rtc->cmos[REG_A] | (updating ? A_UIP : 0);
}

/* Pulses of the time base between periodic interrupts, 0 for none. */
static u32 period(const struct rtc *rtc)
{
	u8 rate = rtc->cmos[REG_A] & A_RATE;

	if (!rate)
		return 0;
	return 1u << (rate < 3 ? rate + 6 : rate - 1);
}

static u64 periods_until(const struct rtc *rtc, u64 ns)
{
	u64 pulses = ns / NSEC_PER_SEC * TIME_BASE + ns % NSEC_PER_SEC * TIME_BASE / NSEC_PER_SEC;

	return pulses / period(rtc);
}

static u64 next_period(const struct rtc *rtc, u64 ns)
{
	u64 pulses = (periods_until(rtc, ns) + 1) * period(rtc);

	return pulses / TIME_BASE * NSEC_PER_SEC +
	       (pulses % TIME_BASE * NSEC_PER_SEC + TIME_BASE - 1) / TIME_BASE;
}

static bool matches(u8 alarm, u8 value)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == value;
}

static bool alarm_at(const struct rtc *rtc, time_t second)
{
	time_t t = second + rtc->offset;
	struct tm tm;

	gmtime_r(&t, &tm);
	return matches(rtc->cmos[ALARM_SEC], get_sec(rtc, &tm)) &&
	       matches(rtc->cmos[ALARM_MIN], get_min(rtc, &tm)) &&
	       matches(rtc->cmos[ALARM_HOUR], get_hour(rtc, &tm));
}

static void seconds_passed(struct rtc *rtc, u64 first, u64 last)
{
	if (first == last || (rtc->cmos[REG_B] & B_SET))
		return;
	rtc->flags |= C_UPDATE;
	if (last - first > ALARM_SPAN)
		first = last - ALARM_SPAN;
	while (first != last && !(rtc->flags & C_ALARM))
		if (alarm_at(rtc, ++first))
			rtc->flags |= C_ALARM;
}

/* Brings the flags up to date under the settings that held until now. */
static void look(struct rtc *rtc)
{
	u64 now = rtc->host->now_ns(rtc->host);

	/* The host's clock may be set back. */
	if (now > rtc->seen) {
		if (period(rtc) && periods_until(rtc, rtc->seen) != periods_until(rtc, now))
			rtc->flags |= C_PERIODIC;
		seconds_passed(rtc, rtc->seen / NSEC_PER_SEC, now / NSEC_PER_SEC);
	}
	rtc->seen = now;
}

/* When to look next, in nanoseconds of the host's time from @seen; DEV_TIMER_OFF for never. */
static u64 wait_for_next(const struct rtc *rtc)
{
	u8 enabled = rtc->cmos[REG_B] & B_INTERRUPTS;
	u64 wait = DEV_TIMER_OFF;

	if (rtc->line)
		return wait;
	if (enabled & (C_UPDATE | C_ALARM))
		wait = NSEC_PER_SEC - rtc->seen % NSEC_PER_SEC;
	if ((enabled & C_PERIODIC) && period(rtc) && next_period(rtc, rtc->seen) - rtc->seen < wait)
		wait = next_period(rtc, rtc->seen) - rtc->seen;
	return wait;
}

static void set_line(struct rtc *rtc)
{
	struct dev_host *host = rtc->host;
	bool line = rtc->flags & rtc->cmos[REG_B] & B_INTERRUPTS;
	u64 wait;

	if (line != rtc->line) {
		rtc->line = line;
		host->irq(host, RTC_GSI, line);
	}
	wait = wait_for_next(rtc);
	host->set_timer(host, DEV_TIMER_RTC,
			wait == DEV_TIMER_OFF ? wait : host->clock_ns(host) + wait);
}

void rtc_update(struct rtc *rtc)
{
	look(rtc);
	set_line(rtc);
}

static u8 read_c(struct rtc *rtc)
{
	u8 value;

	look(rtc);
	value = rtc->flags | (rtc->flags & rtc->cmos[REG_B] & B_INTERRUPTS ? C_IRQ : 0);
	rtc->flags = 0;
	set_line(rtc);
	return value;
}

static u8 read_reg(struct rtc *rtc, u8 reg)
{
	int i = clock_reg(reg);
	struct tm tm;

	if (reg == REG_A)
		return read_a(rtc);
	if (reg == REG_C)
		return read_c(rtc);
	if (i < 0)
		return rtc->cmos[reg];
	tm = guest_time(rtc);
	return clock_regs[i].get(rtc, &tm);
}

static void write_b(struct rtc *rtc, u8 value)
{
	struct tm tm = guest_time(rtc);

	/* Stops the clock where it is, or lets it go on from there. */
	rtc->cmos[REG_B] = value & B_SET ? value & ~B_UIE : value;
	set_guest_time(rtc, &tm);
}

static void write_reg(struct rtc *rtc, u8 reg, u8 value)
{
	int i = clock_reg(reg);
	struct tm tm;

	look(rtc);
	if (i >= 0) {
		tm = guest_time(rtc);
		clock_regs[i].set(rtc, &tm, value);
		set_guest_time(rtc, &tm);
	} else if (reg == REG_A) {
		rtc->cmos[REG_A] = value & ~A_UIP;
	} else if (reg == REG_B) {
		write_b(rtc, value);
	} else if (reg != REG_C && reg != REG_D) {
		rtc->cmos[reg] = value;
	}
	set_line(rtc);
}

static u8 rtc_in(void *dev, u16 offset)
{
	struct rtc *rtc = dev;

	/* The index is write-only. */
	return offset ? read_reg(rtc, rtc->index) : 0xff;
}

static void rtc_out(void *dev, u16 offset, u8 value)
{
	struct rtc *rtc = dev;

	if (offset)
		write_reg(rtc, rtc->index, value);
	else
		rtc->index = value & INDEX_MASK;
}

static u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static void put16(struct rtc *rtc, u8 reg, u64 value)
{
	rtc->cmos[reg] = value;
	rtc->cmos[reg + 1] = value >> 8;
}

/* The places where PC firmware leaves the memory size. */
static void store_memory_size(struct rtc *rtc, u64 low, u64 high)
{
	u64 above_1m = low > MIB(1) ? (low - MIB(1)) >> 10 : 0;
	u64 above_16m = low > MIB(16) ? (low - MIB(16)) >> 16 : 0;
	u64 above_4g = min_u64(high >> 16, 0xffffff);

	put16(rtc, 0x15, 640);
	put16(rtc, 0x17, min_u64(above_1m, 0xffff));
	put16(rtc, 0x30, min_u64(above_1m, 0xffff));
	put16(rtc, 0x34, min_u64(above_16m, 0xffff));
	put16(rtc, 0x5b, above_4g);
	rtc->cmos[0x5d] = above_4g >> 16;
}

static void store_checksum(struct rtc *rtc)
{
	unsigned int sum = 0;
	u8 reg;

	for (reg = 0x10; reg <= 0x2d; reg++)
		sum += rtc->cmos[reg];
	rtc->cmos[0x2e] = sum >> 8;
	rtc->cmos[0x2f] = sum;
}

int rtc_attach(struct rtc *rtc, struct bus *bus, struct dev_host *host, u64 low_mem, u64 high_mem)
{
	struct bus_range range = { "rtc", RTC_PORT, RTC_PORTS, rtc_in, rtc_out, rtc };

	memset(rtc, 0, sizeof(*rtc));
	rtc->host = host;
	rtc->cmos[REG_A] = A_DIVIDER;
	rtc->cmos[REG_B] = B_24H;
	rtc->cmos[REG_D] = D_VALID;
	rtc->seen = host->now_ns(host);
	store_memory_size(rtc, low_mem, high_mem);
	store_checksum(rtc);
	return bus_add(bus, &range);
}
