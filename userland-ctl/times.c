// SPDX-License-Identifier: GPL-2.0-only
/* Stages of a boot in TSC ticks and nanoseconds. */
#include "times.h"

#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "json.h"

static const char * const stage_names[] = {
	[STAGE_START] = "start",
	[STAGE_CREATE] = "create",
	[STAGE_LOAD] = "load",
	[STAGE_FIRST_EXIT] = "first exit",
	[STAGE_FIRST_BYTE] = "first console byte",
	[STAGE_END] = "end",
};

static struct moment now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct moment){ __rdtsc(), (u64)ts.tv_sec * 1000000000 + ts.tv_nsec };
}

void times_start(struct times *times)
{
	memset(times->stage, 0, sizeof(times->stage));
	memset(times->mark, 0, sizeof(times->mark));
	times->bytes = 0;
	times_stage(times, STAGE_START);
}

void times_stage(struct times *times, enum stage stage)
{
	if (!times->stage[stage].tsc)
		times->stage[stage] = now();
}

/* Whether the output ends with @mark. */
static bool at_end(const struct times *times, const char *mark)
{
	size_t len = strlen(mark), i;

	if (times->bytes < len)
		return false;
	for (i = 0; i < len; i++)
		if (times->tail[(times->bytes - len + i) % sizeof(times->tail)] != mark[i])
			return false;
	return true;
}

void times_output(struct times *times, u8 byte)
{
	unsigned int i;

	times_stage(times, STAGE_FIRST_BYTE);
	times->tail[times->bytes++ % sizeof(times->tail)] = byte;
	for (i = 0; i < times->mark_count; i++)
		if (!times->mark[i].tsc && at_end(times, times->marks[i]))
			times->mark[i] = now();
}

typedef void row_fn(void *ctx, const char *kind, const char *name, u64 ticks, u64 ns);

static void row(const struct times *t, const struct moment *m, const char *kind,
		const char *name, row_fn *fn, void *ctx)
{
	const struct moment *start = &t->stage[STAGE_START];

	if (m->tsc)
		fn(ctx, kind, name, m->tsc - start->tsc, m->ns - start->ns);
}

/* Stages that were reached, in the order of enum stage with the marks before the end. */
static void each_row(const struct times *t, row_fn *fn, void *ctx)
{
	unsigned int i;

	for (i = 0; i < STAGE_END; i++)
		row(t, &t->stage[i], "stage", stage_names[i], fn, ctx);
	for (i = 0; i < t->mark_count; i++)
		row(t, &t->mark[i], "mark", t->marks[i], fn, ctx);
	row(t, &t->stage[STAGE_END], "stage", stage_names[STAGE_END], fn, ctx);
}

static void print_row(void *ctx, const char *kind, const char *name, u64 ticks, u64 ns)
{
	FILE *out = ctx;

	fprintf(out, "%-6s %-28s %16llu %14.3f\n", kind, name, ticks, ns / 1e6);
}

void times_print(const struct times *times, FILE *out)
{
	fprintf(out, "%-6s %-28s %16s %14s\n", "", "since start", "TSC ticks", "ms");
	each_row(times, print_row, out);
}

static void json_row(void *ctx, const char *kind, const char *name, u64 ticks, u64 ns)
{
	struct json *j = ctx;

	json_open(j, NULL, '{');
	json_str(j, kind, name);
	json_num(j, "ticks", ticks);
	json_num(j, "ns", ns);
	json_close(j, '}');
}

void times_print_json(const struct times *times, u32 tsc_khz, FILE *out)
{
	struct json j = { .out = out };

	json_open(&j, NULL, '{');
	json_num(&j, "tsc_khz", tsc_khz);
	json_open(&j, "boot_times", '[');
	each_row(times, json_row, &j);
	json_close(&j, ']');
	json_close(&j, '}');
	json_end(&j);
}
