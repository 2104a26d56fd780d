/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory whose dirty pages are logged, bitmaps and rings of dirty pages. */
#ifndef KT_DIRTY_H
#define KT_DIRTY_H

#include <string.h>
#include <sys/mman.h>

#include "vm.h"

#define KT_HUGE		0x200000ul

static inline bool kt_bit(const u64 *bits, u64 n)
{
	return bits[n / 64] >> n % 64 & 1;
}

static inline void kt_set_bit(u64 *bits, u64 n)
{
	bits[n / 64] |= 1ull << n % 64;
}

/* Anonymous memory at a 2-MByte boundary; @huge: in large pages, or the test is SKIPped. */
static inline u8 *kt_memory(u64 len, bool huge)
{
	u8 *p = mmap(NULL, len + KT_HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);

	if (p == MAP_FAILED)
		FAIL("mmap: errno %d", errno);
	p = (u8 *)(((u64)p + KT_HUGE - 1) & ~(KT_HUGE - 1));
	if (madvise(p, len, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) && huge)
		SKIP("no transparent huge pages");
	memset(p, 0, len);
	return p;
}

/* A vCPU's ring, mapped. */
struct kt_ring {
	struct kite_ring *head;
	struct kite_ring_entry *entry;
};

static inline struct kt_ring kt_ring_new(int vcpu, u32 entries)
{
	void *map;

	vcpu_set_ring(vcpu, entries);
	map = mmap(NULL, KITE_RING_HEADER + entries * sizeof(struct kite_ring_entry),
		   PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, KITE_RING_OFFSET);
	if (map == MAP_FAILED)
		FAIL("mmap of a ring: errno %d", errno);
	return (struct kt_ring){ map, map + KITE_RING_HEADER };
}

/* Take the next element; false if there is none. */
static inline bool kt_ring_take(const struct kt_ring *ring, struct kite_ring_entry *entry)
{
	u32 tail = ring->head->tail;

	if (tail == __atomic_load_n(&ring->head->head, __ATOMIC_ACQUIRE))
		return false;
	*entry = ring->entry[tail & (ring->head->entries - 1)];
	__atomic_store_n(&ring->head->tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}

#endif
