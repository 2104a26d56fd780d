// SPDX-License-Identifier: GPL-2.0-only
#include "files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFERENCES	"/sys/module/kite/refcnt"

bool kt_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

void kt_restore_afterwards(const char *path)
{
	unsigned int left = alarm(0);
	char text[24] = "";
	FILE *f = fopen(path, "r");
	int status;
	pid_t pid;

	if (!f)
		FAIL("%s: errno %d", path, errno);
	ASSERT_TRUE(fgets(text, sizeof(text), f));
	fclose(f);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		alarm(left);
		return;
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(kt_write_file(path, text));
	if (!WIFEXITED(status))
		FAIL("killed by signal %d", WTERMSIG(status));
	kt_end(WEXITSTATUS(status));
}

u64 kt_read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	u64 n = 0;

	if (!f)
		FAIL("%s: errno %d", path, errno);
	ASSERT_EQ(1, fscanf(f, "%llu", &n));
	fclose(f);
	return n;
}

u64 kt_references(void)
{
	unsigned int tries;
	u64 count;

	for (tries = 0; (count = kt_read_number(REFERENCES)) && tries < 200; tries++)
		usleep(20000);
	return count;
}

/* The number of the line of @path that begins with @name and @mark. */
static u64 number_of(const char *path, const char *name, char mark)
{
	size_t len = strlen(name);
	char line[128];
	FILE *f = fopen(path, "r");

	if (!f)
		FAIL("%s: errno %d", path, errno);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, len) || line[len] != mark)
			continue;
		fclose(f);
		return strtoull(line + len + 1, NULL, 10);
	}
	FAIL("%s has no %s", path, name);
}

u64 kt_meminfo(const char *name)
{
	return number_of("/proc/meminfo", name, ':');
}

u64 kt_vmstat(const char *name)
{
	return number_of("/proc/vmstat", name, ' ');
}

u64 kt_counter(const char *path, const char *name)
{
	return number_of(path, name, ' ');
}

void kt_group_new(void)
{
	mkdir("/tmp", 0755);
	mkdir(KT_GROUPS, 0755);
	if (mount("none", KT_GROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		SKIP("no cgroup2: errno %d", errno);
	if (!kt_write_file(KT_GROUPS "/cgroup.subtree_control", "+memory"))
		SKIP("no memory controller in cgroup2");
	if (mkdir(KT_GROUP, 0755) && errno != EEXIST)
		SKIP("mkdir " KT_GROUP ": errno %d", errno);
}

void kt_group_enter(void)
{
	ASSERT_TRUE(kt_write_file(KT_GROUP "/cgroup.procs", "0"));
}

void kt_group_leave(void)
{
	ASSERT_TRUE(kt_write_file(KT_GROUPS "/cgroup.procs", "0"));
}

void kt_group_remove(void)
{
	int tries;

	for (tries = 0; rmdir(KT_GROUP) && tries < 100; tries++)
		usleep(10000);
	ASSERT_ERRNO(ENOENT, access(KT_GROUP, F_OK));
	umount(KT_GROUPS);
}
