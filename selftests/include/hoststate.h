/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's control, debug and segment registers, descriptor tables and MSRs, on
 * each CPU: what a VM must leave as it was. The module kmod/hoststate.ko reads them.
 */
#ifndef KT_HOSTSTATE_H
#define KT_HOSTSTATE_H

#include "harness.h"

#define KT_HOSTSTATE_SIZE	65536

struct kt_hoststate {
	char text[KT_HOSTSTATE_SIZE];
};

/* Loads the module where it is not; SKIPs the test where that is impossible. */
void kt_hoststate_read(struct kt_hoststate *s);
/* Leave out the values whose names begin with @name, on all CPUs. */
void kt_hoststate_forget(struct kt_hoststate *s, const char *name);
/* How many values are others, or gone; notes each. Both are of one process. */
unsigned int kt_hoststate_differences(const struct kt_hoststate *before,
				      const struct kt_hoststate *after);
/* Fails the test if there is a difference now. */
void kt_hoststate_expect(const struct kt_hoststate *before);

#endif
