// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the log of a slot has the pages that were written to, by the guest or by
 * Kite for it, and no others, whatever maps them; a page that was made clean is there
 * again after the next write.
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "dirty.h"
#include "guest.h"

#define SLOT	9
#define GPA	0x10000000ull
#define PAGES	1100ul		/* no multiple of 64; more than a CPU notes at a time */
#define LEN	(PAGES * KT_PAGE)
#define WORDS	((PAGES + 63) / 64)

static u8 *mem;
static u64 bits[WORDS];

/* What the guest is to do: an operation on each of some pages. */
static volatile u64 count;
static volatile u64 pages[PAGES];

static void write_pages(u64 value)
{
	u64 i;

	for (i = 0; i < count; i++)
		*(volatile u64 *)(GPA + pages[i] * KT_PAGE + i % 512 * 8) = value;
	kt_done();
}

static void read_pages(u64 arg)
{
	u64 i;

	(void)arg;
	for (i = 0; i < count; i++)
		(void)*(volatile u64 *)(GPA + pages[i] * KT_PAGE);
	kt_done();
}

/* Pages 0, @step, 2 * @step, ...; into @want, too, unless it is NULL. */
static void choose(u64 step, u64 *want)
{
	u64 page;

	count = 0;
	for (page = 0; page < PAGES; page += step) {
		pages[count++] = page;
		if (want)
			kt_set_bit(want, page);
	}
}

static void run(struct kt_vm *vm, void (*fn)(u64), u64 arg)
{
	kt_call(&vm->vcpu, fn, arg);
	kt_expect_done(&vm->vcpu);
}

static void setup(struct kt_vm *vm, bool huge, u32 flags)
{
	mem = kt_memory(LEN, huge);
	vm_set_slot(vm->fd, SLOT, flags, GPA, LEN, mem);
}

#define expect_log(vm, flags, want)	do_expect_log(vm, flags, want, __LINE__)

static void do_expect_log(struct kt_vm *vm, u32 flags, const u64 *want, int line)
{
	u64 i;

	memset(bits, 0x5a, sizeof(bits));
	vm_get_dirty(vm->fd, SLOT, flags, 0, PAGES, bits);
	for (i = 0; i < WORDS * 64; i++)
		if (kt_bit(bits, i) != kt_bit(want, i)) {
			kt_failed(__FILE__, line, "page %llu is %s", i,
				  kt_bit(bits, i) ? "dirty" : "clean");
			return;
		}
}

static const u64 none[WORDS];

static void set_is_exact(struct kt_vm *vm, bool huge)
{
	u64 seventh[WORDS] = {}, third[WORDS] = {};

	setup(vm, huge, KITE_SLOT_LOG_DIRTY);
	expect_log(vm, 0, none);
	choose(1, NULL);
	run(vm, read_pages, 0);
	expect_log(vm, 0, none);
	choose(7, seventh);
	run(vm, write_pages, 1);
	expect_log(vm, 0, seventh);
	expect_log(vm, KITE_DIRTY_CLEAR, seventh);
	expect_log(vm, KITE_DIRTY_CLEAR, none);
	/* Some of them for the second time, others for the first. */
	choose(3, third);
	run(vm, write_pages, 2);
	run(vm, write_pages, 3);
	expect_log(vm, 0, third);
	expect_log(vm, KITE_DIRTY_CLEAR, third);
	expect_log(vm, 0, none);
}

KITE_TEST_MODES(set_is_exact_4k, KT_IN_64)
{
	set_is_exact(vm, false);
}

KITE_TEST_MODES(set_is_exact_thp, KT_IN_64)
{
	set_is_exact(vm, true);
}

/* All pages in one go: a log that the CPU keeps gets full on the way. */
KITE_TEST_MODES(every_page, KT_IN_64)
{
	u64 all[WORDS] = {};

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	choose(1, all);
	run(vm, write_pages, 1);
	expect_log(vm, KITE_DIRTY_CLEAR, all);
	run(vm, write_pages, 2);
	expect_log(vm, KITE_DIRTY_CLEAR, all);
	expect_log(vm, 0, none);
}

static bool pml_is_on(void)
{
	int fd = open("/sys/module/kite/parameters/pml", O_RDONLY);
	char on;

	ASSERT_TRUE(fd >= 0 && read(fd, &on, 1) == 1);
	close(fd);
	return on == 'Y';
}

