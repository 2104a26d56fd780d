// SPDX-License-Identifier: GPL-2.0-only
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>

#include "apic.h"

#define ROUNDS		3
#define TIMEOUT		300

/* The emulator's port, and its counters by RDPMC: testhost/bochs/patches. */
#define PORT		0x8904
#define PORTS		8		/* that the test host's agent hands down */
#define PORT_MAGIC	0x42584850
#define COUNTER(n)	(0x48500080 + (n))	/* of all CPUs */

enum { INSN, GUEST_INSN };

static const struct {
	const char *name;
	u32 counter;
} counts[KT_COUNTS] = {
	[KT_COUNT_HOST_INSN] = { "insn", INSN },
	[KT_COUNT_GUEST_INSN] = { "guest_insn", GUEST_INSN },
	[KT_COUNT_EXITS] = { "exits", 3 },
	[KT_COUNT_VMREAD] = { "vmread", 4 },
	[KT_COUNT_VMWRITE] = { "vmwrite", 5 },
	[KT_COUNT_VMXON] = { "vmxon", 17 },
	[KT_COUNT_VMPTR] = { "vmptr", 8 },
	[KT_COUNT_RDMSR] = { "rdmsr", 6 },
	[KT_COUNT_WRMSR] = { "wrmsr", 7 },
	[KT_COUNT_CR] = { "cr", 10 },
	[KT_COUNT_DR] = { "dr", 19 },
	[KT_COUNT_XSAVE] = { "xsave", 20 },
	[KT_COUNT_DESC] = { "desc", 21 },
	[KT_COUNT_LOCKED] = { "locked", 22 },
	[KT_COUNT_INVEPT] = { "invept", 9 },
	[KT_COUNT_INVVPID] = { "invvpid", 18 },
};

static bool counting;

static u64 counter(u32 n)
{
	u32 low, high;

	asm volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(COUNTER(n)) : "memory");
	return low | (u64)high << 32;
}

/* Instructions are read next to the time, and in the same order before and after. */
void kt_sample_begin(struct kt_sample *s)
{
	unsigned int i;

	for (i = KT_COUNTS; counting && i-- > KT_COUNT_EXITS;)
		s->count[i] = counter(counts[i].counter);
	for (i = 0; counting && i < KT_COUNT_EXITS; i++)
		s->count[i] = counter(counts[i].counter);
	s->ticks = kt_rdtsc();
}

void kt_sample_end(struct kt_sample *s, u64 ops)
{
	unsigned int i;

	s->ticks = kt_rdtsc() - s->ticks;
	for (i = 0; counting && i < KT_COUNTS; i++)
		s->count[i] = counter(counts[i].counter) - s->count[i];
	s->count[KT_COUNT_HOST_INSN] -= s->count[KT_COUNT_GUEST_INSN];
	s->ops = ops;
}

void kt_sample_add(struct kt_sample *sum, const struct kt_sample *s)
{
	unsigned int i;

	sum->ticks += s->ticks;
	sum->ops += s->ops;
	for (i = 0; i < KT_COUNTS; i++)
		sum->count[i] += s->count[i];
}

/* Figures have three decimals. */
#define SCALE	1000u

static u64 cost(const struct kt_sample *s)
{
	return (s->ticks - s->waited) * SCALE / s->ops;
}

static void print_counts(const char *row, const char *face, const struct kt_sample *s)
{
	unsigned int i;
	u64 each;

	if (!counting)
		return;
	printf("# counts %s %s", row, face);
	for (i = 0; i < KT_COUNTS; i++) {
		each = s->count[i] * SCALE / s->ops;
		printf(" %s=%llu.%03llu", counts[i].name, each / SCALE, each % SCALE);
	}
	putchar('\n');
}

/* On one of the two machines: the cheapest round, and what the dearest cost. */
struct found {
	struct kt_sample least;
	u64 min;
	u64 max;
};

static void take(struct found *f, const struct kt_sample *s)
{
	u64 each = cost(s);

	if (each > f->max)
		f->max = each;
	if (f->min && each >= f->min)
		return;
	f->min = each;
	f->least = *s;
}

static void compare(const struct kt_row *row)
{
	static const struct kt_face *const faces[] = { &kt_face_kite, &kt_face_kvm };
	unsigned int round, i, rounds = row->rounds ? row->rounds : ROUNDS;
	struct found found[ARRAY_SIZE(faces)] = {};
	struct kt_sample s;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < ARRAY_SIZE(faces); i++) {
			s = (struct kt_sample){};
			row->measure(row, faces[i], &s);
			ASSERT_TRUE(s.ops && s.ticks >= s.waited);
			take(&found[i], &s);
		}
	}
	kt_note("row %s %s %u %llu %llu %llu %llu", row->name, row->unit, row->target,
		found[0].min, found[0].max, found[1].min, found[1].max);
	for (i = 0; i < ARRAY_SIZE(faces); i++)
		print_counts(row->name, faces[i]->name, &found[i].least);
}

#define ROWS_MAX	64

static const struct kt_row *rows[ROWS_MAX];

/* $KITE_BENCH: names of rows with spaces between them; none: all. */
static bool chosen(const char *name)
{
	const char *names = getenv("KITE_BENCH"), *at;
	size_t len = strlen(name);

	for (at = names; at && (at = strstr(at, name)); at += len)
		if ((at == names || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return !names || !*names;
}

/* Permissions for ports are given back, inherited ones, too: each return to user space pays. */
static bool in_emulator(void)
{
	bool found;

	if (ioperm(PORT, PORTS, 1))
		return false;
	found = inl(PORT) == PORT_MAGIC;
	ioperm(PORT, PORTS, 0);
	return found;
}

static void run_row(unsigned int n)
{
	const struct kt_row *row = rows[n];

	if (!chosen(row->name))
		SKIP("not in $KITE_BENCH");
	/* On several CPUs a tick is another one. */
	if (kt_cpus() < row->cpus || (kt_cpus() > 1 && !row->cpus))
		SKIP("for %u CPUs", row->cpus ? row->cpus : 1);
	counting = in_emulator();
	kt_face_kite.prepare();
	kt_face_kvm.prepare();
	compare(row);
}

void kt_rows_register(const struct kt_row *table, unsigned int count)
{
	static unsigned int used;
	struct kt_test *test;
	unsigned int i;

	for (i = 0; i < count; i++, used++) {
		test = calloc(1, sizeof(*test));
		if (!test || used == ROWS_MAX)
			abort();
		rows[used] = &table[i];
		*test = (struct kt_test){
			.name = table[i].name, .fn = run_row, .param = used, .timeout = TIMEOUT,
		};
		kt_register(test);
	}
}
