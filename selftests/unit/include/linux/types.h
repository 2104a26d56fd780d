/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's integer types; __u8 and its kin come from the system's header. */
#ifndef KITE_UNIT_LINUX_TYPES_H
#define KITE_UNIT_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include_next <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#endif
