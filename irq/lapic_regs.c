// SPDX-License-Identifier: GPL-2.0-only
/* Local APIC: the register table, and what a write does. */
#include "lapic_regs.h"

#include <linux/bits.h>
#include <linux/nospec.h>

static void write_identity(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_put_identity(l);
}

static void write_tpr(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_settle(l);
	lapic_put(l, LAPIC_TPR, value);
	lapic_put(l, LAPIC_PPR, lapic_ppr(value, l->isr_top));
	out->todo |= LAPIC_OUT_PENDING;
}

static void write_eoi(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_put(l, LAPIC_EOI, 0);
	lapic_eoi(l, out);
}

static void write_ldr(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_put(l, LAPIC_LDR, value);
	out->todo |= LAPIC_OUT_ROUTE;
}

static void write_dfr(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_put(l, LAPIC_DFR, value | LAPIC_DFR_FIXED);
	out->todo |= LAPIC_OUT_ROUTE;
}

/* To disable the APIC masks all of its LVT. What is in IRR and ISR stays. */
static void write_svr(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	u32 lvt;

	lapic_timer_expire(l, now);
	lapic_put(l, LAPIC_SVR, value);
	l->enabled = value & LAPIC_SVR_ENABLE;
	out->todo |= LAPIC_OUT_ROUTE | LAPIC_OUT_TIMER | LAPIC_OUT_PENDING;
	if (l->enabled)
		return;
	for (lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt++)
		lapic_put(l, lvt, lapic_get(l, lvt) | LAPIC_LVT_MASK);
	l->timer_entry |= LAPIC_LVT_MASK;
}

/* Whatever is written, ESR shows the errors since the last write. */
static void write_esr(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_put(l, LAPIC_ESR, l->errors);
	l->errors = 0;
}

static void write_icr(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	u32 dest;

	lapic_put(l, LAPIC_ICR, value);
	if (lapic_is_x2apic(l))
		dest = l->regs[LAPIC_ICR * 4 + 1];
	else
		dest = irq_dest8(lapic_get(l, LAPIC_ICR_HIGH) >> 24);
	lapic_send(l, value, dest, out);
}

static void write_self_ipi(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_put(l, LAPIC_SELF_IPI, 0);
	lapic_send(l, value | IRQ_TO_SELF << 18, 0, out);
}

static void write_lvt(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_put(l, slot, l->enabled ? value : value | LAPIC_LVT_MASK);
}

/* The input may be asserted, and was masked before. */
static void write_lint(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	write_lvt(l, slot, value, now, out);
	out->todo |= LAPIC_OUT_PENDING;
}

static void write_lvt_timer(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_todo(out, LAPIC_OUT_PENDING, lapic_timer_expire(l, now));
	/* Mode 3 is reserved; here it is TSC-deadline mode. */
	if (value >> LAPIC_LVT_MODE_SHIFT & LAPIC_DEADLINE)
		value &= ~BIT(LAPIC_LVT_MODE_SHIFT);
	write_lvt(l, slot, value, now, out);
	l->timer_entry = lapic_get(l, slot);
	lapic_timer_set_mode(l, value >> LAPIC_LVT_MODE_SHIFT & 3);
	out->todo |= LAPIC_OUT_TIMER;
}

static void write_initial(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_todo(out, LAPIC_OUT_PENDING, lapic_timer_expire(l, now));
	lapic_timer_start(l, value, now);
	out->todo |= LAPIC_OUT_TIMER;
}

static void write_divide(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	lapic_todo(out, LAPIC_OUT_PENDING, lapic_timer_expire(l, now));
	lapic_put(l, LAPIC_DIVIDE, value);
	lapic_timer_divide(l, value, now);
	out->todo |= LAPIC_OUT_TIMER;
}

#define X_RO	LAPIC_X_READ
#define X_RW	(LAPIC_X_READ | LAPIC_X_WRITE)
#define X2_RO	LAPIC_X2_READ
#define X2_RW	(LAPIC_X2_READ | LAPIC_X2_WRITE)
#define RO	(X_RO | X2_RO)
#define RW	(X_RW | X2_RW)

