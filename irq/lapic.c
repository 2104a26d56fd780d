// SPDX-License-Identifier: GPL-2.0-only
/* Local APIC: reset, and the way of a vector through IRR, ISR and EOI. */
#include "lapic.h"

#include <linux/bitops.h>
#include <linux/string.h>

#include "lapic_regs.h"

static bool vector_test(const struct lapic *l, u32 slot, u8 vector)
{
	return lapic_get(l, slot + vector / 32) >> vector % 32 & 1;
}

static void vector_set(struct lapic *l, u32 slot, u8 vector)
{
	l->regs[(slot + vector / 32) * 4] |= 1u << vector % 32;
}

static void vector_clear(struct lapic *l, u32 slot, u8 vector)
{
	l->regs[(slot + vector / 32) * 4] &= ~(1u << vector % 32);
}

/* The highest vector in ISR, TMR or IRR of a page or an image, or -1. */
int lapic_top(const u32 *regs, u32 slot)
{
	const u32 *r = &regs[slot * 4];
	u32 high = r[16] | r[20] | r[24] | r[28];
	int i;

	/* ISR, and one of the others as well, is empty most of the time. */
	if (!(high | r[0] | r[4] | r[8] | r[12]))
		return -1;
	for (i = high ? LAPIC_VECTOR_SLOTS - 1 : 3; !r[i * 4]; i--)
		;
	return i * 32 + fls(r[i * 4]) - 1;
}

u32 lapic_ppr(u32 tpr, int isr_top)
{
	u32 isr_class = isr_top < 0 ? 0 : isr_top & 0xf0;

	return (tpr & 0xf0) >= isr_class ? tpr : isr_class;
}

static void update_ppr(struct lapic *l)
{
	lapic_put(l, LAPIC_PPR, lapic_ppr(lapic_get(l, LAPIC_TPR), l->isr_top));
}

/* Others wrote the page: find again what follows from it. */
void lapic_rescan(struct lapic *l)
{
	l->irr_top = lapic_top(l->regs, LAPIC_IRR);
	l->isr_top = lapic_top(l->regs, LAPIC_ISR);
	l->stale = 0;
	update_ppr(l);
}

void lapic_refresh(struct lapic *l)
{
	if (l->stale != LAPIC_STALE_PPR) {
		lapic_rescan(l);
		return;
	}
	l->stale = 0;
	update_ppr(l);
}

/* ID and, in x2APIC mode, LDR: read-only registers that depend on the mode. */
void lapic_put_identity(struct lapic *l)
{
	lapic_put(l, LAPIC_ID, lapic_is_x2apic(l) ? l->id : l->id << 24);
	if (lapic_is_x2apic(l))
		lapic_put(l, LAPIC_LDR, l->id >> 4 << 16 | 1u << (l->id & 0xf));
}

/* All registers as after power-up in the present mode. */
void lapic_clear(struct lapic *l)
{
	u32 slot;

	memset(l->regs, 0, LAPIC_PAGE_SIZE);
	lapic_put(l, LAPIC_VERSION, LAPIC_VERSION_VALUE);
	lapic_put(l, LAPIC_DFR, ~0u);
	lapic_put(l, LAPIC_SVR, LAPIC_SVR_RESET);
	for (slot = LAPIC_LVT_TIMER; slot <= LAPIC_LVT_ERROR; slot++)
		lapic_put(l, slot, LAPIC_LVT_MASK);
	lapic_put_identity(l);

	l->expiry = 0;
	l->period = 0;
	l->errors = 0;
	l->enabled = false;
	l->timer_entry = LAPIC_LVT_MASK;
	l->timer_mode = LAPIC_ONE_SHOT;
	l->timer_shift = lapic_divide_shift(0);
	lapic_rescan(l);
}

void lapic_reset(struct lapic *l, u32 *regs, u32 id, bool bsp)
{
	l->regs = regs;
	l->id = id;
	l->base = LAPIC_DEFAULT_BASE | LAPIC_BASE_EN | (bsp ? LAPIC_BASE_BSP : 0);
	lapic_clear(l);
}

