/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small test harness: a table of functions, KTAP on standard output, exit
 * status 1 if anything failed. A failed expectation is printed and the test
 * goes on, so that one run shows all that is wrong; beyond UNIT_MAX_REPORTS of
 * them a test only counts.
 */
#ifndef KITE_UNIT_H
#define KITE_UNIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#define UNIT_MAX_REPORTS	20

struct unit_test {
	const char *name;
	void (*run)(void);
};

#define UNIT_TEST(function)	{ #function, function }

static unsigned int unit_failures;
static char unit_where[128];

/* Say which row of a table the next expectations are about, as printf() does. */
#define unit_context(...)	snprintf(unit_where, sizeof(unit_where), __VA_ARGS__)

static inline bool unit_report(const char *file, int line)
{
	if (++unit_failures > UNIT_MAX_REPORTS)
		return false;
	printf("  # %s:%d: %s%s", file, line, unit_where, *unit_where ? ": " : "");
	return true;
}

/* Fail the running test and say why, as printf() does. */
#define unit_fail(...) do {							\
	if (unit_report(__FILE__, __LINE__)) {					\
		printf(__VA_ARGS__);						\
		printf("\n");							\
	}									\
} while (0)

#define EXPECT_TRUE(condition) do {						\
	if (!(condition))							\
		unit_fail("%s is false", #condition);				\
} while (0)

#define EXPECT_FALSE(condition) do {						\
	if (condition)								\
		unit_fail("%s is true", #condition);				\
} while (0)

/* For integers of any type; each argument is evaluated once. */
#define EXPECT_EQ(expected, actual) do {					\
	unsigned long long _expected = (expected), _actual = (actual);		\
										\
	if (_expected != _actual)						\
		unit_fail("%s is %#llx, expected %#llx", #actual, _actual,	\
			  _expected);						\
} while (0)

static inline int unit_run(const struct unit_test *tests, unsigned int count)
{
	unsigned int i, failed = 0;

	printf("KTAP version 1\n1..%u\n", count);
	for (i = 0; i < count; i++) {
		unit_failures = 0;
		*unit_where = '\0';
		tests[i].run();
		if (unit_failures > UNIT_MAX_REPORTS)
			printf("  # %u failures in all\n", unit_failures);
		failed += !!unit_failures;
		printf("%sok %u %s\n", unit_failures ? "not " : "", i + 1, tests[i].name);
		fflush(stdout);
	}
	return failed || !count;
}

#define UNIT_MAIN(tests)							\
int main(void)									\
{										\
	exit(unit_run(tests, sizeof(tests) / sizeof((tests)[0])));		\
}

#endif
