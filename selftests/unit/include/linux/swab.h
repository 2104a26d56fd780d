/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_LINUX_SWAB_H
#define KITE_UNIT_LINUX_SWAB_H

#define swab64(value)	__builtin_bswap64(value)

#endif
