/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest access that EPT did not let through: give it a page, or treat it as MMIO. */
#ifndef KITE_CORE_FAULT_H
#define KITE_CORE_FAULT_H

#include <linux/bits.h>
#include <linux/types.h>

#include "../uapi/kite.h"

struct kite_vcpu;

/* Beside KITE_ACCESS_*: no instruction made the access, so none can be finished. */
#define KITE_FAULT_AHEAD	BIT(29)	/* there is none yet: it must not be in the dirty log */
#define KITE_FAULT_WALK		BIT(30)	/* a walk of the guest's page tables */
#define KITE_FAULT_DELIVERY	BIT(31)	/* the delivery of an event */
#define KITE_FAULT_ACCESS	(KITE_ACCESS_READ | KITE_ACCESS_WRITE | KITE_ACCESS_EXEC)

/*
 * In the window: @access, bits of the above, to @gpa. Answers as a handler does.
 */
int kite_handle_fault(struct kite_vcpu *v, u64 gpa, u32 access);

/*
 * Map the page of @gpa, and what is beside it. Interrupts are off.
 * The level of the mapping, 1 to 3; -ENOENT: no slot, or a read-only one and @access is a
 * write; -EACCES: see perm.h; -EAGAIN: the host has to do something first, see
 * kite_fault_in(); -EBUSY: the host is changing it.
 */
int kite_map_fault(struct kite_vcpu *v, u64 gpa, u32 access);

/*
 * The same where sleeping is allowed: the page is brought in. The vCPU is locked.
 * -EAGAIN: the host changed its mind meanwhile; or what get_user_pages() says.
 */
int kite_fault_in(struct kite_vcpu *v, u64 gpa, u32 access);

/* KITE_VCPU_PREFAULT; @phys_bits limits guest-physical addresses. */
int kite_prefault(struct kite_vcpu *v, struct kite_prefault *arg, u32 phys_bits);

/* Module load: settle the parameters. */
void kite_fault_init(void);

/* Window closed: serve KITE_REQ_FAULT and KITE_REQ_FAULT_IN. */
int kite_serve_fault(struct kite_vcpu *v);
int kite_serve_fault_in(struct kite_vcpu *v);

/* KITE_VCPU_TRANSLATE. */
int kite_translate(struct kite_vcpu *v, u64 gva, u64 *gpa);

#endif
