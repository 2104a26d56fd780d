/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Format of an EPT entry and of the EPT pointer. SDM, chapter "VMX Support for
 * Address Translation", section "The Extended Page Table Mechanism".
 */
#ifndef KITE_EPT_ENTRY_H
#define KITE_EPT_ENTRY_H

#include <linux/bits.h>
#include <linux/types.h>

#define KITE_EPT_LEVELS		4
#define KITE_EPT_INDEX_BITS	9
#define KITE_EPT_ENTRIES	(1u << KITE_EPT_INDEX_BITS)
#define KITE_EPT_PAGE_SHIFT	12

#define KITE_EPT_READ		BIT_ULL(0)
#define KITE_EPT_WRITE		BIT_ULL(1)
#define KITE_EPT_EXEC		BIT_ULL(2)
#define KITE_EPT_PERM		(KITE_EPT_READ | KITE_EPT_WRITE | KITE_EPT_EXEC)
#define KITE_EPT_MT_WB		(6ull << 3)	/* memory type write-back */
#define KITE_EPT_IPAT		BIT_ULL(6)	/* the guest's PAT does not matter */
#define KITE_EPT_LARGE		BIT_ULL(7)	/* maps a page at level 2 or 3 */
#define KITE_EPT_ACCESSED	BIT_ULL(8)
#define KITE_EPT_DIRTY		BIT_ULL(9)
#define KITE_EPT_ADDR		GENMASK_ULL(51, 12)
/* The CPU ignores this bit: the page is Kite's, not one of the process. */
#define KITE_EPT_OWN		BIT_ULL(52)
#define KITE_EPT_ALL		(~0ull)

/* EPT pointer: memory type of the tables, page-walk length minus one, accessed and dirty flags. */
#define KITE_EPTP_WB		6ull
#define KITE_EPTP_WALK_4	(3ull << 3)
#define KITE_EPTP_AD		BIT_ULL(6)

/* First bit of a guest-physical address that a table of @level (1 to 4) translates. */
static inline unsigned int kite_ept_shift(unsigned int level)
{
	return KITE_EPT_PAGE_SHIFT + (level - 1) * KITE_EPT_INDEX_BITS;
}

static inline unsigned int kite_ept_index(u64 gpa, unsigned int level)
{
	return (gpa >> kite_ept_shift(level)) & (KITE_EPT_ENTRIES - 1);
}

/* Bytes that one entry of @level covers. */
static inline u64 kite_ept_span(unsigned int level)
{
	return 1ull << kite_ept_shift(level);
}

static inline bool kite_ept_present(u64 entry)
{
	return entry & KITE_EPT_PERM;
}

static inline bool kite_ept_leaf(u64 entry, unsigned int level)
{
	return level == 1 || (entry & KITE_EPT_LARGE);
}

#endif
