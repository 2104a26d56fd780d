/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of a VM's vCPUs: --stats, --stats-json. */
#ifndef STATS_H
#define STATS_H

#include "machine.h"

struct stats {
	struct kite_stats sum;
	struct kite_stats vcpus[MACHINE_MAX_CPUS];
};

/* Returns 0 or a negative errno. */
int stats_read(const struct machine *m, struct stats *s);
/* The sum, and if there are several vCPUs, the part of each. */
void stats_print(const struct machine *m, const struct stats *s, FILE *out);
void stats_print_json(const struct machine *m, const struct stats *s, FILE *out);

#endif
