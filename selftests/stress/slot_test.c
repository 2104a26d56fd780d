// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: slots are added, moved, changed and removed while vCPUs run through them.
 * From the return of the call on each vCPU finds what is there now, a refused change
 * is not noticed, and no write gets lost or goes to memory that is somewhere else.
 */
#include <string.h>

#include "mapping.h"
#include "smp.h"

#define GPA		0x40000000ull
#define VCPUS		4
#define MAX_UNITS	510	/* 512 slots, two of which are the library's */
#define FIRST_SLOT	2
#define NOWHERE		0xffffffffu
#define HOLE		0x686f6c65u	/* what a hole reads as */
#define WORDS		(KT_PAGE / 8)

enum { WORD_ID, WORD_VCPU };	/* of each page; a word for each vCPU */

/* Shared with the guest: what is where, and which places are being changed. */
static volatile u64 stop;
static u64 unit, units, places;
static volatile u32 version[2 * MAX_UNITS];	/* odd: unknown */
static volatile u32 unit_at[2 * MAX_UNITS];	/* NOWHERE: a hole */
static volatile u32 read_only[2 * MAX_UNITS];

/* What each vCPU has found, and what it knows that it has written. */
static struct {
	volatile u64 rounds, stable, wrong, lost;
	u64 tag, epoch;
	u64 written[MAX_UNITS], epochs[MAX_UNITS];
} state[VCPUS];

/* What was at a place, of which nothing changed from the first look to the last. */
struct sight {
	u32 id;		/* the unit that belongs there, or NOWHERE */
	u32 found;	/* the one that answered */
	u64 old, now;	/* this vCPU's word there, before and after its write */
};

static void check_stable(u64 n, const struct sight *s, bool wrote)
{
	u32 id = s->id;

	state[n].stable++;
	if (s->found != (id == NOWHERE ? HOLE : id)) {
		state[n].wrong++;
		return;
	}
	if (id == NOWHERE)
		return;
	if (wrote && s->now != state[n].tag)
		state[n].lost++;
	if (state[n].epochs[id] == state[n].epoch && s->old != state[n].written[id])
		state[n].lost++;
	state[n].epochs[id] = state[n].epoch;
	state[n].written[id] = s->now;
}

/*
 * One place: what is read and written there counts if nothing changed meanwhile, and only
 * what is read before the last look at the version is known to be of that time.
 */
static void visit(u64 n, u32 where)
{
	volatile u64 *page = (volatile u64 *)(GPA + where * unit);
	volatile u64 *word = &page[WORD_VCPU + n];
	u32 before = version[where];
	struct sight s = { .id = unit_at[where] };
	bool write = !(before & 1) && s.id != NOWHERE && !read_only[where];

	s.found = page[WORD_ID];
	s.old = *word;
	if (write)
		*word = ++state[n].tag;
	s.now = *word;
	if (!(before & 1) && version[where] == before)
		check_stable(n, &s, write);
	else if (write)
		state[n].epoch++;	/* it may have gone anywhere */
}

static void run_through(u64 n)
{
	u32 where = n;

	state[n].epoch = 1;
	while (!stop) {
		visit(n, where);
		where = (where + 2 * n + 1) % places;
		state[n].rounds++;
	}
}

struct driver {
	struct kt_vcpu *vcpu;
	pthread_t thread;
	u64 holes;
};

/* Holes answer, and drop what is written. */
static void *drive(void *arg)
{
	struct driver *d = arg;
	struct kt_result r;

	for (;;) {
		r = kt_run(d->vcpu);
		if (r.said == KT_SAID_DONE)
			return NULL;
		if (r.said != KT_SAID_EXIT || d->vcpu->run->exit_reason != KITE_EXIT_MMIO)
			kt_surprise(d->vcpu, &r, "DONE or MMIO");
		*(u64 *)d->vcpu->run->data = HOLE;
		d->holes++;
	}
}

/* The host's side: where each unit is. */
static struct kt_vm *vm;
static u8 *mem;
static u32 place_of[MAX_UNITS];

static int set_slot(u32 id, u32 flags, u32 where)
{
	return _vm_set_slot(vm->fd, FIRST_SLOT + id, flags, GPA + where * unit, unit,
			    mem + id * unit);
}

static void remove_unit(u32 id)
{
	u32 where = place_of[id];

	version[where]++;
	vm_set_slot(vm->fd, FIRST_SLOT + id, 0, 0, 0, NULL);
	unit_at[where] = NOWHERE;
	place_of[id] = NOWHERE;
	version[where]++;
}

