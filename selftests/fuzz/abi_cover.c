// SPDX-License-Identifier: GPL-2.0-only
/* Which code of Kite calls have reached, and the calls that reached something first. */
#include <fcntl.h>
#include <linux/kcov.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi_fuzz.h"

#define PLACES		0x4000		/* that one call can reach */
#define MAP_BITS	0x20000
#define KEPT		1024

struct kept {
	u32 number;
	u8 arg[FUZZ_ARG];
};

/* Shared by all rounds. Places are hashed: what is lost by that is a few calls not kept. */
static struct {
	u64 map[MAP_BITS / 64];
	volatile u32 count;
	struct kept kept[KEPT];
} *store;

void fuzz_cover_init(void)
{
	store = mmap(NULL, sizeof(*store), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_TRUE(store != MAP_FAILED);
}

void fuzz_cover_open(struct fuzz_thread *t)
{
	void *map;

	t->cover_fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (t->cover_fd < 0)
		return;
	ASSERT_EQ(0, ioctl(t->cover_fd, KCOV_INIT_TRACE, PLACES));
	map = mmap(NULL, PLACES * sizeof(u64), PROT_READ | PROT_WRITE, MAP_SHARED, t->cover_fd, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	t->cover = map;
}

/* The end of the thread switches it off. */
void fuzz_cover_start(struct fuzz_thread *t)
{
	if (t->cover)
		ASSERT_EQ(0, ioctl(t->cover_fd, KCOV_ENABLE, KCOV_TRACE_PC));
}

void fuzz_cover_begin(struct fuzz_thread *t)
{
	if (t->cover)
		__atomic_store_n(&t->cover[0], 0, __ATOMIC_RELAXED);
}

static bool is_new(u64 place)
{
	u64 bit = (place * 0x9e3779b97f4a7c15) >> 47;	/* MAP_BITS of them */

	return !(__atomic_fetch_or(&store->map[bit / 64], BIT(bit % 64), __ATOMIC_RELAXED) &
		 BIT(bit % 64));
}

void fuzz_cover_end(struct fuzz_thread *t, unsigned int number, const u8 *arg)
{
	u64 i, count, fresh = 0;
	u32 at;

	if (!t->cover)
		return;
	count = __atomic_load_n(&t->cover[0], __ATOMIC_RELAXED);
	for (i = 1; i <= count && i < PLACES; i++)
		fresh += is_new(t->cover[i]);
	if (!fresh)
		return;
	__atomic_fetch_add(&fuzz_total->reached, fresh, __ATOMIC_RELAXED);
	__atomic_fetch_add(&fuzz_total->kept, 1, __ATOMIC_RELAXED);
	at = __atomic_fetch_add(&store->count, 1, __ATOMIC_RELAXED) % KEPT;
	store->kept[at].number = number;
	memcpy(store->kept[at].arg, arg, FUZZ_ARG);
}

int fuzz_cover_pick(struct fuzz_thread *t, u8 *arg)
{
	u32 count = store->count < KEPT ? store->count : KEPT;
	const struct kept *k;

	if (!count)
		return -1;
	k = &store->kept[fuzz_random(t, count)];
	memcpy(arg, k->arg, FUZZ_ARG);
	return k->number;
}
