// SPDX-License-Identifier: GPL-2.0-only
/* Contract: sizes are whole numbers with one known suffix that fit 64 bits. */
#include "opts.h"
#include "unit.h"

static void sizes(void)
{
	static const struct { const char *text; bool ok; u64 value; } rows[] = {
		{ "0", true, 0 }, { "1", true, 1 }, { "4096", true, 4096 },
		{ "0x7c00", true, 0x7c00 }, { "2K", true, 2048 }, { "2k", true, 2048 },
		{ "256M", true, 256ull << 20 }, { "3G", true, 3ull << 30 },
		{ "1T", true, 1ull << 40 },
		{ "18446744073709551615", true, ~0ull }, { "16777215T", true, 16777215ull << 40 },
		{ "", false, 0 }, { "M", false, 0 }, { "-1", false, 0 }, { "+1", false, 0 },
		{ " 1", false, 0 }, { "1 M", false, 0 }, { "1MB", false, 0 }, { "1X", false, 0 },
		{ "1.5G", false, 0 }, { "18446744073709551616", false, 0 },
		{ "16777216T", false, 0 }, { "0x", false, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 value = 0;

		unit_context("\"%s\"", rows[i].text);
		EXPECT_EQ(rows[i].ok, parse_size(rows[i].text, &value));
		if (rows[i].ok)
			EXPECT_EQ(rows[i].value, value);
	}
}

struct seen {
	const char *value;
	unsigned int calls;
};

static const char *set(void *ctx, const char *value)
{
	struct seen *seen = ctx;

	seen->value = value;
	seen->calls++;
	return value && !strcmp(value, "bad") ? "is bad" : NULL;
}

static const struct opt opts[] = {
	{ "flag", NULL, "", set },
	{ "value", "V", "", set },
	{ "maybe", "[=V]", "", set },
};

static void parsing(void)
{
	static const struct {
		char *argv[4];
		enum opts_result want;
		unsigned int calls;
		const char *value;
	} rows[] = {
		{ { "c" }, OPTS_OK, 0, NULL },
		{ { "c", "--flag" }, OPTS_OK, 1, NULL },
		{ { "c", "--value", "x" }, OPTS_OK, 1, "x" },
		{ { "c", "--value=x" }, OPTS_OK, 1, "x" },
		{ { "c", "--maybe" }, OPTS_OK, 1, NULL },
		{ { "c", "--maybe=x" }, OPTS_OK, 1, "x" },
		{ { "c", "--value", "bad" }, OPTS_WRONG, 1, "bad" },
		{ { "c", "--value" }, OPTS_WRONG, 0, NULL },
		{ { "c", "--flag=x" }, OPTS_WRONG, 0, NULL },
		{ { "c", "--none" }, OPTS_WRONG, 0, NULL },
		{ { "c", "extra" }, OPTS_WRONG, 0, NULL },
		{ { "c", "--flag", "extra" }, OPTS_WRONG, 1, NULL },
		{ { "c", "--help" }, OPTS_HELP, 0, NULL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *argv[5] = { 0 };
		struct seen seen = { 0 };
		int argc = 0;

		unit_context("row %u", i);
		while (argc < 4 && rows[i].argv[argc]) {
			argv[argc] = rows[i].argv[argc];
			argc++;
		}
		EXPECT_EQ(rows[i].want, opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &seen));
		EXPECT_EQ(rows[i].calls, seen.calls);
		EXPECT_TRUE(!rows[i].value == !seen.value);
		if (rows[i].value && seen.value)
			EXPECT_TRUE(!strcmp(rows[i].value, seen.value));
	}
}

/* An argument that stands by itself may stand anywhere. */
static void operands(void)
{
	static const struct opt with[] = {
		{ NULL, "V", "", set },
		{ "flag", NULL, "", set },
	};
	static const struct {
		char *argv[3];
		enum opts_result want;
		unsigned int calls;
	} rows[] = {
		{ { "c", "x" }, OPTS_OK, 1 },
		{ { "c", "x", "--flag" }, OPTS_OK, 2 },
		{ { "c", "--flag", "x" }, OPTS_OK, 2 },
		{ { "c", "--flag" }, OPTS_OK, 1 },
		{ { "c", "bad" }, OPTS_WRONG, 1 },
		{ { "c", "--", "x" }, OPTS_WRONG, 0 },
		{ { "c", "x", "--help" }, OPTS_HELP, 1 },
		{ { "c", "--none" }, OPTS_WRONG, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *argv[4] = { rows[i].argv[0], rows[i].argv[1], rows[i].argv[2] };
		struct seen seen = { 0 };

		unit_context("row %u", i);
		EXPECT_EQ(rows[i].want, opts_parse(with, ARRAY_SIZE(with), argv[2] ? 3 : 2, argv,
						   &seen));
		EXPECT_EQ(rows[i].calls, seen.calls);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(sizes),
	UNIT_TEST(parsing),
	UNIT_TEST(operands),
};

UNIT_MAIN(tests)
