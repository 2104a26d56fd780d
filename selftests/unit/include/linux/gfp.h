/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages for unit tests: counted, so that a test sees a leak, and refused on request. */
#ifndef KITE_UNIT_LINUX_GFP_H
#define KITE_UNIT_LINUX_GFP_H

#include <stdlib.h>
#include <string.h>

#define GFP_KERNEL_ACCOUNT	0
#define UNIT_PAGE_SIZE		4096

extern long unit_pages;		/* allocated now */
extern long unit_pages_left;	/* until allocations fail; negative: never */

static inline unsigned long get_zeroed_page(int gfp)
{
	void *page;

	if (!unit_pages_left)
		return 0;
	unit_pages_left--;
	page = aligned_alloc(UNIT_PAGE_SIZE, UNIT_PAGE_SIZE);
	memset(page, 0, UNIT_PAGE_SIZE);
	unit_pages++;
	return (unsigned long)page;
}

static inline void free_page(unsigned long page)
{
	unit_pages -= !!page;
	free((void *)page);
}

#endif
