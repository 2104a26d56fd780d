/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of Kite in three tiers: __kt_ioctl() is the bare system call, -1 with
 * errno; _name() fills the structure and returns what the call returned or
 * -errno; name() fails the test if the call does.
 */
#ifndef KT_IOCTL_H
#define KT_IOCTL_H

#include "harness.h"
#include "uapi/kite.h"

int __kt_ioctl(int fd, unsigned long cmd, void *arg);

int _dev_open(void);
int _dev_get_info(int dev, struct kite_info *info);
int _dev_create_vm(int dev, u32 flags);
int _dev_create_vm_tsc(int dev, u32 flags, u32 tsc_khz);
int _vm_get_clock(int vm, struct kite_clock *clock);
int _vm_set_clock(int vm, struct kite_clock *clock);
int _vm_set_slot(int vm, u32 slot, u32 flags, u64 gpa, u64 len, void *mem);
int _vm_set_perm(int vm, u32 perm, u64 gpa, u64 len);
/* @bitmap: from page @first on, as in struct kite_dirty. */
int _vm_get_dirty(int vm, u32 slot, u32 flags, u64 first, u64 pages, void *bitmap);
int _vm_clear_dirty(int vm, u32 slot, u64 first, u64 pages, const void *bitmap);
int _vm_reset_rings(int vm);
int _vm_create_vcpu(int vm, u32 id);
int _vm_irq_line(int vm, u32 gsi, u32 level);
int _vm_pic_intr(int vm, u32 level);
int _vm_send_msi(int vm, u64 address, u32 data);
int _vm_get_ioapic(int vm, struct kite_ioapic *ioapic);
int _vm_set_ioapic(int vm, struct kite_ioapic *ioapic);
int _vm_set_routes(int vm, u32 count, const struct kite_route *routes);
/* @arg.size is filled in. */
int _vm_ioeventfd(int vm, struct kite_ioeventfd arg);
int _vm_irqfd(int vm, struct kite_irqfd arg);
int _vcpu_run(int vcpu);
int _vcpu_kick(int vcpu);
int _vcpu_nmi(int vcpu);
int _vcpu_stop(int vcpu);
int _vcpu_cont(int vcpu);
int _vcpu_inject(int vcpu, struct kite_inject *inject);
int _vcpu_get_state(int vcpu, u32 groups, struct kite_state *state);
int _vcpu_set_state(int vcpu, u32 groups, struct kite_state *state);
int _vcpu_get_xsave(int vcpu, void *image, u64 len);
int _vcpu_set_xsave(int vcpu, void *image, u64 len);
int _vcpu_get_lapic(int vcpu, struct kite_lapic *lapic);
int _vcpu_set_lapic(int vcpu, struct kite_lapic *lapic);
int _vcpu_get_cpuid(int vcpu, u32 leaf, u32 subleaf, struct kite_cpuid *cpuid);
int _vcpu_get_stats(int vcpu, struct kite_stats *stats);
int _vcpu_set_debug(int vcpu, u32 flags);
/* @arg: gpa and len, as they are after the call. */
int _vcpu_prefault(int vcpu, u32 flags, struct kite_prefault *arg);
int _vcpu_translate(int vcpu, u64 gva, u64 *gpa);
int _vcpu_set_ring(int vcpu, u32 entries);
int _vcpu_check_entry(int vcpu, struct kite_broken_rule *broken);

#define KT_MUST(call) ({							\
	int must_ = (call);							\
										\
	if (must_ < 0)								\
		FAIL("%s: errno %d", #call, -must_);				\
	must_;									\
})

/* SKIPs the test when there is no /dev/kite. */
int dev_open(void);

#define dev_get_info(...)	KT_MUST(_dev_get_info(__VA_ARGS__))
#define dev_create_vm(...)	KT_MUST(_dev_create_vm(__VA_ARGS__))
#define dev_create_vm_tsc(...)	KT_MUST(_dev_create_vm_tsc(__VA_ARGS__))
#define vm_get_clock(...)	KT_MUST(_vm_get_clock(__VA_ARGS__))
#define vm_set_clock(...)	KT_MUST(_vm_set_clock(__VA_ARGS__))
#define vm_set_slot(...)	KT_MUST(_vm_set_slot(__VA_ARGS__))
#define vm_set_perm(...)		KT_MUST(_vm_set_perm(__VA_ARGS__))
#define vm_get_dirty(...)	KT_MUST(_vm_get_dirty(__VA_ARGS__))
#define vm_clear_dirty(...)	KT_MUST(_vm_clear_dirty(__VA_ARGS__))
#define vm_reset_rings(...)	KT_MUST(_vm_reset_rings(__VA_ARGS__))
#define vm_create_vcpu(...)	KT_MUST(_vm_create_vcpu(__VA_ARGS__))
#define vm_irq_line(...)	KT_MUST(_vm_irq_line(__VA_ARGS__))
#define vm_pic_intr(...)	KT_MUST(_vm_pic_intr(__VA_ARGS__))
#define vm_send_msi(...)	KT_MUST(_vm_send_msi(__VA_ARGS__))
#define vm_get_ioapic(...)	KT_MUST(_vm_get_ioapic(__VA_ARGS__))
#define vm_set_ioapic(...)	KT_MUST(_vm_set_ioapic(__VA_ARGS__))
#define vm_set_routes(...)	KT_MUST(_vm_set_routes(__VA_ARGS__))
#define vm_ioeventfd(...)	KT_MUST(_vm_ioeventfd(__VA_ARGS__))
#define vm_irqfd(...)		KT_MUST(_vm_irqfd(__VA_ARGS__))
#define vcpu_run(...)		KT_MUST(_vcpu_run(__VA_ARGS__))
#define vcpu_kick(...)		KT_MUST(_vcpu_kick(__VA_ARGS__))
#define vcpu_nmi(...)		KT_MUST(_vcpu_nmi(__VA_ARGS__))
#define vcpu_stop(...)		KT_MUST(_vcpu_stop(__VA_ARGS__))
#define vcpu_cont(...)		KT_MUST(_vcpu_cont(__VA_ARGS__))
#define vcpu_inject(...)	KT_MUST(_vcpu_inject(__VA_ARGS__))
#define vcpu_get_state(...)	KT_MUST(_vcpu_get_state(__VA_ARGS__))
#define vcpu_set_state(...)	KT_MUST(_vcpu_set_state(__VA_ARGS__))
#define vcpu_get_xsave(...)	KT_MUST(_vcpu_get_xsave(__VA_ARGS__))
#define vcpu_set_xsave(...)	KT_MUST(_vcpu_set_xsave(__VA_ARGS__))
#define vcpu_get_lapic(...)	KT_MUST(_vcpu_get_lapic(__VA_ARGS__))
#define vcpu_set_lapic(...)	KT_MUST(_vcpu_set_lapic(__VA_ARGS__))
#define vcpu_get_cpuid(...)	KT_MUST(_vcpu_get_cpuid(__VA_ARGS__))
#define vcpu_get_stats(...)	KT_MUST(_vcpu_get_stats(__VA_ARGS__))
#define vcpu_set_debug(...)	KT_MUST(_vcpu_set_debug(__VA_ARGS__))
#define vcpu_prefault(...)	KT_MUST(_vcpu_prefault(__VA_ARGS__))
#define vcpu_translate(...)	KT_MUST(_vcpu_translate(__VA_ARGS__))
#define vcpu_set_ring(...)	KT_MUST(_vcpu_set_ring(__VA_ARGS__))
#define vcpu_check_entry(...)	KT_MUST(_vcpu_check_entry(__VA_ARGS__))

#endif
