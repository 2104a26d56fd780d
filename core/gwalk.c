// SPDX-License-Identifier: GPL-2.0-only
#include "gwalk.h"

#include <linux/mm.h>
#include <linux/uaccess.h>

#include "backend.h"
#include "dirty.h"
#include "recall.h"
#include "vm.h"

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_NX		BIT_ULL(63)
#define PTE_ADDR	GENMASK_ULL(51, 12)

static int need_host_page(struct kite_vcpu *v, u64 gpa, unsigned long uaddr, bool write)
{
	v->fault_in.gpa = gpa;
	v->fault_in.uaddr = uaddr;
	v->fault_in.write = write;
	return -EAGAIN;
}

int kite_guest_read(struct kite_vcpu *v, u64 gpa, void *buf, u32 len)
{
	unsigned long uaddr = kite_gpa_to_uaddr(v->vm, gpa, false);
	unsigned long left;

	if (!uaddr)
		return -ENXIO;
	pagefault_disable();
	left = __copy_from_user_inatomic(buf, (void __user *)uaddr, len);
	pagefault_enable();
	return left ? need_host_page(v, gpa, uaddr, false) : 0;
}

int kite_guest_read16(struct kite_vcpu *v, u64 gpa, u64 *buf)
{
	unsigned long uaddr = kite_gpa_to_uaddr(v->vm, gpa, false);
	u64 __user *from = (u64 __user *)uaddr;

	if (!uaddr)
		return -ENXIO;
	pagefault_disable();
	if (!user_access_begin(from, 2 * sizeof(*from)))
		goto fault;
	unsafe_get_user(buf[0], from, fault_end);
	unsafe_get_user(buf[1], from + 1, fault_end);
	user_access_end();
	pagefault_enable();
	return 0;
fault_end:
	user_access_end();
fault:
	pagefault_enable();
	return need_host_page(v, gpa, uaddr, false);
}

int kite_guest_write(struct kite_vcpu *v, u64 gpa, const void *buf, u32 len)
{
	unsigned long uaddr = kite_gpa_to_uaddr(v->vm, gpa, true);
	unsigned long left;

	if (!uaddr)
		return -ENXIO;
	pagefault_disable();
	left = __copy_to_user_inatomic((void __user *)uaddr, buf, len);
	pagefault_enable();
	if (left < len)
		kite_dirty_wrote(v, gpa);
	return left ? need_host_page(v, gpa, uaddr, true) : 0;
}

/* For process context, page by page. */
static int move(struct kite_vcpu *v, u64 gpa, void *buf, u32 len, bool write)
{
	unsigned long left;
	void __user *at;
	u32 n;

	for (; len; len -= n, buf += n, gpa += n) {
		n = min_t(u64, len, PAGE_SIZE - offset_in_page(gpa));
		at = (void __user *)kite_gpa_to_uaddr(v->vm, gpa, write);
		if (!at)
			return -ENXIO;
		left = write ? copy_to_user(at, buf, n) : copy_from_user(buf, at, n);
		if (write && left < n)
			kite_dirty_wrote(v, gpa);
		if (left)
			return -EFAULT;
	}
	return 0;
}

int kite_guest_get(struct kite_vcpu *v, u64 gpa, void *buf, u32 len)
{
	return move(v, gpa, buf, len, false);
}

int kite_guest_put(struct kite_vcpu *v, u64 gpa, const void *buf, u32 len)
{
	return move(v, gpa, (void *)buf, len, true);
}

/* How one paging mode is laid out. SDM, chapter "Paging". */
struct layout {
	u8 levels;
	u8 index_bits;
	u8 entry_size;
};

static struct layout layout_of(const struct kite_paging *paging)
{
	if (paging->efer & EFER_LMA)
		return (struct layout){ 4, 9, 8 };
	if (paging->cr4 & X86_CR4_PAE)
		return (struct layout){ 3, 9, 8 };
	return (struct layout){ 2, 10, 4 };
}