KITE_TEST_MODES(the_cpu_notes_pages_if_it_can, KT_IN_64)
{
	struct kite_stats before, after;
	unsigned int i;

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	choose(1, NULL);
	run(vm, write_pages, 1);
	vm_get_dirty(vm->fd, SLOT, KITE_DIRTY_CLEAR, 0, PAGES, bits);
	vcpu_get_stats(vm->vcpu.fd, &before);
	run(vm, write_pages, 2);
	vcpu_get_stats(vm->vcpu.fd, &after);
	/* EPT violations: one for each page; or few, for memory of the program. */
	if (!pml_is_on()) {
		EXPECT_GE(after.exits[48] - before.exits[48], PAGES);
		return;
	}
	EXPECT_GT(PAGES / 10, after.exits[48] - before.exits[48]);
	/* "Page-modification log full": unless the host interrupts every time. */
	for (i = 0; i < 100 && !after.exits[62]; i++) {
		vm_get_dirty(vm->fd, SLOT, KITE_DIRTY_CLEAR, 0, PAGES, bits);
		run(vm, write_pages, 2);
		vcpu_get_stats(vm->vcpu.fd, &after);
	}
	EXPECT_GT(after.exits[62], 0);
}

/* Memory that the guest uses, in large pages, before there is a log. */
static void log_begins_late(struct kt_vm *vm, bool huge)
{
	u64 fifth[WORDS] = {};

	setup(vm, huge, 0);
	choose(1, NULL);
	run(vm, write_pages, 0x1111);
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_LOG_DIRTY, GPA, LEN, mem);
	expect_log(vm, 0, none);
	choose(5, fifth);
	run(vm, write_pages, 0x2222);
	expect_log(vm, 0, fifth);
	EXPECT_EQ(0x2222ull, *(u64 *)mem);
	EXPECT_EQ(0x1111ull, *(u64 *)(mem + KT_PAGE + 8));
	/* Set again, it goes on; without, it ends; then it begins empty. */
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_LOG_DIRTY, GPA, LEN, mem);
	expect_log(vm, 0, fifth);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	EXPECT_EQ(-ENOENT, _vm_get_dirty(vm->fd, SLOT, 0, 0, PAGES, bits));
	run(vm, write_pages, 0x3333);
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_LOG_DIRTY, GPA, LEN, mem);
	expect_log(vm, 0, none);
	run(vm, write_pages, 0x4444);
	expect_log(vm, 0, fifth);
	EXPECT_EQ(0x4444ull, *(u64 *)mem);
}

KITE_TEST_MODES(log_begins_late_4k, KT_IN_64)
{
	log_begins_late(vm, false);
}

KITE_TEST_MODES(log_begins_late_thp, KT_IN_64)
{
	log_begins_late(vm, true);
}

/* Other slots have no log, whatever the CPU notes; a log is of one slot. */
KITE_TEST_MODES(logs_are_apart, KT_IN_64)
{
	u64 other[WORDS] = {}, want[WORDS] = {};

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	vm_set_slot(vm->fd, SLOT + 1, KITE_SLOT_LOG_DIRTY, GPA + LEN, LEN, mem);
	EXPECT_EQ(-ENOENT, _vm_get_dirty(vm->fd, 0, 0, 0, 64, other));
	choose(400, want);
	run(vm, write_pages, 1);
	vm_get_dirty(vm->fd, SLOT + 1, 0, 0, PAGES, other);
	EXPECT_EQ(0, memcmp(other, none, sizeof(none)));
	expect_log(vm, KITE_DIRTY_CLEAR, want);
	vm_set_slot(vm->fd, SLOT, 0, 0, 0, NULL);
	EXPECT_EQ(-ENOENT, _vm_get_dirty(vm->fd, SLOT, 0, 0, 64, bits));
	EXPECT_EQ(0, _vm_get_dirty(vm->fd, SLOT + 1, 0, 0, PAGES, other));
}

KITE_TEST_MODES(clear_by_range, KT_IN_64)
{
	u64 want[WORDS] = {}, part[2] = { 0xff00, 1ull << 63 };
	u64 i;

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	choose(1, want);
	run(vm, write_pages, 1);
	expect_log(vm, 0, want);
	/* Pages 128 to 255, of which those of @part. */
	vm_clear_dirty(vm->fd, SLOT, 128, 128, part);
	want[2] &= ~part[0];
	want[3] &= ~part[1];
	expect_log(vm, 0, want);
	/* Once more changes nothing. */
	vm_clear_dirty(vm->fd, SLOT, 128, 128, part);
	expect_log(vm, 0, want);
	/* The end of the slot, with bits behind it. */
	part[0] = ~0ull;
	vm_clear_dirty(vm->fd, SLOT, 1088, PAGES - 1088, part);
	want[17] = 0;
	expect_log(vm, 0, want);
	/* A part taken by a get. */
	vm_get_dirty(vm->fd, SLOT, KITE_DIRTY_CLEAR, 64, 64, bits);
	EXPECT_EQ(~0ull, bits[0]);
	want[1] = 0;
	expect_log(vm, 0, want);
	/* What is clean now gets dirty again, one by one. */
	for (i = 0; i < PAGES; i++)
		if (!kt_bit(want, i)) {
			count = 1;
			pages[0] = i;
			run(vm, write_pages, 2);
			kt_set_bit(want, i);
			expect_log(vm, 0, want);
			i += 13;
		}
}

