/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a vCPU's last MMIO instructions were, so that a driver that rings the same doorbell
 * again and again is not walked for and decoded each time.
 *
 * An instruction is known by where it stands and by everything it was found by: the slots,
 * CR3, each entry of the guest's page tables, and its bytes. Entries and bytes are read
 * again and compared, so nothing has to be told when the guest changes them. Only in
 * 64-bit mode, where neither segments nor the operand size of CS have a say.
 */
#ifndef KITE_CORE_RECALL_H
#define KITE_CORE_RECALL_H

#include <linux/types.h>

#include "../insn/decode.h"

struct kite_vcpu;

#define KITE_TRAIL_LEVELS	4

/* The entries that a walk of 64-bit page tables went through, and where they are. */
struct kite_trail {
	u32 count;
	struct kite_trail_entry {
		unsigned long uaddr;
		u64 entry;
	} at[KITE_TRAIL_LEVELS];
};

#define KITE_RECALL_BITS	3
#define KITE_RECALL_BYTES	16	/* of which the instruction is the first */

struct kite_recalled {
	u64 rip;
	u64 cr3;
	u64 slots;		/* their generation; 0: nothing is remembered */
	struct kite_trail trail;
	unsigned long uaddr;	/* of the instruction */
	u64 bytes[KITE_RECALL_BYTES / sizeof(u64)];
	struct kite_insn insn;
};

/* In the window: the instruction at RIP, if it is still the one remembered; else NULL. */
const struct kite_insn *kite_recall(struct kite_vcpu *v);

/*
 * In the window: the instruction at linear address @gva is @insn, a move without REP. The
 * walk for it went through @trail to @gpa, where @bytes are.
 */
void kite_remember(struct kite_vcpu *v, u64 gva, const struct kite_trail *trail, u64 gpa,
		   const u64 *bytes, const struct kite_insn *insn);

#endif
