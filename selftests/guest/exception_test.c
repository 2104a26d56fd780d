// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the CPU delivers exceptions to the guest with the right vector, error
 * code and address, without Kite in between; a fault while delivering one becomes
 * a double fault, and one more ends the run with KITE_EXIT_SHUTDOWN.
 */
#include "guest.h"

#define DE	0
#define OF	4
#define BR	5
#define NM	7
#define NP	11
#define SS	12
#define MF	16
#define AC	17
#define XM	19

static u64 cr2(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	return s.crs.cr2;
}

KT_CODE(divide, "", "div %cl", "");

KITE_TEST_MODES(divide_error, KT_IN_ALL)
{
	kt_set_reg(&vm->vcpu, KITE_RCX, 0);
	kt_run_fault(&vm->vcpu, &divide, DE, 0);
}

KT_CODE32(into, "mov $0x7fffffff, %eax\n add $1, %eax", "into", "");

KITE_TEST_MODES(overflow, KT_IN(KT_PROT32) | KT_IN(KT_PAE))
{
	kt_start(&vm->vcpu, &into);
	EXPECT_EQ(kt_code_next(vm, &into), kt_expect_event(&vm->vcpu, OF).rip);
	kt_expect_done(&vm->vcpu);
}

KT_CODE32(bound, "", "bound %eax, (%edi)", "");

KITE_TEST_MODES(bound_range, KT_IN(KT_PROT32) | KT_IN(KT_PAE))
{
	kt_put(vm, u32, KT_SCRATCH, 5);
	kt_put(vm, u32, KT_SCRATCH + 4, 9);
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH);
	kt_set_reg(&vm->vcpu, KITE_RAX, 9);
	kt_run_done(&vm->vcpu, &bound);
	kt_set_reg(&vm->vcpu, KITE_RAX, 10);
	kt_run_fault(&vm->vcpu, &bound, BR, 0);
}

KT_CODE(int_n, "", "int $0x77", "");

KITE_TEST_MODES(software_interrupt, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &int_n);
	EXPECT_EQ(kt_code_next(vm, &int_n), kt_expect_event(&vm->vcpu, 0x77).rip);
	kt_expect_done(&vm->vcpu);
}

KT_CODE(load_es, "", "mov %ax, %es", "");
KT_CODE(load_ss, "", "mov %ax, %ss", "");

static void load(struct kt_vm *vm, const struct kt_code *code, u16 selector, u8 vector, u32 error)
{
	kt_set_reg(&vm->vcpu, KITE_RAX, selector);
	kt_run_fault(&vm->vcpu, code, vector, error);
}

/* A data segment that is not present. */
#define NOT_PRESENT	0x00cf13000000ffffull

KITE_TEST_MODES(segment_faults_have_the_selector, KT_IN_PROTECTED)
{
	kt_put(vm, u64, KT_GDT + KT_FREE_SEL, NOT_PRESENT);
	load(vm, &load_es, KT_FREE_SEL, NP, KT_FREE_SEL);
	load(vm, &load_ss, KT_FREE_SEL, SS, KT_FREE_SEL);
	load(vm, &load_es, 0x5008, KT_GP, 0x5008);	/* beyond the limit */
	load(vm, &load_ss, KT_USER_DS, KT_GP, KT_USER_DS & ~3);
	load(vm, &load_es, KT_TR, KT_GP, KT_TR);
}

KT_CODE(load_stack, "", "mov %ss:(\\di), %eax", "");

KITE_TEST_MODES(access_beyond_the_stack_segment, KT_IN_ALL & ~KT_IN_64)
{
	u64 limit = vm->mode == KT_REAL16 ? 0xfff7 : 0x2ffff;
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_SS].limit = limit;
	s.segs.seg[KITE_SS].ar &= ~0x8000;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_set_reg(&vm->vcpu, KITE_RDI, limit - 2);
	kt_run_fault(&vm->vcpu, &load_stack, SS, 0);
}

KT_CODE(load32, "", "mov (\\di), %eax", "");
KT_CODE(store32, "", "mov %eax, (\\di)", "");
KT_CODE(jump, "", "jmp *\\di", "");

static void page_fault(struct kt_vm *vm, const struct kt_code *code, u64 gva, u32 error)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, gva);
	kt_run_fault(&vm->vcpu, code, KT_PF, error);
	EXPECT_EQ(gva, cr2(vm));
}

KITE_TEST_MODES(page_faults, KT_IN_PAGED)
{
	u64 page = KT_SCRATCH + 3 * KT_PAGE;

	kt_pte_change(vm, page, KT_PTE_P, 0);
	page_fault(vm, &load32, page + 4, 0);
	page_fault(vm, &store32, page + 8, 2);
	kt_pte_change(vm, page, KT_PTE_W, KT_PTE_P);
	page_fault(vm, &store32, page + 12, 3);
	kt_set_reg(&vm->vcpu, KITE_RDI, page);
	kt_run_done(&vm->vcpu, &load32);
}

