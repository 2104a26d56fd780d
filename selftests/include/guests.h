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

/* All of it: @event @rounds times, and what the guests did in between. */
void kt_guests_through(void (*event)(u64 round), u64 rounds);

#endif
