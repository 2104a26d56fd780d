/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up what kitectl does not need once all its files are open. */
#ifndef CONFINE_H
#define CONFINE_H

#include "lib/types.h"

struct confine_options {
	const char *user;	/* a name or a number; NULL: nobody, if started by root */
	bool off;
};

/*
 * Close what was inherited, change to another user without any capability, and leave
 * no system calls but those that serving a guest takes; threads made later inherit
 * all that. Returns false, having said why, when a part of it is impossible.
 */
bool confine(const struct confine_options *opt);

#endif
