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

/* What getopt_long() returns: characters for itself, numbers from here on for options. */
#define FIRST	256

static void fill(struct option *longopts, const struct opt *opts, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (opts[i].name)
			*longopts++ = (struct option){ opts[i].name, arg_kind(&opts[i]), NULL,
						       FIRST + i };
	*longopts = (struct option){ "help", no_argument, NULL, FIRST + count };
}

/* The option that getopt_long() has found, or what takes an argument that is none. */
static const struct opt *found(const struct opt *opts, unsigned int count, int ret)
{
	unsigned int i;

	if (ret >= FIRST)
		return &opts[ret - FIRST];
	for (i = 0; i < count; i++)
		if (!opts[i].name)
			return &opts[i];
	return NULL;
}

enum opts_result opts_parse(const struct opt *opts, unsigned int count, int argc, char **argv,
			    void *ctx)
{
	struct option longopts[OPTS_MAX + 2] = { 0 };
	const struct opt *opt;
	const char *wrong;
	int ret;

	fill(longopts, opts, count);
	optind = 0;
	while ((ret = getopt_long(argc, argv, "-", longopts, NULL)) != -1) {
		if (ret == '?')
			return OPTS_WRONG;
		if (ret == FIRST + (int)count)
			return OPTS_HELP;
		opt = found(opts, count, ret);
		if (!opt) {
			fprintf(stderr, "kitectl: unknown argument '%s'\n", optarg);
			return OPTS_WRONG;
		}
		wrong = opt->set(ctx, optarg);
		if (wrong) {
			fprintf(stderr, "kitectl: %s%s%s%s: %s\n", opt->name ? "--" : "",
				opt->name ? opt->name : "", opt->name && optarg ? " " : "",
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

		if (opts[i].name)
			snprintf(left, sizeof(left), "--%s%s%s", opts[i].name,
				 *arg && *arg != '[' ? " " : "", arg);
		else
			snprintf(left, sizeof(left), "%s", arg);
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
