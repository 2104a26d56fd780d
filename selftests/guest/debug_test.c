// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: breakpoints, single steps and the debug registers work in the guest as
 * SDM volume 3, chapter "Debug, Branch Profile, TSC..." says, also at instructions
 * that Kite finishes for the guest.
 */
#include "guest.h"

#define DB		1
#define BP		3
#define TF		BIT(8)
#define DR6_CLEAR	0xffff0ff0ull
#define DR6_BD		BIT(13)
#define DR6_BS		BIT(14)
#define DR7_GD		BIT(13)
#define DR7_CLEAR	0x400ull

static u64 dr6(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_DRS, &s);
	return s.drs.dr6;
}

static void set_drs(struct kt_vm *vm, unsigned int n, u64 addr, u64 dr7)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_DRS, &s);
	s.drs.dr[n] = addr;
	s.drs.dr6 = DR6_CLEAR;
	s.drs.dr7 = DR7_CLEAR | dr7;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_DRS, &s);
}

static struct kt_event expect_db(struct kt_vm *vm, u64 rip, u64 bits)
{
	struct kt_event e = kt_expect_event(&vm->vcpu, DB);

	EXPECT_EQ(rip, e.rip);
	EXPECT_EQ(DR6_CLEAR | bits, dr6(vm));
	return e;
}

KT_CODE(int3, "", "int3", "");
KT_CODE(icebp, "", ".byte 0xf1", "");

KITE_TEST_MODES(int3_is_a_trap, KT_IN_ALL)
{
	struct kt_event e;

	kt_start(&vm->vcpu, &int3);
	e = kt_expect_event(&vm->vcpu, BP);
	EXPECT_EQ(kt_code_next(vm, &int3), e.rip);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(icebp_is_a_trap, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &icebp);
	expect_db(vm, kt_code_next(vm, &icebp), 0);
	kt_expect_done(&vm->vcpu);
}

KT_CODE(nop, "", "nop", "");
KT_CODE(cpuid, "", "cpuid", "");
KT_CODE(rdmsr, "", "rdmsr", "");
KT_CODE(wrmsr, "", "wrmsr", "");
KT_CODE(wbinvd, "", "wbinvd", "");
KT_CODE(in, "", "in $0x71, %al", "");
KT_CODE(out, "", "out %al, $0x70", "");
KT_CODE(mov_from_dr, "", "mov %dr0, \\ax", "");
KT_CODE(store, "", "mov %eax, (\\di)", "");

static void step_over(struct kt_vm *vm, const struct kt_code *code, int exit_reason)
{
	struct kt_event e;

	kt_set_reg(&vm->vcpu, KITE_RAX, 0);
	kt_set_reg(&vm->vcpu, KITE_RDX, 0);
	kt_set_reg(&vm->vcpu, KITE_RCX, 0x8b);
	set_drs(vm, 0, 0, 0);
	kt_set_rflags(&vm->vcpu, 2 | TF);
	kt_start(&vm->vcpu, code);
	if (exit_reason >= 0)
		kt_expect_exit(&vm->vcpu, exit_reason);
	e = expect_db(vm, kt_code_next(vm, code), DR6_BS);
	EXPECT_EQ(TF, e.rflags & TF);
	kt_event_set_rflags(&vm->vcpu, &e, 2);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(single_step_over_plain_and_emulated_instructions, KT_IN_ALL)
{
	step_over(vm, &nop, -1);
	step_over(vm, &cpuid, -1);
	step_over(vm, &rdmsr, -1);
	step_over(vm, &wrmsr, -1);
	step_over(vm, &wbinvd, -1);
	step_over(vm, &mov_from_dr, -1);
	step_over(vm, &in, KITE_EXIT_IO);
	step_over(vm, &out, KITE_EXIT_IO);
}

KITE_TEST_MODES(single_step_over_mmio, KT_IN_PROTECTED)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_HOLE);
	step_over(vm, &store, KITE_EXIT_MMIO);
}

