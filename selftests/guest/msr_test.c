// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: each MSR that Kite has reads back what the SDM says, refuses reserved
 * bits with #GP, and an MSR that Kite does not have is #GP for both.
 */
#include "guest.h"

KT_CODE(rdmsr, "", "rdmsr", "");
KT_CODE(wrmsr, "", "wrmsr", "");

static u64 read_msr(struct kt_vm *vm, u32 msr)
{
	kt_set_reg(&vm->vcpu, KITE_RCX, msr);
	kt_run_done(&vm->vcpu, &rdmsr);
	return (u32)kt_reg(&vm->vcpu, KITE_RAX) | kt_reg(&vm->vcpu, KITE_RDX) << 32;
}

static void arm_write(struct kt_vm *vm, u32 msr, u64 value)
{
	kt_set_reg(&vm->vcpu, KITE_RCX, msr);
	kt_set_reg(&vm->vcpu, KITE_RAX, (u32)value);
	kt_set_reg(&vm->vcpu, KITE_RDX, value >> 32);
}

static void write_msr(struct kt_vm *vm, u32 msr, u64 value)
{
	arm_write(vm, msr, value);
	kt_run_done(&vm->vcpu, &wrmsr);
}

static void read_faults(struct kt_vm *vm, u32 msr)
{
	kt_set_reg(&vm->vcpu, KITE_RCX, msr);
	kt_run_fault(&vm->vcpu, &rdmsr, KT_GP, 0);
}

static void write_faults(struct kt_vm *vm, u32 msr, u64 value)
{
	arm_write(vm, msr, value);
	kt_run_fault(&vm->vcpu, &wrmsr, KT_GP, 0);
}

/* Registers that hold what is written. */
static const struct { u32 msr; u64 good, bad; } kept[] = {
	{ 0x174, 0x1234, 0 },				/* SYSENTER_CS */
	{ 0x175, 0xffff800012345678, 0x800000000000 },	/* SYSENTER_ESP */
	{ 0x176, 0x7fff12345678, 0x800000000000 },	/* SYSENTER_EIP */
	{ 0x277, 0x0007010600070406, 2 },		/* PAT */
	{ 0x277, 0x0606060606060606, 0x0306060606060606 },
	{ 0x2ff, 0xc06, 0x1000 },			/* MTRR_DEF_TYPE */
	{ 0x2ff, 0xc00, 2 },
	{ 0x200, 0xc0000000, 0x100 },			/* MTRR_PHYSBASE0 */
	{ 0x200, 0xc0000006, 7 },
	{ 0x201, 0xffc0000800, 0x400 },			/* MTRR_PHYSMASK0 */
	{ 0x20f, 0x800, 1 },				/* MTRR_PHYSMASK7 */
	{ 0x250, 0x0606060606060606, 0x0206060606060606 },
	{ 0x258, 0x0101010101010101, 3 }, { 0x259, 0, 0x0700 },
	{ 0x268, 0x0505050505050505, 0xff }, { 0x26f, 0x0404040404040404, 8 },
	{ 0xc0000081, 0x0023001000000000, 0 },		/* STAR */
	{ 0xc0000082, 0xffffffff81000000, 0x8000000000000000 },	/* LSTAR */
	{ 0xc0000083, 0xffffffff82000000, 0x8000000000000000 },	/* CSTAR */
	{ 0xc0000084, 0x47700, 0x100000000 },		/* FMASK */
	{ 0xc0000100, 0x7f0012345678, 0x1000000000000 },	/* FS_BASE */
	{ 0xc0000102, 0xffff888012345678, 0x1000000000000 },	/* KERNEL_GS_BASE */
	{ 0xc0000103, 0x7654, 0x100000000 },		/* TSC_AUX */
};

KITE_TEST_MODES(registers_keep_what_is_written, KT_IN_64)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		write_msr(vm, kept[i].msr, kept[i].good);
		EXPECT_EQ(kept[i].good, read_msr(vm, kept[i].msr));
		if (!kept[i].bad)
			continue;
		write_faults(vm, kept[i].msr, kept[i].bad);
		EXPECT_EQ(kept[i].good, read_msr(vm, kept[i].msr));
	}
}

/* User space sees the same values, and what it sets the guest reads. */
KITE_TEST_MODES(user_space_shares_the_registers, KT_IN_64)
{
	struct kite_state s;

	write_msr(vm, 0xc0000082, 0xffffffff81000000);
	write_msr(vm, 0xc0000102, 0xffff888012345678);
	write_msr(vm, 0x277, 0x0007010600070406);
	write_msr(vm, 0x174, 0x18);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	EXPECT_EQ(0xffffffff81000000, s.msrs.lstar);
	EXPECT_EQ(0xffff888012345678, s.msrs.kernel_gs_base);
	EXPECT_EQ(0x0007010600070406ull, s.msrs.pat);
	EXPECT_EQ(0x18ull, s.msrs.sysenter_cs);
	s.msrs.star = 0x1122334455667788;
	s.msrs.fmask = 0x100;
	s.msrs.tsc_aux = 0x55;
	s.msrs.kernel_gs_base = 0x1000;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	EXPECT_EQ(0x1122334455667788ull, read_msr(vm, 0xc0000081));
	EXPECT_EQ(0x100ull, read_msr(vm, 0xc0000084));
	EXPECT_EQ(0x55ull, read_msr(vm, 0xc0000103));
	EXPECT_EQ(0x1000ull, read_msr(vm, 0xc0000102));
}

