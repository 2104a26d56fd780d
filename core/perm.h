/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a view of the VM's memory allows: read, write and execute by page, beside
 * what slots and host allow. There is one view; only what restricts is stored.
 */
#ifndef KITE_CORE_PERM_H
#define KITE_CORE_PERM_H

#include "../ept/entry.h"
#include "../uapi/kite.h"

struct kite_vcpu;
struct kite_vm;

#define KITE_PERM_ALL	(KITE_ACCESS_READ | KITE_ACCESS_WRITE | KITE_ACCESS_EXEC)

/* So that what is allowed can be put into EPT entries as it is. */
static_assert(KITE_ACCESS_READ == KITE_EPT_READ && KITE_ACCESS_WRITE == KITE_EPT_WRITE &&
	      KITE_ACCESS_EXEC == KITE_EPT_EXEC);

void kite_perms_free(struct kite_vm *vm);
/* What it takes of the kernel's memory. */
size_t kite_perms_bytes(struct kite_vm *vm);

/* KITE_VM_SET_PERM; @phys_bits limits guest-physical addresses. */
int kite_perm_set(struct kite_vm *vm, const struct kite_perm *arg, u32 phys_bits);

/*
 * KITE_ACCESS_* that are allowed at @gpa; the same holds for all of [*@first, *@last].
 * What is mapped by the answer is mapped in the same map section (maps.h).
 */
u32 kite_perm_at(struct kite_vm *vm, u64 gpa, u64 *first, u64 *last);

/*
 * In the window, by a handler: @access, as for kite_handle_fault(), is not allowed at
 * @gpa. Its answer: KITE_EXIT_PROTECTION, or KITE_RESUME if it is allowed by now.
 */
int kite_perm_exit(struct kite_vcpu *v, u64 gpa, u32 access);

#endif
