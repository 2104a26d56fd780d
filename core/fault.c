// SPDX-License-Identifier: GPL-2.0-only
#include "fault.h"

#include <linux/cpu.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/pagemap.h>
#include <asm/cpufeature.h>

#include "backend.h"
#include "compat.h"
#include "dirty.h"
#include "exit_record.h"
#include "gwalk.h"
#include "hostmap.h"
#include "irqchip.h"
#include "maps.h"
#include "mm.h"
#include "mmio.h"
#include "perm.h"
#include "request.h"
#include "ring.h"
#include "vm.h"

static bool large_pages __ro_after_init = true;
module_param(large_pages, bool, 0444);
MODULE_PARM_DESC(large_pages, "map large pages of the host by large EPT entries (default on)");

static int nx_huge_pages __ro_after_init = -1;
module_param(nx_huge_pages, int, 0444);
MODULE_PARM_DESC(nx_huge_pages,
		 "guests execute from 4-KByte EPT entries only: 1, 0, -1 if the CPU needs it (default)");

static unsigned int fault_around __ro_after_init = 16;
module_param(fault_around, uint, 0444);
MODULE_PARM_DESC(fault_around,
		 "present pages that one fault maps, a power of two up to 512 (default 16)");

void __init kite_fault_init(void)
{
	/* The host's choice for its own guests is not to be seen; that of all mitigations is. */
	if (nx_huge_pages < 0)
		nx_huge_pages = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
	fault_around = rounddown_pow_of_two(clamp(fault_around, 1u, KITE_EPT_ENTRIES));
}

/* How many pages are brought in before the guest asks for them. */
#define AHEAD_PAGES	15

/* How often in a row a page may be gone again when it is to be mapped. */
#define MAX_REFUSED	1000

/* One access that is to be made possible. */
struct fault {
	u64 gpa;
	u32 access;
	const struct kite_slot_entry *slot;
	unsigned long uaddr;
	struct kite_host_page host;
	u32 perm;		/* what the view allows */
	u64 first, last;	/* where it allows the same */
};

/* The guest must not write to a page of the slot before the page is in its log. */
static bool log_protects(const struct fault *f)
{
	return f->slot->log && kite_log_mask() == KITE_EPT_WRITE;
}

/* KITE_EPT_* for @access to a page that the process may write to or not. */
static u64 perm_of(const struct fault *f, bool writable, u32 access)
{
	bool written = (access & KITE_ACCESS_WRITE) && !(access & KITE_FAULT_AHEAD);
	bool write = writable && !(f->slot->flags & KITE_SLOT_READONLY) &&
		     (written || !log_protects(f));

	return (KITE_EPT_READ | KITE_EPT_EXEC | (write ? KITE_EPT_WRITE : 0)) & f->perm;
}

/*
 * The page of @level around the fault lies in the slot, as it does in the process, is at
 * rest, and the same is allowed in all of it.
 */
static bool level_fits(struct kite_vcpu *v, const struct fault *f, unsigned int level)
{
	u64 span = kite_ept_span(level), offset = f->gpa & (span - 1);
	u64 base = f->gpa - offset;

	return (f->uaddr & (span - 1)) == offset && base >= f->slot->gpa &&
	       base + span <= f->slot->gpa + f->slot->len &&
	       base >= f->first && base + span - 1 <= f->last &&
	       !kite_irqchip_claims(v, base, span) &&
	       !kite_mm_changing(v->vm, f->uaddr - offset, span);
}

static unsigned int level_of(struct kite_vcpu *v, const struct fault *f)
{
	unsigned int level = min(f->host.level, kite_hw_ept_levels());

	if (!large_pages || f->slot->log || (nx_huge_pages && (f->access & KITE_ACCESS_EXEC)))
		return 1;
	while (level > 1 && !level_fits(v, f, level))
		level--;
	return level;
}

/*
 * The pages beside that of @f, as far as they are there; @place is its entry. A large page
 * of the host that does not fit as such is mapped by all its small ones at once.
 */
