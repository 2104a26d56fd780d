/* SPDX-License-Identifier: GPL-2.0-only */
/* In unit tests a physical address is the virtual one. */
#ifndef KITE_UNIT_LINUX_IO_H
#define KITE_UNIT_LINUX_IO_H

#include <linux/types.h>

#define __pa(p)		((u64)(unsigned long)(p))
#define __va(pa)	((void *)(unsigned long)(pa))

#endif
