// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sorted array of ranges that together are all of the address space, each unlike
 * its neighbours. It is never changed once published; its readers are windows.
 */
#include "perm.h"

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "backend.h"
#include "exit_record.h"
#include "fault.h"
#include "maps.h"
#include "mm.h"
#include "vm.h"

/* @range: where a range begins, with what is allowed in the low bits; the first is at 0. */
struct kite_perms {
	struct rcu_head rcu;
	u32 count;
	u64 range[];
};

static const struct kite_perms no_restriction = { .count = 1, .range = { KITE_PERM_ALL } };

void kite_perms_free(struct kite_vm *vm)
{
	kvfree(rcu_dereference_protected(vm->perms, true));
}

size_t kite_perms_bytes(struct kite_vm *vm)
{
	const struct kite_perms *perms;
	size_t bytes;

	rcu_read_lock();
	perms = rcu_dereference(vm->perms);
	bytes = perms ? struct_size(perms, range, perms->count) : 0;
	rcu_read_unlock();
	return bytes;
}

/* The range that @gpa lies in. */
static u32 find(const struct kite_perms *perms, u64 gpa)
{
	u32 lo = 0, hi = perms->count;

	while (hi - lo > 1) {
		u32 mid = (lo + hi) / 2;

		if (perms->range[mid] <= (gpa | ~PAGE_MASK))
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

u32 kite_perm_at(struct kite_vm *vm, u64 gpa, u64 *first, u64 *last)
{
	const struct kite_perms *perms;
	u32 i, perm = KITE_PERM_ALL;

	*first = 0;
	*last = U64_MAX;
	rcu_read_lock();
	perms = rcu_dereference(vm->perms);
	if (perms) {
		i = find(perms, gpa);
		*first = perms->range[i] & PAGE_MASK;
		if (i + 1 < perms->count)
			*last = (perms->range[i + 1] & PAGE_MASK) - 1;
		perm = perms->range[i] & KITE_PERM_ALL;
	}
	rcu_read_unlock();
	return perm;
}

int kite_perm_exit(struct kite_vcpu *v, u64 gpa, u32 access)
{
	u64 first, last;
	u32 perm = kite_perm_at(v->vm, gpa, &first, &last);
	struct kite_exit_protection rec = {
		.gpa = gpa,
		.access = access & KITE_FAULT_ACCESS,
		.perm = perm,
	};

	if (!(rec.access & ~perm))
		return KITE_RESUME;
	if (access & KITE_FAULT_WALK)
		rec.flags |= KITE_PROTECTION_WALK;
	if (kite_hw_fault_gva(v, &rec.gva))
		rec.flags |= KITE_PROTECTION_GVA;
	return kite_exit_protection(v, &rec);
}

/* From @gpa on @perm is allowed; no new range if it is the same as before. */
static void append(struct kite_perms *perms, u64 gpa, u32 perm)
{
	if (!perms->count || (perms->range[perms->count - 1] & KITE_PERM_ALL) != perm)
		perms->range[perms->count++] = gpa | perm;
}

/* @old with @perm in [@first, @end). */
static struct kite_perms *edit(const struct kite_perms *old, u64 first, u64 end, u32 perm)
{
	struct kite_perms *new;
	u32 from = find(old, first), to = find(old, end);

	/* At most the range that they cut gets two more. */
	new = kvmalloc(struct_size(new, range, old->count + 2), KITE_GFP_TABLE);
	if (!new)
		return NULL;
	new->count = from + ((old->range[from] & PAGE_MASK) < first);
	memcpy(new->range, old->range, new->count * sizeof(u64));
	append(new, first, perm);
	append(new, end, old->range[to] & KITE_PERM_ALL);
	memcpy(&new->range[new->count], &old->range[to + 1], (old->count - to - 1) * sizeof(u64));
	new->count += old->count - to - 1;
	return new;
}

/* The large page around @gpa, if all of it is allowed the same. */
static bool alike(struct kite_vm *vm, u64 gpa, u64 *start, u64 *end)
{
	u64 first, last;

	*start = gpa & ~(kite_ept_span(2) - 1);
	*end = *start + kite_ept_span(2);
	kite_perm_at(vm, gpa, &first, &last);
	return first <= *start && last >= *end - 1;
}

/*
 * What was mapped by the old permissions goes, and where a large page is possible
 * again the small ones. From the removal to the flush the lock keeps invalidations
 * by the host waiting, as for a change of the slots.
 */
static void publish(struct kite_vm *vm, struct kite_perms *new, u64 gpa, u64 end)
{
	u64 large_start, large_end;

	kite_mm_lock(vm);
	rcu_assign_pointer(vm->perms, new);
	kite_vm_sync_maps(vm);
	if (alike(vm, end - 1, &large_start, &large_end))
		end = large_end;
	if (alike(vm, gpa, &large_start, &large_end))
		gpa = large_start;
	kite_vm_strip(vm, gpa, end - gpa, KITE_EPT_ALL);
	kite_mm_unlock(vm);
}

static int perm_check_arg(const struct kite_perm *arg, u32 phys_bits)
{
	u64 end;

	if (arg->flags || arg->view || (arg->perm & ~KITE_PERM_ALL))
		return -EINVAL;
	if (!arg->len || !PAGE_ALIGNED(arg->gpa) || !PAGE_ALIGNED(arg->len))
		return -EINVAL;
	if (check_add_overflow(arg->gpa, arg->len, &end) || end > BIT_ULL(phys_bits))
		return -EINVAL;
	/* EPT has no entry that can be written but not read. */
	if ((arg->perm & (KITE_ACCESS_READ | KITE_ACCESS_WRITE)) == KITE_ACCESS_WRITE)
		return -EINVAL;
	if (arg->perm == KITE_ACCESS_EXEC && !kite_hw_has_exec_only())
		return -EOPNOTSUPP;
	return 0;
}

static int set_locked(struct kite_vm *vm, u64 gpa, u64 len, u32 perm)
{
	struct kite_perms *old, *new;
	const struct kite_perms *from;

	old = rcu_dereference_protected(vm->perms, lockdep_is_held(&vm->slots_lock));
	from = old ? old : &no_restriction;
	new = edit(from, gpa, gpa + len, perm);
	if (!new)
		return -ENOMEM;
	if (new->count > KITE_PERM_RANGES && new->count > from->count) {
		kvfree(new);
		return -ENOSPC;
	}
	/* Without restrictions faults are spared the search. */
	if (new->count == 1 && new->range[0] == KITE_PERM_ALL) {
		kvfree(new);
		new = NULL;
	}
	publish(vm, new, gpa, gpa + len);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

int kite_perm_set(struct kite_vm *vm, const struct kite_perm *arg, u32 phys_bits)
{
	int ret = perm_check_arg(arg, phys_bits);

	if (ret)
		return ret;
	if (mutex_lock_killable(&vm->slots_lock))
		return -EINTR;
	ret = set_locked(vm, arg->gpa, arg->len, arg->perm);
	mutex_unlock(&vm->slots_lock);
	return ret;
}