struct walk {
	const struct kite_slot_entry *slot;	/* where the last entry was */
	u64 entry;
	u64 entry_gpa;
	unsigned long uaddr;	/* of the entry */
	u64 rights;		/* PTE_W and PTE_U of all levels, PTE_NX of any */
	unsigned int shift;	/* of the page that was found */
	struct kite_trail *trail;
};

/* An entry of a page table, in one piece: other CPUs may change it. */
static int read_entry(struct kite_vcpu *v, struct walk *w, u8 size)
{
	unsigned long uaddr;
	u32 entry32;

	/* The tables of a guest are often in one slot. */
	if (!w->slot || w->entry_gpa - w->slot->gpa >= w->slot->len)
		w->slot = kite_slot_find(v->vm, w->entry_gpa);
	if (!w->slot)
		return -ENXIO;
	uaddr = w->slot->uaddr + (w->entry_gpa - w->slot->gpa);
	w->uaddr = uaddr;
	pagefault_disable();
	if (!user_access_begin((void __user *)uaddr, size))
		goto fault;
	if (size == 8) {
		unsafe_get_user(w->entry, (u64 __user *)uaddr, fault_end);
	} else {
		unsafe_get_user(entry32, (u32 __user *)uaddr, fault_end);
		w->entry = entry32;
	}
	user_access_end();
	pagefault_enable();
	return 0;
fault_end:
	user_access_end();
fault:
	pagefault_enable();
	return need_host_page(v, w->entry_gpa, uaddr, false);
}

/* Set @bits in the entry at @gpa; -EAGAIN also if another CPU changed it meanwhile. */
static noinline int set_bits_in(struct kite_vcpu *v, u64 gpa, u64 entry, u64 bits, u8 size)
{
	unsigned long uaddr = kite_gpa_to_uaddr(v->vm, gpa, true);
	u64 old64 = entry;
	u32 old32 = entry;
	bool done;

	if (!uaddr)
		return -ENXIO;
	pagefault_disable();
	if (!user_access_begin((void __user *)uaddr, size))
		goto fault;
	if (size == 8)
		unsafe_try_cmpxchg_user((u64 __user *)uaddr, &old64, entry | bits, fault_end);
	else
		unsafe_try_cmpxchg_user((u32 __user *)uaddr, &old32, (u32)(entry | bits),
					fault_end);
	done = size == 8 ? old64 == entry : old32 == (u32)entry;
	user_access_end();
	pagefault_enable();
	if (!done)
		return need_host_page(v, gpa, uaddr, true);
	kite_dirty_wrote(v, gpa);
	return 0;
fault_end:
	user_access_end();
fault:
	pagefault_enable();
	return need_host_page(v, gpa, uaddr, true);
}

/* The entry of @w was used: set @bits in it. */
static int set_accessed(struct kite_vcpu *v, struct walk *w, u64 bits, u8 size)
{
	int ret = 0;

	if ((w->entry & bits) != bits)
		ret = set_bits_in(v, w->entry_gpa, w->entry, bits, size);
	if (w->trail && !ret) {
		w->trail->at[w->trail->count].uaddr = w->uaddr;
		w->trail->at[w->trail->count++].entry = w->entry | bits;
	}
	return ret;
}

static bool is_large(const struct kite_paging *paging, struct layout l, u64 entry,
		     unsigned int level)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_PS) || level > 3 || (level == 3 && l.levels == 3))
		return false;
	return l.entry_size == 8 || (paging->cr4 & X86_CR4_PSE);
}

/* 0, -EFAULT (not present or reserved bit, *@error set), or an error of kite_guest_read(). */
static int walk_tables(struct kite_vcpu *v, const struct kite_paging *paging, u64 gva,
		       struct walk *w, u32 *error)
{
	struct layout l = layout_of(paging);
	u64 table = paging->cr3 & (l.levels == 3 ? GENMASK_ULL(31, 5) : PTE_ADDR);
	u32 phys_bits = kite_hw_phys_bits();
	unsigned int level;
	int ret;

