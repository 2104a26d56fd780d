/* SPDX-License-Identifier: GPL-2.0-only */
/* HLT, and waiting for SIPI. */
#ifndef KITE_CORE_HALT_H
#define KITE_CORE_HALT_H

#include <linux/types.h>

struct kite_vcpu;

/* The guest halted: the answer of a handler. @interrupts: RFLAGS.IF; @nmis: not blocked. */
int kite_halt(struct kite_vcpu *v, bool interrupts, bool nmis);

/* A turn of the run loop while the vCPU is not active. > 0: try the guest. */
int kite_halted(struct kite_vcpu *v);

#endif
