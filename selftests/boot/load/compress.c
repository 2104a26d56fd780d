// SPDX-License-Identifier: GPL-2.0-only
/* Data through BusyBox's compressors and back; what comes out has the same checksum. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

#define LEN	(64 * 1024)

static void write_data(const char *path, unsigned int seed)
{
	FILE *f = fopen(path, "w");
	int i;

	if (!f)
		fail("no file %s", path);
	/* Neither all the same nor random: words of a small language. */
	for (i = 0; i < LEN / 8; i++) {
		seed = seed * 1103515245 + 12345;
		fprintf(f, "%07x ", (seed >> 16) % 300 * 7919);
	}
	if (fclose(f))
		fail("cannot write %s", path);
}

void compress(int cpu, unsigned long rounds)
{
	char path[32], cmd[256];

	snprintf(path, sizeof(path), "/tmp/data%d", cpu);
	snprintf(cmd, sizeof(cmd),
		 "sum=$(md5sum <%s); "
		 "[ \"$(gzip -c %s | gunzip -c | md5sum)\" = \"$sum\" ] && "
		 "[ \"$(bzip2 -c %s | bunzip2 -c | md5sum)\" = \"$sum\" ]",
		 path, path, path);
	while (rounds--) {
		write_data(path, cpu * 1000 + rounds);
		if (system(cmd))
			fail("CPU %d: the data changed on the way", cpu);
	}
}