	w->rights = PTE_W | PTE_U;
	for (level = l.levels; level; level--) {
		u64 index;

		w->shift = 12 + (level - 1) * l.index_bits;
		index = (gva >> w->shift) & ((1u << l.index_bits) - 1);
		if (l.levels == 3 && level == 3)
			index &= 3;
		w->entry_gpa = table + index * l.entry_size;
		ret = read_entry(v, w, l.entry_size);
		if (ret)
			return ret;
		if (!(w->entry & PTE_P))
			return -EFAULT;
		if (l.entry_size == 8 && (w->entry & PTE_ADDR) >> phys_bits) {
			*error |= KITE_PF_PRESENT | KITE_PF_RSVD;
			return -EFAULT;
		}
		/* Entries of the PAE page-directory-pointer table have no such bits. */
		if (!(l.levels == 3 && level == 3)) {
			w->rights &= w->entry | ~(PTE_W | PTE_U);
			w->rights |= l.entry_size == 8 ? w->entry & PTE_NX : 0;
		}
		if (is_large(paging, l, w->entry, level))
			break;
		if (!(l.levels == 3 && level == 3)) {
			ret = set_accessed(v, w, PTE_A, l.entry_size);
			if (ret)
				return ret;
		}
		table = w->entry & PTE_ADDR;
	}
	return 0;
}

static bool allowed(const struct kite_paging *paging, const struct walk *w, u32 access)
{
	bool user_page = w->rights & PTE_U;

	if ((access & KITE_PF_USER) && !user_page)
		return false;
	if ((access & KITE_PF_WRITE) && !(w->rights & PTE_W) &&
	    ((access & KITE_PF_USER) || (paging->cr0 & X86_CR0_WP)))
		return false;
	if (access & KITE_PF_FETCH) {
		if ((w->rights & PTE_NX) && (paging->efer & EFER_NX))
			return false;
		return (access & KITE_PF_USER) || !user_page || !(paging->cr4 & X86_CR4_SMEP);
	}
	return (access & KITE_PF_USER) || !user_page || !(paging->cr4 & X86_CR4_SMAP) ||
	       (paging->rflags & X86_EFLAGS_AC);
}

/* Where the page that @w found starts; 4-MByte pages have bits 39:32 in 20:13. */
static u64 page_base(const struct walk *w, struct layout l)
{
	u64 base = w->entry & PTE_ADDR & ~(BIT_ULL(w->shift) - 1);

	if (l.entry_size == 4 && w->shift == 22)
		base |= (w->entry & GENMASK_ULL(20, 13)) << 19;
	return base;
}

int kite_gva_to_gpa(struct kite_vcpu *v, const struct kite_paging *paging, u64 gva,
		    u32 access, u64 *gpa, u32 *error, struct kite_trail *trail)
{
	struct layout l = layout_of(paging);
	struct walk w = { .trail = trail };
	u64 bits;
	int ret;

	if (trail)
		trail->count = 0;
	if (!(paging->efer & EFER_LMA))
		gva = (u32)gva;
	if (!(paging->cr0 & X86_CR0_PG)) {
		*gpa = gva;
		return 0;
	}
	*error = access & (KITE_PF_WRITE | KITE_PF_USER);
	if ((access & KITE_PF_FETCH) &&
	    ((paging->efer & EFER_NX) || (paging->cr4 & X86_CR4_SMEP)))
		*error |= KITE_PF_FETCH;
	rcu_read_lock();
	ret = walk_tables(v, paging, gva, &w, error);
	rcu_read_unlock();
	if (ret)
		return ret;
	if (!allowed(paging, &w, access)) {
		*error |= KITE_PF_PRESENT;
		return -EFAULT;
	}
	bits = PTE_A | ((access & KITE_PF_WRITE) ? PTE_D : 0);
	ret = set_accessed(v, &w, bits, l.entry_size);
	if (ret)
		return ret;
	*gpa = page_base(&w, l) | (gva & (BIT_ULL(w.shift) - 1));
	return 0;
}
