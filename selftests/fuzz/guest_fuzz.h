/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest whose code, tables and state are random. What is random comes from its number. */
#ifndef GUEST_FUZZ_H
#define GUEST_FUZZ_H

#include "vm.h"

/* Where there is what, beside what vm.h says. */
#define FUZZ_CODE	0x30000ul
#define FUZZ_CODE_LEN	1024
#define FUZZ_READONLY	0x10000000ul	/* a slot that cannot be written to */
#define FUZZ_NOWHERE	0x20000000ul	/* a slot without memory behind it */
#define FUZZ_HIGH	0x100000000ul	/* the memory at 0 once more */
#define FUZZ_SIDE_LEN	0x10000ul	/* of the slots without memory and read-only */

struct fuzz_guest {
	struct kt_vm vm;
	u64 number;
	u64 random;
	bool irqchip;
	bool mutated;		/* its state is none that an operating system has */
};

/* Less than @limit. */
u64 fuzz_random(struct fuzz_guest *g, u64 limit);
bool fuzz_one_in(struct fuzz_guest *g, u64 n);
#define FUZZ_PICK(g, array)	((array)[fuzz_random(g, ARRAY_SIZE(array))])
/* A number that may mean something as address, size or mask. */
u64 fuzz_value(struct fuzz_guest *g);

/* Instructions for a code segment of @bits. */
void fuzz_code(struct fuzz_guest *g, u8 *code, size_t len, unsigned int bits);
/* Code and tables in memory, and the state to begin with. */
void fuzz_prepare(struct fuzz_guest *g);
/* Change the vCPU's state in a few places; what is refused stays as it was. */
void fuzz_mutate(struct fuzz_guest *g);

#endif
