// SPDX-License-Identifier: GPL-2.0-only
/* kitectl: run guests on Kite and ask about the host. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "lib/types.h"
#include "outcome.h"
#include "uapi/kite.h"

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct cmd cmds[] = {
	{ "run", cmd_run, "boot a guest and serve its console" },
	{ "check", cmd_check, "say whether this host can run Kite, and what is missing" },
	{ "info", cmd_info, "print what the loaded module offers" },
	{ "stat", cmd_stat, "list the VMs of this host, and what each has and costs" },
	{ "--help", cmd_help, "print this" },
	{ "--version", cmd_version, "print the version" },
};

static int cmd_help(int argc, char **argv)
{
	unsigned int i;

	(void)argc;
	(void)argv;
	printf("usage: kitectl COMMAND [OPTIONS]\n\n");
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		printf("  %-10s %s\n", cmds[i].name, cmds[i].help);
	printf("\n\"kitectl COMMAND --help\" explains a command. Wrong usage: exit status %d.\n",
	       STATUS_USAGE);
	return STATUS_OK;
}

static int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("kitectl %s, ABI version %d\n", KITECTL_VERSION, KITE_API_VERSION);
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2) {
		fprintf(stderr, "kitectl: no command, see \"kitectl --help\"\n");
		return STATUS_USAGE;
	}
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		if (!strcmp(argv[1], cmds[i].name))
			return cmds[i].fn(argc - 1, argv + 1);
	fprintf(stderr, "kitectl: no command \"%s\", see \"kitectl --help\"\n", argv[1]);
	return STATUS_USAGE;
}
