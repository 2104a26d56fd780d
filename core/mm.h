/* SPDX-License-Identifier: GPL-2.0-only */
/* The address spaces guest memory comes from, and what the host tells of them. */
#ifndef KITE_CORE_MM_H
#define KITE_CORE_MM_H

#include <linux/types.h>

struct kite_vm;
struct mm_struct;

/* Attach @vm to the address space of the current process. */
int kite_mm_attach(struct kite_vm *vm);
void kite_mm_detach(struct kite_vm *vm);

struct mm_struct *kite_vm_mm(const struct kite_vm *vm);

/*
 * In a map section: the host is changing something of [@uaddr, @uaddr + @len), what its
 * page tables say is not to be used.
 */
bool kite_mm_changing(const struct kite_vm *vm, unsigned long uaddr, u64 len);

/* Against invalidations by the host, for a change of the slots they look at. */
void kite_mm_lock(struct kite_vm *vm) __acquires(mm);
void kite_mm_unlock(struct kite_vm *vm) __releases(mm);

/* Module exit: wait until every notifier is gone. */
void kite_mm_exit(void);

#endif
