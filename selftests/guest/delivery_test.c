// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: an event whose delivery runs into memory that is not mapped yet (a VM
 * exit with IDT-vectoring information) is delivered again, unchanged and once. The
 * stack, the IDT, the GDT and the TSS are discarded by the host before each event.
 */
#include <sys/mman.h>

#include "guest.h"

#define STACK	(KT_SCRATCH + 0x10000)
#define NMI	2

KT_CODE(spin, "", "nop", "");
KT_CODE(undefined, "", "ud2", "");
KT_CODE(divide, "", "div %cl", "");
KT_CODE(int_n, "", "int $0x77", "");
KT_CODE(int3, "", "int3", "");
KT_CODE(icebp, "", ".byte 0xf1", "");
KT_CODE(step, "", "nop", "");
KT_CODE(load, "", "mov (\\di), %eax", "");

static u64 violations(struct kt_vm *vm)
{
	struct kite_stats s;

	vcpu_get_stats(vm->vcpu.fd, &s);
	return s.exits[48];
}

/* Real mode has its stack and its IVT in the low 64 KiB. */
static void fresh_stack(struct kt_vm *vm)
{
	u64 top = vm->mode == KT_REAL16 ? 0xe000 : STACK;

	kt_set_reg(&vm->vcpu, KITE_RSP, top);
	ASSERT_EQ(0, madvise(kt_ptr(vm, top - KT_PAGE), KT_PAGE, MADV_DONTNEED));
}

/* Take the pages away without losing what is in them: the guest's mapping goes all the same. */
static void unmap_table(struct kt_vm *vm, u64 gpa)
{
	void *page = kt_ptr(vm, gpa & ~(KT_PAGE - 1));

	ASSERT_EQ(0, mprotect(page, KT_PAGE, PROT_NONE));
	ASSERT_EQ(0, mprotect(page, KT_PAGE, PROT_READ | PROT_WRITE));
}

/* Warm the code up, so that the delivery is what faults. */
static void warm_up(struct kt_vm *vm, const struct kt_code *code)
{
	kt_set_reg(&vm->vcpu, KITE_RCX, 1);
	kt_run_done(&vm->vcpu, &spin);
	kt_start(&vm->vcpu, code);
	fresh_stack(vm);
	unmap_table(vm, KT_IDT);
	if (vm->mode != KT_REAL16)
		unmap_table(vm, KT_GDT);
}

static void delivered(struct kt_vm *vm, const struct kt_code *code, u8 vector, bool trap)
{
	u64 before = violations(vm);
	struct kt_event e = kt_expect_event(&vm->vcpu, vector);

	EXPECT_EQ(trap ? kt_code_next(vm, code) : kt_code_at(vm, code), e.rip);
	/* The IDT and the stack, at least; in real mode they are neighbours that come together. */
	EXPECT_GE(violations(vm), before + (vm->mode == KT_REAL16 ? 1 : 2));
}

KITE_TEST_MODES(fault_exception, KT_IN_ALL)
{
	warm_up(vm, &undefined);
	delivered(vm, &undefined, KT_UD, false);
	warm_up(vm, &divide);
	kt_set_reg(&vm->vcpu, KITE_RCX, 0);
	delivered(vm, &divide, 0, false);
}

KITE_TEST_MODES(page_fault_keeps_its_error_code, KT_IN_PAGED)
{
	struct kite_state s;
	struct kt_event e;

	kt_pte_change(vm, KT_SCRATCH, KT_PTE_P, 0);
	warm_up(vm, &load);
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH + 5);
	e = kt_expect_event(&vm->vcpu, KT_PF);
	EXPECT_EQ(0u, e.error);
	EXPECT_EQ(kt_code_at(vm, &load), e.rip);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(KT_SCRATCH + 5, s.crs.cr2);
}

