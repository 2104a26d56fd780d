// SPDX-License-Identifier: GPL-2.0-only
/* Option tables: parsing and --help. */
#include "opts.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int arg_kind(const struct opt *opt)
{
	if (!opt->arg)
		return no_argument;
	return opt->arg[0] == '[' ? optional_argument : required_argument;
}

static void fill(struct option *longopts, const struct opt *opts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		longopts[i] = (struct option){ opts[i].name, arg_kind(&opts[i]), NULL, i };
	longopts[count] = (struct option){ "help", no_argument, NULL, count };
}

enum opts_result opts_parse(const struct opt *opts, unsigned int count, int argc, char **argv,
			    void *ctx)
{
	struct option longopts[OPTS_MAX + 2] = { 0 };
	const char *wrong;
	int i;

	fill(longopts, opts, count);
	optind = 0;
	while ((i = getopt_long(argc, argv, "+", longopts, NULL)) != -1) {
		if (i == '?')
			return OPTS_WRONG;
		if ((unsigned int)i == count)
			return OPTS_HELP;
		wrong = opts[i].set(ctx, optarg);
		if (wrong) {
			fprintf(stderr, "kitectl: --%s%s%s: %s\n", opts[i].name, optarg ? " " : "",
				optarg ? optarg : "", wrong);
			return OPTS_WRONG;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "kitectl: unknown argument '%s'\n", argv[optind]);
		return OPTS_WRONG;
	}
	return OPTS_OK;
}

void opts_print(const struct opt *opts, unsigned int count)
{
	char left[64];
	unsigned int i;

	for (i = 0; i < count; i++) {
		const char *arg = opts[i].arg ? opts[i].arg : "";

		snprintf(left, sizeof(left), "--%s%s%s", opts[i].name,
			 *arg && *arg != '[' ? " " : "", arg);
		printf("  %-26s %s\n", left, opts[i].help);
	}
	printf("  %-26s %s\n", "--help", "print this and exit");
}

static int shift_of(char suffix)
{
	static const char suffixes[] = "KMGT";
	const char *p = suffix ? strchr(suffixes, toupper((unsigned char)suffix)) : NULL;

	return p ? 10 * (int)(p - suffixes + 1) : -1;
}

bool parse_size(const char *text, u64 *value)
{
	char *end;
	u64 n;
	int shift = 0;

	/* strtoull() takes a sign and leading space, which make no sense here. */
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno)
		return false;
	if (*end) {
		shift = shift_of(*end++);
		if (shift < 0 || *end)
			return false;
	}
	if (n > ~0ull >> shift)
		return false;
	*value = n << shift;
	return true;
}
