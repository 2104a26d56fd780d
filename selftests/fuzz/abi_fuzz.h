/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls at random. A round is a process with some threads that share descriptors and
 * memory, and each do what a generator of numbers tells them: ioctls, good ones and
 * spoiled ones (abi_call.c), and what else can be done with descriptors and memory
 * (abi_act.c). Where the kernel tells which code of Kite a call has reached, calls that
 * reach something new are kept and varied (abi_cover.c).
 */
#ifndef ABI_FUZZ_H
#define ABI_FUZZ_H

#include "calls.h"

/*
 * All that user space points to for the kernel lies in a zone of its own, so that neither
 * a call nor a guest hits what the test itself needs.
 */
#define ZONE		0x100000000000ul
#define ZONE_LEN	0x40000000ul
#define ZONE_RAM	(4ul << 20)		/* memory of guests, at the start */
#define ZONE_ARGS	(ZONE + (16ul << 20))	/* structures, bitmaps, images */
#define ZONE_ARGS_LEN	(1ul << 20)
#define ZONE_MAPS	(ZONE + (32ul << 20))	/* where descriptors are mapped */
#define ZONE_MAPS_LEN	(4ul << 20)

enum { FUZZ_EVENT = KT_OBJECTS, FUZZ_KINDS };

#define FUZZ_FDS	24	/* of each kind */
#define FUZZ_ARG	KT_PAGE

/* What the threads of a round share; by design without locks. */
struct fuzz_round {
	volatile int fds[FUZZ_KINDS][FUZZ_FDS];
	u32 xsave_size;
	int memory;		/* /proc/self/mem: a bad address is an error there, no signal */
};

struct fuzz_thread {
	u64 random;
	struct fuzz_round *round;
	struct kt_target target;
	u8 *arg;		/* what the next ioctl is given: FUZZ_ARG bytes, then none */
	u64 *cover;		/* NULL: this kernel does not tell */
	int cover_fd;
};

/* Shared with the rounds, which are processes. */
struct fuzz_total {
	u64 calls;
	u64 acts;
	u64 accepted[64];	/* by the number of the ioctl in kt_calls */
	u64 strange;		/* results that uapi/kite.h does not know */
	u64 reached;		/* places in the code of Kite */
	u64 kept;		/* calls that reached something new */
};

extern struct fuzz_total *fuzz_total;

/* The next number, below @limit. */
u64 fuzz_random(struct fuzz_thread *t, u64 limit);
bool fuzz_one_in(struct fuzz_thread *t, u64 n);
int fuzz_fd(struct fuzz_thread *t, unsigned int kind);
/* From now on @fd is one of its kind; another one is closed for it. */
void fuzz_keep(struct fuzz_thread *t, unsigned int kind, int fd);
/* A page-aligned address: in guest memory mostly. */
u64 fuzz_address(struct fuzz_thread *t);

void fuzz_call(struct fuzz_thread *t);
void fuzz_act(struct fuzz_thread *t);

/* Before the first round. */
void fuzz_cover_init(void);
/* Before the threads begin, so that its descriptor has a number that they never close. */
void fuzz_cover_open(struct fuzz_thread *t);
/* By the thread itself. */
void fuzz_cover_start(struct fuzz_thread *t);
/* Around a call, which is kept if it has reached something new: @number in kt_calls with @arg. */
void fuzz_cover_begin(struct fuzz_thread *t);
void fuzz_cover_end(struct fuzz_thread *t, unsigned int number, const u8 *arg);
/* A call that was kept, or -1. */
int fuzz_cover_pick(struct fuzz_thread *t, u8 *arg);

#endif
