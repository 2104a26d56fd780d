/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only writers of the record that user space reads after KITE_VCPU_RUN.
 * Each returns 0, the answer of a handler that goes to user space.
 */
#ifndef KITE_CORE_EXIT_RECORD_H
#define KITE_CORE_EXIT_RECORD_H

#include "vcpu.h"

int kite_exit_plain(struct kite_vcpu *v, enum kite_exit_reason reason);
int kite_exit_io(struct kite_vcpu *v, u16 port, u8 width, u8 flags, u32 count);
int kite_exit_mmio(struct kite_vcpu *v, u64 gpa, u32 width, bool is_write, u64 value);
int kite_exit_fault(struct kite_vcpu *v, u64 gpa, u32 access, int err);
int kite_exit_protection(struct kite_vcpu *v, const struct kite_exit_protection *rec);
int kite_exit_fail_entry(struct kite_vcpu *v, const struct kite_exit_fail_entry *rec);
int kite_exit_internal(struct kite_vcpu *v, const struct kite_exit_internal *rec);
int kite_exit_debug(struct kite_vcpu *v, u64 rip);
int kite_exit_inta(struct kite_vcpu *v);

#endif