KT_CODE(three, "", "nop\nnop\nnop", "");

KITE_TEST_MODES(single_step_stops_at_each_instruction, KT_IN_ALL)
{
	unsigned int i;

	kt_set_rflags(&vm->vcpu, 2 | TF);
	kt_start(&vm->vcpu, &three);
	for (i = 1; i <= 3; i++)
		EXPECT_EQ(kt_code_at(vm, &three) + i, kt_expect_event(&vm->vcpu, DB).rip);
}

/* MOV SS holds the trap back for one instruction, be it one that exits. */
KT_CODE(mov_ss_nop, "", "mov %bx, %ss\nnop", "");
KT_CODE(mov_ss_cpuid, "mov %ebx, %esi", "mov %si, %ss\ncpuid", "");

static void mov_ss(struct kt_vm *vm, const struct kt_code *code)
{
	struct kt_event e;
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_set_reg(&vm->vcpu, KITE_RBX, s.segs.seg[KITE_SS].selector);
	kt_set_reg(&vm->vcpu, KITE_RSI, s.segs.seg[KITE_SS].selector);
	set_drs(vm, 0, 0, 0);
	kt_set_rflags(&vm->vcpu, 2 | TF);
	kt_set_rip(&vm->vcpu, kt_code_at(vm, code));
	e = expect_db(vm, kt_code_next(vm, code), DR6_BS);
	kt_event_set_rflags(&vm->vcpu, &e, 2);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(mov_ss_holds_back_the_single_step, KT_IN_ALL)
{
	mov_ss(vm, &mov_ss_nop);
	mov_ss(vm, &mov_ss_cpuid);
}

KITE_TEST_MODES(execution_breakpoint, KT_IN_ALL)
{
	struct kt_event e;

	set_drs(vm, 0, kt_code_at(vm, &nop), 1);
	kt_start(&vm->vcpu, &nop);
	e = expect_db(vm, kt_code_at(vm, &nop), BIT(0));
	/* RF lets the instruction through. */
	kt_event_set_rflags(&vm->vcpu, &e, e.rflags | BIT(16));
	if (vm->mode == KT_REAL16)
		set_drs(vm, 0, 0, 0);
	kt_expect_done(&vm->vcpu);
}

/* At an instruction that exits, the breakpoint comes first. */
KITE_TEST_MODES(execution_breakpoint_at_cpuid, KT_IN_PROTECTED)
{
	struct kt_event e;

	set_drs(vm, 3, kt_code_at(vm, &cpuid), BIT(6));
	kt_start(&vm->vcpu, &cpuid);
	e = expect_db(vm, kt_code_at(vm, &cpuid), BIT(3));
	kt_event_set_rflags(&vm->vcpu, &e, e.rflags | BIT(16));
	kt_expect_done(&vm->vcpu);
}

/* RF counts for one instruction, also for one that Kite finishes. */
KT_CODE(cpuid_nop, "", "cpuid\nnop", "");
KT_CODE(store_nop, "", "mov %eax, (\\di)\nnop", "");

static void two_breakpoints(struct kt_vm *vm, const struct kt_code *code, bool mmio)
{
	u64 at = kt_code_at(vm, code), second = kt_code_next(vm, code) - 1;
	struct kt_event e;

	set_drs(vm, 0, at, BIT(0) | BIT(2));
	set_drs(vm, 1, second, BIT(0) | BIT(2));
	kt_start(&vm->vcpu, code);
	e = expect_db(vm, at, BIT(0));
	kt_event_set_rflags(&vm->vcpu, &e, e.rflags | BIT(16));
	set_drs(vm, 1, second, BIT(0) | BIT(2));
	if (mmio)
		kt_expect_mmio(&vm->vcpu, KT_HOLE, 4, true);
	e = expect_db(vm, second, BIT(1));
	kt_event_set_rflags(&vm->vcpu, &e, e.rflags | BIT(16));
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(resume_flag_ends_with_the_instruction, KT_IN_PROTECTED)
{
	two_breakpoints(vm, &cpuid_nop, false);
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_HOLE);
	two_breakpoints(vm, &store_nop, true);
}

#define WATCHED		0x3400ul
#define WATCH_DR1	(BIT(2) | BIT(20) | 3ull << 22)	/* L1, writes, 4 bytes */

KITE_TEST_MODES(data_write_breakpoint, KT_IN_ALL)
{
	set_drs(vm, 1, WATCHED, WATCH_DR1);
	kt_set_reg(&vm->vcpu, KITE_RDI, WATCHED);
	kt_start(&vm->vcpu, &store);
	expect_db(vm, kt_code_next(vm, &store), BIT(1));
	kt_expect_done(&vm->vcpu);
}

/* A data breakpoint at MOV SS is held back over the next instruction, which exits. */
KT_CODE(load_ss_cpuid, "", "mov (\\di), %ss\ncpuid", "");

KITE_TEST_MODES(data_breakpoint_behind_mov_ss, KT_IN_ALL)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_put(vm, u16, WATCHED, s.segs.seg[KITE_SS].selector);
	/* DR1: reads and writes, 2 bytes. */
	set_drs(vm, 1, WATCHED, BIT(2) | 3ull << 20 | BIT(22));
	kt_set_reg(&vm->vcpu, KITE_RDI, WATCHED);
	kt_start(&vm->vcpu, &load_ss_cpuid);
	expect_db(vm, kt_code_next(vm, &load_ss_cpuid), BIT(1));
	kt_expect_done(&vm->vcpu);
}

