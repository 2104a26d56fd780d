// SPDX-License-Identifier: GPL-2.0-only
/* Summing and printing the counters. */
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "lib/libkite.h"
#include "names.h"

/* The counters that are not exits, by their place in the structure. */
static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	{ "entries", offsetof(struct kite_stats, entries) },
	{ "windows_own", offsetof(struct kite_stats, windows_own) },
	{ "windows_shared", offsetof(struct kite_stats, windows_shared) },
	{ "injections", offsetof(struct kite_stats, injections) },
	{ "faults", offsetof(struct kite_stats, faults) },
	{ "halts", offsetof(struct kite_stats, halts) },
	{ "user_exits", offsetof(struct kite_stats, user_exits) },
	{ "directed_yields", offsetof(struct kite_stats, directed_yields) },
	{ "halt_polls", offsetof(struct kite_stats, halt_polls) },
	{ "windows_resident", offsetof(struct kite_stats, windows_resident) },
};

static u64 counter(const struct kite_stats *s, unsigned int i)
{
	u64 value;

	memcpy(&value, (const u8 *)s + counters[i].offset, sizeof(value));
	return value;
}

static void add(struct kite_stats *sum, const struct kite_stats *s)
{
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		value = counter(sum, i) + counter(s, i);
		memcpy((u8 *)sum + counters[i].offset, &value, sizeof(value));
	}
	for (i = 0; i < KITE_STATS_EXITS; i++)
		sum->exits[i] += s->exits[i];
}

int stats_read(const struct machine *m, struct stats *s)
{
	u32 id;
	int ret;

	memset(&s->sum, 0, sizeof(s->sum));
	for (id = 0; id < m->cfg->cpus; id++) {
		ret = kite_get_stats(m->vcpus[id].fd, &s->vcpus[id]);
		if (ret)
			return ret;
		add(&s->sum, &s->vcpus[id]);
	}
	return 0;
}

/* Indices of the exit reasons that occurred, the most frequent first. */
static unsigned int sorted(const struct kite_stats *s, unsigned int order[KITE_STATS_EXITS])
{
	unsigned int i, at, n = 0;

	for (i = 0; i < KITE_STATS_EXITS; i++) {
		if (!s->exits[i])
			continue;
		for (at = n++; at && s->exits[order[at - 1]] < s->exits[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	return n;
}

static u64 total(const struct kite_stats *s)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < KITE_STATS_EXITS; i++)
		sum += s->exits[i];
	return sum;
}

static void print(const struct kite_stats *s, FILE *out)
{
	unsigned int order[KITE_STATS_EXITS];
	unsigned int i, n = sorted(s, order);

	for (i = 0; i < n; i++)
		fprintf(out, "%12llu  %s (%u)\n", s->exits[order[i]], name_exit_reason(order[i]),
			order[i]);
	fprintf(out, "%12llu  all VM exits\n", total(s));
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		fprintf(out, "%12llu  %s\n", counter(s, i), counters[i].name);
}

void stats_print(const struct machine *m, const struct stats *s, FILE *out)
{
	u32 id;

	fprintf(out, "%12s  %s\n", "count", "VM exits by reason");
	print(&s->sum, out);
	fprintf(out, "%12llu  unclaimed_io\n", m->bus.unclaimed);
	fprintf(out, "%12llu  unclaimed_mmio\n", m->unclaimed_mmio);
	if (m->cfg->cpus == 1)
		return;
	for (id = 0; id < m->cfg->cpus; id++) {
		fprintf(out, "%12s  VM exits of vCPU %u by reason\n", "count", id);
		print(&s->vcpus[id], out);
	}
}

static void print_json(const struct kite_stats *s, struct json *j)
{
	unsigned int order[KITE_STATS_EXITS];
	unsigned int i, n = sorted(s, order);

	json_open(j, "exits", '[');
	for (i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_num(j, "reason", order[i]);
		json_str(j, "name", name_exit_reason(order[i]));
		json_num(j, "count", s->exits[order[i]]);
		json_close(j, '}');
	}
	json_close(j, ']');
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		json_num(j, counters[i].name, counter(s, i));
}

void stats_print_json(const struct machine *m, const struct stats *s, FILE *out)
{
	struct json j = { .out = out };
	u32 id;

	json_open(&j, NULL, '{');
	print_json(&s->sum, &j);
	json_num(&j, "unclaimed_io", m->bus.unclaimed);
	json_num(&j, "unclaimed_mmio", m->unclaimed_mmio);
	json_open(&j, "vcpus", '[');
	for (id = 0; id < m->cfg->cpus; id++) {
		json_open(&j, NULL, '{');
		print_json(&s->vcpus[id], &j);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	json_end(&j);
}
