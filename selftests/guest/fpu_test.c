// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: XSETBV takes what the SDM allows; the guest's x87, SSE, AVX and
 * AVX-512 registers survive exits to user space and moves between CPUs, and
 * the host's are not disturbed.
 */
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

KT_CODE(xsetbv, "", "xsetbv", "");
KT_CODE(xgetbv, "", "xgetbv", "");

static void enable_osxsave(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr4 |= BIT(18);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
}

static void arm_xsetbv(struct kt_vm *vm, u32 index, u64 value)
{
	kt_set_reg(&vm->vcpu, KITE_RCX, index);
	kt_set_reg(&vm->vcpu, KITE_RAX, (u32)value);
	kt_set_reg(&vm->vcpu, KITE_RDX, value >> 32);
}

KITE_TEST_MODES(xsetbv_takes_valid_masks, KT_IN_ALL)
{
	static const u64 masks[] = { 1, 3, 7, 0xe7 };
	struct kite_state s;
	unsigned int i;

	enable_osxsave(vm);
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		if (masks[i] & ~vm->info.xcr0)
			continue;
		arm_xsetbv(vm, 0, masks[i]);
		kt_run_done(&vm->vcpu, &xsetbv);
		kt_run_done(&vm->vcpu, &xgetbv);
		EXPECT_EQ(masks[i], kt_reg(&vm->vcpu, KITE_RAX));
		vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
		EXPECT_EQ(masks[i], s.crs.xcr0);
	}
}

KITE_TEST_MODES(xsetbv_refuses_invalid_masks, KT_IN_ALL)
{
	static const struct { u32 index; u64 mask; } rows[] = {
		{ 0, 0 }, { 0, 2 }, { 0, 5 }, { 0, 0x27 }, { 0, 0xe3 }, { 0, 0x67 },
		{ 0, BIT(9) | 1 }, { 0, BIT(63) | 1 }, { 1, 1 },
	};
	struct kite_state s;
	unsigned int i;

	enable_osxsave(vm);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		arm_xsetbv(vm, rows[i].index, rows[i].mask);
		kt_run_fault(&vm->vcpu, &xsetbv, KT_GP, 0);
	}
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(1ull, s.crs.xcr0);
}

KT_CODE(sse_twice, "movdqu (\\si), %xmm5\n" KT_SYNC, "movdqu %xmm5, (\\di)", "");

KITE_TEST_MODES(sse_survives_an_exit, KT_IN_ALL)
{
	u64 buf = vm->mode == KT_REAL16 ? 0x3000 : KT_SCRATCH;
	volatile double host = 1.5;
	unsigned int i;

	for (i = 0; i < 16; i++)
		kt_put(vm, u8, buf + i, 0x30 + i);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0);
	kt_set_reg(&vm->vcpu, KITE_RSI, buf);
	kt_set_reg(&vm->vcpu, KITE_RDI, buf + 64);
	kt_start(&vm->vcpu, &sse_twice);
	kt_expect_sync(&vm->vcpu, 0);
	host *= 3;
	kt_expect_done(&vm->vcpu);
	EXPECT_TRUE(host == 4.5);
	EXPECT_TRUE(!memcmp(kt_ptr(vm, buf), kt_ptr(vm, buf + 64), 16));
}

#define REGS_16	"0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"
#define REGS_32	REGS_16 ", 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31"

/* Load all, let the host in, save all; RBX times from there. */
KT_CODE64(avx,
	  ".irp n, " REGS_16 "\n vmovdqu \\n*32(%rsi), %ymm\\n\n .endr\n 1:" KT_SYNC,
	  ".irp n, " REGS_16 "\n vmovdqu %ymm\\n, \\n*32(%rdi)\n .endr\n",
	  "dec %ebx\n jnz 1b\n");
KT_CODE64(avx512,
	  ".irp n, " REGS_32 "\n vmovdqu64 \\n*64(%rsi), %zmm\\n\n .endr\n"
	  "kmovq %rax, %k3\n 1:" KT_SYNC,
	  ".irp n, " REGS_32 "\n vmovdqu64 %zmm\\n, \\n*64(%rdi)\n .endr\n kmovq %k3, %rax\n",
	  "dec %ebx\n jnz 1b\n");

static void move_to_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
}

/* Fill the host's own registers with something else. */
static void scribble(u64 mask)
{
	static u64 pattern[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	if (mask & 4)
		asm volatile("vmovdqu %0, %%ymm0\n vmovdqu %0, %%ymm15" : : "m"(pattern)
			     : "xmm0", "xmm15");
}

static void survive(struct kt_vm *vm, const struct kt_code *code, u64 xcr0, u32 bytes)
{
	u64 src = KT_SCRATCH, dst = KT_SCRATCH + 8192, mask_register = 0xdeadbeefcafef00d;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int i, rounds = 8;

	if (xcr0 & ~vm->info.xcr0)
		SKIP("no such state component: XCR0 has 0x%llx", (unsigned long long)vm->info.xcr0);
	enable_osxsave(vm);
	arm_xsetbv(vm, 0, xcr0);
	kt_run_done(&vm->vcpu, &xsetbv);
	for (i = 0; i < bytes; i++)
		kt_put(vm, u8, src + i, i * 13 + i / 256);
	kt_set_reg(&vm->vcpu, KITE_RAX, mask_register);
	kt_set_reg(&vm->vcpu, KITE_RBX, rounds);
	kt_set_reg(&vm->vcpu, KITE_RSI, src);
	kt_set_reg(&vm->vcpu, KITE_RDI, dst);
	kt_start(&vm->vcpu, code);
	for (i = 0; i < rounds; i++) {
		move_to_cpu(i % cpus);
		memset(kt_ptr(vm, dst), 0, bytes);
		scribble(xcr0);
		kt_expect_sync(&vm->vcpu, mask_register);
	}
	kt_expect_done(&vm->vcpu);
	EXPECT_TRUE(!memcmp(kt_ptr(vm, src), kt_ptr(vm, dst), bytes));
}

KITE_TEST_MODES(avx_survives_exits_and_migration, KT_IN_64)
{
	survive(vm, &avx, 7, 16 * 32);
}

KITE_TEST_MODES(avx512_survives_exits_and_migration, KT_IN_64)
{
	survive(vm, &avx512, 0xe7, 32 * 64);
}

/* With XCR0 at 1 the guest has no AVX, whatever the host has. */
KT_CODE64(vzeroupper, "", "vzeroupper", "");

KITE_TEST_MODES(avx_without_xcr0_is_undefined, KT_IN_64)
{
	enable_osxsave(vm);
	kt_run_fault(&vm->vcpu, &vzeroupper, KT_UD, 0);
}

/* What user space writes is in the registers, and the other way round. */
KITE_TEST_MODES(user_space_shares_the_registers, KT_IN_64)
{
	static u8 image[8192] __attribute__((aligned(64)));

	vcpu_get_xsave(vm->vcpu.fd, image, sizeof(image));
	image[512] |= 2;
	memset(&image[160 + 5 * 16], 0x77, 16);
	vcpu_set_xsave(vm->vcpu.fd, image, vm->info.xsave_size);
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH);
	kt_set_rip(&vm->vcpu, kt_code_at(vm, &sse_twice));
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x7777777777777777ull, kt_get(vm, u64, KT_SCRATCH));
	memset(image, 0, sizeof(image));
	vcpu_get_xsave(vm->vcpu.fd, image, sizeof(image));
	EXPECT_EQ(0x77, image[160 + 5 * 16]);
}