KITE_TEST_MODES(fetch_from_a_no_execute_page, KT_IN(KT_PAE) | KT_IN_64)
{
	u64 page = KT_SCRATCH + 3 * KT_PAGE;
	struct kt_event e;

	kt_pte_change(vm, page, 0, KT_PTE_NX);
	kt_set_reg(&vm->vcpu, KITE_RDI, page);
	kt_start(&vm->vcpu, &jump);
	e = kt_expect_event(&vm->vcpu, KT_PF);
	EXPECT_EQ(0x11u, e.error);
	EXPECT_EQ(page, e.rip);
}

KITE_TEST_MODES(reserved_bit_in_a_page_table, KT_IN(KT_PAE) | KT_IN_64)
{
	u64 page = KT_SCRATCH + 3 * KT_PAGE;

	kt_pte_change(vm, page, 0, BIT(51));
	page_fault(vm, &load32, page, 9);
}

static void go_to_user_mode(struct kt_vm *vm)
{
	struct kite_state s;
	bool is_64 = vm->mode == KT_LONG64;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_CS].selector = is_64 ? KT_USER_CS64 : KT_USER_CS32;
	s.segs.seg[KITE_CS].ar |= 0x60;
	s.segs.seg[KITE_SS].selector = KT_USER_DS;
	s.segs.seg[KITE_SS].ar |= 0x60;
	s.segs.seg[KITE_DS] = s.segs.seg[KITE_SS];
	s.segs.seg[KITE_ES] = s.segs.seg[KITE_SS];
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
}

/* From ring 3 the handler has the stack of the TSS. */
KITE_TEST_MODES(page_fault_in_user_mode, KT_IN_PAGED)
{
	u64 page = KT_SCRATCH + 3 * KT_PAGE;
	struct kt_event e;

	kt_pte_change(vm, page, KT_PTE_U, 0);
	go_to_user_mode(vm);
	kt_set_reg(&vm->vcpu, KITE_RDI, page);
	kt_start(&vm->vcpu, &store32);
	e = kt_expect_fault(&vm->vcpu, &store32, KT_PF, 7);
	EXPECT_EQ(3ull, e.cs & 3);
	EXPECT_TRUE(e.sp < KT_STACK_RING0 && e.sp > KT_STACK_RING0 - 64);
}

KT_CODE(hlt, "", "hlt", "");
KT_CODE(read_cr0, "", "mov %cr0, \\ax", "");
KT_CODE(write_cr0, "", "mov \\ax, %cr0", "");
KT_CODE(write_cr4, "", "mov \\ax, %cr4", "");
KT_CODE(read_dr0, "", "mov %dr0, \\ax", "");
KT_CODE(write_dr7, "", "mov \\ax, %dr7", "");
KT_CODE(lmsw, "", "lmsw %ax", "");
KT_CODE(clts, "", "clts", "");
KT_CODE(rdmsr, "", "rdmsr", "");
KT_CODE(wrmsr, "", "wrmsr", "");
KT_CODE(wbinvd, "", "wbinvd", "");
KT_CODE(invd, "", "invd", "");
KT_CODE(invlpg, "", "invlpg (\\di)", "");
KT_CODE(xsetbv, "", "xsetbv", "");

KITE_TEST_MODES(privileged_instructions_in_user_mode, KT_IN_PROTECTED)
{
	static const struct kt_code *const codes[] = {
		&hlt, &read_cr0, &write_cr0, &write_cr4, &read_dr0, &write_dr7, &lmsw, &clts,
		&rdmsr, &wrmsr, &wbinvd, &invd, &invlpg, &xsetbv,
	};
	struct kite_state s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
		s.crs.cr4 |= BIT(18);
		vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
		go_to_user_mode(vm);
		kt_set_reg(&vm->vcpu, KITE_RAX, 1);
		kt_set_reg(&vm->vcpu, KITE_RCX, 0);
		kt_set_reg(&vm->vcpu, KITE_RDX, 0);
		kt_run_fault(&vm->vcpu, codes[i], KT_GP, 0);
		kt_vcpu_set_mode(&vm->vcpu, vm->mode);
	}
}

/* #AC is intercepted and given back. */
KITE_TEST_MODES(alignment_check, KT_IN_PROTECTED)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr0 |= BIT(18);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	go_to_user_mode(vm);
	kt_set_rflags(&vm->vcpu, 2 | BIT(18));
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH + 1);
	kt_run_fault(&vm->vcpu, &load32, AC, 0);
}

KT_CODE(simd_divide, "", "divss %xmm1, %xmm0", "");
KT_CODE(x87_wait, "fninit\n fldcw (\\di)\n fld1\n fldz\n fdivrp", "fwait", "");
KT_CODE(x87_load, "", "fld1", "");

