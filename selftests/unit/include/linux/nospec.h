/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_LINUX_NOSPEC_H
#define KITE_UNIT_LINUX_NOSPEC_H

#define array_index_nospec(index, size)	(index)

#endif
