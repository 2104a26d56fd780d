/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest function that gives all that a vCPU has a value of its own, and finds it
 * again round after round: general-purpose registers and flags, x87, SSE and AVX
 * state, XCR0, control and debug registers (not CR8, which belongs to the interrupt
 * controller), MSRs, and memory. It runs on any hypervisor; what is left behind by
 * another guest, or by the host, it finds.
 */
#ifndef KT_OWN_STATE_H
#define KT_OWN_STATE_H

#include "guest.h"

#define KT_OWN_PAGES	64

/* In the order in which the instruction set numbers them, without RSP. */
#define KT_OWN_GPRS	15

struct kt_own_regs {
	u64 gpr[KT_OWN_GPRS];
	u64 rflags;
	u8 xsave[1024] __attribute__((aligned(64)));
};

struct kt_own_state {
	struct kt_own_regs in, out;
	volatile u64 seed;		/* the values come from it */
	volatile u64 spins;		/* how long the registers are left alone in the guest */
	volatile u64 rounds;		/* that are over */
	volatile u64 wrong;		/* values that were not found again; the first: */
	const char *volatile what;
	volatile u64 wanted;
	volatile u64 got;
	volatile u64 pages[KT_OWN_PAGES];	/* what the guest wrote there last */
};

/*
 * For kt_call(): says SYNC after every round, for ever. @arg: struct kt_own_state, in
 * the program's image, and zero but for @seed and @spins.
 */
void kt_own_state(u64 arg);

#endif
