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

#endif
