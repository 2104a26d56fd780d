// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: control registers behave in the guest as on a CPU: illegal values are
 * #GP and change nothing, bits that Kite holds back read as written.
 */
#include "guest.h"

#define CR0_PE	BIT(0)
#define CR0_MP	BIT(1)
#define CR0_TS	BIT(3)
#define CR0_ET	BIT(4)
#define CR0_NE	BIT(5)
#define CR0_NW	BIT(29)
#define CR0_CD	BIT(30)
#define CR0_PG	BIT(31)
#define CR4_PAE	BIT(5)
#define CR4_PGE	BIT(7)

KT_CODE(read_cr0, "", "mov %cr0, \\ax", "");
KT_CODE(write_cr0, "", "mov \\ax, %cr0", "mov %cr0, \\bx\n");
KT_CODE(read_cr4, "", "mov %cr4, \\ax", "");
KT_CODE(write_cr4, "", "mov \\ax, %cr4", "mov %cr4, \\bx\n");
KT_CODE(write_cr3, "", "mov \\ax, %cr3", "mov %cr3, \\bx\n");
KT_CODE64(write_cr8, "", "mov %rax, %cr8", "mov %cr8, %rbx\n");
KT_CODE(clts, "", "clts", "mov %cr0, \\bx\n");
KT_CODE(lmsw, "", "lmsw %ax", "mov %cr0, \\bx\n");
KT_CODE(smsw, "", "smsw %eax", "");

static u64 cr0(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	return s.crs.cr0;
}

static u64 cr4(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	return s.crs.cr4;
}

static void write_gives(struct kt_vm *vm, const struct kt_code *code, u64 value, u64 want)
{
	kt_set_reg(&vm->vcpu, KITE_RAX, value);
	kt_run_done(&vm->vcpu, code);
	EXPECT_EQ(want, kt_reg(&vm->vcpu, KITE_RBX));
}

static void write_faults(struct kt_vm *vm, const struct kt_code *code, u64 value)
{
	u64 before0 = cr0(vm), before4 = cr4(vm);

	kt_set_reg(&vm->vcpu, KITE_RAX, value);
	kt_run_fault(&vm->vcpu, code, KT_GP, 0);
	EXPECT_EQ(before0, cr0(vm));
	EXPECT_EQ(before4, cr4(vm));
}

KITE_TEST_MODES(reads_give_what_user_space_set, KT_IN_ALL)
{
	kt_run_done(&vm->vcpu, &read_cr0);
	EXPECT_EQ(cr0(vm), kt_reg(&vm->vcpu, KITE_RAX));
	kt_run_done(&vm->vcpu, &read_cr4);
	EXPECT_EQ(cr4(vm), kt_reg(&vm->vcpu, KITE_RAX));
}

/* CD, NW and NE are kept in a shadow. */
KITE_TEST_MODES(cache_bits_read_as_written, KT_IN_ALL)
{
	u64 value = cr0(vm);

	write_gives(vm, &write_cr0, value | CR0_CD, value | CR0_CD);
	write_gives(vm, &write_cr0, value | CR0_CD | CR0_NW, value | CR0_CD | CR0_NW);
	write_gives(vm, &write_cr0, value, value);
	write_gives(vm, &write_cr0, value & ~CR0_NE, value & ~CR0_NE);
	write_gives(vm, &write_cr0, value | CR0_NE, value | CR0_NE);
}

KITE_TEST_MODES(illegal_cr0_faults, KT_IN_ALL)
{
	u64 value = cr0(vm);

	write_faults(vm, &write_cr0, (value | CR0_NW) & ~CR0_CD);
	write_faults(vm, &write_cr0, (value | CR0_PG) & ~CR0_PE);
}

KITE_TEST_MODES(upper_half_of_cr0_faults, KT_IN_64)
{
	write_faults(vm, &write_cr0, cr0(vm) | BIT(32));
	/* Leaving long mode from 64-bit code. */
	write_faults(vm, &write_cr0, cr0(vm) & ~CR0_PG);
}

KITE_TEST_MODES(et_is_always_set, KT_IN_ALL)
{
	u64 value = cr0(vm);

	write_gives(vm, &write_cr0, value & ~CR0_ET, value);
}

KITE_TEST_MODES(clts_clears_ts, KT_IN_ALL)
{
	u64 value = cr0(vm);

	write_gives(vm, &write_cr0, value | CR0_TS, value | CR0_TS);
	kt_run_done(&vm->vcpu, &clts);
	EXPECT_EQ(value, kt_reg(&vm->vcpu, KITE_RBX));
}

/* Four bits, and PE cannot be cleared. */
KITE_TEST_MODES(lmsw_writes_the_low_bits, KT_IN_ALL)
{
	u64 value = cr0(vm);

	write_gives(vm, &lmsw, (value & 0xf) | CR0_TS, value | CR0_TS);
	write_gives(vm, &lmsw, 0, (value & ~0xeull));
	if (vm->mode != KT_REAL16)
		write_gives(vm, &lmsw, 0, (value & ~0xeull));
	write_gives(vm, &lmsw, (value & 0xf) | 0xfff0, value);
}

/* Bits of the shadow must not be lost by an LMSW that exits. */
KITE_TEST_MODES(lmsw_keeps_the_shadow, KT_IN_ALL)
{
	u64 value = cr0(vm) | CR0_CD;

	write_gives(vm, &write_cr0, value, value);
	write_gives(vm, &lmsw, (value & 0xf) ^ CR0_MP, value ^ CR0_MP);
}