KITE_TEST_MODES(floating_point_exceptions, KT_IN_ALL)
{
	u64 buf = vm->mode == KT_REAL16 ? 0x3000 : KT_SCRATCH;
	u8 image[8192] __attribute__((aligned(64)));
	struct kite_state s;

	/* NE: the exception comes as #MF. Unmask all. */
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr0 |= BIT(5);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	kt_put(vm, u16, buf, 0x340);
	kt_set_reg(&vm->vcpu, KITE_RDI, buf);
	kt_run_fault(&vm->vcpu, &x87_wait, MF, 0);
	vcpu_get_xsave(vm->vcpu.fd, image, sizeof(image));
	*(u32 *)&image[24] = 0x1f80 & ~(7u << 7);
	*(u64 *)&image[512] |= 2;
	*(u32 *)&image[160] = 0x3f800000;	/* XMM0: 1, XMM1: 0 */
	*(u32 *)&image[176] = 0;
	vcpu_set_xsave(vm->vcpu.fd, image, vm->info.xsave_size);
	kt_run_fault(&vm->vcpu, &simd_divide, XM, 0);
	s.crs.cr0 |= BIT(3);	/* TS */
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	kt_run_fault(&vm->vcpu, &x87_load, NM, 0);
}

static void clear_gate(struct kt_vm *vm, u8 vector)
{
	kt_put(vm, u64, KT_IDT + (vm->mode == KT_LONG64 ? 16 : 8) * vector, 0);
}

KT_CODE(undefined, "", "ud2", "");

/* A gate that is no gate gives #GP with its index, IDT and EXT; behind a contributory fault #DF. */
KITE_TEST_MODES(missing_gate, KT_IN_PROTECTED)
{
	clear_gate(vm, KT_UD);
	kt_run_fault(&vm->vcpu, &undefined, KT_GP, KT_UD * 8 + 3);
}

KITE_TEST_MODES(double_fault, KT_IN_PROTECTED)
{
	clear_gate(vm, DE);
	kt_set_reg(&vm->vcpu, KITE_RCX, 0);
	kt_run_fault(&vm->vcpu, &divide, KT_DF, 0);
}

KITE_TEST_MODES(double_fault_of_page_faults, KT_IN_PAGED)
{
	u64 stack = KT_SCRATCH + 8 * KT_PAGE;

	/* In long mode #DF takes a stack of its own; elsewhere the frame has no place. */
	if (vm->mode == KT_LONG64)
		kt_put(vm, u8, KT_IDT + 16 * KT_DF + 4, 1);
	kt_pte_change(vm, stack - KT_PAGE, KT_PTE_P, 0);
	kt_set_reg(&vm->vcpu, KITE_RSP, stack);
	kt_start(&vm->vcpu, &undefined);
	if (vm->mode != KT_LONG64) {
		kt_expect_exit(&vm->vcpu, KITE_EXIT_SHUTDOWN);
		return;
	}
	kt_expect_fault(&vm->vcpu, &undefined, KT_DF, 0);
	EXPECT_TRUE(kt_reg(&vm->vcpu, KITE_RSP) < KT_STACK_IST1);
	EXPECT_TRUE(kt_reg(&vm->vcpu, KITE_RSP) > KT_STACK_IST1 - 128);
}

/* No IDT at all. */
KITE_TEST_MODES(triple_fault, KT_IN_ALL)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.idtr.limit = 0;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_start(&vm->vcpu, &undefined);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_SHUTDOWN);
}

/* The same by way of #DB, which Kite injects. */
KT_CODE(icebp, "", ".byte 0xf1", "");

KITE_TEST_MODES(triple_fault_from_an_injected_exception, KT_IN_ALL)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.idtr.limit = 0;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_start(&vm->vcpu, &icebp);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_SHUTDOWN);
}

/* A guest that triple-faulted can be given a state and go on. */
KITE_TEST_MODES(runs_again_after_a_shutdown, KT_IN_ALL)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.idtr.limit = 0;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_start(&vm->vcpu, &undefined);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_SHUTDOWN);
	kt_vcpu_set_mode(&vm->vcpu, vm->mode);
	kt_run_fault(&vm->vcpu, &undefined, KT_UD, 0);
}

/* A far jump to a TSS: hardware task switches are not done. */
KT_CODE32(task_switch, "", "ljmp $0x58, $0", "");

KITE_TEST_MODES(task_switch_is_refused, KT_IN(KT_PROT32) | KT_IN(KT_PAGED32) | KT_IN(KT_PAE))
{
	const struct kite_exit_internal *rec = &vm->vcpu.run->internal;

	kt_put(vm, u64, KT_GDT + KT_FREE_SEL, 0x0000890000000067 | KT_SCRATCH << 16);
	kt_start(&vm->vcpu, &task_switch);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_INTERNAL);
	EXPECT_EQ(KITE_INTERNAL_TASK_SWITCH, rec->code);
	EXPECT_EQ(9u, rec->exit_reason);
	EXPECT_EQ(kt_code_at(vm, &task_switch), rec->rip);
	EXPECT_EQ((u64)KT_FREE_SEL, rec->qualification & 0xffff);
}
