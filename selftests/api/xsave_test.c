// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the XSAVE image is in standard format; what is set is what the guest
 * finds and what is got again, and an image that XRSTOR would refuse is refused.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"

#define MXCSR		24
#define XMM0		160
#define HEADER		512
#define XCOMP_BV	(HEADER + 8)

static u8 *image, *again;
static u32 size;

static void setup(struct kt_vm *vm)
{
	size = vm->info.xsave_size;
	image = calloc(1, size);
	again = calloc(1, size);
	ASSERT_TRUE(image && again);
	vcpu_get_xsave(vm->vcpu.fd, image, size);
}

static u32 *u32_at(u8 *p, u32 at)
{
	return (u32 *)(p + at);
}

static u64 *u64_at(u8 *p, u32 at)
{
	return (u64 *)(p + at);
}

/* SDM volume 1: after a reset XSTATE_BV may be anything, but FCW and MXCSR have their values. */
KITE_TEST_MODES(after_power_up, KT_IN_64)
{
	setup(vm);
	EXPECT_EQ(0x40, image[0]);
	EXPECT_EQ(0x1f80u, *u32_at(image, MXCSR));
	EXPECT_EQ(0ull, *u64_at(image, HEADER) & ~vm->info.xcr0);
	EXPECT_EQ(0ull, *u64_at(image, XCOMP_BV));
}

KITE_TEST_MODES(round_trip, KT_IN_64)
{
	u32 i;

	setup(vm);
	for (i = XMM0; i < XMM0 + 16 * 16; i++)
		image[i] = i * 7;
	*u64_at(image, HEADER) |= 3;
	*u32_at(image, MXCSR) = 0x1fa0;
	vcpu_set_xsave(vm->vcpu.fd, image, size);
	vcpu_get_xsave(vm->vcpu.fd, again, size);
	EXPECT_EQ(0, memcmp(image, again, size));
	/* A longer buffer is good for a get, and its end is left alone. */
	again = realloc(again, size + 8);
	memset(again + size, 0x5a, 8);
	vcpu_get_xsave(vm->vcpu.fd, again, size + 8);
	EXPECT_EQ(0, memcmp(image, again, size));
	EXPECT_EQ(0x5a, again[size]);
}

KT_CODE64(read_xmm5, "", "movq %xmm5, %rax", KT_SYNC);
KT_CODE64(write_xmm5, "mov $0x600df00d, %eax\nmovq %rax, %xmm5\nmovq %rax, %xmm9", "nop", "");

KITE_TEST_MODES(is_what_the_guest_has, KT_IN_64)
{
	setup(vm);
	*u64_at(image, XMM0 + 5 * 16) = 0x1122334455667788;
	*u64_at(image, HEADER) |= 2;
	vcpu_set_xsave(vm->vcpu.fd, image, size);
	kt_start(&vm->vcpu, &read_xmm5);
	kt_expect_sync(&vm->vcpu, 0x1122334455667788);
	kt_expect_done(&vm->vcpu);
	kt_run_done(&vm->vcpu, &write_xmm5);
	vcpu_get_xsave(vm->vcpu.fd, again, size);
	EXPECT_EQ(0x600df00dull, *u64_at(again, XMM0 + 5 * 16));
	EXPECT_EQ(0x600df00dull, *u64_at(again, XMM0 + 9 * 16));
	EXPECT_TRUE(*u64_at(again, HEADER) & 2);
}

/* A component that XSTATE_BV leaves out gets its initial state. */
KITE_TEST_MODES(initial_state, KT_IN_64)
{
	setup(vm);
	kt_run_done(&vm->vcpu, &write_xmm5);
	*u64_at(image, HEADER) = 1;
	vcpu_set_xsave(vm->vcpu.fd, image, size);
	kt_start(&vm->vcpu, &read_xmm5);
	kt_expect_sync(&vm->vcpu, 0);
	kt_expect_done(&vm->vcpu);
}

static void refused(struct kt_vm *vm, const char *what, int want, void *p, u64 len)
{
	int ret = _vcpu_set_xsave(vm->vcpu.fd, p, len);

	if (ret != want)
		kt_failed(__FILE__, __LINE__, "%s: %d, want %d", what, ret, want);
	vcpu_get_xsave(vm->vcpu.fd, again, size);
	EXPECT_EQ(0, memcmp(image, again, size));
}

/* Set @bits of the word at @at in a copy of a good image. */
static void refused_bits(struct kt_vm *vm, const char *what, u32 at, u64 bits)
{
	u8 *bad = malloc(size);

	ASSERT_TRUE(bad);
	memcpy(bad, image, size);
	bad[XMM0] ^= 0xff;
	*u64_at(bad, at) |= bits;
	refused(vm, what, -EINVAL, bad, size);
	free(bad);
}

KITE_TEST_MODES(refused_images, KT_IN_64)
{
	u8 *long_one;
	u32 bit, at;

	setup(vm);
	long_one = calloc(1, size + 64);
	memcpy(long_one, image, size);
	for (bit = 0; bit < 64; bit++)
		if (!(vm->info.xcr0 & BIT(bit)))
			refused_bits(vm, "XSTATE_BV", HEADER, BIT(bit));
	refused_bits(vm, "compacted", XCOMP_BV, BIT(63));
	refused_bits(vm, "compacted with components", XCOMP_BV, BIT(63) | 3);
	refused_bits(vm, "XCOMP_BV", XCOMP_BV, 1);
	for (at = HEADER + 16; at < HEADER + 64; at += 8)
		refused_bits(vm, "header", at, 1);
	for (bit = 16; bit < 32; bit++)
		refused_bits(vm, "MXCSR", MXCSR, BIT(bit));
	refused(vm, "one byte less", -EINVAL, image, size - 1);
	refused(vm, "one byte more", -EINVAL, long_one, size + 1);
	refused(vm, "nothing", -EINVAL, image, 0);
	refused(vm, "huge", -EINVAL, image, 1ull << 40);
	refused(vm, "NULL", -EFAULT, NULL, size);
}

KITE_TEST_MODES(get_needs_room, KT_IN_64)
{
	u8 *page;

	setup(vm);
	EXPECT_EQ(-EINVAL, _vcpu_get_xsave(vm->vcpu.fd, image, size - 1));
	EXPECT_EQ(-EINVAL, _vcpu_get_xsave(vm->vcpu.fd, image, 0));
	EXPECT_EQ(-EFAULT, _vcpu_get_xsave(vm->vcpu.fd, NULL, size));
	page = mmap(NULL, KT_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_EQ(-EFAULT, _vcpu_get_xsave(vm->vcpu.fd, page, size));
	EXPECT_EQ(-EFAULT, _vcpu_get_xsave(vm->vcpu.fd, page + KT_PAGE - 8, size));
}