/* A read-only xAPIC register ignores writes; to write ID puts it right again. */
const struct lapic_reg lapic_regs[LAPIC_SLOTS] = {
	[LAPIC_ID]	  = { X_RW | X2_RO, 0, 0, ~0u, write_identity },
	[LAPIC_VERSION]	  = { RO, 0, 0, ~0u },
	[LAPIC_TPR]	  = { RW, 0xff, 0, 0xff, write_tpr },
	[LAPIC_APR]	  = { X_RO },
	[LAPIC_PPR]	  = { RO, 0, 0, 0xff },
	[LAPIC_EOI]	  = { X_RW | LAPIC_X2_WRITE, 0, 0, 0, write_eoi },
	[LAPIC_RRD]	  = { X_RO },
	[LAPIC_LDR]	  = { X_RW | X2_RO, 0xff000000, 0, ~0u, write_ldr },
	[LAPIC_DFR]	  = { X_RW, LAPIC_DFR_MODEL, 0, ~0u, write_dfr },
	[LAPIC_SVR]	  = { RW, 0x13ff, 0, 0x13ff, write_svr },
	[LAPIC_ISR ... LAPIC_ESR - 1] = { RO, 0, 0, ~0u },		/* ISR, TMR, IRR */
	[LAPIC_ESR]	  = { RW, 0, 0, LAPIC_ESR_ALL, write_esr },
	[LAPIC_ICR]	  = { RW, 0xccfff, 0x1000, 0xccfff, write_icr },
	[LAPIC_ICR_HIGH]  = { X_RW, 0xff000000, 0, 0xff000000 },
	[LAPIC_LVT_TIMER] = { RW, 0x700ff, 0x1000, 0x700ff, write_lvt_timer },
	[0x33]		  = { RW, 0x107ff, 0x1000, 0x107ff, write_lvt },	/* thermal sensor */
	[0x34]		  = { RW, 0x107ff, 0x1000, 0x107ff, write_lvt },	/* performance */
	[LAPIC_LVT_LINT0] = { RW, 0x1a7ff, 0x5000, 0x1a7ff, write_lint },
	[0x36]		  = { RW, 0x1a7ff, 0x5000, 0x1a7ff, write_lint },	/* LINT1 */
	[LAPIC_LVT_ERROR] = { RW, 0x100ff, 0x1000, 0x100ff, write_lvt },
	[LAPIC_INITIAL]	  = { RW, ~0u, 0, ~0u, write_initial },
	[LAPIC_CURRENT]	  = { RO, 0, 0, ~0u },
	[LAPIC_DIVIDE]	  = { RW, 0xb, 0, 0xb, write_divide },
	[LAPIC_SELF_IPI]  = { LAPIC_X2_WRITE, 0xff, 0, 0, write_self_ipi },
};

u32 lapic_value(struct lapic *l, u32 slot, u64 now)
{
	if (slot == LAPIC_PPR)
		lapic_settle(l);
	return slot == LAPIC_CURRENT ? lapic_timer_count(l, now) : lapic_get(l, slot);
}

/* The caller has checked that the register may be written. */
void lapic_store(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out)
{
	const struct lapic_reg *reg = &lapic_regs[slot];

	value &= reg->writable;
	if (reg->write)
		reg->write(l, slot, value, now, out);
	else
		lapic_put(l, slot, value);
}

/* xAPIC: the slot of @offset if there is such a register, else an error is logged. */
static bool find_xapic(struct lapic *l, u32 offset, u32 *slot, struct lapic_out *out)
{
	if (!(offset % 16) && offset / 16 < LAPIC_SLOTS) {
		*slot = array_index_nospec(offset / 16, LAPIC_SLOTS);
		if (lapic_regs[*slot].access & X_RW)
			return true;
	}
	lapic_todo(out, LAPIC_OUT_PENDING, lapic_error(l, LAPIC_ESR_REGISTER));
	return false;
}

u32 lapic_read(struct lapic *l, u32 offset, u64 now, struct lapic_out *out)
{
	u32 slot;

	return find_xapic(l, offset, &slot, out) ? lapic_value(l, slot, now) : 0;
}

void lapic_write(struct lapic *l, u32 offset, u32 value, u64 now, struct lapic_out *out)
{
	u32 slot;

	if (find_xapic(l, offset, &slot, out) && lapic_regs[slot].access & LAPIC_X_WRITE)
		lapic_store(l, slot, value, now, out);
}
