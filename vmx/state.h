/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_VMX_STATE_H
#define KITE_VMX_STATE_H

#include "vcpu.h"

/* With the window open: read or write the groups of s->groups. A set is not checked here. */
void vmx_state_get(struct vmx_vcpu *x, struct kite_state *s);
void vmx_state_set(struct vmx_vcpu *x, const struct kite_state *s);

/* Whether a CPU can be in the state *s, of which s->groups are new. -EINVAL if not. */
int vmx_state_check(const struct kite_vcpu *v, const struct kite_state *s);

/* state_events.c: the same for that group. */
void vmx_get_events(struct vmx_vcpu *x, struct kite_events *s);
void vmx_set_events(struct vmx_vcpu *x, const struct kite_events *s);
bool vmx_events_valid(const struct kite_events *s);

/* reset.c: all groups but the MTRRs, as after power-up, into a zeroed *s. */
void vmx_reset_state(const struct kite_vcpu *v, struct kite_state *s);

#endif
