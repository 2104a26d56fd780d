/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libkite: one call for each ioctl of /dev/kite. Every call returns 0 (or the
 * file descriptor it made), or a negative errno. Structures that a call fills
 * need not be initialised, except for the members named in its comment.
 */
#ifndef LIB_LIBKITE_H
#define LIB_LIBKITE_H

#include "lib/types.h"
#include "uapi/kite.h"

int kite_open(void);
int kite_get_info(int dev, struct kite_info *info);
int kite_get_vmx_msrs(int dev, struct kite_vmx_msrs *msrs);
/* @tsc_khz: 0 for the host's. */
int kite_create_vm(int dev, u32 flags, u32 tsc_khz);

int kite_set_slot(int vm, u32 slot, u64 gpa, void *mem, u64 len);
int kite_create_vcpu(int vm, u32 id);
int kite_irq_line(int vm, u32 gsi, bool level);
int kite_pic_intr(int vm, bool level);

/* Returns the mapping of the run page and the trace, NULL with errno set on failure. */
struct kite_run *kite_map_run(int vcpu, u32 mmap_size);
void kite_unmap_run(struct kite_run *run, u32 mmap_size);
int kite_run_vcpu(int vcpu);
int kite_kick(int vcpu);
/* Reads the groups in @state->groups. */
int kite_get_state(int vcpu, struct kite_state *state);
/* Writes the groups in @state->groups. */
int kite_set_state(int vcpu, struct kite_state *state);
int kite_get_lapic(int vcpu, struct kite_lapic *lapic);
int kite_set_lapic(int vcpu, struct kite_lapic *lapic);
int kite_get_stats(int vcpu, struct kite_stats *stats);
int kite_set_debug(int vcpu, u32 flags);

#endif
