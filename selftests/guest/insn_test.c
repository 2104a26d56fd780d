// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: instructions of features that the guest does not have are #UD,
 * those that would touch the host do nothing or fault, all others just work.
 */
#include "guest.h"

#define UNDEFINED(name, text)	KT_CODE(name, "", text, "")

UNDEFINED(vmcall, "vmcall");
UNDEFINED(vmlaunch, "vmlaunch");
UNDEFINED(vmresume, "vmresume");
UNDEFINED(vmxoff, "vmxoff");
UNDEFINED(vmxon, "vmxon (\\di)");
UNDEFINED(vmclear, "vmclear (\\di)");
UNDEFINED(vmptrld, "vmptrld (\\di)");
UNDEFINED(vmptrst, "vmptrst (\\di)");
UNDEFINED(vmread, "vmread \\ax, \\cx");
UNDEFINED(vmwrite, "vmwrite \\ax, \\cx");
UNDEFINED(invept, "invept (\\di), \\ax");
UNDEFINED(invvpid, "invvpid (\\di), \\ax");
UNDEFINED(vmfunc, "vmfunc");
UNDEFINED(getsec, "getsec");
UNDEFINED(rsm, "rsm");
UNDEFINED(monitor, ".byte 0x0f, 0x01, 0xc8");
UNDEFINED(mwait, ".byte 0x0f, 0x01, 0xc9");
UNDEFINED(encls, "encls");
UNDEFINED(encls_enclv, "enclv");
UNDEFINED(umwait, "umwait %ecx");
UNDEFINED(tpause, "tpause %ecx");
UNDEFINED(xsetbv, "xsetbv");
UNDEFINED(ud1, "ud1 %eax, %eax");

static const struct kt_code *const undefined[] = {
	&vmcall, &vmlaunch, &vmresume, &vmxoff, &vmxon, &vmclear, &vmptrld, &vmptrst, &vmread,
	&vmwrite, &invept, &invvpid, &vmfunc, &getsec, &rsm, &monitor, &mwait, &encls,
	&encls_enclv, &umwait, &tpause, &xsetbv, &ud1,
};

KITE_TEST_MODES(instructions_that_the_guest_does_not_have, KT_IN_ALL)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(undefined); i++) {
		kt_set_reg(&vm->vcpu, KITE_RCX, 0);
		kt_set_reg(&vm->vcpu, KITE_RDI, 0x3000);
		kt_run_fault(&vm->vcpu, undefined[i], KT_UD, 0);
	}
}

KT_CODE(wbinvd, "", "wbinvd", "");
KT_CODE(invd, "", "invd", "");
KT_CODE(invlpg, "", "invlpg (\\di)", "");
KT_CODE(pause, "", "pause", "");

KITE_TEST_MODES(cache_and_tlb_instructions, KT_IN_ALL)
{
	kt_set_reg(&vm->vcpu, KITE_RDI, 0x3000);
	kt_put(vm, u64, 0x3000, 0x1234);
	kt_run_done(&vm->vcpu, &wbinvd);
	kt_run_done(&vm->vcpu, &invd);
	EXPECT_EQ(0x1234ull, kt_get(vm, u64, 0x3000));
	kt_run_done(&vm->vcpu, &invlpg);
	kt_run_done(&vm->vcpu, &pause);
}

KT_CODE(rdpmc, "", "rdpmc", "");

KITE_TEST_MODES(performance_counters_fault, KT_IN_ALL)
{
	kt_set_reg(&vm->vcpu, KITE_RCX, 0);
	kt_run_fault(&vm->vcpu, &rdpmc, KT_GP, 0);
}

KT_CODE(rdrand, "", "rdrand %eax", "setc %bl\n");
KT_CODE(rdseed, "", "rdseed %eax", "setc %bl\n");

