// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a write finds the one doorbell that it rings, whatever others there are,
 * and no two that one write would ring stand side by side. Checked against a list
 * that is looked through from end to end.
 */
#include <linux/kernel.h>

#include "irq/doorbell.h"
#include "lapic_random.h"
#include "unit.h"

#define BELLS	64
#define ROUNDS	2000

static struct doorbell bells[BELLS];
static u32 count;

static bool rings(const struct doorbell *bell, const struct doorbell *write)
{
	return bell->pio == write->pio && bell->addr == write->addr &&
	       (!bell->len || bell->len == write->len) &&
	       (!bell->match || bell->data == write->data);
}

/* Some write rings both. */
static bool collide(const struct doorbell *a, const struct doorbell *b)
{
	return a->pio == b->pio && a->addr == b->addr &&
	       (!a->len || !b->len || a->len == b->len) &&
	       (!a->match || !b->match || a->data == b->data);
}

static int insert(const struct doorbell *new)
{
	u32 at;
	int ret = doorbell_place(bells, count, new, &at);

	if (ret)
		return ret;
	EXPECT_TRUE(at <= count);
	memmove(&bells[at + 1], &bells[at], (count - at) * sizeof(*bells));
	bells[at] = *new;
	count++;
	return 0;
}

static void by_hand(void)
{
	static const struct doorbell any = { .addr = 0x1000 };
	static const struct doorbell word = { .addr = 0x2000, .len = 2 };
	static const struct doorbell five = { .addr = 0x3000, .len = 4, .match = true, .data = 5 };
	static const struct doorbell six = { .addr = 0x3000, .len = 4, .match = true, .data = 6 };
	static const struct doorbell other = { .addr = 0x3000, .len = 4 };
	struct doorbell write = { .addr = 0x1000, .len = 8, .match = true, .data = 77 };

	count = 0;
	EXPECT_FALSE(doorbell_find(bells, 0, &write));
	EXPECT_EQ(0, insert(&six));
	EXPECT_EQ(0, insert(&any));
	EXPECT_EQ(0, insert(&five));
	EXPECT_EQ(0, insert(&word));
	EXPECT_EQ(-17, insert(&any));
	EXPECT_EQ(-17, insert(&other));		/* would take what 5 and 6 take */
	EXPECT_EQ(0x1000, doorbell_find(bells, count, &write)->addr);
	write.addr++;
	EXPECT_FALSE(doorbell_find(bells, count, &write));
	write = (struct doorbell){ .addr = 0x2000, .len = 4, .match = true };
	EXPECT_FALSE(doorbell_find(bells, count, &write));
	write.len = 2;
	EXPECT_EQ(0x2000, doorbell_find(bells, count, &write)->addr);
	write = (struct doorbell){ .addr = 0x3000, .len = 4, .match = true, .data = 6 };
	EXPECT_EQ(6, doorbell_find(bells, count, &write)->data);
	write.data = 7;
	EXPECT_FALSE(doorbell_find(bells, count, &write));
	write.data = 6;
	write.len = 8;
	EXPECT_FALSE(doorbell_find(bells, count, &write));
}

static struct doorbell random_bell(struct random *r)
{
	struct doorbell b = { .addr = random_below(r, 8), .len = 1u << random_below(r, 4) };

	if (!random_below(r, 8))
		b.len = 0;
	else if (random_below(r, 4))
		b.match = true;
	b.pio = random_below(r, 2);
	b.data = b.match ? random_below(r, 8) : 0;
	return b;
}

static void same_as_a_list(void)
{
	struct random r;
	u32 placed = 0, found = 0, round, i;

	random_seed(&r, 1);
	for (round = 0; round < ROUNDS; round++) {
		struct doorbell write = random_bell(&r), new = random_bell(&r);
		const struct doorbell *want = NULL;
		bool room = true;

		unit_context("round %u", round);
		if (round % 100 == 0)
			count = 0;
		for (i = 0; i < count; i++)
			room &= !collide(&bells[i], &new);
		if (count < BELLS) {
			EXPECT_EQ(room ? 0 : -17, insert(&new));
			placed += room;
		}
		write.len = write.len ? write.len : 1;
		write.match = true;
		for (i = 0; i < count; i++)
			if (rings(&bells[i], &write))
				want = &bells[i];
		EXPECT_TRUE(doorbell_find(bells, count, &write) == want);
		found += !!want;
	}
	EXPECT_TRUE(placed > ROUNDS / 10 && found > ROUNDS / 10);
}

static const struct unit_test tests[] = {
	UNIT_TEST(by_hand),
	UNIT_TEST(same_as_a_list),
};

UNIT_MAIN(tests)
