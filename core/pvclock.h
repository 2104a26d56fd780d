/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The paravirtual clock and steal time that Linux guests know from KVM: MSRs by
 * which the guest says where it wants them, and structures in its memory.
 */
#ifndef KITE_CORE_PVCLOCK_H
#define KITE_CORE_PVCLOCK_H

#include <linux/types.h>

#include "vcpu.h"

#define KITE_MSR_PV_WALL_CLOCK	0x4b564d00
#define KITE_MSR_PV_SYSTEM_TIME	0x4b564d01
#define KITE_MSR_PV_STEAL_TIME	0x4b564d03

/* CPUID leaf 40000101H, EAX: the features Kite has. */
u32 kite_pvclock_features(void);

/* -EINVAL: #GP. */
int kite_pvclock_read_msr(struct kite_vcpu *v, u32 msr, u64 *value);
int kite_pvclock_write_msr(struct kite_vcpu *v, u32 msr, u64 value);

/* User space may set these MSRs. */
bool kite_pvclock_valid(const struct kite_vcpu *v, const struct kite_pvclock *state);

/* Window closed: write the structures in guest memory. Addresses that are no memory are ignored. */
void kite_pvclock_update(struct kite_vcpu *v);
void kite_pvclock_wall_clock(struct kite_vcpu *v);
#define KITE_PV_ENABLED	BIT_ULL(0)	/* of system time and steal time */

static inline bool kite_pvclock_tells_steal(const struct kite_vcpu *v)
{
	return v->pvclock.steal_time & KITE_PV_ENABLED;
}

/* If so: tell how long the vCPU's thread was runnable and did not run. */
void kite_pvclock_steal(struct kite_vcpu *v);
/* The thread gives up its CPU, or has it again. */
void kite_pvclock_preempted(struct kite_vcpu *v, bool preempted);

#endif