KITE_TEST_MODES(random_numbers, KT_IN_ALL)
{
	struct kite_cpuid c;
	unsigned int i, tries = 0;

	vcpu_get_cpuid(vm->vcpu.fd, 1, 0, &c);
	if (!(c.ecx & BIT(30)))
		SKIP("no RDRAND");
	for (i = 0; i < 10; i++) {
		kt_set_reg(&vm->vcpu, KITE_RBX, 0);
		kt_run_done(&vm->vcpu, &rdrand);
		tries += kt_reg(&vm->vcpu, KITE_RBX) & 1;
	}
	EXPECT_NE(0u, tries);
	vcpu_get_cpuid(vm->vcpu.fd, 7, 0, &c);
	if (c.ebx & BIT(18))
		kt_run_done(&vm->vcpu, &rdseed);
}

KT_CODE(rdtsc, "", "rdtsc", "");

static u64 read_tsc(struct kt_vm *vm)
{
	kt_run_done(&vm->vcpu, &rdtsc);
	return (u32)kt_reg(&vm->vcpu, KITE_RAX) | kt_reg(&vm->vcpu, KITE_RDX) << 32;
}

KITE_TEST_MODES(time_stamp_counter_goes_on, KT_IN_ALL)
{
	u64 last = read_tsc(vm), now;
	unsigned int i;

	for (i = 0; i < 5; i++, last = now) {
		now = read_tsc(vm);
		EXPECT_GT(now, last);
	}
}

KITE_TEST_MODES(user_space_moves_the_time_stamp_counter, KT_IN_ALL)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	s.msrs.tsc = 1ull << 60;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	EXPECT_EQ(1ull << 60, read_tsc(vm) & ~((1ull << 44) - 1));
	s.msrs.tsc = 0;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	EXPECT_EQ(0ull, read_tsc(vm) >> 44);
}

KT_CODE(rdtscp, "", "rdtscp", "");

KITE_TEST_MODES(rdtscp_gives_tsc_aux, KT_IN_ALL)
{
	struct kite_cpuid c;
	struct kite_state s;

	vcpu_get_cpuid(vm->vcpu.fd, 0x80000001, 0, &c);
	if (!(c.edx & BIT(27))) {
		kt_run_fault(&vm->vcpu, &rdtscp, KT_UD, 0);
		return;
	}
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	s.msrs.tsc_aux = 0xabcd;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	kt_run_done(&vm->vcpu, &rdtscp);
	EXPECT_EQ(0xabcdull, kt_reg(&vm->vcpu, KITE_RCX));
}

KT_CODE(hlt, "", "hlt", "");

KITE_TEST_MODES(hlt_without_irqchip_ends_the_run, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &hlt);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_HLT);
	EXPECT_EQ(kt_code_next(vm, &hlt), kt_rip(&vm->vcpu));
	kt_expect_done(&vm->vcpu);
}

KT_CODE64(syscall, "", "syscall", "");
KT_CODE64(syscall_target, "", "nop", "");

KITE_TEST_MODES(syscall_goes_to_lstar, KT_IN_64)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	s.msrs.star = (u64)KT_CS64 << 32;
	s.msrs.lstar = kt_code_start(vm, &syscall_target);
	s.msrs.fmask = 0x200;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	kt_set_rflags(&vm->vcpu, 2 | 0x200);
	kt_run_done(&vm->vcpu, &syscall);
	EXPECT_EQ(kt_code_next(vm, &syscall), kt_reg(&vm->vcpu, KITE_RCX));
	EXPECT_EQ(0x202ull, kt_reg(&vm->vcpu, KITE_R11));
	EXPECT_EQ(0ull, kt_rflags(&vm->vcpu) & 0x200);
}

KT_CODE(invpcid, "", "invpcid (\\di), \\ax", "");

KITE_TEST_MODES(invpcid_follows_cpuid, KT_IN_64)
{
	struct kite_cpuid c;

	vcpu_get_cpuid(vm->vcpu.fd, 7, 0, &c);
	kt_put(vm, u64, KT_SCRATCH, 0);
	kt_put(vm, u64, KT_SCRATCH + 8, 0);
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH);
	kt_set_reg(&vm->vcpu, KITE_RAX, 2);
	if (c.ebx & BIT(10))
		kt_run_done(&vm->vcpu, &invpcid);
	else
		kt_run_fault(&vm->vcpu, &invpcid, KT_UD, 0);
}
