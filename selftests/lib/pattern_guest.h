/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the guests of pattern.c and their host. */
#ifndef KT_PATTERN_GUEST_H
#define KT_PATTERN_GUEST_H

#include "pattern.h"

#define KT_PATTERN_WORDS 4

struct kt_pattern_page {
	u64 last;		/* what its words are */
	u64 begun;		/* the page's epoch before they were written, and after */
	u64 ended;
};

struct kt_wrong {
	u64 page;
	u64 word;
	u64 got;
	u64 last;
	u64 begun;
	u64 ended;
	u64 epoch;
};

struct kt_pattern {
	u64 same;
	volatile u64 write_every;	/* visits of pages; 0: now often, now seldom */
	enum kt_discards discards;
	volatile u64 rest_from;		/* pages that the guests leave alone */
	volatile u64 rest_to;
	volatile u64 stop;
	volatile u64 wrong;
	volatile u64 emptied;	/* pages found without what was written to them */
	volatile u64 passes[KT_PATTERN_VCPUS];
	volatile u64 visits[KT_PATTERN_VCPUS];
	volatile u64 epoch[KT_PATTERN_PAGES];	/* the host's: odd while the page is taken away */
	struct kt_pattern_page page[KT_PATTERN_PAGES];
	struct kt_wrong first_wrong;
};

extern struct kt_pattern kt_pattern;

/* For kt_smp_call(). */
void kt_pattern_work(u64 number);
/* True if the page that is @at has what it should. */
bool kt_pattern_visit(u64 page, const volatile u64 *at);

#endif
