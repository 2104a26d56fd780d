// SPDX-License-Identifier: GPL-2.0-only
/* The guests of pattern.h: what they write, and what they may find. */
#include "pattern_guest.h"

struct kt_pattern kt_pattern;

/* Words of a page that are written, among them its first and its last. */
static const u16 word_at[KT_PATTERN_WORDS] = { 0, 171, 340, 511 };
/* Steps through a vCPU's pages: each is prime and larger than their number. */
static const u64 strides[4] = { 1, 1031, 2053, 4099 };

#define VALID		BIT(63)
#define OWNER_SHIFT	56
#define PAGE_SHIFT	40
#define NAME_MASK	(VALID | 0x7full << OWNER_SHIFT | 0xffffull << PAGE_SHIFT)

static u64 name_of(u64 page)
{
	return VALID | page % KT_PATTERN_VCPUS << OWNER_SHIFT | page << PAGE_SHIFT;
}

static u64 word_of(u64 page, u64 generation)
{
	if (kt_pattern.same)
		return VALID | generation % kt_pattern.same;
	return name_of(page) | (generation & ~NAME_MASK);
}

static bool note_wrong(u64 page, unsigned int word, u64 got)
{
	struct kt_pattern *p = &kt_pattern;

	if (!__atomic_fetch_add(&p->wrong, 1, __ATOMIC_SEQ_CST))
		p->first_wrong = (struct kt_wrong){
			.page = page, .word = word, .got = got, .last = p->page[page].last,
			.begun = p->page[page].begun, .ended = p->page[page].ended,
			.epoch = p->epoch[page],
		};
	return false;
}

/*
 * Epochs are odd while an action takes the page away. A write that began and ended
 * in the same even epoch is undone by the next action as a whole, others in part.
 */
bool kt_pattern_visit(u64 page, const volatile u64 *at)
{
	struct kt_pattern_page *state = &kt_pattern.page[page];
	u64 got[KT_PATTERN_WORDS], before, after;
	bool quiet, may_keep, may_zero;
	unsigned int i;

	before = kt_pattern.epoch[page];
	for (i = 0; i < KT_PATTERN_WORDS; i++)
		got[i] = at[word_at[i]];
	after = kt_pattern.epoch[page];

	quiet = state->begun == state->ended && !(state->begun & 1);
	may_zero = !quiet || after != state->ended;
	may_keep = !quiet || kt_pattern.discards == KT_MAY_ZERO || before & 1 ||
		   before == state->ended;
	for (i = 0; i < KT_PATTERN_WORDS; i++) {
		if (!(may_keep && got[i] == state->last) && !(may_zero && !got[i]))
			return note_wrong(page, i, got[i]);
		/* What has gone does not come back. */
		if (quiet && i && !got[i - 1] && got[i])
			return note_wrong(page, i, got[i]);
	}
	if (state->last && !got[0])
		__atomic_fetch_add(&kt_pattern.emptied, 1, __ATOMIC_RELAXED);
	return true;
}

static void write_page(u64 page, volatile u64 *at, u64 generation)
{
	struct kt_pattern_page *state = &kt_pattern.page[page];
	u64 word = word_of(page, generation);
	unsigned int i;

	state->begun = kt_pattern.epoch[page];
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (i = 0; i < KT_PATTERN_WORDS; i++)
		at[word_at[i]] = word;
	state->last = word;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	state->ended = kt_pattern.epoch[page];
}

/* Another vCPU may be writing there. */
static void look_at(u64 page, const volatile u64 *at)
{
	unsigned int i;
	u64 got;

	for (i = 0; !kt_pattern.same && i < KT_PATTERN_WORDS; i++) {
		got = at[word_at[i]];
		if (got && (got & NAME_MASK) != name_of(page))
			note_wrong(page, i, got);
	}
}

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

static volatile u64 *page_at(u64 page)
{
	return (volatile u64 *)(KT_PATTERN_GPA + page * KT_PAGE);
}

static bool rests(u64 page)
{
	return page >= kt_pattern.rest_from && page < kt_pattern.rest_to;
}

void kt_pattern_work(u64 number)
{
	u64 mine = (KT_PATTERN_PAGES - number + KT_PATTERN_VCPUS - 1) / KT_PATTERN_VCPUS;
	u64 seed = number, i, page, other, first, stride, few;

	while (!kt_pattern.stop) {
		first = next_random(&seed) % mine;
		stride = strides[next_random(&seed) % ARRAY_SIZE(strides)];
		/* All pages are written in some passes, a few in others. */
		few = kt_pattern.write_every ?: next_random(&seed) % 2 ? 16 : 2;
		for (i = 0; i < mine; i++) {
			page = (first + i * stride) % mine * KT_PATTERN_VCPUS + number;
			other = next_random(&seed) % KT_PATTERN_PAGES;
			if (!rests(other))
				look_at(other, page_at(other));
			if (rests(page))
				continue;
			kt_pattern_visit(page, page_at(page));
			if (next_random(&seed) % few == 0)
				write_page(page, page_at(page), next_random(&seed));
			kt_pattern.visits[number]++;
		}
		kt_pattern.passes[number]++;
	}
}
