// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a copy of guest memory that follows the log, while vCPUs write, ends as the
 * memory itself, bit for bit, and no page is reported oftener than it was written to.
 * The log begins and ends while the guest runs, and the host changes its mappings.
 */
#include <sched.h>
#include <stdlib.h>

#include "dirty.h"
#include "smp.h"

#define SLOT	9
#define GPA	0x10000000ull
#define VCPUS	3
#define PAGES	2048ul
#define LEN	(PAGES * KT_PAGE)
#define WORDS	(PAGES / 64)
#define CHUNK	512ul

enum how { BY_GET_AND_CLEAR, BY_CLEAR, BY_RING };

/* Shared with the guest. */
static volatile u64 stop;
static volatile u64 writes[VCPUS][8];

static struct kt_smp *smp;
static struct kt_ring ring[VCPUS];
static volatile u64 resets, paused;
static u8 *mem, *image;
static u64 copied;

/* Some pages are written to again and again, all of them now and then. */
static void write_randomly(u64 number)
{
	u64 x = 88172645463325252ull + number, page;

	while (!stop) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		page = x & 0x300 ? (x >> 10) % 64 + 64 * number : (x >> 10) % PAGES;
		writes[number][0]++;
		*(volatile u64 *)(GPA + page * KT_PAGE + (x >> 40) % 512 * 8) = x;
	}
	kt_done();
}

static u64 all_writes(void)
{
	u64 i, n = 0;

	for (i = 0; i < VCPUS; i++)
		n += writes[i][0];
	return n;
}

static void *vcpu_thread(void *arg)
{
	struct kt_vcpu *vcpu = arg;
	u64 seen;
	int ret;

	for (;;) {
		seen = resets;
		ret = _vcpu_run(vcpu->fd);
		if (ret == -EINTR)
			continue;
		if (ret)
			FAIL("KITE_VCPU_RUN: errno %d", -ret);
		if (vcpu->run->exit_reason == KITE_EXIT_RING_FULL)
			while (resets == seen)
				sched_yield();
		else if (vcpu->run->exit_reason == KITE_EXIT_STOP)
			while (paused)
				sched_yield();
		/* A memory fault is by disturb(): it passes. */
		else if (vcpu->run->exit_reason != KITE_EXIT_MEMORY_FAULT)
			break;
	}
	if (kt_what_it_said(vcpu).said != KT_SAID_DONE)
		FAIL("vCPU %u: exit reason %u", vcpu->id, vcpu->run->exit_reason);
	return NULL;
}

static void copy_pages(const u64 *bits, u64 first, u64 pages)
{
	u64 i;

	for (i = 0; i < pages; i++)
		if (kt_bit(bits, i)) {
			memcpy(image + (first + i) * KT_PAGE, mem + (first + i) * KT_PAGE, KT_PAGE);
			copied++;
		}
}

/* All at once, or part by part. */
static void by_get_and_clear(u64 round)
{
	u64 bits[WORDS], len = round & 1 ? PAGES : CHUNK, first;

	for (first = 0; first < PAGES; first += len) {
		vm_get_dirty(smp->vm->fd, SLOT, KITE_DIRTY_CLEAR, first, len, bits);
		copy_pages(bits, first, len);
	}
}

/* The set is as old as the get; pages are made clean only when their turn comes. */
static void by_clear(u64 round)
{
	u64 bits[WORDS], first, i;

	vm_get_dirty(smp->vm->fd, SLOT, 0, 0, PAGES, bits);
	for (i = 0; i < PAGES; i += CHUNK) {
		first = (i + round * CHUNK) % PAGES;
		vm_clear_dirty(smp->vm->fd, SLOT, first, CHUNK, &bits[first / 64]);
		copy_pages(&bits[first / 64], first, CHUNK);
	}
}

static void by_ring(u64 round)
{
	struct kite_ring_entry e;
	u64 bits[WORDS] = {};
	unsigned int i;

	(void)round;
	for (i = 0; i < VCPUS; i++)
		while (kt_ring_take(&ring[i], &e)) {
			ASSERT_TRUE(e.slot == SLOT && e.page < PAGES);
			kt_set_bit(bits, e.page);
		}
	vm_reset_rings(smp->vm->fd);
	resets++;
	copy_pages(bits, 0, PAGES);
}