static void map_around(struct kite_vcpu *v, const struct fault *f, u64 *place)
{
	unsigned int count = f->host.level > 1 ? KITE_EPT_ENTRIES : fault_around, i;
	unsigned int at = kite_ept_index(f->gpa, 1) & (count - 1);
	u64 gpa = (f->gpa & PAGE_MASK) - at * PAGE_SIZE;
	unsigned long uaddr = (f->uaddr & PAGE_MASK) - at * PAGE_SIZE;
	u64 neighbours = ~(kite_ept_span(max(f->host.level, 2u)) - 1);
	bool writable = f->host.writable;
	u64 perm;

	if (f->uaddr < at * PAGE_SIZE || kite_irqchip_claims(v, gpa, count * PAGE_SIZE) ||
	    kite_mm_changing(v->vm, uaddr, count * PAGE_SIZE))
		return;
	for (i = 0; i < count; i++, gpa += PAGE_SIZE, uaddr += PAGE_SIZE) {
		long away = (long)i - at;
		u64 pa = (f->host.pa & PAGE_MASK) + away * PAGE_SIZE;

		if (gpa - f->slot->gpa >= f->slot->len)
			continue;
		/* In the same large page of the host, or in the same page table. */
		if (((uaddr ^ f->uaddr) & neighbours) || gpa < f->first || gpa > f->last)
			continue;
		if (f->host.level == 1)
			pa = kite_host_pte(READ_ONCE(f->host.pte[away]), &writable);
		perm = perm_of(f, writable, KITE_ACCESS_READ);
		/* What is there may be of a large page that was not to be executed. */
		if (pa && (perm & ~READ_ONCE(place[away])))
			kite_ept_set(&place[away], kite_ept_entry(pa, 1, perm));
	}
}

/* The level that it is mapped at. */
static unsigned int map_host_page(struct kite_vcpu *v, const struct fault *f)
{
	struct kite_ept *ept = &v->vm->ept;
	unsigned int level = level_of(v, f), at = level;
	u64 perm = perm_of(f, f->host.writable, f->access);
	u64 *place = kite_ept_place(ept, &v->ept_cache, f->gpa, &at);
	u64 old = READ_ONCE(*place);

	/* Somebody was faster, and has mapped what is beside it too. */
	if (!(f->access & KITE_FAULT_ACCESS & ~old))
		return at;
	if (at > level) {
		/* A large page from before, which is to go, or must not get all of @perm. */
		kite_ept_split(ept, &v->ept_cache, place, at);
		return at;	/* the guest comes again */
	}
	if (at > 1 && nx_huge_pages)
		perm &= ~KITE_EPT_EXEC;
	kite_ept_set(place, kite_ept_entry(f->host.pa, at, perm));
	/* After the entry: who takes the page from the log must not miss the entry. */
	if ((perm & KITE_EPT_WRITE) && log_protects(f))
		kite_dirty_mark(v, f->slot, f->gpa >> PAGE_SHIFT);
	/* A page that was there has its neighbours, but perhaps not to be executed. */
	if (at == 1 && fault_around > 1 &&
	    (!kite_ept_present(old) || (f->access & KITE_ACCESS_EXEC)))
		map_around(v, f, place);
	return at;
}

static int map_section(struct kite_vcpu *v, struct fault *f)
{
	bool write = f->access & KITE_ACCESS_WRITE;
	int ret;

	f->slot = kite_slot_find(v->vm, f->gpa);
	if (!f->slot || kite_irqchip_claims(v, f->gpa, 1))
		return -ENOENT;
	f->perm = kite_perm_at(v->vm, f->gpa, &f->first, &f->last);
	if (f->access & KITE_FAULT_ACCESS & ~f->perm)
		return -EACCES;
	if (write && (f->slot->flags & KITE_SLOT_READONLY))
		return -ENOENT;
	f->uaddr = f->slot->uaddr + (f->gpa - f->slot->gpa);
	if (kite_mm_changing(v->vm, f->uaddr & PAGE_MASK, PAGE_SIZE))
		return -EBUSY;
	if (!kite_ept_cache_full(&v->ept_cache))
		return -EAGAIN;
	ret = kite_host_lookup(kite_vm_mm(v->vm), f->uaddr, &f->host);
	if (ret)
		return ret;
	if (write && !f->host.writable)
		return -EAGAIN;
	v->stats.faults++;
	return map_host_page(v, f);
}

