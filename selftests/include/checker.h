/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest function that looks after its own registers and memory, and threads that
 * run a vCPU: for tests in which others disturb the CPU, the memory or the thread.
 */
#ifndef KT_CHECKER_H
#define KT_CHECKER_H

#include <pthread.h>
#include <sys/types.h>

#include "files.h"
#include "guest.h"

#define KT_CHECKER_WORDS	4096

struct kt_checker {
	volatile u64 rounds;		/* to do; ~0: until @stop */
	volatile u64 stop;
	volatile u64 done;		/* rounds that are over */
	volatile u64 bad_registers;
	volatile u64 bad_memory;
	volatile u64 memory[KT_CHECKER_WORDS];
};

/*
 * For kt_call(): each round executes CPUID, which leaves the guest, between loading
 * and checking all general-purpose and SSE registers, and writes memory that the
 * next round checks. @arg: struct kt_checker, in the program's image.
 */
void kt_check(u64 arg);

/* A thread that enters the guest until it says DONE or ASSERT, or @stop is set and a kick came. */
struct kt_runner {
	struct kt_vcpu *vcpu;
	pthread_t thread;
	volatile pid_t tid;
	volatile bool stop;
	bool strict;			/* anything but DONE ends the test at once */
	volatile enum kt_said said;	/* why it ended */
	volatile u32 exit_reason;	/* of the last exit to user space */
	volatile u64 kicks;		/* exits by a kick */
	volatile u64 faults;		/* exits because the host had no page, or it is protected */
};

void kt_runner_start(struct kt_runner *r, struct kt_vcpu *vcpu);
/* The same for one of several vCPUs: nobody waits for what another one says meanwhile. */
void kt_runner_start_strict(struct kt_runner *r, struct kt_vcpu *vcpu);
/* Wait until it ends by itself; the test fails if it ended otherwise than by DONE. */
void kt_runner_finish(struct kt_runner *r);
/* Stop it wherever it is. */
void kt_runner_stop(struct kt_runner *r);

/* Start @fn like kt_call(), on a stack of its own that ends at @stack. */
void kt_call_on(struct kt_vcpu *vcpu, void (*fn)(u64), u64 arg, u64 stack);

/* Numbers that are the same in every run. */
u32 kt_random(void);
/* The same with a state of the caller's, where any number is a good seed. */
u64 kt_random_of(u64 *state);

unsigned int kt_cpus(void);
void kt_pin(pid_t tid, unsigned int cpu);
/* Take a CPU away, or give it back; SKIPs the test where that is impossible. */
void kt_online(unsigned int cpu, bool online);

#endif
