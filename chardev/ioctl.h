/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls by table: the dispatcher copies the structure in, checks its size, calls
 * the handler and copies the structure out. Handlers see kernel memory only.
 */
#ifndef KITE_CHARDEV_IOCTL_H
#define KITE_CHARDEV_IOCTL_H

#include <linux/stddef.h>
#include <linux/types.h>

#include "../uapi/kite.h"

/* Any structure of the ABI that travels by ioctl. */
union kite_arg {
	struct {
		__u32 size;
		__u32 flags;
	} head;
	struct kite_info info;
	struct kite_vmx_msrs vmx_msrs;
	struct kite_create_vm create_vm;
	struct kite_clock clock;
	struct kite_slot slot;
	struct kite_perm perm;
	struct kite_dirty dirty;
	struct kite_create_vcpu create_vcpu;
	struct kite_irq_line irq_line;
	struct kite_msi msi;
	struct kite_ioapic ioapic;
	struct kite_routes routes;
	struct kite_ioeventfd ioeventfd;
	struct kite_irqfd irqfd;
	struct kite_state state;
	struct kite_xsave xsave;
	struct kite_lapic lapic;
	struct kite_cpuid cpuid;
	struct kite_stats stats;
	struct kite_debug debug;
	struct kite_translate translate;
	struct kite_inject inject;
	struct kite_set_ring set_ring;
	struct kite_prefault prefault;
	struct kite_entry_check entry_check;
};

/*
 * @size: of the kernel's structure; 0: the argument must be 0
 * @min_size: of the first version of the structure
 * @out: copy it back on success
 * @fn: @obj is what the file descriptor stands for
 */
struct kite_ioctl {
	u32 cmd;
	u16 size;
	u16 min_size;
	bool out;
	long (*fn)(void *obj, union kite_arg *arg);
};

#define KITE_IOCTL_IN(cmd, type, last, fn) \
	{ cmd, sizeof(struct type), offsetofend(struct type, last), false, fn }
#define KITE_IOCTL_INOUT(cmd, type, last, fn) \
	{ cmd, sizeof(struct type), offsetofend(struct type, last), true, fn }
#define KITE_IOCTL_NONE(cmd, fn) \
	{ cmd, 0, 0, false, fn }

long kite_ioctl(const struct kite_ioctl *table, unsigned int count, void *obj,
		unsigned int cmd, unsigned long arg);

#endif
