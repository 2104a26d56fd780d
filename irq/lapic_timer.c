// SPDX-License-Identifier: GPL-2.0-only
/*
 * Local APIC: the timer. Its state is the TSC of the next expiry; counts are
 * computed from it. A masked timer counts, too, but asks for no wake-up and
 * catches up when someone next looks.
 */
#include <linux/bits.h>
#include <linux/types.h>

#include "lapic.h"
#include "lapic_regs.h"

/* Saturates: a guest may set its TSC close to the end. 0 would mean "not armed". */
static u64 tsc_add(u64 tsc, u64 delta)
{
	u64 sum = tsc + delta;

	if (sum < tsc)
		return ~0ull;
	return sum ? sum : 1;
}

/* Bits 3, 1 and 0 of the divide configuration: 0 is 2, ..., 6 is 128, 7 is 1. */
u8 lapic_divide_shift(u32 divide)
{
	u32 code = (divide & 3) | (divide >> 1 & 4);

	return LAPIC_TIMER_SHIFT + ((code + 1) & 7);
}

/* One-shot and periodic mode count down from the initial count. */
static bool counts(u8 mode)
{
	return mode == LAPIC_ONE_SHOT || mode == LAPIC_PERIODIC;
}

static void timer_stop(struct lapic *l)
{
	l->expiry = 0;
	lapic_put(l, LAPIC_INITIAL, 0);
}

/* In TSC-deadline mode the initial count stays 0 and the deadline stays armed. */
void lapic_timer_start(struct lapic *l, u32 count, u64 now)
{
	if (!counts(l->timer_mode)) {
		lapic_put(l, LAPIC_INITIAL, 0);
		return;
	}
	lapic_put(l, LAPIC_INITIAL, count);
	l->period = (u64)count << l->timer_shift;
	l->expiry = count ? tsc_add(now, l->period) : 0;
}

u32 lapic_timer_count(const struct lapic *l, u64 now)
{
	u64 left;

	if (!counts(l->timer_mode) || !l->expiry)
		return 0;
	if (now < l->expiry)
		left = l->expiry - now;
	else if (l->timer_mode == LAPIC_PERIODIC)
		left = l->period - (now - l->expiry) % l->period;
	else
		return 0;
	/* Round up: the count is 0 only when the time is over. */
	return (left + BIT_ULL(l->timer_shift) - 1) >> l->timer_shift;
}

/* Of a timer that is armed: the register may hold what the guest alone has seen. */
u32 lapic_timer_initial(const struct lapic *l)
{
	return counts(l->timer_mode) ? l->period >> l->timer_shift : 0;
}

/* The count stays, its speed changes. */
void lapic_timer_divide(struct lapic *l, u32 divide, u64 now)
{
	u32 count = lapic_timer_count(l, now), initial = lapic_timer_initial(l);

	l->timer_shift = lapic_divide_shift(divide);
	l->period = (u64)initial << l->timer_shift;
	if (counts(l->timer_mode) && l->expiry)
		l->expiry = tsc_add(now, (u64)count << l->timer_shift);
}

/*
 * To enter or leave TSC-deadline mode disarms the timer. Between one-shot and
 * periodic mode the count runs on, as on real CPUs.
 */
void lapic_timer_set_mode(struct lapic *l, u8 mode)
{
	if (mode != l->timer_mode && !(counts(mode) && counts(l->timer_mode)))
		timer_stop(l);
	l->timer_mode = mode;
}

u64 lapic_timer_next(const struct lapic *l)
{
	return lapic_get(l, LAPIC_LVT_TIMER) & LAPIC_LVT_MASK ? 0 : l->expiry;
}

static bool is_due(const struct lapic *l, u64 now)
{
	return l->expiry && now >= l->expiry;
}

bool lapic_timer_expire(struct lapic *l, u64 now)
{
	u64 late;

	if (!is_due(l, now))
		return false;
	late = now - l->expiry;
	if (l->timer_mode == LAPIC_PERIODIC)
		l->expiry = tsc_add(now, l->period - late % l->period);
	else
		l->expiry = 0;
	return !(l->timer_entry & LAPIC_LVT_MASK) && lapic_accept(l, l->timer_entry, false);
}

void lapic_tsc_moved(struct lapic *l, u64 before, u64 after)
{
	if (!l->expiry || !counts(l->timer_mode))
		return;
	l->expiry = tsc_add(after, l->expiry > before ? l->expiry - before : 0);
}

u64 lapic_get_deadline(const struct lapic *l)
{
	return l->timer_mode == LAPIC_DEADLINE ? l->expiry : 0;
}

void lapic_set_deadline(struct lapic *l, u64 tsc, u64 now, struct lapic_out *out)
{
	bool raised = false;

	if (l->timer_mode != LAPIC_DEADLINE)
		return;
	/* The old deadline may be due already, and the new one as well. */
	if (is_due(l, now))
		raised = lapic_timer_expire(l, now);
	l->expiry = tsc;
	if (is_due(l, now))
		raised |= lapic_timer_expire(l, now);
	lapic_todo(out, LAPIC_OUT_PENDING, raised);
	out->todo |= LAPIC_OUT_TIMER;
}