/* A get that cannot give the bits away loses none. */
KITE_TEST_MODES(failed_get_loses_nothing, KT_IN_64)
{
	u64 want[WORDS] = {};
	u8 *hole = kt_memory(2 * KT_PAGE, false);

	munmap(hole + KT_PAGE, KT_PAGE);
	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	choose(9, want);
	run(vm, write_pages, 1);
	EXPECT_EQ(-EFAULT, _vm_get_dirty(vm->fd, SLOT, KITE_DIRTY_CLEAR, 0, PAGES, NULL));
	EXPECT_EQ(-EFAULT, _vm_get_dirty(vm->fd, SLOT, KITE_DIRTY_CLEAR, 0, PAGES,
					 hole + KT_PAGE - 16));
	EXPECT_EQ(-EFAULT, _vm_clear_dirty(vm->fd, SLOT, 0, PAGES, hole + KT_PAGE - 16));
	expect_log(vm, 0, want);
	choose(11, want);
	run(vm, write_pages, 2);
	expect_log(vm, KITE_DIRTY_CLEAR, want);
	expect_log(vm, 0, none);
}

/* The host takes pages away and gives others: the log stays, and what is new is logged. */
KITE_TEST_MODES(host_moves_pages, KT_IN_64)
{
	u64 want[WORDS] = {};
	pid_t pid;

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	choose(4, want);
	run(vm, write_pages, 1);
	ASSERT_EQ(0, madvise(mem, LEN, MADV_DONTNEED));
	expect_log(vm, 0, want);
	choose(6, want);
	run(vm, write_pages, 2);
	expect_log(vm, KITE_DIRTY_CLEAR, want);
	/* After a fork a write copies the page. */
	memset(want, 0, sizeof(want));
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	ASSERT_TRUE(pid > 0);
	run(vm, read_pages, 0);
	expect_log(vm, 0, none);
	choose(10, want);
	run(vm, write_pages, 3);
	kill(pid, SIGKILL);
	expect_log(vm, KITE_DIRTY_CLEAR, want);
}

KT_CODE64(insl, "", "insl", "");

KITE_TEST_MODES(string_input_is_a_write, KT_IN_64)
{
	u64 want[WORDS] = {};
	unsigned int i;

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	kt_set_bit(want, 33);
	for (i = 0; i < 3; i++) {
		kt_set_reg(&vm->vcpu, KITE_RDX, 0x1f0);
		kt_set_reg(&vm->vcpu, KITE_RDI, GPA + 33 * KT_PAGE + 4 * i);
		kt_start(&vm->vcpu, &insl);
		kt_expect_io(&vm->vcpu, 0x1f0, 4, KITE_IO_IN | KITE_IO_STRING, 1);
		expect_log(vm, 0, none);
		*(u32 *)vm->vcpu.run->data = 0x12345678;
		kt_expect_done(&vm->vcpu);
		EXPECT_EQ(0x12345678u, *(u32 *)(mem + 33 * KT_PAGE + 4 * i));
		expect_log(vm, KITE_DIRTY_CLEAR, want);
	}
}

/* A walk of the guest's page tables by Kite sets accessed bits: here one at a time. */
KITE_TEST_MODES(accessed_bits_are_writes, KT_IN_PAGED)
{
	u64 log[KT_RAM / KT_PAGE / 64] = {}, gpa;
	const u64 accessed = 1 << 5;

	vm_set_slot(vm->fd, 0, KITE_SLOT_LOG_DIRTY, 0, KT_RAM, vm->ram);
	kt_pte_change(vm, KT_SCRATCH, accessed, 0);
	vcpu_translate(vm->vcpu.fd, KT_SCRATCH + KT_PAGE, &gpa);
	vm_get_dirty(vm->fd, 0, KITE_DIRTY_CLEAR, 0, KT_RAM / KT_PAGE, log);
	vcpu_translate(vm->vcpu.fd, KT_SCRATCH, &gpa);
	EXPECT_EQ(KT_SCRATCH, gpa);
	vm_get_dirty(vm->fd, 0, KITE_DIRTY_CLEAR, 0, KT_RAM / KT_PAGE, log);
	EXPECT_EQ(BIT(KT_PT / KT_PAGE), log[0]);
	vcpu_translate(vm->vcpu.fd, KT_SCRATCH, &gpa);
	vm_get_dirty(vm->fd, 0, KITE_DIRTY_CLEAR, 0, KT_RAM / KT_PAGE, log);
	EXPECT_EQ(0, log[0]);
}

