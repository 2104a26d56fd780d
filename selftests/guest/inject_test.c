// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: exceptions and NMIs that user space makes pending are delivered once,
 * in the right order, and not before the guest can take them.
 */
#include "guest.h"

#define NMI	2
#define AC	17

KT_CODE(spin, "", "nop\nnop", "");
KT_CODE(said, "", KT_SYNC "nop", "");

static void set_pending(struct kt_vm *vm, u32 pending, u32 vector, u32 error)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.pending = pending;
	s.events.exception = vector;
	s.events.error_code = error;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
}

static u32 pending(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	return s.events.pending;
}

static u32 pending_vector(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	return s.events.pending & KITE_EVENT_EXCEPTION ? s.events.exception : ~0u;
}

static u32 blocking(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	return s.events.blocking;
}

KITE_TEST_MODES(exception_without_error_code, KT_IN_ALL)
{
	static const u8 vectors[] = { 0, 5, KT_UD, 7, 16, 19 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		kt_start(&vm->vcpu, &spin);
		set_pending(vm, KITE_EVENT_EXCEPTION, vectors[i], 0);
		kt_expect_fault(&vm->vcpu, &spin, vectors[i], 0);
		EXPECT_EQ(0u, pending(vm));
		kt_expect_done(&vm->vcpu);
	}
}

KITE_TEST_MODES(exception_with_error_code, KT_IN_PROTECTED)
{
	static const u8 vectors[] = { 10, 11, 12, KT_GP, KT_PF, AC };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		u32 error = vectors[i] == AC ? 0 : 0x1238;

		kt_start(&vm->vcpu, &spin);
		set_pending(vm, KITE_EVENT_EXCEPTION | KITE_EVENT_ERROR_CODE, vectors[i], error);
		kt_expect_fault(&vm->vcpu, &spin, vectors[i], error);
		kt_expect_done(&vm->vcpu);
	}
}

/* #BP and #OF, too: with the address behind their instruction in RIP. */
KITE_TEST_MODES(breakpoint_and_overflow, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &spin);
	set_pending(vm, KITE_EVENT_EXCEPTION, 3, 0);
	EXPECT_EQ(3u, pending_vector(vm));
	kt_expect_fault(&vm->vcpu, &spin, 3, 0);
	kt_expect_done(&vm->vcpu);
	kt_start(&vm->vcpu, &spin);
	set_pending(vm, KITE_EVENT_EXCEPTION, 4, 0);
	kt_expect_fault(&vm->vcpu, &spin, 4, 0);
	kt_expect_done(&vm->vcpu);
}

/* The state says what was set, until the guest has taken it. */
KITE_TEST_MODES(pending_exception_reads_back, KT_IN_64)
{
	struct kite_state s;

	set_pending(vm, KITE_EVENT_EXCEPTION | KITE_EVENT_ERROR_CODE | KITE_EVENT_NMI, KT_GP, 0x40);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	EXPECT_EQ(KITE_EVENT_EXCEPTION | KITE_EVENT_ERROR_CODE | KITE_EVENT_NMI, s.events.pending);
	EXPECT_EQ((u32)KT_GP, s.events.exception);
	EXPECT_EQ(0x40u, s.events.error_code);
}

KITE_TEST_MODES(nmi, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &spin);
	set_pending(vm, KITE_EVENT_NMI, 0, 0);
	kt_expect_fault(&vm->vcpu, &spin, NMI, 0);
	EXPECT_EQ(KITE_BLOCKING_NMI, blocking(vm));
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0u, blocking(vm));
}

/* A second one waits until IRET, then comes at once. */
KITE_TEST_MODES(second_nmi_waits_for_iret, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &spin);
	set_pending(vm, KITE_EVENT_NMI, 0, 0);
	kt_expect_fault(&vm->vcpu, &spin, NMI, 0);
	set_pending(vm, KITE_EVENT_NMI, 0, 0);
	kt_expect_fault(&vm->vcpu, &spin, NMI, 0);
	EXPECT_EQ(0u, pending(vm));
	kt_expect_done(&vm->vcpu);
}

/* Blocked by user space's word: only IRET ends that. */
KT_CODE16(do_iret, "pushfw\n pushw %cs\n call 1f\n 1: popw %ax\n addw $(2f - 1b), %ax\n"
	  "pushw %ax\n" KT_SYNC, "iretw", "2: nop\n nop\n");

KITE_TEST_MODES(nmi_is_held_while_blocked, KT_IN(KT_REAL16))
{
	struct kite_state s;
	struct kt_event e;

	kt_start(&vm->vcpu, &do_iret);
	vcpu_run(vm->vcpu.fd);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.pending = KITE_EVENT_NMI;
	s.events.blocking = KITE_BLOCKING_NMI;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	e = kt_expect_event(&vm->vcpu, NMI);
	/* Right behind the IRET. */
	EXPECT_EQ(kt_code_next(vm, &do_iret), e.rip);
	kt_expect_done(&vm->vcpu);
}

static void nmi_under_blocking(struct kt_vm *vm, u32 bits)
{
	struct kite_state s;

	kt_start(&vm->vcpu, &spin);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.pending = KITE_EVENT_NMI;
	s.events.blocking = bits;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
}

/* MOV SS covers one instruction. */
KITE_TEST_MODES(nmi_waits_behind_mov_ss, KT_IN_ALL)
{
	nmi_under_blocking(vm, KITE_BLOCKING_MOV_SS);
	EXPECT_EQ(kt_code_at(vm, &spin) + 1, kt_expect_event(&vm->vcpu, NMI).rip);
	kt_expect_done(&vm->vcpu);
}

/* An exception and an NMI: the exception first, the NMI before its handler runs. */
KITE_TEST_MODES(nmi_comes_after_the_exception, KT_IN_ALL)
{
	struct kt_event e;

	kt_start(&vm->vcpu, &spin);
	set_pending(vm, KITE_EVENT_EXCEPTION | KITE_EVENT_NMI, KT_UD, 0);
	e = kt_expect_event(&vm->vcpu, NMI);
	EXPECT_NE(kt_code_at(vm, &spin), e.rip);
	kt_expect_fault(&vm->vcpu, &spin, KT_UD, 0);
	kt_expect_done(&vm->vcpu);
}

/* A pending exception wakes nobody twice: it is delivered by one run only. */
KITE_TEST_MODES(exception_is_delivered_once, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &said);
	set_pending(vm, KITE_EVENT_EXCEPTION, KT_UD, 0);
	kt_expect_fault(&vm->vcpu, &said, KT_UD, 0);
	kt_set_reg(&vm->vcpu, KITE_RAX, 1);
	kt_expect_sync(&vm->vcpu, 1);
	kt_expect_done(&vm->vcpu);
}

/* A pending single-step trap, as it is saved when a VM exit comes in between. */
KITE_TEST_MODES(pending_debug_trap, KT_IN_ALL)
{
	struct kite_state s;

	kt_start(&vm->vcpu, &spin);
	kt_set_rflags(&vm->vcpu, 2 | BIT(8));
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.pending_debug = BIT(14);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	EXPECT_EQ(kt_code_at(vm, &spin), kt_expect_event(&vm->vcpu, 1).rip);
}