KITE_TEST_MODES(smsw_reads_the_shadow, KT_IN_ALL)
{
	u64 value = cr0(vm) | CR0_CD;

	write_gives(vm, &write_cr0, value, value);
	kt_run_done(&vm->vcpu, &smsw);
	EXPECT_EQ((u32)value, (u32)kt_reg(&vm->vcpu, KITE_RAX));
}

KITE_TEST_MODES(illegal_cr4_faults, KT_IN_ALL)
{
	/* VMXE, SMXE, and bits that do not exist. */
	static const u8 bits[] = { 13, 14, 15, 24, 31 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++)
		write_faults(vm, &write_cr4, cr4(vm) | BIT(bits[i]));
}

KITE_TEST_MODES(cr4_in_long_mode, KT_IN_64)
{
	write_faults(vm, &write_cr4, cr4(vm) & ~CR4_PAE);
	write_faults(vm, &write_cr4, cr4(vm) | BIT(40));
	write_faults(vm, &write_cr4, cr4(vm) | BIT(12));	/* LA57 */
}

/* MCE is the host's; the guest reads its own. */
KITE_TEST_MODES(cr4_reads_as_written, KT_IN_ALL)
{
	static const u8 bits[] = { 2, 3, 6, 7, 8 };	/* TSD DE MCE PGE PCE */
	u64 value = cr4(vm);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		write_gives(vm, &write_cr4, value | BIT(bits[i]), value | BIT(bits[i]));
		write_gives(vm, &write_cr4, value, value);
	}
}

KITE_TEST_MODES(pcide_needs_long_mode, KT_IN_ALL)
{
	struct kite_cpuid c;

	vcpu_get_cpuid(vm->vcpu.fd, 1, 0, &c);
	if (!(c.ecx & BIT(17)))
		SKIP("no PCID");
	if (vm->mode != KT_LONG64) {
		write_faults(vm, &write_cr4, cr4(vm) | BIT(17));
		return;
	}
	write_gives(vm, &write_cr3, KT_TABLES | 8, KT_TABLES | 8);
	write_faults(vm, &write_cr4, cr4(vm) | BIT(17));	/* PCID is not 0 */
	write_gives(vm, &write_cr3, KT_TABLES, KT_TABLES);
	write_gives(vm, &write_cr4, cr4(vm) | BIT(17), cr4(vm) | BIT(17));
}

KITE_TEST_MODES(cr3_reads_as_written, KT_IN_ALL)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	write_gives(vm, &write_cr3, s.crs.cr3 | 0x18, s.crs.cr3 | 0x18);
}

KITE_TEST_IRQCHIP(cr8_is_the_task_priority, KT_IN_64)
{
	struct kite_lapic lapic;

	write_gives(vm, &write_cr8, 9, 9);
	vcpu_get_lapic(vm->vcpu.fd, &lapic);
	EXPECT_EQ(0x90u, *(u32 *)&lapic.regs[0x80]);
	kt_set_reg(&vm->vcpu, KITE_RAX, 16);
	kt_run_fault(&vm->vcpu, &write_cr8, KT_GP, 0);
}

KITE_TEST_MODES(cr8_without_irqchip, KT_IN_64)
{
	write_gives(vm, &write_cr8, 5, 0);
	kt_set_reg(&vm->vcpu, KITE_RAX, 16);
	kt_run_fault(&vm->vcpu, &write_cr8, KT_GP, 0);
}

/* PAE with reserved bits in a page-directory pointer: loading CR3 is #GP. */
KITE_TEST_MODES(pae_pointers_are_checked, KT_IN(KT_PAE))
{
	u64 other = KT_SCRATCH;
	unsigned int i;

	for (i = 0; i < 4; i++)
		kt_put(vm, u64, other + 8 * i, kt_get(vm, u64, KT_PDPT + 8 * i));
	write_gives(vm, &write_cr3, other, other);
	kt_put(vm, u64, KT_PDPT + 8, kt_get(vm, u64, KT_PDPT + 8) | 2);
	kt_set_reg(&vm->vcpu, KITE_RAX, KT_PDPT);
	kt_run_fault(&vm->vcpu, &write_cr3, KT_GP, 0);
}

KT_CODE32(paging_on, "", "mov %eax, %cr0", "mov %cr0, %ebx\n");

/* The guest turns PAE paging on itself; the tables are Kite's to read when CR0 exits. */
KITE_TEST_MODES(pae_paging_is_enabled_by_one_write, KT_IN(KT_PAE))
{
	struct kite_state s;
	u64 value = cr0(vm);

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr0 &= ~CR0_PG;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	/* Two at once, one of them in the shadow: this write exits. */
	write_gives(vm, &paging_on, value | CR0_CD, value | CR0_CD);
	write_gives(vm, &paging_on, (value | CR0_CD) & ~CR0_PG, (value | CR0_CD) & ~CR0_PG);
	write_gives(vm, &paging_on, value, value);
}

KITE_TEST_MODES(pae_paging_with_bad_pointers_faults, KT_IN(KT_PAE))
{
	struct kite_state s;
	u64 value = cr0(vm);

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr0 &= ~CR0_PG;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	kt_put(vm, u64, KT_PDPT + 16, kt_get(vm, u64, KT_PDPT + 16) | 2);
	kt_set_reg(&vm->vcpu, KITE_RAX, value | CR0_CD);
	kt_run_fault(&vm->vcpu, &paging_on, KT_GP, 0);
}