int kite_map_fault(struct kite_vcpu *v, u64 gpa, u32 access)
{
	struct fault f = { .gpa = gpa, .access = access };
	int ret;

	kite_map_begin(v);
	ret = map_section(v, &f);
	kite_map_end(v);
	return ret;
}

/* What the window cannot do is done outside; then the guest comes again. */
static int need_host(struct kite_vcpu *v, u64 gpa, u32 access)
{
	v->fault.gpa = gpa;
	v->fault.access = access & KITE_FAULT_ACCESS;
	kite_vcpu_request_self(v, KITE_REQ_FAULT);
	return KITE_LEAVE;
}

/* EPT gets the APIC-access page: the guest comes again, and the CPU knows what for. */
static noinline int fault_apic(struct kite_vcpu *v, u64 gpa, u32 access)
{
	unsigned int level = 1;
	bool mapped = false;
	u64 *place;
	void *page;

	if (!kite_ept_cache_full(&v->ept_cache))
		return need_host(v, gpa, access);
	kite_map_begin(v);
	page = access & KITE_ACCESS_EXEC ? NULL : kite_irqchip_page(v, gpa);
	if (page) {
		place = kite_ept_place(&v->vm->ept, &v->ept_cache, gpa, &level);
		kite_ept_set(place, kite_ept_entry(__pa(page), 1, KITE_EPT_READ |
						   KITE_EPT_WRITE | KITE_EPT_OWN));
		/* Not where memory of a slot is mapped, too. */
		mapped = READ_ONCE(*place) & KITE_EPT_OWN;
	}
	kite_map_end(v);
	return mapped ? KITE_RESUME : kite_handle_mmio(v, gpa, access);
}

int kite_handle_fault(struct kite_vcpu *v, u64 gpa, u32 access)
{
	int ret;

	v->host_data = true;
	if (kite_irqchip_claims(v, gpa, 1))
		return fault_apic(v, gpa, access);
	/* As the map section would find out, dearer. */
	if (!kite_slot_find(v->vm, gpa))
		return kite_handle_mmio(v, gpa, access);
	ret = kite_map_fault(v, gpa, access);
	if (ret > 0)
		return KITE_RESUME;
	if (ret == -EACCES)
		return kite_perm_exit(v, gpa, access);
	return ret == -ENOENT ? kite_handle_mmio(v, gpa, access) : need_host(v, gpa, access);
}

/* Bring in the host page at @uaddr, so that the process can read or write it. */
static int host_page(unsigned long uaddr, bool write)
{
	struct page *page;
	int ret;

	/* What can be had without the lock has been looked for already. */
	ret = get_user_pages_unlocked(uaddr & PAGE_MASK, 1, &page,
				      (write ? FOLL_WRITE : 0) | FOLL_HWPOISON | KITE_FOLL_NUMA);
	if (ret != 1)
		return ret;
	put_page(page);
	return 0;
}

/*
 * A guest that writes for the first time to page after page goes on like this: bring in what
 * one mapping can take along, as far as it is not there and nobody has to be waited for.
 */
static void fault_ahead(struct kite_vcpu *v, u64 gpa, unsigned long uaddr)
{
	u64 here = gpa >> PAGE_SHIFT, last = here | (fault_around - 1);
	struct page *pages[AHEAD_PAGES];
	struct kite_host_page host;
	unsigned long next = (uaddr & PAGE_MASK) + PAGE_SIZE;
	bool sequential = here == v->fault.next;
	int n, present;

	v->fault.next = here + 1;
	n = min_t(u64, last - here, AHEAD_PAGES);
	if (!sequential || !n ||
	    kite_gpa_to_uaddr(v->vm, gpa + n * PAGE_SIZE, true) != uaddr + n * PAGE_SIZE)
		return;
	local_irq_disable();
	present = !kite_host_lookup(kite_vm_mm(v->vm), next, &host);
	local_irq_enable();
	if (present)
		return;
	n = get_user_pages_unlocked(next, n, pages, FOLL_WRITE | FOLL_NOWAIT | KITE_FOLL_NUMA);
	if (n <= 0)
		return;
	v->fault.next += n;
	release_pages(pages, n);
}

