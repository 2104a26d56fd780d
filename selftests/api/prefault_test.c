// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: KITE_VCPU_PREFAULT maps what the guest then uses without an EPT violation,
 * says how far it came, and can be called again to go on.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "guest.h"
#include "mapping.h"

#define SLOT	9
#define GPA	0x40000000ull
#define PAGES	64
#define LEN	(PAGES * KT_PAGE)
#define WRITE	KITE_PREFAULT_WRITE

static void read_each_page(u64 len)
{
	u64 at;

	for (at = 0; at < len; at += KT_PAGE)
		(void)*(volatile u64 *)(GPA + at);
}

static void write_each_page(u64 len)
{
	u64 at;

	for (at = 0; at < len; at += KT_PAGE)
		++*(volatile u64 *)(GPA + at);
}

/* EPT violations that @fn takes. */
static u64 violations(struct kt_vm *vm, void (*fn)(u64), u64 len)
{
	struct kite_stats s;
	u64 before;

	/* The stack and the code of the function. */
	kt_call(&vm->vcpu, fn, 0);
	kt_expect_done(&vm->vcpu);
	vcpu_get_stats(vm->vcpu.fd, &s);
	before = s.exits[48];
	kt_call(&vm->vcpu, fn, len);
	kt_expect_done(&vm->vcpu);
	vcpu_get_stats(vm->vcpu.fd, &s);
	return s.exits[48] - before;
}

static u8 *add_slot(struct kt_vm *vm)
{
	u8 *mem = kt_map_anonymous(LEN);

	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	return mem;
}

/* How many calls it takes. */
static u32 prefault_all(struct kt_vm *vm, u32 flags, u64 len)
{
	struct kite_prefault p = { .gpa = GPA, .len = len };
	u64 left = len;
	u32 calls = 0;
	int ret;

	do {
		ret = _vcpu_prefault(vm->vcpu.fd, flags, &p);
		calls++;
		if (ret && ret != -EINTR)
			FAIL("KITE_VCPU_PREFAULT: errno %d", -ret);
		if (ret ? p.len != left : p.len >= left)
			FAIL("%d, but 0x%llx became 0x%llx", ret, left, p.len);
		EXPECT_EQ(GPA + len, p.gpa + p.len);
		left = p.len;
	} while (left);
	return calls;
}

KITE_TEST_MODES(for_reading, KT_IN_64)
{
	add_slot(vm);
	EXPECT_NE(0ull, violations(vm, read_each_page, KT_PAGE));
	EXPECT_EQ(1u, prefault_all(vm, 0, LEN));
	EXPECT_EQ(0ull, violations(vm, read_each_page, LEN));
	/* All zeroes, one page for all: not to be written. */
	EXPECT_NE(0ull, violations(vm, write_each_page, LEN));
}

KITE_TEST_MODES(for_writing, KT_IN_64)
{
	u8 *mem = add_slot(vm);
	unsigned char there[PAGES];
	u64 i;

	memset(mem + 3 * KT_PAGE, 0x5a, KT_PAGE);
	EXPECT_EQ(1u, prefault_all(vm, WRITE, LEN));
	ASSERT_EQ(0, mincore(mem, LEN, there));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(1u, there[i] & 1);
	EXPECT_EQ(0ull, violations(vm, write_each_page, LEN));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i == 3 ? 0x5a5a5a5a5a5a5a5bull : 1ull, *(u64 *)(mem + i * KT_PAGE));
	/* Again, where all is there. */
	EXPECT_EQ(1u, prefault_all(vm, WRITE, LEN));
	EXPECT_EQ(0ull, violations(vm, write_each_page, LEN));
}

KITE_TEST_MODES(large_pages, KT_IN_64)
{
	u64 len = 3 * KT_2M, tables;
	u8 *mem = kt_map_thp(len);

	violations(vm, write_each_page, 0);
	tables = kt_vm_info(vm->fd, "tables");
	vm_set_slot(vm->fd, SLOT, 0, GPA, len - KT_PAGE, mem);
	EXPECT_EQ(1u, prefault_all(vm, WRITE, len - KT_PAGE));
	EXPECT_EQ(0ull, violations(vm, write_each_page, len - KT_PAGE));
	/* The directory of this GiB, and a table where the slot ends in a large page. */
	EXPECT_EQ(kt_vm_info(vm->fd, "tables"), tables + 2 * KT_PAGE);
}

