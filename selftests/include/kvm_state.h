/* SPDX-License-Identifier: GPL-2.0-only */
/* Kite's structures to KVM's. Calls return what ioctl() does. */
#ifndef KT_KVM_STATE_H
#define KT_KVM_STATE_H

#include <linux/kvm.h>

#include "uapi/kite.h"

#define KVM_CPUIDS	100

struct kvm_cpuids {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[KVM_CPUIDS];
};

/* What KVM supports: ask once, then give it to any number of vCPUs. */
int kvm_read_cpuids(int dev, struct kvm_cpuids *cpuids);
/* @id: of its APIC; @irqchip: KVM emulates that. */
int kvm_put_cpuids(int vcpu, const struct kvm_cpuids *cpuids, unsigned int id, int irqchip);
/* General-purpose registers, segments and control registers. */
int kvm_put_state(int vcpu, const struct kite_state *s);

#endif
