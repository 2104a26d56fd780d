// SPDX-License-Identifier: GPL-2.0-only
/* Local APIC: the register image, taken and restored. */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include "lapic.h"
#include "lapic_regs.h"

/* Words of the image beside the registers at the start of each slot. */
#define IMAGE_ERRORS	(LAPIC_ESR * 4 + 1)	/* errors that ESR does not show yet */
#define IMAGE_ICR_HIGH	(LAPIC_ICR * 4 + 1)	/* of the 64-bit ICR */

#define IMAGE_SIZE	(LAPIC_IMAGE_WORDS * sizeof(u32))

/* Bits that word @i of the image may have. */
static u32 image_bits(const struct lapic *l, u32 i)
{
	if (i % 4 == 0)
		return lapic_regs[i / 4].image;
	if (i == IMAGE_ERRORS)
		return LAPIC_ESR_ALL;
	if (i == IMAGE_ICR_HIGH && lapic_is_x2apic(l))
		return ~0u;
	return 0;
}

/*
 * What a CPU wrote to the page for a guest by itself may never have been told to the
 * model: the delivery of an event that writes there and then faults. The image is what
 * the model goes by.
 */
static void tidy(const struct lapic *l, u32 *image)
{
	u32 i;

	for (i = 0; i < LAPIC_IMAGE_WORDS; i++)
		image[i] &= image_bits(l, i);
	if (!lapic_is_x2apic(l))
		image[LAPIC_LDR * 4] &= lapic_regs[LAPIC_LDR].writable;
	image[LAPIC_DFR * 4] |= LAPIC_DFR_FIXED;
	image[LAPIC_SVR * 4] &= ~LAPIC_SVR_ENABLE;
	if (l->enabled)
		image[LAPIC_SVR * 4] |= LAPIC_SVR_ENABLE;
	for (i = LAPIC_LVT_TIMER; !l->enabled && i <= LAPIC_LVT_ERROR; i++)
		image[i * 4] |= LAPIC_LVT_MASK;
	image[LAPIC_LVT_TIMER * 4] = l->timer_entry;
	if (l->expiry || l->timer_mode == LAPIC_DEADLINE)
		image[LAPIC_INITIAL * 4] = lapic_timer_initial(l);
}

void lapic_get_regs(struct lapic *l, u32 *image, u64 now)
{
	/* The count cannot tell a timer that is due from one that is stopped. */
	lapic_timer_expire(l, now);
	lapic_settle(l);
	lapic_put_identity(l);
	memcpy(image, l->regs, IMAGE_SIZE);
	tidy(l, image);
	image[LAPIC_CURRENT * 4] = lapic_timer_count(l, now);
	image[IMAGE_ERRORS] = l->errors;
}

static bool no_reserved_bits(const struct lapic *l, const u32 *image)
{
	u32 i;

	for (i = 0; i < LAPIC_IMAGE_WORDS; i++)
		if (image[i] & ~image_bits(l, i))
			return false;
	return true;
}

static bool same(const struct lapic *l, const u32 *image, u32 slot)
{
	return image[slot * 4] == lapic_get(l, slot);
}

static bool identity_valid(const struct lapic *l, const u32 *image)
{
	if (!same(l, image, LAPIC_ID) || !same(l, image, LAPIC_VERSION))
		return false;
	if (lapic_is_x2apic(l))
		return same(l, image, LAPIC_LDR) && !image[LAPIC_ICR_HIGH * 4];
	return !(image[LAPIC_LDR * 4] & 0xffffff);
}

static bool vectors_valid(const u32 *image)
{
	u32 illegal = GENMASK(IRQ_VECTOR_MIN - 1, 0);
	u32 all = image[LAPIC_ISR * 4] | image[LAPIC_TMR * 4] | image[LAPIC_IRR * 4];

	return !(all & illegal) && image[LAPIC_PPR * 4] ==
		lapic_ppr(image[LAPIC_TPR * 4], lapic_top(image, LAPIC_ISR));
}

static bool lvt_valid(const u32 *image)
{
	u32 lvt;

	if (image[LAPIC_SVR * 4] & LAPIC_SVR_ENABLE)
		return true;
	for (lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt++)
		if (!(image[lvt * 4] & LAPIC_LVT_MASK))
			return false;
	return true;
}

static u8 image_timer_mode(const u32 *image)
{
	return image[LAPIC_LVT_TIMER * 4] >> LAPIC_LVT_MODE_SHIFT & 3;
}

static bool timer_valid(const u32 *image)
{
	u32 initial = image[LAPIC_INITIAL * 4];
	u32 current_count = image[LAPIC_CURRENT * 4];

	if (image_timer_mode(image) <= LAPIC_PERIODIC)
		return current_count <= initial;
	return image_timer_mode(image) == LAPIC_DEADLINE && !initial && !current_count;
}

static bool image_valid(const struct lapic *l, const u32 *image)
{
	/* The registers of a disabled APIC are reset and nothing else. */
	if (!(l->base & LAPIC_BASE_EN))
		return !memcmp(image, l->regs, IMAGE_SIZE);
	return no_reserved_bits(l, image) && identity_valid(l, image) && vectors_valid(image) &&
	       lvt_valid(image) && timer_valid(image) &&
	       (image[LAPIC_DFR * 4] & LAPIC_DFR_FIXED) == LAPIC_DFR_FIXED;
}

/* Let the timer go on from the count in the image. A deadline that is armed stays. */
static void restore_timer(struct lapic *l, const u32 *image, u64 now)
{
	u32 initial = image[LAPIC_INITIAL * 4];
	u32 left = image[LAPIC_CURRENT * 4];

	l->timer_entry = image[LAPIC_LVT_TIMER * 4];
	lapic_timer_set_mode(l, image_timer_mode(image));
	l->timer_shift = lapic_divide_shift(image[LAPIC_DIVIDE * 4]);
	lapic_timer_start(l, left, now);
	lapic_put(l, LAPIC_INITIAL, initial);
	l->period = (u64)initial << l->timer_shift;
}

int lapic_set_regs(struct lapic *l, const u32 *image, u64 now, struct lapic_out *out)
{
	if (!image_valid(l, image))
		return -EINVAL;

	memcpy(l->regs, image, IMAGE_SIZE);
	l->errors = image[IMAGE_ERRORS];
	l->regs[IMAGE_ERRORS] = 0;
	lapic_put(l, LAPIC_CURRENT, 0);
	l->enabled = image[LAPIC_SVR * 4] & LAPIC_SVR_ENABLE;
	restore_timer(l, image, now);
	lapic_rescan(l);
	out->todo |= LAPIC_OUT_ROUTE | LAPIC_OUT_TIMER | LAPIC_OUT_PENDING;
	return 0;
}
