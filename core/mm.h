/* SPDX-License-Identifier: GPL-2.0-only */
/* The address spaces guest memory comes from, and what the host tells of them. */
#ifndef KITE_CORE_MM_H
#define KITE_CORE_MM_H

#include <linux/types.h>

struct kite_vm;

/* Attach @vm to the address space of the current process. */
int kite_mm_attach(struct kite_vm *vm);
void kite_mm_detach(struct kite_vm *vm);

/* Against invalidations by the host, for a change of the slots they look at. */
void kite_mm_lock(struct kite_vm *vm) __acquires(mm);
void kite_mm_unlock(struct kite_vm *vm) __releases(mm);

/* Module exit: wait until every notifier is gone. */
void kite_mm_exit(void);

#endif
