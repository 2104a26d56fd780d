// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: pins of the I/O APIC reach the vCPU or vCPUs that their entry names.
 * A level is sent once until its EOI (remote IRR), then again while it lasts; EOI
 * is broadcast by vector unless the guest suppresses that.
 */
#include <sched.h>

#include "apic.h"

#define PIN		5
#define VECTOR		0x51
#define LEVEL		BIT(15)
#define REMOTE_IRR	BIT(14)
#define IOAPIC_EOI	(IOAPIC_MMIO + 0x40)
#define ALL_LOGICAL	0xff

/* The host sets a line when the guest asks for it: 0, 1, or 2 for a pulse. */
static void line(u64 level)
{
	asm volatile("out %%al, $0xe0" : : "a"(level) : "memory");
}

/* The guest itself writes EOI. */
static void serve_lines(struct kt_smp *smp, void (*fn)(u64))
{
	struct kt_vcpu *vcpu = &smp->vcpu[0];
	struct kt_result r;

	kt_cpu[0].no_eoi = 1;
	kt_smp_call(smp, 0, fn, 0);
	while ((r = kt_run(vcpu)).said == KT_SAID_SYNC) {
		vm_irq_line(smp->vm->fd, PIN, !!r.value);
		if (r.value == 2)
			vm_irq_line(smp->vm->fd, PIN, 0);
	}
	if (r.said != KT_SAID_DONE)
		kt_surprise(vcpu, &r, "DONE");
}

static u32 remote_irr(void)
{
	return kt_ioapic_read(0x10 + 2 * PIN) & REMOTE_IRR;
}

static void expect_taken(u64 n)
{
	kt_window();
	KT_GUEST_ASSERT_EQ(n, kt_me()->taken[VECTOR]);
}

static void level(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_ioapic_route(PIN, 0, LEVEL | VECTOR);
	KT_GUEST_ASSERT_EQ(0, remote_irr());
	line(1);
	KT_GUEST_ASSERT_EQ(REMOTE_IRR, remote_irr());
	KT_GUEST_ASSERT_EQ(true, kt_apic_vector(APIC_TMR, VECTOR));
	expect_taken(1);
	KT_GUEST_ASSERT_EQ(REMOTE_IRR, remote_irr());
	/* Still high: it comes again, once. */
	kt_apic_write(APIC_EOI, 0);
	expect_taken(2);
	line(0);
	KT_GUEST_ASSERT_EQ(REMOTE_IRR, remote_irr());
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(0, remote_irr());
	expect_taken(2);
	/* Down and up again before the EOI. */
	line(1);
	expect_taken(3);
	line(0);
	line(1);
	expect_taken(3);
	kt_apic_write(APIC_EOI, 0);
	expect_taken(4);
	line(0);
	kt_apic_write(APIC_EOI, 0);
	/* A pulse that is over before the guest looks has been sent all the same. */
	line(2);
	expect_taken(5);
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(0, remote_irr());
	expect_taken(5);
}

KITE_TEST_SMP(level_with_remote_irr, 1)
{
	serve_lines(smp, level);
}

/* With the broadcast suppressed only the I/O APIC's EOI register ends it. */
static void suppressed(u64 unused)
{
	(void)unused;
	kt_apic_on();
	KT_GUEST_ASSERT_EQ(1, kt_apic_read(APIC_VERSION) >> 24 & 1);
	kt_apic_write(APIC_SVR, SVR_ON | SVR_NO_EOI_BROADCAST);
	kt_ioapic_route(PIN, 0, LEVEL | VECTOR);
	line(1);
	expect_taken(1);
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(false, kt_apic_vector(APIC_ISR, VECTOR));
	KT_GUEST_ASSERT_EQ(REMOTE_IRR, remote_irr());
	expect_taken(1);
	/* Not of this vector. */
	kt_mmio_write(IOAPIC_EOI, VECTOR + 1);
	KT_GUEST_ASSERT_EQ(REMOTE_IRR, remote_irr());
	kt_mmio_write(IOAPIC_EOI, VECTOR);
	expect_taken(2);
	line(0);
	kt_apic_write(APIC_EOI, 0);
	kt_mmio_write(IOAPIC_EOI, VECTOR);
	KT_GUEST_ASSERT_EQ(0, remote_irr());
	/* Switched on again: the next EOI is broadcast. */
	kt_apic_write(APIC_SVR, SVR_ON);
	line(2);
	expect_taken(3);
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(0, remote_irr());
}

KITE_TEST_SMP(eoi_broadcast_suppressed, 1)
{
	serve_lines(smp, suppressed);
}

