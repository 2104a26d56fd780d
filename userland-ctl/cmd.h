/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of kitectl. */
#ifndef CMD_H
#define CMD_H

struct cmd {
	const char *name;
	int (*fn)(int argc, char **argv);	/* argv[0] is the name; returns the exit status */
	const char *help;
};

int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_stat(int argc, char **argv);

#endif