/* Put it where it was not, or move it. */
static void put_unit(u32 id, u32 where, u32 flags)
{
	u32 from = place_of[id];

	if (from != NOWHERE)
		version[from]++;
	version[where]++;
	ASSERT_EQ(0, set_slot(id, flags, where));
	if (from != NOWHERE) {
		unit_at[from] = NOWHERE;
		version[from]++;
	}
	unit_at[where] = id;
	read_only[where] = flags;
	place_of[id] = where;
	version[where]++;
}

static void change_flags(u32 id)
{
	u32 where = place_of[id], flags = read_only[where] ^ KITE_SLOT_READONLY;

	version[where]++;
	ASSERT_EQ(0, set_slot(id, flags, where));
	read_only[where] = flags;
	version[where]++;
}

static void change_something(void)
{
	u32 id = kt_random() % units, where = kt_random() % places;
	u32 other = unit_at[where];

	if (other != NOWHERE && other != id) {
		ASSERT_EQ(-EEXIST, set_slot(id, 0, where));
		ASSERT_EQ(-EINVAL, set_slot(id, 1u << 31, where));
	} else if (other == id) {
		change_flags(id);
	} else if (place_of[id] != NOWHERE && kt_random() % 4 == 0) {
		remove_unit(id);
	} else {
		put_unit(id, where, kt_random() % 4 ? 0 : KITE_SLOT_READONLY);
	}
}

static void set_up(struct kt_smp *smp, struct driver *drivers)
{
	u64 i, page;

	vm = smp->vm;
	for (i = 0; i < places; i++)
		unit_at[i] = NOWHERE;
	for (i = 0; i < units; i++) {
		for (page = 0; page < unit / KT_PAGE; page += 64)
			*(u64 *)(mem + i * unit + page * KT_PAGE) = i;
		place_of[i] = NOWHERE;
		put_unit(i, places - 1 - i, 0);
	}
	for (i = 0; i < VCPUS; i++) {
		kt_smp_call(smp, i, run_through, i);
		drivers[i].vcpu = &smp->vcpu[i];
		ASSERT_EQ(0, pthread_create(&drivers[i].thread, NULL, drive, &drivers[i]));
	}
}

static void wait_for_rounds(u64 n)
{
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		u64 until = state[i].rounds + n;

		while (state[i].rounds < until)
			sched_yield();
	}
}

/* What the vCPUs know that they have written last is in memory. */
static void check_memory(void)
{
	u64 i, id, *page;

	for (i = 0; i < VCPUS; i++)
		for (id = 0; id < units; id++) {
			page = (u64 *)(mem + id * unit);
			EXPECT_EQ(id, page[WORD_ID]);
			if (state[i].epochs[id] == state[i].epoch)
				EXPECT_EQ(state[i].written[id], page[WORD_VCPU + i]);
		}
}

static void run(struct kt_smp *smp, u64 unit_len, u64 count, u64 changes)
{
	struct driver drivers[VCPUS] = { };
	u64 i, n = kt_times(changes);

	unit = unit_len;
	units = count;
	places = 2 * count;
	mem = kt_map_kind(unit > KT_PAGE ? "anonymous_thp" : "anonymous", units * unit).mem;
	set_up(smp, drivers);
	for (i = 0; i < n; i++) {
		change_something();
		if (i % 16 == 0)
			wait_for_rounds(8);
	}
	/* Once more through all of it, with nothing changing. */
	wait_for_rounds(2 * places);
	stop = 1;
	for (i = 0; i < VCPUS; i++) {
		ASSERT_EQ(0, pthread_join(drivers[i].thread, NULL));
		kt_note("vCPU %llu: %llu places, %llu unchanged meanwhile, %llu exits by holes", i,
			state[i].rounds, state[i].stable, drivers[i].holes);
		EXPECT_EQ(0ull, state[i].wrong);
		EXPECT_EQ(0ull, state[i].lost);
		EXPECT_GT(state[i].stable, 2 * places);
	}
	check_memory();
}

KITE_TEST_TIMEOUT(all_slots_change_under_vcpus, 300)
{
	run(kt_smp_new(VCPUS, false), KT_PAGE, MAX_UNITS, 1000);
}

KITE_TEST_TIMEOUT(large_pages_change_under_vcpus, 300)
{
	run(kt_smp_new(VCPUS, false), KT_2M, 16, 500);
}