KT_CODE(mov_to_dr7, "", "mov \\ax, %dr7", "mov %dr7, \\bx\n");

KITE_TEST_MODES(general_detect, KT_IN_ALL)
{
	struct kite_state s;

	set_drs(vm, 0, 0, DR7_GD);
	kt_start(&vm->vcpu, &mov_from_dr);
	expect_db(vm, kt_code_at(vm, &mov_from_dr), DR6_BD);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_DRS, &s);
	EXPECT_EQ(DR7_CLEAR, s.drs.dr7);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(dr7_reserved_bits, KT_IN_ALL)
{
	kt_set_reg(&vm->vcpu, KITE_RAX, 0xf000);
	kt_set_reg(&vm->vcpu, KITE_RBX, 0);
	kt_start(&vm->vcpu, &mov_to_dr7);
	/* GD was among the bits: reading back is the first access that it catches. */
	kt_expect_event(&vm->vcpu, DB);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(DR7_CLEAR, kt_reg(&vm->vcpu, KITE_RBX));
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x55);
	kt_run_done(&vm->vcpu, &mov_to_dr7);
	EXPECT_EQ(0x455ull, kt_reg(&vm->vcpu, KITE_RBX));
}

KT_CODE(write_dr6, "", "mov \\ax, %dr6", "mov %dr6, \\bx\n");
KT_CODE(write_dr2, "", "mov \\ax, %dr2", "mov %dr2, \\bx\n");
KT_CODE(read_dr4, "", ".byte 0x0f, 0x21, 0xe0", "");	/* mov %dr4, %rax */

KITE_TEST_MODES(registers_keep_what_is_written, KT_IN_ALL)
{
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x12345678);
	kt_run_done(&vm->vcpu, &write_dr2);
	EXPECT_EQ(0x12345678ull, kt_reg(&vm->vcpu, KITE_RBX));
	kt_set_reg(&vm->vcpu, KITE_RAX, 0xe00f);
	kt_run_done(&vm->vcpu, &write_dr6);
	EXPECT_EQ(0xffffeffful, kt_reg(&vm->vcpu, KITE_RBX));
}

