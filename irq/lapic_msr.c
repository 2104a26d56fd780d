// SPDX-License-Identifier: GPL-2.0-only
/* Local APIC: IA32_APIC_BASE and the MSRs of x2APIC mode. */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/nospec.h>
#include <linux/types.h>

#include "lapic.h"
#include "lapic_regs.h"

static const struct lapic_reg *find_x2apic(const struct lapic *l, u32 msr, u8 access)
{
	u32 slot = msr - LAPIC_MSR_FIRST;

	if (!lapic_is_x2apic(l) || slot >= LAPIC_SLOTS)
		return NULL;
	slot = array_index_nospec(slot, LAPIC_SLOTS);
	return lapic_regs[slot].access & access ? &lapic_regs[slot] : NULL;
}

int lapic_msr_read(struct lapic *l, u32 msr, u64 now, u64 *value)
{
	u32 slot = msr - LAPIC_MSR_FIRST;

	if (!find_x2apic(l, msr, LAPIC_X2_READ))
		return -EINVAL;
	*value = lapic_value(l, slot, now);
	if (slot == LAPIC_ICR)
		*value |= (u64)l->regs[LAPIC_ICR * 4 + 1] << 32;
	return 0;
}

int lapic_msr_write(struct lapic *l, u32 msr, u64 value, u64 now, struct lapic_out *out)
{
	const struct lapic_reg *reg = find_x2apic(l, msr, LAPIC_X2_WRITE);
	u32 slot = msr - LAPIC_MSR_FIRST;
	u64 allowed;

	if (!reg)
		return -EINVAL;
	allowed = reg->writable | reg->status;
	if (slot == LAPIC_ICR)
		allowed |= GENMASK_ULL(63, 32);
	if (value & ~allowed)
		return -EINVAL;

	if (slot == LAPIC_ICR)
		l->regs[LAPIC_ICR * 4 + 1] = value >> 32;
	lapic_store(l, slot, value, now, out);
	return 0;
}

bool lapic_base_valid(u64 value, u64 phys_mask)
{
	u64 allowed = (phys_mask & ~0xfffull) | LAPIC_BASE_BSP | LAPIC_BASE_MODE;

	return !(value & ~allowed) && (value & LAPIC_BASE_MODE) != LAPIC_BASE_EXTD;
}

/*
 * A disabled APIC has its registers reset. x2APIC mode has its own ID, LDR and
 * ICR, the other registers pass from one mode to the other.
 */
static void change_base(struct lapic *l, u64 value, struct lapic_out *out)
{
	u64 changed = l->base ^ value;

	l->base = value;
	lapic_todo(out, LAPIC_OUT_ROUTE, changed);
	if (!(changed & LAPIC_BASE_MODE))
		return;

	if (!(value & LAPIC_BASE_EN)) {
		lapic_clear(l);
	} else if (changed & LAPIC_BASE_EXTD) {
		lapic_put(l, LAPIC_LDR, 0);
		l->regs[LAPIC_ICR * 4 + 1] = 0;
		lapic_put(l, LAPIC_ICR_HIGH, 0);
		lapic_put_identity(l);
	}
	out->todo |= LAPIC_OUT_TIMER | LAPIC_OUT_PENDING;
}

int lapic_set_base(struct lapic *l, u64 value, u64 phys_mask, struct lapic_out *out)
{
	u64 from = l->base & LAPIC_BASE_MODE;
	u64 to = value & LAPIC_BASE_MODE;

	if (!lapic_base_valid(value, phys_mask))
		return -EINVAL;
	/* From the disabled state the way to x2APIC mode leads over xAPIC mode, and none back. */
	if ((!from && to == LAPIC_BASE_MODE) || (from == LAPIC_BASE_MODE && to == LAPIC_BASE_EN))
		return -EINVAL;
	change_base(l, value, out);
	return 0;
}

int lapic_load_base(struct lapic *l, u64 value, u64 phys_mask, struct lapic_out *out)
{
	if (!lapic_base_valid(value, phys_mask))
		return -EINVAL;
	change_base(l, value, out);
	return 0;
}