/* Ahead of a write is no write. */
KITE_TEST_MODES(logged_slot, KT_IN_64)
{
	u8 *mem = add_slot(vm);
	u64 bits;

	vm_set_slot(vm->fd, SLOT, KITE_SLOT_LOG_DIRTY, GPA, LEN, mem);
	EXPECT_EQ(1u, prefault_all(vm, WRITE, LEN));
	vm_get_dirty(vm->fd, SLOT, 0, 0, PAGES, &bits);
	EXPECT_EQ(0ull, bits);
	EXPECT_EQ(0ull, violations(vm, read_each_page, LEN));
	violations(vm, write_each_page, 3 * KT_PAGE);
	vm_get_dirty(vm->fd, SLOT, 0, 0, PAGES, &bits);
	EXPECT_EQ(7ull, bits);
}

/* @n pages can be done, then the call says @err. */
static void stops_after(struct kt_vm *vm, u32 flags, u64 n, int err)
{
	struct kite_prefault p = { .gpa = GPA, .len = LEN };

	if (n) {
		vcpu_prefault(vm->vcpu.fd, flags, &p);
		EXPECT_EQ(GPA + n * KT_PAGE, p.gpa);
		EXPECT_EQ(LEN - n * KT_PAGE, p.len);
	}
	if (err)
		EXPECT_EQ(-err, _vcpu_prefault(vm->vcpu.fd, flags, &p));
	EXPECT_EQ(GPA + n * KT_PAGE, p.gpa);
	EXPECT_EQ(LEN - n * KT_PAGE, p.len);
}

KITE_TEST_MODES(what_stops_it, KT_IN_64)
{
	u8 *mem;

	stops_after(vm, 0, 0, ENOENT);
	mem = add_slot(vm);
	vm_set_slot(vm->fd, SLOT, 0, GPA, 5 * KT_PAGE, mem);
	stops_after(vm, WRITE, 5, ENOENT);
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_READONLY, GPA, LEN, mem);
	stops_after(vm, WRITE, 0, ENOENT);
	stops_after(vm, 0, PAGES, 0);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	ASSERT_EQ(0, mprotect(mem + 7 * KT_PAGE, KT_PAGE, PROT_NONE));
	stops_after(vm, 0, 7, EFAULT);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_READ));
	stops_after(vm, WRITE, 0, EFAULT);
	stops_after(vm, 0, PAGES, 0);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_READ | PROT_WRITE));
	vm_set_perm(vm->fd, KITE_ACCESS_READ, GPA + 9 * KT_PAGE, KT_PAGE);
	stops_after(vm, WRITE, 9, EACCES);
	stops_after(vm, 0, PAGES, 0);
	vm_set_perm(vm->fd, 0, GPA, KT_PAGE);
	stops_after(vm, 0, 0, EACCES);
}

static const struct bad {
	const char *what;
	u64 gpa, len;
} bads[] = {
	{ "gpa, last bit", GPA + 1, KT_PAGE },
	{ "length", GPA, KT_PAGE + 1 },
	{ "length, less than a page", GPA, KT_PAGE - 1 },
	{ "length 0", GPA, 0 },
	{ "wraps", GPA, -KT_PAGE },
	{ "ends at 2^64", -KT_PAGE, KT_PAGE },
};

KITE_TEST_MODES(refused_arguments, KT_IN_64)
{
	struct kite_prefault p = { .gpa = BIT(vm->info.phys_bits), .len = KT_PAGE };
	unsigned int i;

	add_slot(vm);
	EXPECT_EQ(-EINVAL, _vcpu_prefault(vm->vcpu.fd, 0, &p));
	for (i = 0; i < ARRAY_SIZE(bads); i++) {
		p = (struct kite_prefault){ .gpa = bads[i].gpa, .len = bads[i].len };
		if (_vcpu_prefault(vm->vcpu.fd, 0, &p) != -EINVAL)
			kt_failed(__FILE__, __LINE__, "%s is not refused", bads[i].what);
		EXPECT_EQ(bads[i].gpa, p.gpa);
		EXPECT_EQ(bads[i].len, p.len);
	}
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* Signals come all the time, and what is done before one is not done again. */
KITE_TEST_MODES(goes_on_after_a_signal, KT_IN_64)
{
	const struct itimerspec often = { { 0, 5000000 }, { 0, 5000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigaction action = { .sa_handler = on_alarm };
	u64 len = 2 * KT_2M;
	u8 *mem = kt_map_anonymous(len);
	timer_t timer;
	u32 calls;

	vm_set_slot(vm->fd, SLOT, 0, GPA, len, mem);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	do {
		ASSERT_EQ(0, madvise(mem, len, MADV_DONTNEED));
		ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
		ASSERT_EQ(0, timer_settime(timer, 0, &often, NULL));
		calls = prefault_all(vm, WRITE, len);
		ASSERT_EQ(0, timer_delete(timer));
	} while (calls == 1);
	EXPECT_EQ(0ull, violations(vm, write_each_page, len));
}