/* An edge needs no EOI of the I/O APIC, and one that is masked is lost. */
static void edge(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_ioapic_route(PIN, 0, VECTOR);
	line(1);
	KT_GUEST_ASSERT_EQ(0, remote_irr());
	expect_taken(1);
	KT_GUEST_ASSERT_EQ(false, kt_apic_vector(APIC_TMR, VECTOR));
	kt_apic_write(APIC_EOI, 0);
	expect_taken(1);
	line(0);
	line(2);
	expect_taken(2);
	kt_apic_write(APIC_EOI, 0);
	kt_ioapic_route(PIN, 0, LVT_MASKED | VECTOR);
	line(2);
	kt_ioapic_route(PIN, 0, VECTOR);
	expect_taken(2);
	/* A level that is masked is not lost while it lasts. */
	kt_ioapic_route(PIN, 0, LVT_MASKED | LEVEL | VECTOR);
	line(1);
	expect_taken(2);
	kt_ioapic_route(PIN, 0, LEVEL | VECTOR);
	expect_taken(3);
	line(0);
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(0, remote_irr());
}

KITE_TEST_SMP(edge_and_mask, 1)
{
	serve_lines(smp, edge);
}

/* A level vector that is sent by IPI after it is an edge: its EOI is not broadcast. */
static void edge_after_level(u64 unused)
{
	(void)unused;
	kt_apic_on();
	kt_ioapic_route(PIN, 0, LEVEL | VECTOR);
	line(2);
	expect_taken(1);
	kt_apic_write(APIC_EOI, 0);
	KT_GUEST_ASSERT_EQ(0, remote_irr());
	kt_ipi(0, ICR_SELF | ICR_ASSERT | VECTOR);
	KT_GUEST_ASSERT_EQ(false, kt_apic_vector(APIC_TMR, VECTOR));
	expect_taken(2);
	kt_apic_write(APIC_EOI, 0);
}

KITE_TEST_SMP(trigger_mode_follows_the_last, 1)
{
	serve_lines(smp, edge_after_level);
}

/* Pins to other vCPUs, while these run: the host pulses, all count. */
static volatile u64 ready, over;

static void receiver(u64 number)
{
	kt_apic_on();
	if (!kt_me()->x2apic) {
		kt_apic_write(APIC_DFR, ~0u);
		kt_apic_write(APIC_LDR, 1u << (24 + number));
	}
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	kt_halt_until(&over, 1);
}

static void pulse_and_expect(struct kt_smp *smp, u64 dest, u32 low, u32 receivers)
{
	struct kite_ioapic io;
	unsigned int i;

	vm_get_ioapic(smp->vm->fd, &io);
	io.redir[PIN] = dest << 56 | low | VECTOR;
	vm_set_ioapic(smp->vm->fd, &io);
	kt_smp_clear();
	vm_irq_line(smp->vm->fd, PIN, 1);
	vm_irq_line(smp->vm->fd, PIN, 0);
	for (i = 0; i < smp->count; i++)
		while (receivers & 1u << i && !kt_cpu[i].taken[VECTOR])
			sched_yield();
	/* Below all others: when it has come, so has what it should not have got. */
	vm_send_msi(smp->vm->fd, 0xfeeff000, KT_COUNTED);
	for (i = 0; i < smp->count; i++) {
		while (!kt_cpu[i].taken[KT_COUNTED])
			sched_yield();
		/* A level comes again as long as it lasts, and the host may be slow to end it. */
		EXPECT_EQ((u64)(receivers >> i & 1), low & LEVEL ? !!kt_cpu[i].taken[VECTOR] :
								   kt_cpu[i].taken[VECTOR]);
	}
}

KITE_TEST_SMP(pins_to_several_vcpus, 4)
{
	struct kite_ioapic io;
	unsigned int i;

	for (i = 0; i < smp->count; i++)
		kt_smp_call(smp, i, receiver, i);
	kt_smp_start(smp);
	while (ready < smp->count)
		sched_yield();
	for (i = 0; i < smp->count; i++) {
		pulse_and_expect(smp, i, 0, 1u << i);
		pulse_and_expect(smp, i, LEVEL, 1u << i);
		pulse_and_expect(smp, 1u << i, ICR_LOGICAL, 1u << i);
		pulse_and_expect(smp, 1u << i, ICR_LOGICAL | ICR_LOWEST, 1u << i);
	}
	pulse_and_expect(smp, 0xff, 0, 0xf);
	pulse_and_expect(smp, 0xff, ICR_LOGICAL, 0xf);
	pulse_and_expect(smp, 0x5, ICR_LOGICAL, 0x5);
	pulse_and_expect(smp, 0x6, ICR_LOGICAL | LEVEL, 0x6);
	/* All EOIs have come. */
	vm_get_ioapic(smp->vm->fd, &io);
	EXPECT_EQ(0ull, io.redir[PIN] & REMOTE_IRR);
	over = 1;
	vm_send_msi(smp->vm->fd, 0xfeeff000, KT_COUNTED);
	kt_smp_finish(smp);
}
