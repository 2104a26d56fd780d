/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory as the kernel sees it: by guest-physical address through the
 * slots, by linear address through the guest's own page tables.
 *
 * All of it may run inside a window, with interrupts off: a host page that is
 * not there gives -EAGAIN with v->fault_in filled, to be brought in once the
 * window is closed (KITE_REQ_FAULT_IN), and the whole operation is tried again.
 */
#ifndef KITE_CORE_GWALK_H
#define KITE_CORE_GWALK_H

#include <linux/types.h>

struct kite_paging;
struct kite_trail;
struct kite_vcpu;

/* Bits of a page-fault error code. */
#define KITE_PF_PRESENT		BIT(0)
#define KITE_PF_WRITE		BIT(1)
#define KITE_PF_USER		BIT(2)
#define KITE_PF_RSVD		BIT(3)
#define KITE_PF_FETCH		BIT(4)

/*
 * @access: KITE_PF_WRITE, KITE_PF_USER, KITE_PF_FETCH as the access is.
 * @trail: NULL, or to be filled with the entries that were found on the way.
 * 0; -EFAULT: the guest's tables do not allow it, *@error is the error code;
 * -EAGAIN: see above; -ENXIO: a table lies outside the slots.
 */
int kite_gva_to_gpa(struct kite_vcpu *v, const struct kite_paging *paging, u64 gva,
		    u32 access, u64 *gpa, u32 *error, struct kite_trail *trail);

/* Within one page. -ENXIO: outside the slots, -EAGAIN: see above. */
int kite_guest_read(struct kite_vcpu *v, u64 gpa, void *buf, u32 len);
/* The same for 16 bytes of one page, faster. */
int kite_guest_read16(struct kite_vcpu *v, u64 gpa, u64 *buf);
int kite_guest_write(struct kite_vcpu *v, u64 gpa, const void *buf, u32 len);

/*
 * For process context: host pages are brought in, and pages may be crossed.
 * -ENXIO: outside the slots; -EFAULT: the host has no such page.
 */
int kite_guest_get(struct kite_vcpu *v, u64 gpa, void *buf, u32 len);
int kite_guest_put(struct kite_vcpu *v, u64 gpa, const void *buf, u32 len);

#endif
