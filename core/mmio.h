/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions that the kernel finishes for the guest: MMIO moves and string I/O. */
#ifndef KITE_CORE_MMIO_H
#define KITE_CORE_MMIO_H

#include <linux/types.h>

struct kite_vcpu;

/* As kite_handle_fault(), for an address without memory behind it. */
int kite_handle_mmio(struct kite_vcpu *v, u64 gpa, u32 access);

/*
 * One step of INS or OUTS at linear address @gva; @count elements are left. The
 * answer of a handler; *@done is the number of elements this exit takes care of.
 */
int kite_handle_string_io(struct kite_vcpu *v, u16 port, u8 width, bool in, u64 gva,
			  u64 count, bool down, u32 *done);

/* Before the guest goes on: what the last exit to user space left to do. */
int kite_complete(struct kite_vcpu *v);

#endif