KITE_TEST_MODES(upper_half_of_dr6_and_dr7_faults, KT_IN_64)
{
	kt_set_reg(&vm->vcpu, KITE_RAX, BIT(32));
	kt_run_fault(&vm->vcpu, &write_dr6, KT_GP, 0);
	kt_set_reg(&vm->vcpu, KITE_RAX, BIT(32));
	kt_run_fault(&vm->vcpu, &mov_to_dr7, KT_GP, 0);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x123456789abc);
	kt_run_done(&vm->vcpu, &write_dr2);
	EXPECT_EQ(0x123456789abcull, kt_reg(&vm->vcpu, KITE_RBX));
}

KITE_TEST_MODES(dr4_is_dr6_or_undefined, KT_IN_ALL)
{
	struct kite_state s;

	set_drs(vm, 0, 0, 0);
	kt_run_done(&vm->vcpu, &read_dr4);
	EXPECT_EQ(DR6_CLEAR, kt_reg(&vm->vcpu, KITE_RAX));
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr4 |= BIT(3);	/* DE */
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	kt_run_fault(&vm->vcpu, &read_dr4, KT_UD, 0);
}

/* KITE_DEBUG_STEP: every instruction ends KITE_VCPU_RUN, those that exit too. */
KT_CODE(stepped, "", "nop\nmov %eax, %esi\ncpuid\nmov %esi, %eax\nnop", "");

KITE_TEST_MODES(monitor_trap_steps_each_instruction, KT_IN_ALL)
{
	u64 last = kt_code_at(vm, &stepped), end = kt_code_next(vm, &stepped);
	unsigned int n = 0;

	vcpu_set_debug(vm->vcpu.fd, KITE_DEBUG_STEP);
	kt_start(&vm->vcpu, &stepped);
	while (last < end) {
		kt_expect_exit(&vm->vcpu, KITE_EXIT_DEBUG);
		EXPECT_EQ(kt_rip(&vm->vcpu), vm->vcpu.run->debug.rip);
		ASSERT_TRUE(vm->vcpu.run->debug.rip > last);
		last = vm->vcpu.run->debug.rip;
		n++;
	}
	EXPECT_EQ(end, last);
	EXPECT_EQ(5u, n);
	vcpu_set_debug(vm->vcpu.fd, 0);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(trace_has_an_entry_for_each_exit, KT_IN_ALL)
{
	u64 at = kt_code_at(vm, &cpuid);
	unsigned int i, cpuids = 0, ios = 0;
	u32 count;

	vcpu_set_debug(vm->vcpu.fd, KITE_DEBUG_TRACE);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x40000000);
	kt_run_done(&vm->vcpu, &cpuid);
	count = vm->vcpu.run->trace_count;
	ASSERT_GE(vm->info.trace_entries, count);
	for (i = 0; i < count; i++) {
		const struct kite_trace_entry *t = &vm->vcpu.trace[i];

		if (t->exit_reason == 10) {
			cpuids++;
			EXPECT_EQ(at, t->rip);
			EXPECT_EQ(0x40000000ull, t->rax);
		} else if (t->exit_reason == 30) {
			ios++;
		}
	}
	EXPECT_EQ(1u, cpuids);
	EXPECT_EQ(1u, ios);
}

KT_CODE(cpuid_loop, "", "1: cpuid\n mov %esi, %eax\n dec %edi\n jnz 1b", "");

KITE_TEST_MODES(a_full_trace_ends_the_run, KT_IN_64)
{
	u32 want = vm->info.trace_entries + 10;

	vcpu_set_debug(vm->vcpu.fd, KITE_DEBUG_TRACE);
	kt_set_reg(&vm->vcpu, KITE_RDI, want);
	kt_start(&vm->vcpu, &cpuid_loop);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_TRACE);
	EXPECT_EQ(vm->info.trace_entries, vm->vcpu.run->trace_count);
	kt_expect_done(&vm->vcpu);
}
