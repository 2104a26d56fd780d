// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: KITE_VM_IRQFD refuses what it cannot serve with the error of its kind; it
 * comes and goes, its descriptors are closed and the VM ends while others signal and
 * the guest runs, and nothing is left behind.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "checker.h"
#include "eventfd.h"

#define APIC_SVR	0xfee000f0ul
#define IOAPIC		0xfec00000ul
#define VECTOR		0x51
#define GONE		KITE_IRQFD_DEASSIGN
#define RESAMPLE	KITE_IRQFD_RESAMPLE

static int set(int vm, int fd, u32 flags, u32 gsi, int resample)
{
	return _vm_irqfd(vm, (struct kite_irqfd){
		.flags = flags, .fd = fd, .gsi = gsi, .resample_fd = resample,
	});
}

static void check(int line, int want, int got)
{
	if (want != got)
		kt_failed(__FILE__, line, "%d, want %d", got, want);
}

#define CHECK(want, ...)	check(__LINE__, want, set(vm->fd, __VA_ARGS__))

KITE_TEST_MODES(not_without_irqchip, KT_IN_64)
{
	CHECK(-ENODEV, kt_eventfd(), 0, 0, 0);
}

KITE_TEST_IRQCHIP(arguments, KT_IN_64)
{
	int fd = kt_eventfd(), other = kt_eventfd(), null = open("/dev/null", O_RDWR);
	struct kite_irqfd arg = { .size = sizeof(arg), .fd = fd, .reserved = 1 };

	EXPECT_ERRNO(EINVAL, __kt_ioctl(vm->fd, KITE_VM_IRQFD, &arg));
	arg.reserved = 0;
	arg.size--;
	EXPECT_ERRNO(EINVAL, __kt_ioctl(vm->fd, KITE_VM_IRQFD, &arg));
	CHECK(-EBADF, -1, 0, 0, 0);
	CHECK(-EBADF, 1000, 0, 0, 0);
	CHECK(-EINVAL, null, 0, 0, 0);
	CHECK(-EINVAL, vm->fd, 0, 0, 0);
	CHECK(-EINVAL, fd, 0, KITE_GSIS, 0);
	CHECK(-EINVAL, fd, 0, ~0u, 0);
	CHECK(-EINVAL, fd, BIT(2), 0, 0);
	CHECK(-EINVAL, fd, BIT(31), 0, 0);
	CHECK(-EINVAL, fd, GONE | RESAMPLE, 0, other);
	CHECK(-EINVAL, fd, 0, 0, other);		/* a descriptor without the flag */
	CHECK(-EINVAL, fd, GONE, 0, other);
	CHECK(-EBADF, fd, RESAMPLE, 0, -1);
	CHECK(-EBADF, fd, RESAMPLE, 0, 1000);
	CHECK(-EINVAL, fd, RESAMPLE, 0, null);
	CHECK(-EINVAL, fd, RESAMPLE, 0, fd);
	CHECK(-EINVAL, null, GONE, 0, 0);
	CHECK(-EBADF, -1, GONE, 0, 0);
	/* None of these took the descriptor. */
	CHECK(-ENOENT, fd, GONE, 0, 0);
	CHECK(0, fd, RESAMPLE, KITE_GSIS - 1, other);
	CHECK(-ENOENT, fd, GONE, 0, 0);
	CHECK(-ENOENT, other, GONE, KITE_GSIS - 1, 0);
	CHECK(0, fd, GONE, KITE_GSIS - 1, 0);
	CHECK(-ENOENT, fd, GONE, KITE_GSIS - 1, 0);
}

KITE_TEST_IRQCHIP(one_for_each_descriptor, KT_IN_64)
{
	struct kt_vm *second = kt_vm_new_irqchip(KT_LONG64);
	int a = kt_eventfd(), b = kt_eventfd();

	CHECK(0, a, 0, 1, 0);
	CHECK(-EBUSY, a, 0, 1, 0);
	CHECK(-EBUSY, a, 0, 2, 0);
	CHECK(-EBUSY, a, RESAMPLE, 1, b);
	CHECK(0, b, 0, 1, 0);
	EXPECT_EQ(0, set(second->fd, a, 0, 1, 0));
	CHECK(0, a, GONE, 1, 0);
	CHECK(0, a, 0, 2, 0);
	CHECK(-ENOENT, a, GONE, 1, 0);
}

