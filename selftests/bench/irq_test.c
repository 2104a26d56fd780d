// SPDX-License-Identifier: GPL-2.0-only
/*
 * What interrupts and timers cost vCPUs with an x2APIC. Part of "make bench". A guest that
 * waits for a time on purpose does not count it.
 */
#include "apic.h"
#include "bench.h"
#include "eventfd.h"

#define VECTOR		0x51
#define ROUNDS		1000u
#define AHEAD		20000u		/* ticks until a deadline that is not due at once */
#define FAR		1000000000u

/* Written by vCPU 0. */
static struct kt_sample sample;
static u64 meetings;			/* of the vCPUs of this program */

/* Of an interrupt in service. */
static void eoi(u64 unused)
{
	struct kt_sample one;
	u32 i;

	(void)unused;
	kt_apic_on();
	kt_me()->no_eoi = 1;
	sample = (struct kt_sample){};
	for (i = 0; i < ROUNDS; i++) {
		kt_self_ipi(VECTOR);
		kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
		kt_sample_begin(&one);
		kt_apic_write(APIC_EOI, 0);
		kt_sample_end(&one, 1);
		kt_sample_add(&sample, &one);
	}
	kt_done();
}

static void self_ipi(u64 unused)
{
	u32 i;

	(void)unused;
	kt_apic_on();
	kt_sample_begin(&sample);
	for (i = 0; i < ROUNDS; i++) {
		kt_self_ipi(VECTOR);
		kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
	}
	kt_sample_end(&sample, ROUNDS);
	kt_done();
}

static void arm(u64 unused)
{
	u32 i;

	(void)unused;
	kt_apic_on();
	kt_apic_write(APIC_LVTT, LVT_DEADLINE | VECTOR);
	kt_sample_begin(&sample);
	for (i = 0; i < ROUNDS; i++)
		kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + FAR);
	kt_sample_end(&sample, ROUNDS);
	kt_done();
}

static void fire(u64 ahead)
{
	u32 i;

	kt_apic_on();
	kt_apic_write(APIC_LVTT, LVT_DEADLINE | VECTOR);
	kt_sample_begin(&sample);
	for (i = 0; i < ROUNDS; i++) {
		kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + ahead);
		kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
	}
	kt_sample_end(&sample, ROUNDS);
	kt_done();
}

static void wake(u64 ahead)
{
	u32 i;

	kt_apic_on();
	kt_apic_write(APIC_LVTT, LVT_DEADLINE | VECTOR);
	kt_sample_begin(&sample);
	for (i = 0; i < ROUNDS; i++) {
		kt_wrmsr(MSR_DEADLINE, kt_rdtsc() + ahead);
		kt_halt_until(&kt_me()->taken[VECTOR], i + 1);
	}
	kt_sample_end(&sample, ROUNDS);
	kt_done();
}

/* Each round is an IPI there and one back. */
static void ping_pong(u64 halt)
{
	u64 me = kt_me()->number;
	u32 i;

	kt_apic_on();
	kt_meet(2, meetings);
	if (!me)
		kt_sample_begin(&sample);
	for (i = 0; i < ROUNDS; i++) {
		if (!me)
			kt_ipi(1, VECTOR);
		if (halt)
			kt_halt_until(&kt_me()->taken[VECTOR], i + 1);
		else
			kt_spin_until(&kt_me()->taken[VECTOR], i + 1);
		if (me)
			kt_ipi(0, VECTOR);
	}
	if (!me)
		kt_sample_end(&sample, 2 * ROUNDS);
	kt_done();
}

/* The guest has interrupts of somebody else's. */
static void take(u64 halt)
{
	kt_apic_on();
	if (halt)
		kt_halt_until(&kt_me()->taken[VECTOR], ROUNDS);
	else
		kt_spin_until(&kt_me()->taken[VECTOR], ROUNDS);
	kt_done();
}

static void measure_on(const struct kt_row *row, const struct kt_face *face, unsigned int vcpus,
		       u32 taken)
{
	struct kt_machine m;
	struct kt_guest g;
	unsigned int n;

	kt_guest_init(&g, vcpus, true, row->guest, row->arg);
	kt_machine_new(&m, face, &g);
	meetings++;
	kt_machine_start(&m);
	kt_machine_finish(&m);
	for (n = 0; n < vcpus; n++)
		ASSERT_EQ(taken, kt_cpu[n].taken[VECTOR]);
	kt_machine_free(&m);
	kt_guest_free(&g);
}

static void measure(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	measure_on(row, face, 1, row->guest == arm ? 0 : ROUNDS);
	*s = sample;
	s->waited = row->guest == fire || row->guest == wake ? row->arg * ROUNDS : 0;
}

static void measure_two(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	measure_on(row, face, 2, ROUNDS);
	*s = sample;
}

/* From the signal to the handler, and until this thread has seen it. */
static void measure_irqfd(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	int fd = kt_eventfd();
	struct kt_machine m;
	struct kt_guest g;
	u32 i;

	kt_guest_init(&g, 1, true, row->guest, row->arg);
	kt_machine_new(&m, face, &g);
	face->irqfd(&m, fd, VECTOR);
	kt_pin(0, 1);
	kt_machine_start(&m);
	/* The first shows that the guest's APIC is on. */
	while (!kt_cpu[0].taken[VECTOR]) {
		kt_eventfd_write(fd);
		usleep(1000);
	}
	ASSERT_EQ(1ull, kt_cpu[0].taken[VECTOR]);
	kt_sample_begin(s);
	for (i = 1; i < ROUNDS; i++) {
		kt_eventfd_write(fd);
		while (kt_cpu[0].taken[VECTOR] <= i)
			asm volatile("pause" : : : "memory");
	}
	kt_sample_end(s, ROUNDS - 1);
	kt_machine_finish(&m);
	kt_machine_free(&m);
	kt_guest_free(&g);
	close(fd);
}

static const struct kt_row rows[] = {
	{ "eoi", "ticks", measure, eoi, 0, 100 },
	{ "self_ipi", "ticks", measure, self_ipi, 0, 100 },
	{ "timer_arm", "ticks", measure, arm, 0, 100 },
	{ "timer", "ticks", measure, fire, AHEAD, 60 },
	{ "timer_due", "ticks", measure, fire, 0, 60 },
	{ "hlt_wake", "ticks", measure, wake, AHEAD, 100 },
	{ "ipi", "ticks", measure_two, ping_pong, 0, 60, 2 },
	{ "ipi_hlt", "ticks", measure_two, ping_pong, 1, 60, 2 },
	{ "irqfd", "ticks", measure_irqfd, take, 0, 100, 2 },
	{ "irqfd_hlt", "ticks", measure_irqfd, take, 1, 100, 2 },
};

KT_ROWS(rows)
