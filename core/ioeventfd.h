/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes of the guest that signal an event descriptor instead of going to user space. */
#ifndef KITE_CORE_IOEVENTFD_H
#define KITE_CORE_IOEVENTFD_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "../irq/doorbell.h"

struct eventfd_ctx;
struct kite_ioeventfd;
struct kite_vcpu;
struct kite_vm;

/* Sorted; never changed once published. The target of each is an eventfd_ctx with a reference. */
struct kite_doorbells {
	struct rcu_head rcu;
	struct eventfd_ctx *gone;	/* not in the table that replaced this one */
	u64 address_bits;		/* of a hash of each address: others need no search */
	u32 count;
	struct doorbell bell[];
};

/* KITE_VM_IOEVENTFD; @phys_bits limits guest-physical addresses. */
int kite_ioeventfd(struct kite_vm *vm, const struct kite_ioeventfd *arg, u32 phys_bits);
void kite_doorbells_free(struct kite_vm *vm);
size_t kite_doorbells_bytes(struct kite_vm *vm);

/* In the window: the guest writes the low @len bytes of @value. True: that was a doorbell. */
bool kite_doorbell(struct kite_vcpu *v, bool pio, u64 addr, u32 len, u64 value);

/* Window closed: KITE_REQ_DOORBELL. > 0, or 0 with the record filled. */
int kite_serve_doorbell(struct kite_vcpu *v);

#endif