KITE_TEST_IRQCHIP(as_many_as_there_may_be, KT_IN_64)
{
	const struct rlimit files = { KITE_IRQFDS + 100, KITE_IRQFDS + 100 };
	static int fds[KITE_IRQFDS];
	int one;
	u32 i;

	if (setrlimit(RLIMIT_NOFILE, &files))
		SKIP("too few descriptors: errno %d", errno);
	for (i = 0; i < KITE_IRQFDS; i++) {
		fds[i] = kt_eventfd();
		CHECK(0, fds[i], 0, i, 0);
	}
	one = kt_eventfd();
	CHECK(-ENOSPC, one, 0, 0, 0);
	CHECK(0, fds[0], GONE, 0, 0);
	CHECK(0, one, 0, 7, 0);
	CHECK(-ENOSPC, fds[0], 0, 0, 0);
	close(fds[1]);
	CHECK(0, fds[0], 0, 0, 0);	/* in the place of the one that is closed */
	CHECK(-ENOSPC, kt_eventfd(), 0, 0, 0);
}

static u32 lines(struct kt_vm *vm)
{
	struct kite_ioapic ioapic;

	vm_get_ioapic(vm->fd, &ioapic);
	return ioapic.lines;
}

KITE_TEST_IRQCHIP(signalled_before_it_is_there, KT_IN_64)
{
	int fd = kt_eventfd(), resample = kt_eventfd();

	kt_eventfd_write(fd);
	EXPECT_EQ(0u, lines(vm));
	CHECK(0, fd, RESAMPLE, 3, resample);
	EXPECT_EQ(BIT(3), (u64)lines(vm));
}

/* What it held goes low with it, unless another one holds it. */
KITE_TEST_IRQCHIP(gone_while_it_holds_a_pin, KT_IN_64)
{
	int a = kt_eventfd(), b = kt_eventfd(), resample = kt_eventfd();

	CHECK(0, a, RESAMPLE, 3, resample);
	CHECK(0, b, RESAMPLE, 3, resample);
	kt_eventfd_write(a);
	CHECK(0, a, GONE, 3, 0);
	EXPECT_EQ(BIT(3), (u64)lines(vm));
	CHECK(0, b, GONE, 3, 0);
	EXPECT_EQ(0u, lines(vm));
	kt_eventfd_write(a);
	EXPECT_EQ(0u, lines(vm));
	EXPECT_EQ(1ull, kt_eventfd_read(a));	/* nobody reads it any more */
	EXPECT_EQ(0ull, kt_eventfd_read(resample));
}

KITE_TEST_IRQCHIP(closed_while_it_holds_a_pin, KT_IN_64)
{
	int a = kt_eventfd(), copy = dup(a), resample = kt_eventfd();

	CHECK(0, a, RESAMPLE, 3, resample);
	kt_eventfd_write(a);
	close(a);
	EXPECT_EQ(BIT(3), (u64)lines(vm));	/* there is still the copy */
	close(copy);
	CHECK(0, kt_eventfd(), 0, 0, 0);	/* the next change clears up */
	EXPECT_EQ(0u, lines(vm));
	EXPECT_EQ(0ull, kt_eventfd_read(resample));
}

/* A level that was read as one of a device which resamples is restored as such. */
KITE_TEST_IRQCHIP(held_levels_are_saved, KT_IN_64)
{
	int fd = kt_eventfd(), resample = kt_eventfd();
	struct kite_ioapic ioapic;

	CHECK(0, fd, RESAMPLE, 3, resample);
	vm_irq_line(vm->fd, 4, 1);
	kt_eventfd_write(fd);
	vm_get_ioapic(vm->fd, &ioapic);
	EXPECT_EQ(BIT(3) | BIT(4), (u64)ioapic.lines);
	CHECK(0, fd, GONE, 3, 0);
	CHECK(0, fd, RESAMPLE, 3, resample);
	EXPECT_EQ(BIT(4), (u64)lines(vm));
	vm_set_ioapic(vm->fd, &ioapic);
	EXPECT_EQ(BIT(3) | BIT(4), (u64)lines(vm));
	vm_irq_line(vm->fd, 4, 0);
	vm_irq_line(vm->fd, 3, 0);
	EXPECT_EQ(BIT(3), (u64)lines(vm));	/* a line is not what holds it */
	CHECK(0, fd, GONE, 3, 0);
	EXPECT_EQ(0u, lines(vm));
}

/* A guest that takes interrupts of pin 3 for ever. */
static volatile u64 stop;

static void write32(u64 gpa, u32 value)
{
	asm volatile("movl %0, (%1)" : : "r"(value), "r"(gpa) : "memory");
}