void lapic_init(struct lapic *l)
{
	lapic_clear(l);
}

/* A source of the local vector table fires. */
bool lapic_raise(struct lapic *l, u32 lvt)
{
	u32 entry = lapic_get(l, lvt);

	return !(entry & LAPIC_LVT_MASK) && lapic_accept(l, entry, false);
}

/*
 * Only an error that is new since ESR was written interrupts. This also ends
 * the recursion when the error entry itself has an illegal vector.
 */
bool lapic_error(struct lapic *l, u32 errors)
{
	u32 fresh = errors & ~l->errors;

	l->errors |= errors;
	return fresh && lapic_raise(l, LAPIC_LVT_ERROR);
}

bool lapic_accept(struct lapic *l, u8 vector, bool level)
{
	bool fresh;

	if (vector < IRQ_VECTOR_MIN)
		return lapic_error(l, LAPIC_ESR_RECV_VECTOR);

	/* A new trigger mode changes what the EOI does. */
	fresh = !vector_test(l, LAPIC_IRR, vector) || vector_test(l, LAPIC_TMR, vector) != level;
	vector_set(l, LAPIC_IRR, vector);
	if (level)
		vector_set(l, LAPIC_TMR, vector);
	else
		vector_clear(l, LAPIC_TMR, vector);
	if (vector > l->irr_top)
		l->irr_top = vector;
	return fresh;
}

int lapic_pending(struct lapic *l)
{
	lapic_settle(l);
	if (l->irr_top < 0 || (l->irr_top & 0xf0) <= (lapic_get(l, LAPIC_PPR) & 0xf0))
		return -1;
	return l->irr_top;
}

void lapic_ack(struct lapic *l, u8 vector)
{
	vector_clear(l, LAPIC_IRR, vector);
	vector_set(l, LAPIC_ISR, vector);
	l->irr_top = lapic_top(l->regs, LAPIC_IRR);
	l->isr_top = vector;
	update_ppr(l);
}

void lapic_eoi(struct lapic *l, struct lapic_out *out)
{
	u8 vector;

	lapic_settle(l);
	if (l->isr_top < 0)
		return;

	vector = l->isr_top;
	vector_clear(l, LAPIC_ISR, vector);
	l->isr_top = lapic_top(l->regs, LAPIC_ISR);
	update_ppr(l);
	out->todo |= LAPIC_OUT_PENDING;
	lapic_eoi_done(l, vector, out);
}

void lapic_eoi_done(struct lapic *l, u8 vector, struct lapic_out *out)
{
	if (!vector_test(l, LAPIC_TMR, vector))
		return;
	/* A self-IPI that the CPU delivers by itself does not say that it is an edge. */
	if (!vector_test(l, LAPIC_IRR, vector))
		vector_clear(l, LAPIC_TMR, vector);
	if (!(lapic_get(l, LAPIC_SVR) & LAPIC_SVR_NO_BROADCAST)) {
		out->todo |= LAPIC_OUT_EOI;
		out->eoi_vector = vector;
	}
}

int lapic_lint0_mode(const struct lapic *l)
{
	u32 lint0 = lapic_get(l, LAPIC_LVT_LINT0);

	if (!(l->base & LAPIC_BASE_EN))
		return IRQ_MODE_EXTINT;
	return lint0 & LAPIC_LVT_MASK ? -1 : (int)(lint0 >> LAPIC_LVT_DELIVERY_SHIFT & 7);
}

void lapic_lint0(struct lapic *l)
{
	lapic_raise(l, LAPIC_LVT_LINT0);
}

u64 lapic_get_cr8(const struct lapic *l)
{
	return lapic_get(l, LAPIC_TPR) >> 4;
}

/* Ends with the same work as a write to TPR, which CR8 is an alias of. */
void lapic_set_cr8(struct lapic *l, u64 value, struct lapic_out *out)
{
	lapic_store(l, LAPIC_TPR, value << 4, 0, out);
}
