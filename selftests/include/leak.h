/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KT_LEAK_H
#define KT_LEAK_H

#include "harness.h"

/* Fails the test if the kernel has less memory, or uses more, after each @rounds of @once. */
void kt_expect_no_leak(void (*once)(void), u64 rounds);

#endif