static void take_interrupts(u64 low)
{
	write32(IOAPIC, 0x16);
	write32(IOAPIC + 0x10, low);
	write32(APIC_SVR, 0x1ff);
	asm volatile("sti" : : : "memory");
	while (!stop)
		asm volatile("pause" : : : "memory");
	asm volatile("cli" : : : "memory");
}

static void *run(void *arg)
{
	kt_expect_done(arg);
	return NULL;
}

static volatile int signalled = -1;
static volatile bool quiet;
static volatile u64 signals;

/* Signals whatever descriptor stands there; one may be closed under its hands. */
static void *signal_it(void *arg)
{
	u64 one = 1;

	(void)arg;
	while (!quiet)
		signals += write(signalled, &one, sizeof(one)) == sizeof(one);
	return NULL;
}

static void start(struct kt_vm *vm, pthread_t *guest, pthread_t *signaller, u64 low)
{
	kt_set_gate(vm, VECTOR, kt_counting_handler);
	kt_call(&vm->vcpu, take_interrupts, low);
	ASSERT_EQ(0, pthread_create(guest, NULL, run, &vm->vcpu));
	ASSERT_EQ(0, pthread_create(signaller, NULL, signal_it, NULL));
}

static void end(pthread_t guest, pthread_t signaller)
{
	quiet = true;
	ASSERT_EQ(0, pthread_join(signaller, NULL));
	stop = 1;
	ASSERT_EQ(0, pthread_join(guest, NULL));
	kt_note("%llu signals, %llu interrupts", signals, kt_counted);
	EXPECT_GT(kt_counted, 0ull);
}

static void wait_for_one(void)
{
	u64 before = kt_counted;

	while (kt_counted == before)
		usleep(0);
}

static void come_and_go(u32 flags, u64 low)
{
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);
	int fd = kt_eventfd(), resample = flags ? kt_eventfd() : 0;
	u64 i, n = kt_times(300);
	pthread_t guest, signaller;

	signalled = fd;
	start(vm, &guest, &signaller, low);
	for (i = 0; i < n; i++) {
		CHECK(0, fd, flags, 3, resample);
		if (i % 16 == 0)
			wait_for_one();
		CHECK(0, fd, GONE, 3, 0);
		kt_eventfd_read(resample);
	}
	end(guest, signaller);
}

KITE_TEST_TIMEOUT(edge_comes_and_goes, 300)
{
	come_and_go(0, VECTOR);
}

KITE_TEST_TIMEOUT(level_comes_and_goes, 300)
{
	come_and_go(RESAMPLE, VECTOR | 1 << 15);
}

static void closed(u32 flags, u64 low)
{
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);
	u64 i, n = kt_times(300);
	pthread_t guest, signaller;

	start(vm, &guest, &signaller, low);
	for (i = 0; i < n; i++) {
		int fd = kt_eventfd(), resample = flags ? kt_eventfd() : 0;

		CHECK(0, fd, flags, 3, resample);
		signalled = fd;
		if (i % 16 == 0)
			wait_for_one();
		/* Either of the two first. */
		if (flags && i & 1)
			close(resample);
		close(fd);
		if (flags && !(i & 1))
			close(resample);
	}
	end(guest, signaller);
}

KITE_TEST_TIMEOUT(edge_closed, 300)
{
	closed(0, VECTOR);
}

KITE_TEST_TIMEOUT(level_closed, 300)
{
	closed(RESAMPLE, VECTOR | 1 << 15);
}

/* The VM ends while its irqfd is signalled; the descriptor lives on. */
KITE_TEST_TIMEOUT(the_vm_goes, 300)
{
	u64 i, n = kt_times(20);
	int fd = kt_eventfd();

	for (i = 0; i < n; i++) {
		struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);
		pthread_t guest, signaller;

		stop = 0;
		quiet = false;
		signalled = fd;
		CHECK(0, fd, 0, 3, 0);
		start(vm, &guest, &signaller, VECTOR);
		wait_for_one();
		close(vm->fd);
		stop = 1;
		ASSERT_EQ(0, pthread_join(guest, NULL));
		ASSERT_EQ(0, munmap(vm->vcpu.run, vm->info.vcpu_mmap_size));
		close(vm->vcpu.fd);		/* the last of the VM */
		kt_eventfd_read(fd);
		kt_eventfd_write(fd);
		EXPECT_GE(kt_eventfd_read(fd), 1ull);
		quiet = true;
		ASSERT_EQ(0, pthread_join(signaller, NULL));
	}
}
