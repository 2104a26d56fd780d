/* SPDX-License-Identifier: GPL-2.0-only */
/* The short integer types of the kernel, for user space. */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define __packed		__attribute__((packed))
#define __printf(fmt, args)	__attribute__((format(printf, fmt, args)))

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BIT(n)			(1u << (n))
#define BIT_ULL(n)		(1ull << (n))

#define KIB(n)			((u64)(n) << 10)
#define MIB(n)			((u64)(n) << 20)
#define GIB(n)			((u64)(n) << 30)

#define PAGE_SIZE		4096u

/* @a: a power of two */
static inline u64 align_down(u64 x, u64 a)
{
	return x & ~(a - 1);
}

static inline u64 align_up(u64 x, u64 a)
{
	return align_down(x + a - 1, a);
}

#endif
