/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_CORE_YIELD_H
#define KITE_CORE_YIELD_H

struct kite_vcpu;

/* The vCPU spins: let another one of its VM run that has no CPU, if there is one. */
void kite_yield(struct kite_vcpu *v);

#endif
