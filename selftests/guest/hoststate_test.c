// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a guest that changes all that a guest may change of registers, MSRs and
 * tables leaves those of the host as they were.
 */
#include "guest.h"
#include "hoststate.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct kt_hoststate before;

KITE_TEST(a_change_is_seen)
{
	static struct kt_hoststate after;

	kt_hoststate_read(&before);
	ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_SET_GS, 0x123456789000));
	kt_hoststate_read(&after);
	EXPECT_EQ((u64)sysconf(_SC_NPROCESSORS_ONLN), kt_hoststate_differences(&before, &after));
}

static const struct {
	u32 msr;
	u64 value;
} changes[] = {
	{ 0x174, 0x18 },			/* IA32_SYSENTER_CS */
	{ 0x175, 0xffff800000000175 },		/* IA32_SYSENTER_ESP */
	{ 0x176, 0xffff800000000176 },		/* IA32_SYSENTER_EIP */
	{ 0x277, 0x0606060606060606 },		/* IA32_PAT */
	{ 0xc0000081, 0x8181818100000000 },	/* IA32_STAR */
	{ 0xc0000082, 0xffff800000000082 },	/* IA32_LSTAR */
	{ 0xc0000084, 0x84 },			/* IA32_FMASK */
	{ 0xc0000100, 0x0000700000000100 },	/* IA32_FS_BASE */
	{ 0xc0000101, 0x0000700000000101 },	/* IA32_GS_BASE */
	{ 0xc0000102, 0x0000700000000102 },	/* IA32_KERNEL_GS_BASE */
	{ 0xc0000080, 0xd00 },			/* IA32_EFER: no SYSCALL */
};

static void change_all(u64 cr4)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(changes); i++)
		asm volatile("wrmsr" : : "c"(changes[i].msr), "a"((u32)changes[i].value),
			     "d"((u32)(changes[i].value >> 32)));
	asm volatile("mov %0, %%dr0\n\tmov %1, %%dr1\n\tmov %2, %%dr2\n\tmov %3, %%dr3"
		     : : "r"(0x1000l), "r"(0x2000l), "r"(0x3000l), "r"(0x4000l));
	asm volatile("mov %0, %%dr6\n\tmov %1, %%dr7"
		     : : "r"(0xffff4ff0l), "r"(0x100027aal));
	asm volatile("mov %0, %%cr8" : : "r"(9l));
	asm volatile("mov %%cr4, %0\n\tor $0x40304, %0\n\tmov %0, %%cr4" : "+r"(cr4));
	asm volatile("xsetbv" : : "c"(0), "a"(1), "d"(0));
	kt_sync(0);
}

KITE_TEST_MODES(a_guest_changes_all, KT_IN_64)
{
	kt_hoststate_read(&before);
	kt_call(&vm->vcpu, change_all, 0);
	kt_expect_sync(&vm->vcpu, 0);
	kt_hoststate_expect(&before);
	kt_expect_done(&vm->vcpu);
	kt_hoststate_expect(&before);
}
