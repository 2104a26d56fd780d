// SPDX-License-Identifier: GPL-2.0-only
/*
 * Local APIC: for a CPU that virtualises it. SDM, chapter "APIC Virtualization and
 * Virtual Interrupts".
 */
#include <linux/nospec.h>
#include <linux/types.h>

#include "lapic.h"
#include "lapic_regs.h"

void lapic_written(struct lapic *l, u32 offset, u64 now, struct lapic_out *out)
{
	u32 slot = offset / 16;

	/* The CPU says so of registers that a guest may write, and of no others. */
	if (slot >= LAPIC_SLOTS)
		return;
	slot = array_index_nospec(slot, LAPIC_SLOTS);
	lapic_store(l, slot, lapic_get(l, slot), now, out);
}

/* No vector is 0 there. */
static u8 vector_or_0(s16 top)
{
	return top < 0 ? 0 : top;
}

u16 lapic_interrupt_status(struct lapic *l)
{
	lapic_settle(l);
	return vector_or_0(l->irr_top) | vector_or_0(l->isr_top) << 8;
}

u8 lapic_tpr_threshold(struct lapic *l)
{
	u8 class;

	lapic_settle(l);
	class = vector_or_0(l->irr_top) >> 4;
	/* Above TPR it is not TPR that it waits for. */
	return class <= lapic_get(l, LAPIC_TPR) >> 4 ? class : 0;
}

bool lapic_has_level(const struct lapic *l)
{
	const u32 *r = &l->regs[LAPIC_TMR * 4];

	return r[0] | r[4] | r[8] | r[12] | r[16] | r[20] | r[24] | r[28];
}

/* Only level-triggered interrupts are told to the I/O APIC. */
void lapic_eoi_exits(const struct lapic *l, u64 bitmap[IRQ_VECTORS / 64])
{
	unsigned int i;

	for (i = 0; i < IRQ_VECTORS / 64; i++)
		bitmap[i] = lapic_get(l, LAPIC_TMR + 2 * i) |
			    (u64)lapic_get(l, LAPIC_TMR + 2 * i + 1) << 32;
}

bool lapic_msr_in_page(u32 msr)
{
	u32 slot = msr - LAPIC_MSR_FIRST;

	return slot < LAPIC_SLOTS && slot != LAPIC_CURRENT &&
	       lapic_regs[slot].access & LAPIC_X2_READ;
}
