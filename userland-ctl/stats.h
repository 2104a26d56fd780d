/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of a VM's vCPUs: --stats, --stats-json. */
#ifndef STATS_H
#define STATS_H

#include "machine.h"

/* Adds up the counters of all vCPUs. Returns 0 or a negative errno. */
int stats_read(const struct machine *m, struct kite_stats *sum);
void stats_print(const struct machine *m, const struct kite_stats *s, FILE *out);
void stats_print_json(const struct machine *m, const struct kite_stats *s, FILE *out);

#endif
