/* SPDX-License-Identifier: GPL-2.0-only */
/* Unit tests have one thread: nothing comes in between. */
#ifndef KITE_UNIT_LINUX_ATOMIC_H
#define KITE_UNIT_LINUX_ATOMIC_H

#include <linux/types.h>

typedef struct { s64 counter; } atomic64_t;
typedef struct { long counter; } atomic_long_t;

#define atomic64_read(v)	((v)->counter)
#define atomic64_inc(v)		((void)(v)->counter++)
#define atomic_long_read(v)	((v)->counter)
#define atomic_long_set(v, n)	((v)->counter = (n))
#define atomic_long_inc(v)	((void)(v)->counter++)
#define atomic_long_sub(n, v)	((void)((v)->counter -= (n)))

#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	((x) = (v))

#define try_cmpxchg(place, old, new)	\
	(*(place) == *(old) ? (*(place) = (new), true) : (*(old) = *(place), false))

#endif
