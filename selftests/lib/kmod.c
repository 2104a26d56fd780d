// SPDX-License-Identifier: GPL-2.0-only
#include "kmod.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"

/* build/FOLDER/PROGRAM */
#define BELOW_SELFTESTS	3

/* It is in the folder of the selftests, wherever that is. */
static int open_module(const char *name)
{
	char path[256];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *end;
	int i;

	ASSERT_GE(len, 0);
	path[len] = 0;
	for (i = 0; i < BELOW_SELFTESTS; i++) {
		end = strrchr(path, '/');
		if (!end)
			return -1;
		*end = 0;
	}
	ASSERT_TRUE(snprintf(end, sizeof(path) - (end - path), "/kmod/%s.ko", name) <
		    (int)(sizeof(path) - (end - path)));
	return open(path, O_RDONLY | O_CLOEXEC);
}

void kt_module_load(const char *name)
{
	int fd = open_module(name);

	if (fd < 0)
		SKIP("no selftests/kmod/%s.ko; 'make -C selftests/kmod' builds it", name);
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		FAIL("selftests/kmod/%s.ko does not load: errno %d", name, errno);
	close(fd);
}
