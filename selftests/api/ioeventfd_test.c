// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: KITE_VM_IOEVENTFD takes what it can serve and refuses the rest with the
 * error of its kind; assigned and taken away while the guest writes, closed at any
 * time, nothing is signalled twice, late or lost for ever.
 */
#include <fcntl.h>
#include <unistd.h>

#include "checker.h"
#include "eventfd.h"

#define PORT	0x5a0
#define GPA	KT_HOLE
#define PIO	KITE_IOEVENTFD_PIO
#define MATCH	KITE_IOEVENTFD_DATAMATCH
#define GONE	KITE_IOEVENTFD_DEASSIGN

static int set(int vm, int fd, u32 flags, u64 addr, u32 len, u64 match)
{
	return _vm_ioeventfd(vm, (struct kite_ioeventfd){
		.flags = flags, .addr = addr, .datamatch = match, .len = len, .fd = fd,
	});
}

static void check(int line, int want, int got)
{
	if (want != got)
		kt_failed(__FILE__, line, "%d, want %d", got, want);
}

KITE_TEST_MODES(arguments, KT_IN_64)
{
	static const struct { u32 flags; u64 addr; u32 len; u64 match; int want; } t[] = {
		{ PIO, 0, 1, 0, 0 },
		{ PIO, 0xffff, 1, 0, 0 },
		{ PIO, 0xffff, 0, 0, 0 },
		{ PIO, 0xfffe, 2, 0, 0 },
		{ PIO, 0xfffc, 4, 0, 0 },
		{ PIO | MATCH, 8, 1, 0xff, 0 },
		{ 0, 0, 8, 0, 0 },
		{ 0, GPA, 0, 0, 0 },
		{ MATCH, GPA, 8, ~0ull, 0 },
		{ PIO, 0x10000, 0, 0, -EINVAL },
		{ PIO, 0xffff, 2, 0, -EINVAL },
		{ PIO, 0xfffd, 4, 0, -EINVAL },
		{ PIO, ~0ull, 1, 0, -EINVAL },
		{ PIO, 0, 8, 0, -EINVAL },
		{ 0, GPA, 3, 0, -EINVAL },
		{ 0, GPA, 16, 0, -EINVAL },
		{ 0, GPA, ~0u, 0, -EINVAL },
		{ 0, ~0ull, 1, 0, -EINVAL },
		{ 0, ~0ull - 3, 8, 0, -EINVAL },
		{ 0, GPA, 4, 1, -EINVAL },			/* a value without the flag */
		{ MATCH, GPA, 0, 0, -EINVAL },			/* and without a length */
		{ MATCH, GPA, 4, BIT(32), -EINVAL },
		{ PIO | MATCH, 8, 1, 0x100, -EINVAL },
		{ BIT(3), GPA, 4, 0, -EINVAL },
		{ BIT(31), GPA, 4, 0, -EINVAL },
	};
	int fd = kt_eventfd();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		int ret = set(vm->fd, fd, t[i].flags, t[i].addr, t[i].len, t[i].match);

		if (ret != t[i].want)
			kt_failed(__FILE__, __LINE__, "row %u: %d, want %d", i, ret, t[i].want);
		ret = set(vm->fd, fd, t[i].flags | GONE, t[i].addr, t[i].len, t[i].match);
		if (ret != t[i].want)
			kt_failed(__FILE__, __LINE__, "row %u gone: %d, want %d", i, ret,
				  t[i].want);
	}
	/* The first address beyond guest-physical memory, and the last within. */
	EXPECT_EQ(-EINVAL, set(vm->fd, fd, 0, BIT(vm->info.phys_bits), 0, 0));
	EXPECT_EQ(-EINVAL, set(vm->fd, fd, 0, BIT(vm->info.phys_bits) - 1, 2, 0));
	EXPECT_EQ(0, set(vm->fd, fd, 0, BIT(vm->info.phys_bits) - 1, 1, 0));
}

KITE_TEST_MODES(descriptors, KT_IN_64)
{
	int fd = kt_eventfd(), other = open("/dev/null", O_RDWR);

	EXPECT_EQ(-EBADF, set(vm->fd, -1, PIO, PORT, 0, 0));
	EXPECT_EQ(-EBADF, set(vm->fd, 1000, PIO, PORT, 0, 0));
	EXPECT_EQ(-EINVAL, set(vm->fd, other, PIO, PORT, 0, 0));
	EXPECT_EQ(-EINVAL, set(vm->fd, vm->fd, PIO, PORT, 0, 0));
	EXPECT_EQ(-EINVAL, set(vm->fd, other, PIO | GONE, PORT, 0, 0));
	EXPECT_EQ(-ENOENT, set(vm->fd, fd, PIO | GONE, PORT, 0, 0));
}

#define CHECK(want, ...)	check(__LINE__, want, set(vm->fd, __VA_ARGS__))

KITE_TEST_MODES(no_two_for_one_write, KT_IN_64)
{
	int a = kt_eventfd(), b = kt_eventfd();

	CHECK(0, a, 0, GPA, 0, 0);
	CHECK(-EEXIST, b, 0, GPA, 0, 0);
	CHECK(-EEXIST, a, 0, GPA, 0, 0);
	CHECK(-EEXIST, b, 0, GPA, 4, 0);
	CHECK(-EEXIST, b, MATCH, GPA, 4, 1);
	CHECK(0, b, 0, GPA + 4, 4, 0);
	CHECK(-EEXIST, b, MATCH, GPA + 4, 4, 1);
	CHECK(0, b, 0, GPA + 4, 8, 0);
	CHECK(-EEXIST, b, 0, GPA + 4, 0, 0);
	CHECK(0, b, MATCH, GPA + 8, 4, 1);
	CHECK(0, a, MATCH, GPA + 8, 4, 2);
	CHECK(-EEXIST, a, MATCH, GPA + 8, 4, 1);
	CHECK(-EEXIST, a, 0, GPA + 8, 4, 0);
	CHECK(-EEXIST, a, 0, GPA + 8, 0, 0);
	CHECK(0, a, 0, GPA + 8, 2, 0);
	CHECK(0, a, PIO, GPA & 0xffff, 0, 0);
}

