// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: each signal of an irqfd's descriptor is an interrupt, by pin or by
 * message; with RESAMPLE the pin is asserted until the guest's EOI, which signals the
 * other descriptor, once for each of those who held it.
 */
#include <pthread.h>
#include <sched.h>

#include "eventfd.h"
#include "guest.h"

#define APIC_EOI	0xfee000b0ul
#define APIC_SVR	0xfee000f0ul
#define IOAPIC		0xfec00000ul

#define VECTOR		0x51
#define PIN		5
#define GSI		5
#define LEVEL		(1 << 15)
#define NO_BROADCAST	(1 << 12)	/* in SVR */

static void write32(u64 gpa, u32 value)
{
	asm volatile("movl %0, (%1)" : : "r"(value), "r"(gpa) : "memory");
}

static void ioapic_write(u32 reg, u32 value)
{
	write32(IOAPIC, reg);
	write32(IOAPIC + 0x10, value);
}

static void program(u64 low)
{
	ioapic_write(0x10 + 2 * PIN + 1, 0);
	ioapic_write(0x10 + 2 * PIN, low);
	write32(APIC_SVR, 0x1ff);
}

static int irqfd(struct kt_vm *vm, u32 gsi, int resample)
{
	int fd = kt_eventfd();

	vm_irqfd(vm->fd, (struct kite_irqfd){
		.flags = resample ? KITE_IRQFD_RESAMPLE : 0, .fd = fd, .gsi = gsi,
		.resample_fd = resample,
	});
	return fd;
}

/* The guest takes interrupts until the host says that there are enough. */
static volatile u64 enough;

static void spin(u64 low)
{
	program(low);
	kt_sync(0);
	asm volatile("sti" : : : "memory");
	while (!enough)
		asm volatile("pause" : : : "memory");
	asm volatile("cli" : : : "memory");
}

static void halt(u64 low)
{
	program(low);
	kt_sync(0);
	while (!enough)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void *run(void *arg)
{
	kt_expect_done(arg);
	return NULL;
}

static u64 tsc(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (u64)hi << 32;
}

#define SIGNALS	3000

/* One signal after the other, each when the one before has been counted. */
static void each_arrives(struct kt_vm *vm, void (*fn)(u64), u64 low, int fd)
{
	u64 i, begin, best = ~0ull, sum = 0;
	pthread_t thread;

	kt_set_gate(vm, VECTOR, kt_counting_handler);
	kt_call(&vm->vcpu, fn, low);
	kt_expect_sync(&vm->vcpu, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run, &vm->vcpu));
	for (i = 1; i <= SIGNALS; i++) {
		begin = tsc();
		kt_eventfd_write(fd);
		while (kt_counted != i)
			if (tsc() - begin > 100000)
				sched_yield();	/* one CPU */
		begin = tsc() - begin;
		sum += begin;
		best = begin < best ? begin : best;
	}
	enough = 1;
	kt_eventfd_write(fd);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	/* The guest may have seen that there are enough before the last one. */
	EXPECT_TRUE(kt_counted == SIGNALS || kt_counted == SIGNALS + 1);
	EXPECT_EQ(0ull, kt_eventfd_read(fd));	/* the kernel has read it */
	kt_note("%u interrupts; from write to handler %llu ticks at best, %llu on average",
		SIGNALS, best, sum / SIGNALS);
}

KITE_TEST_IRQCHIP(edge_to_a_busy_guest, KT_IN_64)
{
	each_arrives(vm, spin, VECTOR, irqfd(vm, GSI, 0));
}

KITE_TEST_IRQCHIP(edge_to_a_halted_guest, KT_IN_64)
{
	each_arrives(vm, halt, VECTOR, irqfd(vm, GSI, 0));
}

KITE_TEST_IRQCHIP(message_to_a_busy_guest, KT_IN_64)
{
	static const struct kite_route route = {
		.gsi = 1000, .type = KITE_ROUTE_MSI, .address = 0xfee00000, .data = VECTOR,
	};
	int fd = irqfd(vm, 1000, 0);		/* the route may come later */

	vm_set_routes(vm->fd, 1, &route);
	each_arrives(vm, spin, VECTOR, fd);
}