KT_CODE64(swapgs, "", "swapgs", "");

KITE_TEST_MODES(swapgs_exchanges_the_bases, KT_IN_64)
{
	write_msr(vm, 0xc0000101, 0x1000);
	write_msr(vm, 0xc0000102, 0x2000);
	kt_run_done(&vm->vcpu, &swapgs);
	EXPECT_EQ(0x2000ull, read_msr(vm, 0xc0000101));
	EXPECT_EQ(0x1000ull, read_msr(vm, 0xc0000102));
}

/* What does not exist in the guest, among it what the host has. */
static const u32 unknown[] = {
	0x3a, 0x10a, 0x122, 0x140, 0x186, 0x1a2, 0x1b1, 0x345, 0x38f, 0x390, 0x3f1, 0x480, 0x48b,
	0x4c1, 0x560, 0x610, 0xd90, 0xda1, 0x7ff, 0x2000, 0x40000000, 0x4b564d00, 0xbfffffff,
	0xc0000085, 0xc0000104, 0xc0010015, 0xc0002000, 0xffffffff,
};

KITE_TEST_MODES(unknown_msrs_fault, KT_IN_ALL)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		read_faults(vm, unknown[i]);
		write_faults(vm, unknown[i], 0);
	}
}

KITE_TEST_MODES(readonly_and_writeonly_msrs, KT_IN_64)
{
	u64 cap = read_msr(vm, 0xfe);

	EXPECT_EQ(8ull, cap & 0xff);
	write_faults(vm, 0xfe, cap);
	EXPECT_EQ(0ull, read_msr(vm, 0x179));
	write_faults(vm, 0x179, 0);
	EXPECT_EQ(0ull, read_msr(vm, 0x17));
	write_faults(vm, 0x17, 0);
	read_faults(vm, 0x49);
}

KITE_TEST_MODES(registers_that_only_take_zero, KT_IN_64)
{
	static const u32 msrs[] = { 0x0, 0x1, 0x17a };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		EXPECT_EQ(0ull, read_msr(vm, msrs[i]));
		write_msr(vm, msrs[i], 0);
		write_faults(vm, msrs[i], 1);
	}
}

KITE_TEST_MODES(debugctl_offers_no_tracing, KT_IN_64)
{
	write_msr(vm, 0x1d9, 3);
	EXPECT_EQ(0ull, read_msr(vm, 0x1d9));
	write_faults(vm, 0x1d9, 1 << 6);
}

KITE_TEST_MODES(misc_enable_has_no_pmu, KT_IN_64)
{
	u64 value = read_msr(vm, 0x1a0);

	EXPECT_EQ(BIT(11) | BIT(12), value & (BIT(7) | BIT(11) | BIT(12)));
	write_msr(vm, 0x1a0, value ^ 1);
	EXPECT_EQ(value ^ 1, read_msr(vm, 0x1a0));
}

KITE_TEST_MODES(microcode_revision_survives_the_write_of_zero, KT_IN_64)
{
	u64 before = read_msr(vm, 0x8b);

	write_msr(vm, 0x8b, 0);
	EXPECT_EQ(before, read_msr(vm, 0x8b));
}

KITE_TEST_MODES(efer_in_long_mode, KT_IN_64)
{
	u64 efer = read_msr(vm, 0xc0000080);

	EXPECT_EQ(0xd01ull, efer);
	/* LMA is the CPU's. */
	write_msr(vm, 0xc0000080, efer & ~BIT(10));
	EXPECT_EQ(efer, read_msr(vm, 0xc0000080));
	write_msr(vm, 0xc0000080, efer & ~BIT(0));
	EXPECT_EQ(efer & ~BIT(0), read_msr(vm, 0xc0000080));
	/* LME cannot change while paging is on. */
	write_faults(vm, 0xc0000080, efer & ~BIT(8));
	write_faults(vm, 0xc0000080, efer | BIT(1));
	write_faults(vm, 0xc0000080, efer | BIT(12));
}

KITE_TEST_MODES(efer_lme_with_paging_faults, KT_IN(KT_PAGED32) | KT_IN(KT_PAE))
{
	u64 efer = read_msr(vm, 0xc0000080);

	write_faults(vm, 0xc0000080, efer | BIT(8));
	EXPECT_EQ(efer, read_msr(vm, 0xc0000080));
}

