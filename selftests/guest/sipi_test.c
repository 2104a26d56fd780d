// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: INIT and SIPI from the local APIC, by shorthand or destination, take a
 * vCPU to the state of the SDM and start it; a SIPI without INIT before it does nothing.
 */
#include <string.h>

#include "guest.h"

#define APIC		0xfee00000ul
#define APIC_ICR	0x300
#define APIC_ICR2	0x310

#define ICR_INIT	0x4500
#define ICR_SIPI	0x4600
#define ICR_OTHERS	0xc0000

#define START_PAGE	(KT_TEXT16 >> 12)

/* mov $0x77, %al; out %al, $KT_PORT_SYNC; jmp . */
static const u8 ap_code[] = { 0xb0, 0x77, 0xe6, KT_PORT_SYNC, 0xeb, 0xfe };

static void send(u64 icr)
{
	asm volatile("movl %0, (%1)" : : "r"((u32)(icr >> 32)), "r"(APIC + APIC_ICR2) : "memory");
	asm volatile("movl %0, (%1)" : : "r"((u32)icr), "r"(APIC + APIC_ICR) : "memory");
}

/* Each word of the list is one ICR; 0 ends it. */
static u64 list[8];

static void send_list(u64 unused)
{
	unsigned int i;

	(void)unused;
	for (i = 0; list[i]; i++)
		send(list[i]);
	kt_done();
}

static void send_all(struct kt_vm *vm, const u64 *icrs)
{
	memcpy(list, icrs, sizeof(list));
	kt_call(&vm->vcpu, send_list, 0);
	kt_expect_done(&vm->vcpu);
}

/* Let the first vCPU send these. */
#define boot(vm, ...) do {							\
	const u64 icrs_[ARRAY_SIZE(list)] = { __VA_ARGS__ };			\
										\
	send_all(vm, icrs_);							\
} while (0)

static void add_ap(struct kt_vm *vm, struct kt_vcpu *ap)
{
	memcpy(kt_ptr(vm, KT_TEXT16), ap_code, sizeof(ap_code));
	kt_vcpu_init(ap, vm, 1);
}

/* The vCPU waits for SIPI: nothing to run. */
static void expect_waiting(struct kt_vcpu *ap)
{
	struct kite_state s;

	vcpu_get_state(ap->fd, KITE_STATE_EVENTS, &s);
	EXPECT_EQ(KITE_ACTIVITY_WAIT_FOR_SIPI, s.events.activity);
	vcpu_kick(ap->fd);
	kt_expect_exit(ap, KITE_EXIT_KICK);
}

static void expect_started(struct kt_vcpu *ap)
{
	struct kite_state s;

	kt_expect_sync(ap, 0x77);
	vcpu_get_state(ap->fd, KITE_STATE_SEGS | KITE_STATE_EVENTS, &s);
	EXPECT_EQ(START_PAGE << 8, s.segs.seg[KITE_CS].selector);
	EXPECT_EQ(START_PAGE << 12, s.segs.seg[KITE_CS].base);
	EXPECT_EQ(KITE_ACTIVITY_ACTIVE, s.events.activity);
}

KITE_TEST_IRQCHIP(init_and_sipi_start_a_vcpu, KT_IN_64)
{
	struct kt_vcpu ap;

	add_ap(vm, &ap);
	boot(vm, 1ull << 56 | ICR_INIT, 1ull << 56 | ICR_SIPI | START_PAGE,
	     1ull << 56 | ICR_SIPI | START_PAGE);
	expect_started(&ap);
	/* It runs: SIPI means nothing to it. */
	boot(vm, ICR_OTHERS | ICR_SIPI | (START_PAGE + 1));
	vcpu_kick(ap.fd);
	kt_expect_exit(&ap, KITE_EXIT_KICK);
	EXPECT_EQ(START_PAGE << 12 | 4, kt_rip(&ap) + (START_PAGE << 12));
}

KITE_TEST_IRQCHIP(by_shorthand, KT_IN_64)
{
	struct kt_vcpu ap;

	add_ap(vm, &ap);
	boot(vm, ICR_OTHERS | ICR_INIT, ICR_OTHERS | ICR_SIPI | START_PAGE);
	expect_started(&ap);
}

KITE_TEST_IRQCHIP(after_power_up_no_init_is_needed, KT_IN_64)
{
	struct kt_vcpu ap;

	add_ap(vm, &ap);
	expect_waiting(&ap);
	boot(vm, ICR_OTHERS | ICR_SIPI | START_PAGE);
	expect_started(&ap);
}

KITE_TEST_IRQCHIP(a_sipi_before_init_is_lost, KT_IN_64)
{
	struct kt_vcpu ap;

	add_ap(vm, &ap);
	boot(vm, ICR_OTHERS | ICR_SIPI | START_PAGE, ICR_OTHERS | ICR_INIT);
	expect_waiting(&ap);
}

/* What INIT changes and what it leaves, on a vCPU that was somewhere else entirely. */
KITE_TEST_IRQCHIP(state_after_init, KT_IN_64)
{
	struct kite_state before, s;
	struct kt_vcpu ap;

	kt_vcpu_init(&ap, vm, 1);
	kt_vcpu_set_mode(&ap, KT_LONG64);
	vcpu_get_state(ap.fd, KITE_STATE_ALL, &before);
	before.msrs.lstar = 0x1234;
	before.msrs.tsc_aux = 5;
	before.events.pending = KITE_EVENT_NMI;
	before.crs.xcr0 = 3;
	before.drs.dr[0] = 0x5678;
	vcpu_set_state(ap.fd, KITE_STATE_ALL, &before);
	boot(vm, 1ull << 56 | ICR_INIT);
	vcpu_get_state(ap.fd, KITE_STATE_ALL, &s);
	EXPECT_EQ(0xfff0ull, s.gprs.rip);
	EXPECT_EQ(2ull, s.gprs.rflags);
	EXPECT_EQ(0xffff0000ull, s.segs.seg[KITE_CS].base);
	EXPECT_EQ(0x10ull, s.crs.cr0 & ~0x60000000ull);
	EXPECT_EQ(before.crs.cr0 & 0x60000000ull, s.crs.cr0 & 0x60000000ull);
	EXPECT_EQ(0ull, s.crs.cr4);
	EXPECT_EQ(0ull, s.crs.cr3);
	EXPECT_EQ(0ull, s.crs.efer);
	EXPECT_EQ(3ull, s.crs.xcr0);
	EXPECT_EQ(before.crs.apic_base, s.crs.apic_base);
	EXPECT_EQ(0ull, s.drs.dr[0]);
	EXPECT_EQ(0x1234ull, s.msrs.lstar);
	EXPECT_EQ(5ull, s.msrs.tsc_aux);
	EXPECT_EQ(before.msrs.pat, s.msrs.pat);
	EXPECT_EQ(0u, s.events.pending);
	EXPECT_EQ(KITE_ACTIVITY_WAIT_FOR_SIPI, s.events.activity);
}

/* By MSI, from user space; the BSP does not wait for a SIPI but starts anew. */
KITE_TEST_IRQCHIP(init_of_the_bsp, KT_IN_64)
{
	struct kite_state s;

	vm_send_msi(vm->fd, 0xfee00000, 0x500);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_GPRS | KITE_STATE_EVENTS, &s);
	EXPECT_EQ(0xfff0ull, s.gprs.rip);
	EXPECT_EQ(KITE_ACTIVITY_ACTIVE, s.events.activity);
}
