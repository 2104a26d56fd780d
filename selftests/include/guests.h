/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guests that look after themselves while something happens to the host: a VM with
 * several vCPUs that check their memory (pattern.h), and one on each CPU that checks
 * its registers (checker.h).
 */
#ifndef KT_GUESTS_H
#define KT_GUESTS_H

#include "pattern.h"

/* Start them; as a test they end with kt_guests_finish(). */
void kt_guests_start(void);
/* Until every one of them has done something since; FAILs if one found something wrong. */
void kt_guests_pass(void);
void kt_guests_finish(void);
/* The thread of the guest that was started on @cpu. */
pid_t kt_guests_tid(unsigned int cpu);

/*
 * All of it: @event @rounds times, and what the guests did in between. Then the CPUs of
 * the host are as they were before (hoststate.h).
 */
void kt_guests_through(void (*event)(u64 round), u64 rounds);
/* The same for an event that itself changes the values whose names begin with @changes. */
void kt_guests_through_but(void (*event)(u64 round), u64 rounds, const char *changes);
/* A CPU that starts anew has nothing in the debug registers, another what was there last. */
#define KT_DEBUG_REGISTERS	"task.dr"

#endif
