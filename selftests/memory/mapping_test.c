// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the guest's memory is the process's memory at every moment, whatever
 * the process does with its mappings while several vCPUs use it.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pattern.h"

static void reserve(u8 *at, size_t len)
{
	ASSERT_TRUE(mmap(at, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
}

/* As large as the guest's memory and aligned like it; nothing else is mapped there. */
static u8 *elsewhere(void)
{
	static u8 *at;

	if (!at) {
		at = mmap(NULL, KT_PATTERN_LEN + KT_PATTERN_HUGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_TRUE(at != MAP_FAILED);
		at = (u8 *)(((u64)at + KT_PATTERN_HUGE - 1) & ~(KT_PATTERN_HUGE - 1));
	}
	return at;
}

static void protect(u64 round)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	struct kt_range r = kt_pick();

	ASSERT_EQ(0, mprotect(r.at, r.len, prots[round % ARRAY_SIZE(prots)]));
	kt_pattern_linger();
	ASSERT_EQ(0, mprotect(r.at, r.len, PROT_READ | PROT_WRITE));
}

KT_PATTERN_TEST(protection_changes, protect, 20, KT_KEEPS)

/* The mapping goes and another one comes in its place. */
static void replace(u64 round)
{
	struct kt_range r = kt_pick();

	kt_discard_begin(&r);
	if (round & 1)
		ASSERT_EQ(0, munmap(r.at, r.len));
	kt_pattern_linger();
	ASSERT_TRUE(mmap(r.at, r.len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == r.at);
	kt_pattern_advise(r.at, r.len);
	kt_discard_end(&r);
}

KT_PATTERN_TEST(mappings_are_replaced, replace, 20, KT_ZEROES)

static void move(u8 *from, u8 *to, size_t len)
{
	ASSERT_TRUE(mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
}

/* Away and back again: the pages are the same, their tables are not. */
static void move_and_return(u64 round)
{
	struct kt_range r = kt_pick();
	u8 *away = elsewhere() + (r.at - kt_mem);

	(void)round;
	move(r.at, away, r.len);
	kt_pattern_linger();
	move(away, r.at, r.len);
	reserve(away, r.len);
}

KT_PATTERN_TEST(mappings_move_and_return, move_and_return, 20, KT_KEEPS)

/* For good, and the slot follows. */
static void move_with_slot(u64 round)
{
	static u8 *home[2];
	u8 *from = kt_mem;

	if (!home[0]) {
		home[0] = kt_mem;
		home[1] = elsewhere();
	}
	kt_mem = home[!(round & 1)];
	move(from, kt_mem, KT_PATTERN_LEN);
	kt_pattern_linger();
	kt_pattern_set_slot();
	reserve(from, KT_PATTERN_LEN);
}

KT_PATTERN_TEST(the_slot_moves, move_with_slot, 20, KT_KEEPS)

/* The same memory under the slot again, as after a change of its flags. */
static void set_slot_again(u64 round)
{
	(void)round;
	kt_pattern_set_slot();
}

KT_PATTERN_TEST(the_slot_is_set_again, set_slot_again, 20, KT_KEEPS)

/* Exit status of the child: it has its own copy, which stays as it was. */
static int child(u64 round)
{
	static u64 seen[KT_PATTERN_PAGES];
	u64 i;

	for (i = 0; i < KT_PATTERN_PAGES; i++)
		seen[i] = *(volatile u64 *)(kt_mem + i * KT_PAGE);
	kt_pattern_linger();
	for (i = 0; i < KT_PATTERN_PAGES; i++)
		if (*(volatile u64 *)(kt_mem + i * KT_PAGE) != seen[i])
			return 1;
	/* What it writes is nobody else's. */
	for (i = round % 3; i < KT_PATTERN_PAGES; i += 3)
		*(volatile u64 *)(kt_mem + i * KT_PAGE) = ~i;
	kt_pattern_linger();
	for (i = round % 3; i < KT_PATTERN_PAGES; i += 3)
		if (*(volatile u64 *)(kt_mem + i * KT_PAGE) != ~i)
			return 2;
	return 0;
}

static void fork_child(u64 round)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(child(round));
	ASSERT_TRUE(pid >= 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

KT_PATTERN_TEST(children_copy_on_write, fork_child, 20, KT_KEEPS)