#define ENTRIES	1024

KITE_TEST_MODES(ring_has_each_page_once, KT_IN_64)
{
	struct kt_ring ring = kt_ring_new(vm->vcpu.fd, ENTRIES);
	struct kite_ring_entry e;
	u64 want[WORDS] = {};
	u64 i, n, round;

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	EXPECT_EQ((u32)ENTRIES, ring.head->entries);
	for (round = 0; round < 5; round++) {
		/* Backwards: the order of the ring is that of the first writes. */
		for (count = 0; count < 300; count++)
			pages[count] = 3 * (299 - count) + round;
		run(vm, write_pages, 1);
		run(vm, write_pages, 2);
		for (i = 0; kt_ring_take(&ring, &e); i++) {
			EXPECT_EQ(pages[i], e.page);
			EXPECT_EQ((u32)SLOT, e.slot);
			kt_set_bit(want, e.page);
		}
		EXPECT_EQ(300ull, i);
		expect_log(vm, 0, want);
		n = vm_reset_rings(vm->fd);
		EXPECT_EQ(300ull, n);
		memset(want, 0, sizeof(want));
		expect_log(vm, 0, none);
		EXPECT_EQ(0, _vm_reset_rings(vm->fd));
	}
}

/* The vCPU comes out in time, does not go on before there is room, and loses nothing. */
KITE_TEST_MODES(ring_gets_full, KT_IN_64)
{
	struct kt_ring ring = kt_ring_new(vm->vcpu.fd, ENTRIES);
	u64 seen[WORDS] = {}, all[WORDS] = {}, full = 0, taken = 0;
	struct kite_ring_entry e;
	struct kt_result r;
	u32 head;

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	choose(1, all);
	kt_call(&vm->vcpu, write_pages, 7);
	for (;;) {
		r = kt_run(&vm->vcpu);
		if (r.said == KT_SAID_DONE)
			break;
		ASSERT_EQ((u32)KITE_EXIT_RING_FULL, vm->vcpu.run->exit_reason);
		full++;
		head = ring.head->head;
		ASSERT_GE((u32)ENTRIES, head - ring.head->tail);
		kt_expect_exit(&vm->vcpu, KITE_EXIT_RING_FULL);
		EXPECT_EQ(head, ring.head->head);
		while (kt_ring_take(&ring, &e)) {
			kt_set_bit(seen, e.page);
			taken++;
		}
		/* Taken is not yet clean. */
		kt_expect_exit(&vm->vcpu, KITE_EXIT_RING_FULL);
		ASSERT_EQ(taken, vm_reset_rings(vm->fd));
		taken = 0;
	}
	while (kt_ring_take(&ring, &e))
		kt_set_bit(seen, e.page);
	EXPECT_GE(full, 1);
	EXPECT_EQ(0, memcmp(seen, all, sizeof(all)));
}

/* Whatever user space writes into its ring harms nobody but itself. */
KITE_TEST_MODES(ring_is_not_trusted, KT_IN_64)
{
	struct kt_ring ring = kt_ring_new(vm->vcpu.fd, ENTRIES);
	u64 want[WORDS] = {};
	u64 i;

	setup(vm, false, KITE_SLOT_LOG_DIRTY);
	choose(100, want);
	run(vm, write_pages, 1);
	ASSERT_EQ((u32)count, ring.head->head);
	ring.head->tail = count + 1;
	EXPECT_EQ(-EINVAL, _vm_reset_rings(vm->fd));
	ring.head->tail = -1;
	EXPECT_EQ(-EINVAL, _vm_reset_rings(vm->fd));
	expect_log(vm, 0, want);
	for (i = 0; i < count; i++) {
		ring.entry[i].slot = i & 1 ? SLOT : i == 4 ? 0xffffffff : i == 6 ? 0 : SLOT;
		ring.entry[i].page = i & 1 ? pages[i] : i == 2 ? PAGES : ~0ull;
	}
	ring.head->head = 77;
	ring.head->entries = 3;
	ring.head->tail = count;
	EXPECT_EQ((int)(count / 2), _vm_reset_rings(vm->fd));
	for (i = 1; i < count; i += 2)
		want[pages[i] / 64] &= ~BIT(pages[i] % 64);
	expect_log(vm, 0, want);
	/* And the kernel goes on where it was. */
	count = 1;
	pages[0] = 5;
	run(vm, write_pages, 2);
	EXPECT_EQ(5ull, ring.entry[(PAGES + 99) / 100].page);
	EXPECT_EQ((u32)(PAGES + 99) / 100 + 1, ring.head->head);
}
