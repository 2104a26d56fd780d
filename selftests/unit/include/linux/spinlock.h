/* SPDX-License-Identifier: GPL-2.0-only */
/* Unit tests have one thread; a lock only knows whether it is held. */
#ifndef KITE_UNIT_LINUX_SPINLOCK_H
#define KITE_UNIT_LINUX_SPINLOCK_H

#include <assert.h>

#include <linux/types.h>

typedef struct { bool held; } raw_spinlock_t;

#define raw_spin_lock_init(lock)	((lock)->held = false)

#define raw_spin_lock_irqsave(lock, flags) do {		\
	assert(!(lock)->held);				\
	(lock)->held = true;				\
	(flags) = 1;					\
} while (0)

#define raw_spin_unlock_irqrestore(lock, flags) do {	\
	assert((lock)->held && (flags));		\
	(lock)->held = false;				\
} while (0)

#define smp_load_acquire(p)		(*(p))
#define smp_store_release(p, v)		(*(p) = (v))
#define smp_wmb()			do { } while (0)
#define WRITE_ONCE(x, v)		((x) = (v))

#endif
