/* SPDX-License-Identifier: GPL-2.0-only */
/* A local APIC to test, and its registers by their offsets in the SDM. */
#ifndef KITE_UNIT_LAPIC_UTIL_H
#define KITE_UNIT_LAPIC_UTIL_H

#include <string.h>

#include "irq/lapic.h"

#define APIC_ID		0x020
#define APIC_VERSION	0x030
#define APIC_TPR	0x080
#define APIC_APR	0x090
#define APIC_PPR	0x0a0
#define APIC_EOI	0x0b0
#define APIC_RRD	0x0c0
#define APIC_LDR	0x0d0
#define APIC_DFR	0x0e0
#define APIC_SVR	0x0f0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_CMCI	0x2f0
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVTT	0x320
#define APIC_THERMAL	0x330
#define APIC_PMC	0x340
#define APIC_LINT0	0x350
#define APIC_LINT1	0x360
#define APIC_LVTERR	0x370
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define APIC_SELF	0x3f0

#define APIC_MSR(offset)	(0x800 + (offset) / 16)

#define SVR_ENABLED	0x1ff
#define SVR_DISABLED	0x0ff
#define SVR_SUPPRESS	0x1000

#define LVT_MASKED	0x10000
#define LVT_ONE_SHOT	0x00000
#define LVT_PERIODIC	0x20000
#define LVT_DEADLINE	0x40000

#define ESR_SEND	0x20
#define ESR_RECEIVE	0x40
#define ESR_REGISTER	0x80

#define DIVIDE_BY_1	0xb
#define DIVIDE_BY_16	0x3

#define BASE_MODE	(LAPIC_BASE_EN | LAPIC_BASE_EXTD)
#define PHYS_MASK	((1ull << 39) - 1)

/* One APIC; @now is the time that passes only when a test says so. */
struct bench {
	struct lapic l;
	struct lapic_out out;
	u64 now;
	u32 page[LAPIC_PAGE_SIZE / sizeof(u32)];
};

static inline void wr(struct bench *b, u32 offset, u32 value)
{
	memset(&b->out, 0, sizeof(b->out));
	lapic_write(&b->l, offset, value, b->now, &b->out);
}

static inline u32 rd(struct bench *b, u32 offset)
{
	memset(&b->out, 0, sizeof(b->out));
	return lapic_read(&b->l, offset, b->now, &b->out);
}

static inline int wrmsr(struct bench *b, u32 msr, u64 value)
{
	memset(&b->out, 0, sizeof(b->out));
	return lapic_msr_write(&b->l, msr, value, b->now, &b->out);
}

static inline int rdmsr(struct bench *b, u32 msr, u64 *value)
{
	return lapic_msr_read(&b->l, msr, b->now, value);
}

/* WRMSR to IA32_APIC_BASE with other mode bits. */
static inline int set_mode(struct bench *b, u64 mode)
{
	memset(&b->out, 0, sizeof(b->out));
	return lapic_set_base(&b->l, (b->l.base & ~BASE_MODE) | mode, PHYS_MASK, &b->out);
}

/* As after power-up, with a page that is not clean; CPU @id is the BSP if it is 0. */
static inline void power_up(struct bench *b, u32 id)
{
	memset(b, 0xa5, sizeof(*b));
	memset(&b->out, 0, sizeof(b->out));
	b->now = 1000;
	lapic_reset(&b->l, b->page, id, !id);
}

/* And software-enabled, as an operating system has it. */
static inline void xapic_on(struct bench *b, u32 id)
{
	power_up(b, id);
	wr(b, APIC_SVR, SVR_ENABLED);
}

static inline void x2apic_on(struct bench *b, u32 id)
{
	xapic_on(b, id);
	if (set_mode(b, BASE_MODE))
		__builtin_trap();
}

/* Take what is pending: the vector, or -1. */
static inline int take(struct bench *b)
{
	int vector = lapic_pending(&b->l);

	if (vector >= 0)
		lapic_ack(&b->l, vector);
	return vector;
}

#endif