/* The guest's own doorbell is its interrupt: no thread of the host has a hand in it. */
#define PORT	0x5a0

static void ring_oneself(u64 unused)
{
	u32 i;

	(void)unused;
	program(VECTOR);
	asm volatile("sti" : : : "memory");
	for (i = 1; i <= 100; i++) {
		asm volatile("outl %0, %w1; nop" : : "a"(1), "d"(PORT) : "memory");
		KT_GUEST_ASSERT_EQ(i, kt_counted);
	}
	asm volatile("cli" : : : "memory");
}

KITE_TEST_IRQCHIP(doorbell_of_its_own, KT_IN_64)
{
	int fd = irqfd(vm, GSI, 0);

	vm_ioeventfd(vm->fd, (struct kite_ioeventfd){
		.flags = KITE_IOEVENTFD_PIO, .addr = PORT, .len = 4, .fd = fd,
	});
	kt_set_gate(vm, VECTOR, kt_counting_handler);
	kt_call(&vm->vcpu, ring_oneself, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(100ull, kt_counted);
}

/* An interrupt handler in slow motion: the host looks before and after each EOI. */
static void by_hand(u64 svr)
{
	u32 i;

	program(VECTOR | LEVEL);
	write32(APIC_SVR, 0x1ff | svr);
	kt_sync(0);
	for (i = 1; i <= 3; i++) {
		asm volatile("sti; nop; nop; cli" : : : "memory");
		kt_sync(i);
		write32(APIC_EOI, 0);
		kt_sync(i);
		if (svr) {
			write32(IOAPIC + 0x40, VECTOR);
			kt_sync(i);
		}
	}
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

static u32 lines(struct kt_vm *vm)
{
	struct kite_ioapic ioapic;

	vm_get_ioapic(vm->fd, &ioapic);
	return ioapic.lines;
}

static void expect_interrupt(struct kt_vm *vm, u64 i)
{
	kt_expect_event(&vm->vcpu, VECTOR);
	kt_expect_sync(&vm->vcpu, i);
}

KITE_TEST_IRQCHIP(level_until_eoi, KT_IN_64)
{
	int resample = kt_eventfd(), fd = irqfd(vm, GSI, resample);
	u64 i;

	kt_call(&vm->vcpu, by_hand, 0);
	kt_expect_sync(&vm->vcpu, 0);
	for (i = 1; i <= 3; i++) {
		/* More than once before it is served is once. */
		kt_eventfd_write(fd);
		kt_eventfd_write(fd);
		EXPECT_EQ(1u << PIN, lines(vm));
		expect_interrupt(vm, i);
		EXPECT_EQ(0ull, kt_eventfd_read(resample));
		EXPECT_EQ(1u << PIN, lines(vm));
		kt_expect_sync(&vm->vcpu, i);
		EXPECT_EQ(1ull, kt_eventfd_read(resample));
		EXPECT_EQ(0u, lines(vm));
	}
	kt_expect_done(&vm->vcpu);
}

/* The device is not satisfied yet when it hears of the EOI. */
KITE_TEST_IRQCHIP(level_asserted_again_during_service, KT_IN_64)
{
	int resample = kt_eventfd(), fd = irqfd(vm, GSI, resample);

	kt_call(&vm->vcpu, by_hand, 0);
	kt_expect_sync(&vm->vcpu, 0);
	kt_eventfd_write(fd);
	expect_interrupt(vm, 1);
	kt_eventfd_write(fd);
	kt_expect_sync(&vm->vcpu, 1);
	EXPECT_EQ(1ull, kt_eventfd_read(resample));
	kt_eventfd_write(fd);
	expect_interrupt(vm, 2);
	kt_expect_sync(&vm->vcpu, 2);
	EXPECT_EQ(1ull, kt_eventfd_read(resample));
	kt_expect_sync(&vm->vcpu, 3);		/* no third interrupt */
	kt_expect_sync(&vm->vcpu, 3);
	EXPECT_EQ(0ull, kt_eventfd_read(resample));
	kt_expect_done(&vm->vcpu);
}

/* With the broadcast suppressed the EOI register of the I/O APIC ends it. */
KITE_TEST_IRQCHIP(level_until_directed_eoi, KT_IN_64)
{
	int resample = kt_eventfd(), fd = irqfd(vm, GSI, resample);
	u64 i;

	kt_call(&vm->vcpu, by_hand, NO_BROADCAST);
	kt_expect_sync(&vm->vcpu, 0);
	for (i = 1; i <= 3; i++) {
		kt_eventfd_write(fd);
		expect_interrupt(vm, i);
		kt_expect_sync(&vm->vcpu, i);
		EXPECT_EQ(0ull, kt_eventfd_read(resample));
		EXPECT_EQ(1u << PIN, lines(vm));
		kt_expect_sync(&vm->vcpu, i);
		EXPECT_EQ(1ull, kt_eventfd_read(resample));
	}
	kt_expect_done(&vm->vcpu);
}

/* Three devices on one pin: two that resample, by two GSIs, and a line. */
KITE_TEST_IRQCHIP(a_shared_level, KT_IN_64)
{
	static const struct kite_route routes[] = {
		{ .gsi = GSI, .type = KITE_ROUTE_PIN, .pin = PIN },
		{ .gsi = 99, .type = KITE_ROUTE_PIN, .pin = PIN },
		{ .gsi = 98, .type = KITE_ROUTE_PIN, .pin = PIN + 1 },
	};
	int r1 = kt_eventfd(), r2 = kt_eventfd(), r3 = kt_eventfd();
	int f1 = irqfd(vm, GSI, r1);

	irqfd(vm, 99, r2);
	irqfd(vm, 98, r3);
	vm_set_routes(vm->fd, ARRAY_SIZE(routes), routes);
	kt_call(&vm->vcpu, by_hand, 0);
	kt_expect_sync(&vm->vcpu, 0);
	kt_eventfd_write(f1);
	vm_irq_line(vm->fd, 99, 1);
	expect_interrupt(vm, 1);
	kt_expect_sync(&vm->vcpu, 1);
	/* Whoever might have held it looks again; the line stays and interrupts again. */
	EXPECT_EQ(1ull, kt_eventfd_read(r1));
	EXPECT_EQ(1ull, kt_eventfd_read(r2));
	EXPECT_EQ(0ull, kt_eventfd_read(r3));
	EXPECT_EQ(1u << PIN, lines(vm));
	expect_interrupt(vm, 2);
	kt_eventfd_write(f1);
	vm_irq_line(vm->fd, 99, 0);
	EXPECT_EQ(1u << PIN, lines(vm));	/* held by the other */
	kt_expect_sync(&vm->vcpu, 2);
	EXPECT_EQ(1ull, kt_eventfd_read(r1));
	EXPECT_EQ(0u, lines(vm));
	kt_expect_sync(&vm->vcpu, 3);
	kt_expect_sync(&vm->vcpu, 3);
	kt_expect_done(&vm->vcpu);
}

/* A device in a thread of its own: each end of service is the next request. */
static int device_fd, device_resample;
static u64 served;

static void *device(void *arg)
{
	u64 n;

	while (served < (u64)arg) {
		kt_eventfd_write(device_fd);
		while (!(n = kt_eventfd_read(device_resample)))
			sched_yield();
		served += n;
	}
	enough = 1;
	kt_eventfd_write(device_fd);
	return NULL;
}

KITE_TEST_IRQCHIP(a_device_with_levels, KT_IN_64)
{
	pthread_t thread;

	device_resample = kt_eventfd();
	device_fd = irqfd(vm, GSI, device_resample);
	kt_set_gate(vm, VECTOR, kt_counting_handler);
	kt_call(&vm->vcpu, halt, VECTOR | LEVEL);
	kt_expect_sync(&vm->vcpu, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, device, (void *)1000ul));
	kt_expect_done(&vm->vcpu);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1000ull, served);
	EXPECT_GE(kt_counted, 1000ull);
}
