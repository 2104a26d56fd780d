// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: vCPUs may be made and closed while others send them IPIs, INIT, SIPI,
 * messages and events of irqfds, and while they run; nothing happens to the others,
 * and a new vCPU of the same ID works.
 */
#include <sched.h>
#include <sys/eventfd.h>

#include "apic.h"

#define VECTOR		0x40
#define ALL_BY_MESSAGE	0xfeeff000
#define EVENT_PIN	22		/* an edge */

static volatile u64 stop;
static struct kt_smp *smp;

/* vCPU 0: everything that an APIC sends, to all others, present or not. */
static void send_all(u64 unused)
{
	u64 i;

	(void)unused;
	kt_apic_on();
	for (i = 0; !stop; i++) {
		kt_ipi(0, ICR_OTHERS | ICR_ASSERT | ICR_SIPI | KT_SIPI_VECTOR);
		kt_ipi(0, ICR_OTHERS | ICR_ASSERT | (VECTOR + i % 64));
		kt_ipi(1 + i % 4, ICR_ASSERT | (VECTOR + i % 64));
		kt_ipi(0x1e, ICR_ASSERT | ICR_LOGICAL | ICR_LOWEST | VECTOR);
		if (i % 16 == 0)
			kt_ipi(0, ICR_OTHERS | ICR_ASSERT | ICR_INIT);
	}
}

/* The others: from the beginning each time that INIT and SIPI come. */
static void count_up(u64 unused)
{
	(void)unused;
	kt_apic_on();
	for (;;)
		asm volatile("sti\n hlt" : : : "memory");
}

static void *send_messages(void *unused)
{
	int event = eventfd(0, EFD_NONBLOCK);
	u64 i;

	(void)unused;
	ASSERT_TRUE(event >= 0);
	vm_irqfd(smp->vm->fd, (struct kite_irqfd){ .fd = event, .gsi = EVENT_PIN });
	for (i = 0; !stop; i++) {
		vm_send_msi(smp->vm->fd, ALL_BY_MESSAGE, VECTOR + i % 64);
		vm_irq_line(smp->vm->fd, i % EVENT_PIN, i / EVENT_PIN & 1);
		ASSERT_EQ(0, eventfd_write(event, 1));
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void route_all_pins(void)
{
	struct kite_ioapic io;
	unsigned int pin;

	vm_get_ioapic(smp->vm->fd, &io);
	for (pin = 0; pin < KITE_IOAPIC_PINS; pin++)
		io.redir[pin] = 0xffull << 56 | (pin & 1 ? ICR_LEVEL : 0) | (VECTOR + pin);
	vm_set_ioapic(smp->vm->fd, &io);
}

/* A vCPU that is closed in every state: never run, waiting, running, being started. */
static void one_life(unsigned int id)
{
	struct kt_vcpu *vcpu = &smp->vcpu[id];
	struct kt_runner *r = &smp->runner[id];
	u64 before = kt_cpu[id].starts;

	kt_vcpu_init(vcpu, smp->vm, id);
	if (kt_random() % 4) {
		kt_runner_start(r, vcpu);
		while (kt_random() % 2 && kt_cpu[id].starts == before)
			sched_yield();
		kt_runner_stop(r);
		EXPECT_EQ(KITE_EXIT_KICK, r->exit_reason);
	}
	kt_vcpu_close(vcpu);
}

static void *lives(void *arg)
{
	u64 i, n = kt_times(40);

	for (i = 0; i < n; i++)
		one_life((u64)arg);
	return NULL;
}

static void race(bool x2apic)
{
	pthread_t sender, makers[4];
	u64 i, starts = 0;

	smp = kt_smp_new(1, x2apic);
	route_all_pins();
	for (i = 1; i <= ARRAY_SIZE(makers); i++)
		kt_smp_call_by_sipi(i, count_up, i);
	kt_smp_call(smp, 0, send_all, 0);
	kt_smp_start(smp);
	ASSERT_EQ(0, pthread_create(&sender, NULL, send_messages, NULL));
	for (i = 0; i < ARRAY_SIZE(makers); i++)
		ASSERT_EQ(0, pthread_create(&makers[i], NULL, lives, (void *)(i + 1)));
	for (i = 0; i < ARRAY_SIZE(makers); i++)
		ASSERT_EQ(0, pthread_join(makers[i], NULL));
	stop = 1;
	ASSERT_EQ(0, pthread_join(sender, NULL));
	kt_smp_finish(smp);
	for (i = 1; i <= ARRAY_SIZE(makers); i++)
		starts += kt_cpu[i].starts;
	EXPECT_GT(starts, 0ull);
	kt_note("%llu vCPUs, %llu starts", kt_times(40) * ARRAY_SIZE(makers), starts);
}

KITE_TEST(vcpus_come_and_go_xapic)
{
	race(false);
}

KITE_TEST(vcpus_come_and_go_x2apic)
{
	race(true);
}
