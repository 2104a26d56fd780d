/* SPDX-License-Identifier: GPL-2.0-only */
/* What a VM is and has, for its user to look at. */
#ifndef KITE_CORE_ACCOUNT_H
#define KITE_CORE_ACCOUNT_H

#include <linux/types.h>

struct kite_vm;

struct kite_account {
	u32 vcpus;
	u32 slots;
	u64 memory;		/* bytes in slots */
	u64 tables;		/* bytes of extended page tables */
	u64 overhead;		/* all other bytes that the kernel has allocated for the VM */
	u64 entries;		/* counters of all vCPUs: entries, page faults */
	u64 faults;
};

/* May sleep; for whoever holds the VM. */
void kite_vm_account(struct kite_vm *vm, struct kite_account *a);

#endif
