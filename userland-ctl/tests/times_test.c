// SPDX-License-Identifier: GPL-2.0-only
/* Contract: a stage is taken once; a mark when its last byte appears on the console. */
#include "times.h"
#include "unit.h"

#include <stdlib.h>

static struct times times;

static void output(const char *s)
{
	while (*s)
		times_output(&times, *s++);
}

static void reset(const char *mark)
{
	times.marks[0] = mark;
	times.mark_count = 1;
	times_start(&times);
}

static void marks(void)
{
	static const struct { const char *mark, *before, *last; } rows[] = {
		{ "login:", "\r\nlogin", ":" },
		{ "aab", "aaa", "b" },
		{ "x", "abc", "x" },
		{ "abab", "aabba ab-aba", "b" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("row %u", i);
		reset(rows[i].mark);
		output(rows[i].before);
		EXPECT_EQ(0, times.mark[0].tsc);
		output(rows[i].last);
		EXPECT_TRUE(times.mark[0].tsc);
	}
}

static void longest_mark(void)
{
	char mark[TIMES_MARK_LEN + 1];
	unsigned int i;

	memset(mark, 'm', TIMES_MARK_LEN);
	mark[TIMES_MARK_LEN] = '\0';
	reset(mark);
	for (i = 0; i < 1000; i++)
		output("--");
	for (i = 0; i < TIMES_MARK_LEN - 1; i++)
		output("m");
	EXPECT_EQ(0, times.mark[0].tsc);
	output("m");
	EXPECT_TRUE(times.mark[0].tsc);
}

static void once(void)
{
	struct moment first;

	reset("x");
	output("x");
	first = times.mark[0];
	output("x");
	EXPECT_EQ(first.tsc, times.mark[0].tsc);
	first = times.stage[STAGE_FIRST_BYTE];
	times_stage(&times, STAGE_FIRST_BYTE);
	EXPECT_EQ(first.tsc, times.stage[STAGE_FIRST_BYTE].tsc);
	times_start(&times);
	EXPECT_EQ(0, times.mark[0].tsc);
	EXPECT_EQ(0, times.stage[STAGE_FIRST_BYTE].tsc);
}

static void json(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	reset("say \"hi\"\n");
	output("say \"hi\"\n");
	times_stage(&times, STAGE_END);
	times_print_json(&times, 1234, f);
	fclose(f);
	EXPECT_TRUE(strstr(text, "{\"tsc_khz\": 1234, \"boot_times\": [{\"stage\": \"start\", "));
	EXPECT_TRUE(strstr(text, "\"start\", \"ticks\": 0, \"ns\": 0}, {\"stage\": "));
	EXPECT_TRUE(strstr(text, "{\"mark\": \"say \\\"hi\\\"\\u000a\", \"ticks\": "));
	/* Not reached, not printed. */
	EXPECT_FALSE(strstr(text, "first exit"));
	EXPECT_TRUE(strstr(text, "\"end\""));
	EXPECT_TRUE(strstr(text, "}]}\n"));
	free(text);
}

static const struct unit_test tests[] = {
	UNIT_TEST(marks),
	UNIT_TEST(longest_mark),
	UNIT_TEST(once),
	UNIT_TEST(json),
};

UNIT_MAIN(tests)
