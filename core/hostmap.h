/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's own page tables, read as the CPU reads them. */
#ifndef KITE_CORE_HOSTMAP_H
#define KITE_CORE_HOSTMAP_H

#include <linux/types.h>
#include <asm/pgtable_types.h>

struct mm_struct;

/*
 * @level: size of the page, as EPT counts levels
 * @pa: physical address of the byte that was asked for
 * @writable: the process may write there now
 * @pte: level 1: where its entry is, those of the pages beside it around it
 */
struct kite_host_page {
	unsigned int level;
	bool writable;
	u64 pa;
	pte_t *pte;
};

/*
 * What is mapped at @uaddr of @mm. Interrupts are off: until they are on the tables are
 * not freed. No reference is taken: the page stays what it is only while the MMU
 * notifier says nothing (core/maps.h).
 * 0; -EAGAIN: nothing now, the process must touch it first.
 */
int kite_host_lookup(struct mm_struct *mm, unsigned long uaddr, struct kite_host_page *page);

/* Physical address of the page of @pte, and whether it is writable; 0 if it cannot be used. */
u64 kite_host_pte(pte_t pte, bool *writable);

#endif
