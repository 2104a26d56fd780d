// SPDX-License-Identifier: GPL-2.0-only
#include "hostmap.h"

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

/* A page that a program may read. Neither PROT_NONE nor a migration entry is. */
#define USABLE	(_PAGE_PRESENT | _PAGE_USER)

static bool usable(u64 flags)
{
	return (flags & USABLE) == USABLE;
}

u64 kite_host_pte(pte_t pte, bool *writable)
{
	/* Of the pages without an owner only that of zeroes can be guest memory. */
	if (!usable(pte_flags(pte)) ||
	    (pte_special(pte) && pte_pfn(pte) != page_to_pfn(ZERO_PAGE(0))))
		return 0;
	*writable = pte_flags(pte) & _PAGE_RW;
	return PFN_PHYS(pte_pfn(pte));
}

static int found(struct kite_host_page *page, unsigned int level, u64 flags, u64 pfn,
		 u64 offset)
{
	/* Memory of devices may be mapped like this too. */
	if (!usable(flags) || !pfn_valid(pfn) || PageReserved(pfn_to_page(pfn)))
		return -EAGAIN;
	page->level = level;
	page->writable = flags & _PAGE_RW;
	page->pa = PFN_PHYS(pfn) + offset;
	return 0;
}

int kite_host_lookup(struct mm_struct *mm, unsigned long uaddr, struct kite_host_page *page)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, uaddr));
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t *pmdp, pmd;

	if (pgd_none(pgd))
		return -EAGAIN;
	p4dp = p4d_offset(&pgd, uaddr);
	p4d = READ_ONCE(*p4dp);
	if (!p4d_present(p4d))
		return -EAGAIN;
	pudp = pud_offset(&p4d, uaddr);
	pud = READ_ONCE(*pudp);
	if (!pud_present(pud))
		return -EAGAIN;
	if (pud_leaf(pud))
		return found(page, 3, pud_flags(pud), pud_pfn(pud), uaddr & ~PUD_MASK);
	pmdp = pmd_offset(&pud, uaddr);
	pmd = READ_ONCE(*pmdp);
	if (!pmd_present(pmd))
		return -EAGAIN;
	if (pmd_leaf(pmd))
		return found(page, 2, pmd_flags(pmd), pmd_pfn(pmd), uaddr & ~PMD_MASK);
	page->level = 1;
	page->pte = pte_offset_kernel(&pmd, uaddr);
	page->pa = kite_host_pte(READ_ONCE(*page->pte), &page->writable);
	if (!page->pa)
		return -EAGAIN;
	page->pa += offset_in_page(uaddr);
	return 0;
}
