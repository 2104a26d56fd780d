/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of this folder. */
#ifndef KITE_EPT_TABLE_H
#define KITE_EPT_TABLE_H

#include <linux/io.h>

#include "entry.h"

static inline u64 *kite_ept_table(u64 entry)
{
	return __va(entry & KITE_EPT_ADDR);
}

/*
 * Most of a table that is given up is empty: eight entries are looked at in one go. The
 * bits that any of the eight from @entry on has. Each may be as it was or as it is.
 */
#define KITE_EPT_GROUP	8

static inline u64 kite_ept_group(const u64 *entry)
{
	return entry[0] | entry[1] | entry[2] | entry[3] |
	       entry[4] | entry[5] | entry[6] | entry[7];
}

#endif
