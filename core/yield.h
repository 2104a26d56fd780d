/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_CORE_YIELD_H
#define KITE_CORE_YIELD_H

#include <linux/types.h>

struct kite_vcpu;

/* Whether there is another vCPU of the VM that would run but has no CPU. Any context. */
bool kite_may_yield(struct kite_vcpu *v);

/* The vCPU spins: let another one of its VM run that has no CPU, if there is one. */
void kite_yield(struct kite_vcpu *v);

#endif