KITE_TEST_MODES(software_interrupt, KT_IN_ALL)
{
	warm_up(vm, &int_n);
	delivered(vm, &int_n, 0x77, true);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(software_exception, KT_IN_ALL)
{
	warm_up(vm, &int3);
	delivered(vm, &int3, 3, true);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(icebp_is_given_back_and_then_delivered, KT_IN_ALL)
{
	warm_up(vm, &icebp);
	delivered(vm, &icebp, 1, true);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(single_step_trap, KT_IN_ALL)
{
	struct kite_state s;

	kt_set_rflags(&vm->vcpu, 2);
	warm_up(vm, &step);
	kt_set_rflags(&vm->vcpu, 2 | BIT(8));
	delivered(vm, &step, 1, true);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_DRS, &s);
	EXPECT_EQ(0xffff4ff0ull, s.drs.dr6);
}

KITE_TEST_MODES(nmi, KT_IN_ALL)
{
	struct kite_state s;

	warm_up(vm, &spin);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.pending = KITE_EVENT_NMI;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	delivered(vm, &spin, NMI, false);
	/* In service now, and another would wait. */
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	EXPECT_EQ(KITE_BLOCKING_NMI, s.events.blocking);
	EXPECT_EQ(0u, s.events.pending);
	kt_expect_done(&vm->vcpu);
}

/* IRET unblocks NMIs, faults on its stack and runs again: the next NMI waits for its end. */
KITE_TEST_MODES(iret_from_nmi_faults_on_the_stack, KT_IN_ALL)
{
	struct kite_state s;
	u64 before;

	warm_up(vm, &spin);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.pending = KITE_EVENT_NMI;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	delivered(vm, &spin, NMI, false);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.pending = KITE_EVENT_NMI;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	unmap_table(vm, vm->mode == KT_REAL16 ? 0xd000 : STACK - KT_PAGE);
	before = violations(vm);
	EXPECT_EQ(kt_code_at(vm, &spin), kt_expect_event(&vm->vcpu, NMI).rip);
	EXPECT_GE(violations(vm), before + 1);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(injected_exception, KT_IN_ALL)
{
	struct kite_state s;

	warm_up(vm, &spin);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.pending = KITE_EVENT_EXCEPTION;
	s.events.exception = KT_UD;
	if (vm->mode != KT_REAL16) {
		s.events.pending |= KITE_EVENT_ERROR_CODE;
		s.events.exception = KT_GP;
		s.events.error_code = 0x58;
	}
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	if (vm->mode == KT_REAL16)
		delivered(vm, &spin, KT_UD, false);
	else
		kt_expect_fault(&vm->vcpu, &spin, KT_GP, 0x58);
	kt_expect_done(&vm->vcpu);
}

static void idle(u64 unused)
{
	(void)unused;
	*(volatile u32 *)0xfee000f0 = 0x1ff;
	kt_sync(1);
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

KITE_TEST_IRQCHIP(external_interrupt, KT_IN_64)
{
	u64 before;

	kt_call(&vm->vcpu, idle, 0);
	kt_expect_sync(&vm->vcpu, 1);
	vm_send_msi(vm->fd, 0xfee00000, 0x61);
	/* The stack of a C function is in use: only its mapping goes. */
	unmap_table(vm, KT_STACK - KT_PAGE);
	unmap_table(vm, KT_IDT);
	unmap_table(vm, KT_GDT);
	before = violations(vm);
	kt_expect_event(&vm->vcpu, 0x61);
	EXPECT_GE(violations(vm), before + 2);
	kt_expect_done(&vm->vcpu);
}

/* From ring 3: the TSS is read, too. */
KITE_TEST_MODES(exception_from_user_mode, KT_IN_PROTECTED)
{
	struct kite_state s;
	struct kt_event e;

	warm_up(vm, &undefined);
	unmap_table(vm, KT_TSS);
	ASSERT_EQ(0, madvise(kt_ptr(vm, KT_STACK_RING0 - KT_PAGE), KT_PAGE, MADV_DONTNEED));
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_CS].selector = vm->mode == KT_LONG64 ? KT_USER_CS64 : KT_USER_CS32;
	s.segs.seg[KITE_CS].ar |= 0x60;
	s.segs.seg[KITE_SS].selector = KT_USER_DS;
	s.segs.seg[KITE_SS].ar |= 0x60;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	e = kt_expect_fault(&vm->vcpu, &undefined, KT_UD, 0);
	EXPECT_EQ(3ull, e.cs & 3);
}

/* A stack in a hole: the event cannot be delivered, and Kite says so. */
KITE_TEST_MODES(stack_in_a_hole, KT_IN_PROTECTED)
{
	kt_set_reg(&vm->vcpu, KITE_RSP, KT_HOLE + 0x800);
	kt_start(&vm->vcpu, &undefined);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_INTERNAL);
	EXPECT_EQ(KITE_INTERNAL_DELIVERY, vm->vcpu.run->internal.code);
	EXPECT_EQ(0x80000000u | 3 << 8 | KT_UD, vm->vcpu.run->internal.idt_vectoring);
}

/* A stack the host cannot give: told to user space, and delivered afterwards. */
KITE_TEST_MODES(stack_in_protected_memory_recovers, KT_IN_PROTECTED)
{
	u8 *page = kt_ptr(vm, STACK - KT_PAGE);

	warm_up(vm, &undefined);
	ASSERT_EQ(0, mprotect(page, KT_PAGE, PROT_NONE));
	kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
	EXPECT_EQ(STACK - KT_PAGE, vm->vcpu.run->fault.gpa & ~(KT_PAGE - 1));
	ASSERT_EQ(0, mprotect(page, KT_PAGE, PROT_READ | PROT_WRITE));
	kt_expect_fault(&vm->vcpu, &undefined, KT_UD, 0);
}