KITE_TEST_MODES(only_what_is_there_goes, KT_IN_64)
{
	int a = kt_eventfd(), b = kt_eventfd();

	CHECK(-ENOENT, a, GONE, GPA, 4, 0);
	CHECK(0, a, MATCH, GPA, 4, 7);
	CHECK(-ENOENT, b, MATCH | GONE, GPA, 4, 7);
	CHECK(-ENOENT, a, MATCH | GONE, GPA, 4, 8);
	CHECK(-ENOENT, a, MATCH | GONE, GPA, 2, 7);
	CHECK(-ENOENT, a, MATCH | GONE, GPA + 4, 4, 7);
	CHECK(-ENOENT, a, GONE, GPA, 4, 0);
	CHECK(-ENOENT, a, GONE, GPA, 0, 0);
	CHECK(0, a, MATCH | GONE, GPA, 4, 7);
	CHECK(-ENOENT, a, MATCH | GONE, GPA, 4, 7);
	CHECK(0, b, 0, GPA, 0, 0);
}

KITE_TEST_MODES(as_many_as_there_may_be, KT_IN_64)
{
	int fd = kt_eventfd();
	u32 i;

	/* From both ends towards the middle: places at the front, the back and between. */
	for (i = 0; i < KITE_IOEVENTFDS; i++)
		CHECK(0, fd, i & 1 ? PIO : 0, i & 2 ? i : 4096 - i, 1, 0);
	CHECK(-ENOSPC, fd, 0, GPA, 1, 0);
	CHECK(0, fd, GONE, 4096, 1, 0);
	CHECK(0, fd, 0, GPA, 1, 0);
	CHECK(-ENOSPC, fd, 0, GPA + 1, 1, 0);
}

static volatile u64 stop;

static void ring_for_ever(u64 unused)
{
	(void)unused;
	while (!stop) {
		asm volatile("outl %0, %w1" : : "a"(1), "d"(PORT) : "memory");
		asm volatile("movl %0, (%1)" : : "r"(1), "r"(GPA) : "memory");
	}
	kt_done();
}

static volatile u64 user_exits;

/* A vCPU that rings; what is no doorbell at the moment comes here. */
static void *ring(void *arg)
{
	struct kt_vcpu *vcpu = arg;

	for (;;) {
		struct kt_result r = kt_run(vcpu);

		if (r.said == KT_SAID_DONE)
			return NULL;
		if (vcpu->run->exit_reason != KITE_EXIT_IO &&
		    vcpu->run->exit_reason != KITE_EXIT_MMIO)
			FAIL("exit reason %u", vcpu->run->exit_reason);
		user_exits++;
	}
}

static void start(struct kt_vm *vm, pthread_t *thread)
{
	kt_call(&vm->vcpu, ring_for_ever, 0);
	ASSERT_EQ(0, pthread_create(thread, NULL, ring, &vm->vcpu));
}

static void finish(pthread_t thread)
{
	stop = 1;
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

/* After it is gone nothing is signalled; while it is there, something is. */
KITE_TEST_TIMEOUT(while_the_guest_rings, 300)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	u64 i, rung = 0, n = kt_times(500);
	pthread_t thread;
	int fd = kt_eventfd();

	start(vm, &thread);
	for (i = 0; i < n; i++) {
		u32 flags = i & 1 ? PIO : 0;
		u64 addr = i & 1 ? PORT : GPA;

		CHECK(0, fd, flags, addr, i & 2 ? 4 : 0, 0);
		if (i % 8 == 0)
			while (!(rung += kt_eventfd_read(fd)))
				;
		CHECK(0, fd, flags | GONE, addr, i & 2 ? 4 : 0, 0);
		rung += kt_eventfd_read(fd);
		EXPECT_EQ(0ull, kt_eventfd_read(fd));
	}
	finish(thread);
	kt_note("%llu rings, %llu exits to user space", rung, user_exits);
	EXPECT_GT(rung, 0ull);
	EXPECT_GT(user_exits, 0ull);
}

/* The descriptor is closed while the guest rings; its place is taken until the VM goes. */
KITE_TEST_TIMEOUT(closed_while_the_guest_rings, 300)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	u64 i, n = kt_times(200);
	pthread_t thread;

	start(vm, &thread);
	for (i = 0; i < n; i++) {
		int fd = kt_eventfd();
		u32 flags = PIO | MATCH;

		CHECK(0, fd, flags, PORT, 4, i ? i + 1 : 1);
		close(fd);
	}
	finish(thread);
}

/* The VM's descriptors go in any order, with doorbells that ring till the end. */
KITE_TEST_TIMEOUT(the_vm_goes, 300)
{
	u64 i, n = kt_times(20);

	for (i = 0; i < n; i++) {
		struct kt_vm *vm = kt_vm_new(KT_LONG64);
		int fd = kt_eventfd();
		pthread_t thread;

		stop = 0;
		CHECK(0, fd, PIO, PORT, 0, 0);
		CHECK(0, fd, 0, GPA, 4, 0);
		start(vm, &thread);
		while (!kt_eventfd_read(fd))
			;
		if (i & 1)
			close(fd);
		close(vm->fd);
		finish(thread);
		close(vm->vcpu.fd);
		if (!(i & 1))
			close(fd);
	}
}
