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
	static const char same[] =
		"[ \"$(%s -c %s | %s -c | md5sum)\" = \"$(md5sum <%s)\" ]";
	char path[32], gzip[128], bzip2[128];

	snprintf(path, sizeof(path), "/tmp/data%d", cpu);
	snprintf(gzip, sizeof(gzip), same, "gzip", path, "gunzip", path);
	snprintf(bzip2, sizeof(bzip2), same, "bzip2", path, "bunzip2", path);
	while (rounds--) {
		write_data(path, cpu * 1000 + rounds);
		if (system(gzip) || system(bzip2))
			fail("CPU %d: the data changed on the way", cpu);
	}
}
