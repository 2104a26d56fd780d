/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers of the local APIC, for the files that make up the model. */
#ifndef KITE_IRQ_LAPIC_REGS_H
#define KITE_IRQ_LAPIC_REGS_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "lapic.h"

/*
 * A register by its slot: offset / 16 in the page, MSR - 800H in x2APIC mode.
 * Only the first word of a slot is a register, but for the 64-bit ICR.
 */
enum lapic_slot {
	LAPIC_ID	= 0x02,
	LAPIC_VERSION	= 0x03,
	LAPIC_TPR	= 0x08,
	LAPIC_APR	= 0x09,
	LAPIC_PPR	= 0x0a,
	LAPIC_EOI	= 0x0b,
	LAPIC_RRD	= 0x0c,
	LAPIC_LDR	= 0x0d,
	LAPIC_DFR	= 0x0e,
	LAPIC_SVR	= 0x0f,
	LAPIC_ISR	= 0x10,
	LAPIC_TMR	= 0x18,
	LAPIC_IRR	= 0x20,
	LAPIC_ESR	= 0x28,
	LAPIC_ICR	= 0x30,
	LAPIC_ICR_HIGH	= 0x31,
	LAPIC_LVT_TIMER	= 0x32,
	LAPIC_LVT_LINT0	= 0x35,
	LAPIC_LVT_ERROR	= 0x37,
	LAPIC_INITIAL	= 0x38,
	LAPIC_CURRENT	= 0x39,
	LAPIC_DIVIDE	= 0x3e,
	LAPIC_SELF_IPI	= 0x3f,
	LAPIC_SLOTS	= 0x40,
};

/* ISR, TMR and IRR: eight slots of 32 vectors. */
#define LAPIC_VECTOR_SLOTS	8

/* 14H; six LVT entries, that is no CMCI; EOI-broadcast suppression. */
#define LAPIC_VERSION_VALUE	(0x14u | 5u << 16 | 1u << 24)

#define LAPIC_DFR_FIXED		0x0fffffffu
#define LAPIC_DFR_MODEL		0xf0000000u

#define LAPIC_SVR_ENABLE	BIT(8)
#define LAPIC_SVR_NO_BROADCAST	BIT(12)
#define LAPIC_SVR_RESET		0xffu

#define LAPIC_ESR_SEND_VECTOR	BIT(5)
#define LAPIC_ESR_RECV_VECTOR	BIT(6)
#define LAPIC_ESR_REGISTER	BIT(7)
#define LAPIC_ESR_ALL		(LAPIC_ESR_SEND_VECTOR | LAPIC_ESR_RECV_VECTOR | LAPIC_ESR_REGISTER)

#define LAPIC_LVT_MASK		BIT(16)
#define LAPIC_LVT_MODE_SHIFT	17	/* of the timer */
#define LAPIC_LVT_DELIVERY_SHIFT	8

#define LAPIC_BASE_MODE		(LAPIC_BASE_EN | LAPIC_BASE_EXTD)

/* LVT timer modes. */
enum {
	LAPIC_ONE_SHOT,
	LAPIC_PERIODIC,
	LAPIC_DEADLINE,
};

/* Who may read and write a register. */
#define LAPIC_X_READ	BIT(0)	/* xAPIC MMIO */
#define LAPIC_X_WRITE	BIT(1)
#define LAPIC_X2_READ	BIT(2)	/* x2APIC MSR */
#define LAPIC_X2_WRITE	BIT(3)

struct lapic_reg {
	u8 access;
	u32 writable;	/* bits that a write changes */
	u32 status;	/* read-only bits that a write may carry */
	u32 image;	/* bits that lapic_set_regs() takes */
	/* Does the work of a write; without it the value is stored. */
	void (*write)(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out);
};

extern const struct lapic_reg lapic_regs[LAPIC_SLOTS];

static inline u32 lapic_get(const struct lapic *l, u32 slot)
{
	return l->regs[slot * 4];
}

static inline void lapic_put(struct lapic *l, u32 slot, u32 value)
{
	l->regs[slot * 4] = value;
}

static inline void lapic_todo(struct lapic_out *out, u32 bit, bool condition)
{
	if (condition)
		out->todo |= bit;
}

void lapic_rescan(struct lapic *l);
void lapic_refresh(struct lapic *l);

/* irr_top, isr_top and PPR are right after it. */
static inline void lapic_settle(struct lapic *l)
{
	if (l->stale)
		lapic_refresh(l);
}

/* lapic.c */
void lapic_put_identity(struct lapic *l);
void lapic_clear(struct lapic *l);
u32 lapic_ppr(u32 tpr, int isr_top);
int lapic_top(const u32 *regs, u32 slot);
bool lapic_error(struct lapic *l, u32 errors);
bool lapic_raise(struct lapic *l, u32 lvt);
void lapic_eoi(struct lapic *l, struct lapic_out *out);

/* lapic_regs.c */
u32 lapic_value(struct lapic *l, u32 slot, u64 now);
void lapic_store(struct lapic *l, u32 slot, u32 value, u64 now, struct lapic_out *out);

/* lapic_icr.c */
void lapic_send(struct lapic *l, u32 icr, u32 dest, struct lapic_out *out);

/* lapic_timer.c */
void lapic_timer_start(struct lapic *l, u32 count, u64 now);
void lapic_timer_divide(struct lapic *l, u32 divide, u64 now);
u32 lapic_timer_initial(const struct lapic *l);
void lapic_timer_set_mode(struct lapic *l, u8 mode);
u32 lapic_timer_count(const struct lapic *l, u64 now);
u8 lapic_divide_shift(u32 divide);

#endif
