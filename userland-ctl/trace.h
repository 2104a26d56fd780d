/* SPDX-License-Identifier: GPL-2.0-only */
/* --trace: VM exits as they come. */
#ifndef TRACE_H
#define TRACE_H

#include "machine.h"

/* Prints what the last KITE_VCPU_RUN left in the trace. */
void trace_drain(struct vcpu *v);
/* Prints an access that no device answered. */
void trace_unclaimed(struct vcpu *v, const char *space, u64 addr, u32 width, bool write,
		     const u8 *data);

#endif