KITE_TEST_MODES(efer_without_paging, KT_IN(KT_REAL16) | KT_IN(KT_PROT32))
{
	write_msr(vm, 0xc0000080, 0x900);
	EXPECT_EQ(0x900ull, read_msr(vm, 0xc0000080));
	write_msr(vm, 0xc0000080, 0);
	EXPECT_EQ(0ull, read_msr(vm, 0xc0000080));
}

KITE_TEST_MODES(tsc_writes_move_the_counter, KT_IN_64)
{
	u64 adjust = read_msr(vm, 0x3b);

	write_msr(vm, 0x10, 1ull << 50);
	EXPECT_EQ(1ull << 50, read_msr(vm, 0x10) & ~((1ull << 44) - 1));
	EXPECT_NE(adjust, read_msr(vm, 0x3b));
	write_msr(vm, 0x3b, 0);
	EXPECT_EQ(0ull, read_msr(vm, 0x3b));
	EXPECT_EQ(0ull, read_msr(vm, 0x10) >> 50);
}

KITE_TEST_MODES(without_irqchip_apic_msrs_fault, KT_IN_64)
{
	read_faults(vm, 0x1b);
	write_faults(vm, 0x1b, 0xfee00900);
	read_faults(vm, 0x802);
	read_faults(vm, 0x6e0);
	write_faults(vm, 0x6e0, 1);
}

KITE_TEST_IRQCHIP(apic_base, KT_IN_64)
{
	EXPECT_EQ(0xfee00900ull, read_msr(vm, 0x1b));
	read_faults(vm, 0x802);		/* xAPIC mode */
	write_faults(vm, 0x1b, 0xfee00901);
	write_faults(vm, 0x1b, 0xfee00500);	/* x2APIC without enable */
	write_msr(vm, 0x1b, 0xfee00d00);
	EXPECT_EQ(0xfee00d00ull, read_msr(vm, 0x1b));
	write_faults(vm, 0x1b, 0xfee00900);	/* x2APIC to xAPIC */
	write_msr(vm, 0x1b, 0xfee00100);
	EXPECT_EQ(0xfee00100ull, read_msr(vm, 0x1b));
}

KITE_TEST_IRQCHIP(x2apic_registers, KT_IN_64)
{
	write_msr(vm, 0x1b, 0xfee00d00);
	EXPECT_EQ(0ull, read_msr(vm, 0x802));	/* ID */
	write_faults(vm, 0x802, 0);
	write_msr(vm, 0x808, 0x20);		/* TPR */
	EXPECT_EQ(0x20ull, read_msr(vm, 0x808));
	write_faults(vm, 0x808, 0x100);
	EXPECT_EQ(0x20ull, read_msr(vm, 0x80a));	/* PPR */
	write_faults(vm, 0x80a, 0);
	write_msr(vm, 0x80f, 0x1ff);		/* SVR */
	EXPECT_EQ(0x1ffull, read_msr(vm, 0x80f));
	write_faults(vm, 0x80b, 1);		/* EOI takes only 0 */
	write_msr(vm, 0x80b, 0);
	read_faults(vm, 0x80e);			/* DFR is not there */
	read_faults(vm, 0x831);			/* nor the second half of ICR */
	read_faults(vm, 0x840);
}

KITE_TEST_IRQCHIP(tsc_deadline_needs_its_timer_mode, KT_IN_64)
{
	write_msr(vm, 0x6e0, ~0ull >> 1);
	EXPECT_EQ(0ull, read_msr(vm, 0x6e0));
	write_msr(vm, 0x1b, 0xfee00d00);
	write_msr(vm, 0x80f, 0x1ff);
	write_msr(vm, 0x832, 2 << 17 | 0x40);
	write_msr(vm, 0x6e0, ~0ull >> 1);
	EXPECT_EQ(~0ull >> 1, read_msr(vm, 0x6e0));
}

KITE_TEST_MODES(spec_ctrl_follows_cpuid, KT_IN_64)
{
	struct kite_cpuid c;

	vcpu_get_cpuid(vm->vcpu.fd, 7, 0, &c);
	if (!(c.edx & (BIT(26) | BIT(27) | BIT(31)))) {
		read_faults(vm, 0x48);
		write_faults(vm, 0x49, 1);
		return;
	}
	EXPECT_EQ(0ull, read_msr(vm, 0x48));
	write_msr(vm, 0x48, 0);
	write_faults(vm, 0x48, 1ull << 63);
}

/* The privilege check is the CPU's and comes first. */
KITE_TEST_MODES(user_mode_cannot_access_msrs, KT_IN_64)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_CS].selector = KT_USER_CS64;
	s.segs.seg[KITE_CS].ar = 0xa0fb;
	s.segs.seg[KITE_SS].selector = KT_USER_DS;
	s.segs.seg[KITE_SS].ar = 0xc0f3;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	read_faults(vm, 0x10);
}
