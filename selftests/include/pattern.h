/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests that check their memory while the host does things to it. Every page
 * belongs to one vCPU, which writes to it which page it is, whose, and for the how
 * manieth time, and at each visit compares what it finds with what it wrote last.
 * Pages of other vCPUs are only looked at: they must bear the right names.
 *
 * An action of the host that takes contents away says so by kt_discard_begin() and
 * kt_discard_end(). With that the guest knows for each page whether it has to find
 * what it wrote, nothing but zeros, or may find either.
 */
#ifndef KT_PATTERN_H
#define KT_PATTERN_H

#include "files.h"
#include "smp.h"

#define KT_PATTERN_GPA	0x10000000ull
#define KT_PATTERN_HUGE	0x200000ul	/* a large page of the host */
#define KT_PATTERN_LEN	(2 * KT_PATTERN_HUGE)
#define KT_PATTERN_PAGES (KT_PATTERN_LEN / KT_PAGE)
#define KT_PATTERN_SLOT	9
#define KT_PATTERN_VCPUS 3

/* What becomes of a page under the action. */
enum kt_discards {
	KT_KEEPS,
	KT_ZEROES,		/* it is zero from the end of the action on */
	KT_MAY_ZERO,		/* at some time before the guest's next write */
};

struct kt_action {
	const char *name;
	void (*fn)(u64 round);
	u64 rounds;
	enum kt_discards discards;
};

/* How the host has the memory: the parameter of a test. */
#define KT_PATTERN_THP	BIT(0)
#define KT_PATTERN_LOGGED BIT(1)	/* with a dirty log, and a copy that follows it */

/* Where the memory is in this process; an action may move it. */
extern u8 *kt_mem;
extern struct kt_smp *kt_pattern_smp;

/* Guests that write few different pages, @same of them, so that KSM finds equal ones. */
void kt_pattern_same(u64 same);
/* How often the guests write: once in @visits; 0: now often, now seldom. */
void kt_pattern_write_every(u64 visits);
/* A VM with vCPUs that are at work from now on. */
void kt_pattern_start(unsigned int param, enum kt_discards discards);
/* Until each vCPU has seen all its pages. */
void kt_pattern_pass(void);
/* Fails the test, with particulars, if a guest has found a wrong byte. */
void kt_pattern_check(void);
/* Put kt_mem under the slot. */
void kt_pattern_set_slot(void);
/* Ask for pages of the size under test in a new mapping. */
void kt_pattern_advise(u8 *at, size_t len);
/* Stop the guests and check all memory from this side too. */
void kt_pattern_finish(void);
/* From start to finish. */
void kt_pattern_rounds(const struct kt_action *action, unsigned int param);

/* What the guests have done so far. */
u64 kt_pattern_visits(void);
u64 kt_pattern_faults(void);

/* Pages in a row, at random: one, a few, a large page or all. */
struct kt_range {
	u64 first;
	u64 count;
	u8 *at;
	size_t len;
};

struct kt_range kt_pick(void);
/* Let the guests go on for a random time, short enough to be in the middle of something. */
void kt_pattern_linger(void);

/*
 * The guests do not go to these pages: what is used all the time the host does not
 * take. (One that is there already may take until its next page to leave.)
 */
void kt_pattern_rest(const struct kt_range *range);
void kt_pattern_no_rest(void);

void kt_discard_begin(const struct kt_range *range);
void kt_discard_end(const struct kt_range *range);

/* kB of large pages behind the memory. */
u64 kt_huge_kb(void);

/* A test of @fn, @rounds times, with each kind of memory. */
#define KT_PATTERN_TEST(name, fn, rounds, discards)				\
	static void name(unsigned int param)					\
	{									\
		kt_pattern_rounds(&(const struct kt_action){ #name, fn, rounds, discards }, \
				  param);					\
	}									\
	KT_PATTERN_REGISTER(name)

#define KT_PATTERN_REGISTER(name)						\
	static void __attribute__((constructor)) name##_register(void)		\
	{									\
		static struct kt_test tests[KT_PATTERN_KINDS];			\
										\
		kt_pattern_register(tests, #name, name);			\
	}

#define KT_PATTERN_KINDS	4

void kt_pattern_register(struct kt_test *tests, const char *name, void (*fn)(unsigned int));

#endif
