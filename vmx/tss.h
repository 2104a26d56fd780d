/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_VMX_TSS_H
#define KITE_VMX_TSS_H

#include <linux/bits.h>
#include <linux/types.h>

/*
 * Base of a 64-bit TSS from the two quadwords of its descriptor. SDM, chapter
 * "Task Management", section "TSS Descriptor in 64-bit mode".
 */
static inline u64 vmx_tss_base(u64 low, u64 high)
{
	return ((low >> 16) & GENMASK_ULL(23, 0)) | ((low >> 56) << 24) | (high << 32);
}

#endif
