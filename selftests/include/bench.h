/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of "make bench": each is measured on Kite and on KVM in turns, several times, and
 * says in lines that scripts/bench reads what it found. Nothing but the work of the guest
 * is asserted.
 */
#ifndef KT_BENCH_H
#define KT_BENCH_H

#include "face.h"

/* What the emulator counts beside time, in the order that is printed. */
enum kt_count {
	KT_COUNT_HOST_INSN,		/* instructions outside of guests */
	KT_COUNT_GUEST_INSN,
	KT_COUNT_EXITS,
	KT_COUNT_VMREAD,
	KT_COUNT_VMWRITE,
	KT_COUNT_VMXON,			/* VMXON, VMXOFF */
	KT_COUNT_VMPTR,			/* VMPTRLD, VMPTRST, VMCLEAR */
	KT_COUNT_RDMSR,
	KT_COUNT_WRMSR,
	KT_COUNT_CR,			/* writes of control registers */
	KT_COUNT_DR,			/* reads and writes of debug registers */
	KT_COUNT_XSAVE,			/* XSAVE, XRSTOR and their kinds, XSETBV */
	KT_COUNT_DESC,			/* LGDT, LIDT, LLDT, LTR */
	KT_COUNT_LOCKED,		/* with a LOCK prefix, or XCHG with memory */
	KT_COUNT_INVEPT,
	KT_COUNT_INVVPID,
	KT_COUNTS
};

/* What passed between begin and end: ticks of the TSC, and counts of all CPUs. */
struct kt_sample {
	u64 ticks;
	u64 count[KT_COUNTS];
	u64 ops;			/* that were made meanwhile */
	u64 waited;			/* ticks of these that are no cost */
};

/* Guests may call these. Where no emulator counts, the counts are 0. */
void kt_sample_begin(struct kt_sample *s);
void kt_sample_end(struct kt_sample *s, u64 ops);
void kt_sample_add(struct kt_sample *sum, const struct kt_sample *s);

struct kt_row {
	const char *name;
	const char *unit;
	/* Fills the sample, with a machine of its own. */
	void (*measure)(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s);
	void (*guest)(u64 arg);
	u64 arg;
	unsigned int target;		/* what Kite may cost of what KVM costs, in percent */
	unsigned int cpus;		/* that the host has at least; 0: it has one */
	unsigned int rounds;		/* 0: three */
};

/* Each row becomes a test of its own. */
void kt_rows_register(const struct kt_row *rows, unsigned int count);

#define KT_ROWS(rows)								\
	static void __attribute__((constructor)) rows##_register(void)		\
	{									\
		kt_rows_register(rows, ARRAY_SIZE(rows));			\
	}

#endif
