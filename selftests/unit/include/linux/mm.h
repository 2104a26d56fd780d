/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages of the host, for unit tests: only which was set dirty last, and how many. */
#ifndef KITE_UNIT_LINUX_MM_H
#define KITE_UNIT_LINUX_MM_H

#define PAGE_SHIFT		12

extern unsigned long unit_dirty_pfn;
extern long unit_dirty;

#define pfn_to_page(pfn)	(pfn)
#define page_folio(page)	(page)
#define folio_set_dirty(folio)	(unit_dirty_pfn = (folio), unit_dirty++)

#endif