int kite_fault_in(struct kite_vcpu *v, u64 gpa, u32 access)
{
	bool write = access & KITE_ACCESS_WRITE;
	unsigned long uaddr;
	int ret;

	ret = kite_ept_cache_fill(&v->ept_cache);
	if (ret)
		return ret;
	uaddr = kite_gpa_to_uaddr(v->vm, gpa, write);
	if (!uaddr || kite_irqchip_claims(v, gpa, 1))
		return -ENOENT;
	ret = host_page(uaddr, write);
	if (ret)
		return ret;
	if (write)
		fault_ahead(v, gpa, uaddr);
	local_irq_disable();
	ret = kite_map_fault(v, gpa, access);
	local_irq_enable();
	if (ret != -EAGAIN)
		v->fault.refused = 0;
	/* Memory that the process can use, but that is none: of a device, or the like. */
	else if (++v->fault.refused > MAX_REFUSED)
		return -EFAULT;
	return ret == -EBUSY ? -EAGAIN : ret;
}

static int prefault_page(struct kite_vcpu *v, u64 gpa, u32 access)
{
	int ret;

	cond_resched();
	local_irq_disable();
	ret = kite_map_fault(v, gpa, access);
	local_irq_enable();
	return ret == -EAGAIN || ret == -EBUSY ? kite_fault_in(v, gpa, access) : ret;
}

int kite_prefault(struct kite_vcpu *v, struct kite_prefault *arg, u32 phys_bits)
{
	u32 access = KITE_FAULT_AHEAD |
		     (arg->flags & KITE_PREFAULT_WRITE ? KITE_ACCESS_WRITE : KITE_ACCESS_READ);
	bool done = false;
	u64 end, span;
	int ret;

	if ((arg->flags & ~KITE_PREFAULT_WRITE) || !arg->len || !PAGE_ALIGNED(arg->gpa) ||
	    !PAGE_ALIGNED(arg->len) || check_add_overflow(arg->gpa, arg->len, &end) ||
	    end > BIT_ULL(phys_bits))
		return -EINVAL;
	do {
		ret = prefault_page(v, arg->gpa, access);
		if (ret > 0) {
			span = kite_ept_span(ret);
			arg->gpa = min(end, (arg->gpa | (span - 1)) + 1);
			arg->len = end - arg->gpa;
			done = true;
		}
		if (ret == -EAGAIN || ret > 0)
			ret = signal_pending(current) ? -EINTR : 0;
	} while (arg->len && !ret);
	/* What stopped it is told to a call that does nothing else. */
	return done ? 0 : ret;
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
	int ret = kite_fault_in(v, v->fault.gpa, v->fault.access);

	if (ret == -ENOMEM)
		return ret;
	/* Slots or permissions changed, or it was only about the tables: the guest finds out. */
	return ret > 0 || ret == -ENOENT || ret == -EACCES ? 1 : host_refuses(v, ret);
}

int kite_serve_fault_in(struct kite_vcpu *v)
{
	int ret = host_page(v->fault_in.uaddr, v->fault_in.write);

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

	/* The walk sets accessed flags, which are dirty pages. */
	if (kite_ring_full(v))
		return -EBUSY;
	ret = kite_hw_get_paging(v, &paging);
	if (ret)
		return ret;
	do {
		ret = kite_gva_to_gpa(v, &paging, gva, 0, gpa, &error, NULL);
		if (ret != -EAGAIN)
			return ret ? -ENXIO : 0;
		ret = host_page(v->fault_in.uaddr, v->fault_in.write);
	} while (!ret && !signal_pending(current));
	return ret ? -ENXIO : -EINTR;
}
