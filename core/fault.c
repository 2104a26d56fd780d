// SPDX-License-Identifier: GPL-2.0-only
#include "fault.h"

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "backend.h"
#include "exit_record.h"
#include "gwalk.h"
#include "irqchip.h"
#include "mmio.h"
#include "request.h"
#include "vm.h"

/*
 * What the host's mapping says to a write is asked again under the EPT's lock
 * by sequence number, so no reference to the page is kept.
 */
static int map_page(struct kite_vcpu *v, u64 gpa, struct page *page, bool writable,
		    unsigned long seq)
{
	u64 perm = KITE_EPT_READ | KITE_EPT_EXEC | (writable ? KITE_EPT_WRITE : 0);
	int ret;

	ret = kite_ept_map(&v->vm->ept, &v->ept_cache, gpa, page_to_phys(page), perm, seq);
	/*
	 * The guest writes without a trace in the host's page tables, where the
	 * page may be writable and clean.
	 */
	if (!ret && writable && !PageReserved(page))
		SetPageDirty(page);
	if (!ret)
		v->stats.faults++;
	return ret;
}

/* A page that is only read may be writable all the same: spare the second fault. */
static struct page *writable_page(unsigned long uaddr)
{
	struct page *page;

	return get_user_pages_fast_only(uaddr, 1, FOLL_WRITE, &page) == 1 ? page : NULL;
}

/*
 * Interrupts are off: the host's page tables are looked at, but not changed.
 * @seq is older than @slot.
 */
static int fault_fast(struct kite_vcpu *v, u64 gpa, const struct kite_slot_entry *slot,
		      u32 access, unsigned long seq)
{
	unsigned long uaddr = slot->uaddr + ((gpa & PAGE_MASK) - slot->gpa);
	bool can_write = !(slot->flags & KITE_SLOT_READONLY);
	struct page *page = NULL;
	bool writable = true;
	int ret;

	if (!kite_ept_cache_full(&v->ept_cache))
		return -EAGAIN;
	if (can_write)
		page = writable_page(uaddr);
	if (!page && !(access & KITE_ACCESS_WRITE)) {
		writable = false;
		if (get_user_pages_fast_only(uaddr, 1, 0, &page) != 1)
			page = NULL;
	}
	if (!page)
		return -EAGAIN;
	ret = map_page(v, gpa & PAGE_MASK, page, writable, seq);
	put_page(page);
	return ret;
}

/* EPT gets the APIC-access page: the guest comes again, and the CPU knows what for. */
static int fault_apic(struct kite_vcpu *v, u64 gpa, u32 access)
{
	unsigned long seq = kite_ept_begin(&v->vm->ept);
	void *page = kite_irqchip_page(v, gpa);

	if (!page || (access & KITE_ACCESS_EXEC))
		return kite_handle_mmio(v, gpa, access);
	if (!kite_ept_cache_full(&v->ept_cache)) {
		v->fault.gpa = gpa;
		v->fault.access = access & KITE_FAULT_ACCESS;
		kite_vcpu_request_self(v, KITE_REQ_FAULT);
		return KITE_LEAVE;
	}
	/* Not when the page has just been given up: the guest comes again all the same. */
	kite_ept_map(&v->vm->ept, &v->ept_cache, gpa & PAGE_MASK, __pa(page),
		     KITE_EPT_READ | KITE_EPT_WRITE, seq);
	return KITE_RESUME;
}

int kite_handle_fault(struct kite_vcpu *v, u64 gpa, u32 access)
{
	const struct kite_slot_entry *slot;
	unsigned long seq;

	v->host_data = true;
	if (kite_irqchip_claims(v, gpa))
		return fault_apic(v, gpa, access);
	/* Before the slot: one that goes away meanwhile must not be mapped. */
	seq = kite_ept_begin(&v->vm->ept);
	slot = kite_slot_find(v->vm, gpa);
	if (!slot || ((access & KITE_ACCESS_WRITE) && (slot->flags & KITE_SLOT_READONLY)))
		return kite_handle_mmio(v, gpa, access);
	if (!fault_fast(v, gpa, slot, access, seq))
		return KITE_RESUME;
	v->fault.gpa = gpa;
	v->fault.access = access & KITE_FAULT_ACCESS;
	kite_vcpu_request_self(v, KITE_REQ_FAULT);
	return KITE_LEAVE;
}

/* 1, or 0 with the record filled: the host has no such page. */
static int host_refuses(struct kite_vcpu *v, int err)
{
	if (err == -EINTR || err == -ERESTARTSYS || err == -EAGAIN)
		return 1;	/* a signal: the loop sees it and the guest faults again */
	return kite_exit_fault(v, v->fault.gpa, v->fault.access, err);
}

int kite_serve_fault(struct kite_vcpu *v)
{
	bool write = v->fault.access & KITE_ACCESS_WRITE;
	unsigned long uaddr, seq;
	struct page *page, *better;
	int ret;

	ret = kite_ept_cache_fill(&v->ept_cache);
	if (ret)
		return ret;
	/* It was only about the tables. */
	if (kite_irqchip_claims(v, v->fault.gpa))
		return 1;
	seq = kite_ept_begin(&v->vm->ept);
	uaddr = kite_gpa_to_uaddr(v->vm, v->fault.gpa, write) & PAGE_MASK;
	if (!uaddr)
		return 1;	/* the slot went away: the guest finds out */
	ret = get_user_pages_fast(uaddr, 1, write ? FOLL_WRITE : 0, &page);
	if (ret != 1)
		return host_refuses(v, ret);
	if (!write && kite_gpa_to_uaddr(v->vm, v->fault.gpa, true)) {
		better = writable_page(uaddr);
		if (better) {
			put_page(page);
			page = better;
			write = true;
		}
	}
	/* On -EAGAIN the host was faster; the guest faults again. */
	map_page(v, v->fault.gpa & PAGE_MASK, page, write, seq);
	put_page(page);
	return 1;
}

/* Bring in the host page that v->fault_in names. */
static int host_page(struct kite_vcpu *v)
{
	struct page *page;
	int ret;

	ret = get_user_pages_fast(v->fault_in.uaddr & PAGE_MASK, 1,
				  v->fault_in.write ? FOLL_WRITE : 0, &page);
	if (ret != 1)
		return ret;
	put_page(page);
	return 0;
}

int kite_serve_fault_in(struct kite_vcpu *v)
{
	int ret = host_page(v);

	if (!ret)
		return 1;
	v->fault.gpa = v->fault_in.gpa;
	v->fault.access = v->fault_in.write ? KITE_ACCESS_WRITE : KITE_ACCESS_READ;
	return host_refuses(v, ret);
}

int kite_translate(struct kite_vcpu *v, u64 gva, u64 *gpa)
{
	struct kite_paging paging;
	u32 error;
	int ret;

	ret = kite_hw_get_paging(v, &paging);
	if (ret)
		return ret;
	do {
		ret = kite_gva_to_gpa(v, &paging, gva, 0, gpa, &error);
		if (ret != -EAGAIN)
			return ret ? -ENXIO : 0;
		ret = host_page(v);
	} while (!ret && !signal_pending(current));
	return ret ? -ENXIO : -EINTR;
}