static void (*const rounds[])(u64 round) = {
	[BY_GET_AND_CLEAR] = by_get_and_clear,
	[BY_CLEAR] = by_clear,
	[BY_RING] = by_ring,
};

/* The guest loses some of its mappings and gets them again. */
static void disturb(u64 round)
{
	u8 *from = mem + round * 37 % (PAGES - 16) * KT_PAGE;

	ASSERT_EQ(0, mprotect(from, 16 * KT_PAGE, PROT_READ));
	ASSERT_EQ(0, mprotect(from, 16 * KT_PAGE, PROT_READ | PROT_WRITE));
}

/* Until there were @n writes since there were @start: from before a round, as full rings end it. */
static void let_write(u64 start, u64 n)
{
	while (all_writes() < start + n)
		sched_yield();
}

static void pause_all(void)
{
	unsigned int i;

	paused = 1;
	for (i = 0; i < VCPUS; i++)
		vcpu_stop(smp->vcpu[i].fd);
}

static void continue_all(void)
{
	unsigned int i;

	for (i = 0; i < VCPUS; i++)
		vcpu_cont(smp->vcpu[i].fd);
	paused = 0;
}

#define ROUNDS	5

/* From the begin of a log to the copy that has everything. */
static void one_copy(enum how how)
{
	u64 bits[WORDS], zero[WORDS] = {}, round, start;

	vm_set_slot(smp->vm->fd, SLOT, KITE_SLOT_LOG_DIRTY, GPA, LEN, mem);
	memcpy(image, mem, LEN);
	for (round = 0; round < ROUNDS; round++) {
		start = all_writes();
		rounds[how](round);
		if (round == ROUNDS / 2)
			disturb(all_writes());
		let_write(start, 500);
	}
	pause_all();
	rounds[how](round);
	ASSERT_EQ(0, memcmp(mem, image, LEN));
	/* What the rings said was all there was. */
	vm_get_dirty(smp->vm->fd, SLOT, 0, 0, PAGES, bits);
	ASSERT_EQ(0, memcmp(bits, zero, sizeof(zero)));
	vm_set_slot(smp->vm->fd, SLOT, 0, GPA, LEN, mem);
	continue_all();
}

static void copy_loop(enum how how, bool huge)
{
	u64 i, n = kt_times(4);
	pthread_t thread[VCPUS];

	mem = kt_memory(LEN, huge);
	image = kt_memory(LEN, false);
	smp = kt_smp_new(VCPUS, false);
	vm_set_slot(smp->vm->fd, SLOT, 0, GPA, LEN, mem);
	for (i = 0; i < VCPUS; i++) {
		if (how == BY_RING)
			ring[i] = kt_ring_new(smp->vcpu[i].fd, KITE_RING_MIN);
		kt_smp_call(smp, i, write_randomly, i);
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, vcpu_thread, &smp->vcpu[i]));
	}
	for (i = 0; i < n; i++) {
		let_write(all_writes(), 1000);
		one_copy(how);
	}
	stop = 1;
	for (i = 0; i < VCPUS; i++)
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
	/* A page that is taken while a write to it waits may be reported for that write twice. */
	EXPECT_GE(all_writes() + VCPUS * n * (ROUNDS + 1) * PAGES / CHUNK, copied);
	kt_note("%llu copies, %llu writes, %llu pages copied", n, all_writes(), copied);
}

#define COPY_LOOP(name, how, huge) \
	KITE_TEST_TIMEOUT(name, 600) \
	{ \
		copy_loop(how, huge); \
	}

COPY_LOOP(get_and_clear_4k, BY_GET_AND_CLEAR, false)
COPY_LOOP(get_and_clear_thp, BY_GET_AND_CLEAR, true)
COPY_LOOP(manual_protect_4k, BY_CLEAR, false)
COPY_LOOP(manual_protect_thp, BY_CLEAR, true)
COPY_LOOP(ring_4k, BY_RING, false)
COPY_LOOP(ring_thp, BY_RING, true)
