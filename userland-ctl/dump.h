/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of a vCPU in words, for failed VM entries and internal errors. */
#ifndef DUMP_H
#define DUMP_H

#include <stdio.h>

#include "uapi/kite.h"

void dump_state(FILE *out, const struct kite_state *state);
void dump_fail_entry(FILE *out, const struct kite_exit_fail_entry *e);
void dump_internal(FILE *out, const struct kite_exit_internal *e);

#endif
