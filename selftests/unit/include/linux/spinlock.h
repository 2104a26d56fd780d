/* SPDX-License-Identifier: GPL-2.0-only */
/* Unit tests have one thread; a lock only knows whether it is held. */
#ifndef KITE_UNIT_LINUX_SPINLOCK_H
#define KITE_UNIT_LINUX_SPINLOCK_H

#include <assert.h>

#include <linux/types.h>

typedef struct { bool held; } spinlock_t;

#define spin_lock_init(lock)	((lock)->held = false)

#define spin_lock(lock) do {				\
	assert(!(lock)->held);				\
	(lock)->held = true;				\
} while (0)

#define spin_unlock(lock) do {				\
	assert((lock)->held);				\
	(lock)->held = false;				\
} while (0)

#endif
