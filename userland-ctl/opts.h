/* SPDX-License-Identifier: GPL-2.0-only */
/* Command-line options as a table that parses and explains itself. */
#ifndef OPTS_H
#define OPTS_H

#include "lib/types.h"

struct opt {
	const char *name;	/* NULL for an argument that stands by itself */
	const char *arg;	/* name of its argument, NULL for none; "[...]" is optional */
	const char *help;
	/* Returns NULL or what is wrong with @value, which is NULL when there is no argument. */
	const char *(*set)(void *ctx, const char *value);
};

enum opts_result {
	OPTS_OK,
	OPTS_HELP,		/* --help was given; nothing else counts */
	OPTS_WRONG,		/* the reason is on stderr */
};

#define OPTS_MAX	32

/* argv[0] is the command's name. Every command has --help without asking for it. */
enum opts_result opts_parse(const struct opt *opts, unsigned int count, int argc, char **argv,
			    void *ctx);
void opts_print(const struct opt *opts, unsigned int count);

/* A number with an optional suffix K, M, G or T. False when it is no number or does not fit. */
bool parse_size(const char *text, u64 *value);

#endif
