// SPDX-License-Identifier: GPL-2.0-only
#include "fpu.h"

#include <linux/bits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>

#include "cpuid.h"
#include "vcpu.h"

/* XCR0 bits. SDM volume 1, chapter "Managing State Using the XSAVE Feature Set". */
#define XCR0_X87	BIT_ULL(0)
#define XCR0_SSE	BIT_ULL(1)
#define XCR0_AVX	BIT_ULL(2)
#define XCR0_AVX512	GENMASK_ULL(7, 5)
#define XCR0_OFFERED	(XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

#define XSAVE_HEADER	512	/* of the image: XSTATE_BV, XCOMP_BV, reserved */
#define XSAVE_MXCSR	24
#define XSAVE_FCW	0

static u64 guest_mask;		/* components that are switched */
static u32 mxcsr_mask;

static u64 xgetbv0(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | ((u64)hi << 32);
}

static void xsetbv0(u64 value)
{
	asm volatile("xsetbv" : : "a"((u32)value), "d"((u32)(value >> 32)), "c"(0) : "memory");
}

static void xsave_to(void *image)
{
	asm volatile("xsave64 (%0)" : : "r"(image), "a"((u32)guest_mask), "d"(0) : "memory");
}

static void xrstor_from(const void *image)
{
	asm volatile("xrstor64 (%0)" : : "r"(image), "a"((u32)guest_mask), "d"(0) : "memory");
}

/* MXCSR bits that exist; the FXSAVE image says which. */
static u32 read_mxcsr_mask(void)
{
	static u8 image[512] __aligned(16);
	u32 mask;

	kernel_fpu_begin_mask(0);
	asm volatile("fxsave64 %0" : "=m"(image) : : "memory");
	kernel_fpu_end();
	memcpy(&mask, image + 28, sizeof(mask));
	return mask ? mask : 0xffbf;
}

int kite_fpu_init(void)
{
	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return -EOPNOTSUPP;
	guest_mask = xgetbv0() & XCR0_OFFERED;
	/* AVX-512 is offered whole or not at all. */
	if ((guest_mask & XCR0_AVX512) != XCR0_AVX512)
		guest_mask &= ~XCR0_AVX512;
	mxcsr_mask = read_mxcsr_mask();
	return 0;
}

u64 kite_fpu_xcr0(void)
{
	return guest_mask;
}

/* kmalloc aligns powers of two to their size: 64 bytes at least. */
size_t kite_fpu_bytes(void)
{
	return roundup_pow_of_two(kite_xsave_size(guest_mask));
}

int kite_fpu_alloc(struct kite_vcpu *v)
{
	v->fpu = kzalloc(kite_fpu_bytes(), GFP_KERNEL_ACCOUNT);
	if (!v->fpu)
		return -ENOMEM;
	/* XSTATE_BV is 0: every component in its initial state, but for the two below. */
	*(u32 *)(v->fpu + XSAVE_MXCSR) = 0x1f80;
	*(u16 *)(v->fpu + XSAVE_FCW) = 0x40;
	*(u64 *)(v->fpu + XSAVE_HEADER) = XCR0_X87;
	v->xcr0 = XCR0_X87;
	return 0;
}

void kite_fpu_free(struct kite_vcpu *v)
{
	kfree(v->fpu);
}

/*
 * kernel_fpu_begin_mask() saves the registers of the current task once for each
 * return to user space. The image is restored under the host's XCR0, which
 * holds all components that the guest may have.
 */
void kite_fpu_load(struct kite_vcpu *v)
{
	kernel_fpu_begin_mask(0);
	xrstor_from(v->fpu);
	v->host_xcr0 = xgetbv0();
	if (v->xcr0 != v->host_xcr0)
		xsetbv0(v->xcr0);
}

void kite_fpu_save(struct kite_vcpu *v)
{
	if (v->xcr0 != v->host_xcr0)
		xsetbv0(v->host_xcr0);
	xsave_to(v->fpu);
	kernel_fpu_end();
}

bool kite_fpu_xcr0_valid(u64 value)
{
	u64 avx512 = value & XCR0_AVX512;

	if ((value & ~guest_mask) || !(value & XCR0_X87))
		return false;
	if ((value & XCR0_AVX) && !(value & XCR0_SSE))
		return false;
	return !avx512 || (avx512 == XCR0_AVX512 && (value & XCR0_AVX));
}

int kite_fpu_set_xcr0(struct kite_vcpu *v, u64 value)
{
	if (!kite_fpu_xcr0_valid(value))
		return -EINVAL;
	v->xcr0 = value;
	xsetbv0(value);
	return 0;
}

int kite_fpu_get(struct kite_vcpu *v, const struct kite_xsave *arg)
{
	u32 size = kite_xsave_size(guest_mask);

	if (arg->flags || arg->len < size)
		return -EINVAL;
	return copy_to_user(u64_to_user_ptr(arg->uaddr), v->fpu, size) ? -EFAULT : 0;
}

/* XRSTOR would fault on an image that breaks these rules. */
static bool image_valid(const void *image)
{
	const u64 *header = image + XSAVE_HEADER;
	u32 mxcsr = *(const u32 *)(image + XSAVE_MXCSR);

	return !(header[0] & ~guest_mask) && !memchr_inv(&header[1], 0, 56) &&
	       !(mxcsr & ~mxcsr_mask);
}

int kite_fpu_set(struct kite_vcpu *v, const struct kite_xsave *arg)
{
	u32 size = kite_xsave_size(guest_mask);
	void *image;

	if (arg->flags || arg->len != size)
		return -EINVAL;
	image = memdup_user(u64_to_user_ptr(arg->uaddr), size);
	if (IS_ERR(image))
		return PTR_ERR(image);
	if (!image_valid(image)) {
		kfree(image);
		return -EINVAL;
	}
	memcpy(v->fpu, image, size);
	kfree(image);
	return 0;
}
