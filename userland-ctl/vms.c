// SPDX-License-Identifier: GPL-2.0-only
#include "vms.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINK	"anon_inode:kite-vm"

const char *const vm_value_names[VM_VALUES] = {
	"vm", "vcpus", "slots", "memory", "tables", "overhead", "entries", "faults",
};

/* A line of fdinfo: name, colon, number. True if it is one of ours. */
static bool take_line(struct vm_seen *vm, const char *line)
{
	size_t len = strcspn(line, ":");
	unsigned int i;

	for (i = 0; i < VM_VALUES; i++) {
		if (strlen(vm_value_names[i]) != len || strncmp(line, vm_value_names[i], len))
			continue;
		return sscanf(line + len, ": %llu", &vm->value[i]) == 1;
	}
	return false;
}

/* Returns 0, or -errno: the descriptor was closed meanwhile, or it may not be looked at. */
static int read_info(const char *path, struct vm_seen *vm)
{
	FILE *f = fopen(path, "re");
	unsigned int found = 0;
	char line[128];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		found += take_line(vm, line);
	fclose(f);
	return found == VM_VALUES ? 0 : -EPROTO;
}

static void read_command(const char *proc, struct vm_seen *vm)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/comm", proc, vm->pid);
	f = fopen(path, "re");
	if (!f || !fgets(vm->command, sizeof(vm->command), f))
		strcpy(vm->command, "?");
	vm->command[strcspn(vm->command, "\n")] = 0;
	if (f)
		fclose(f);
}

/* A VM may be open more than once: by dup(), or in a child of the process. */
static int add(struct vms *vms, const struct vm_seen *vm)
{
	struct vm_seen *more;
	unsigned int i;

	for (i = 0; i < vms->count; i++) {
		if (vms->vm[i].value[VM_NUMBER] != vm->value[VM_NUMBER])
			continue;
		if (vm->pid < vms->vm[i].pid)
			vms->vm[i] = *vm;
		return 0;
	}
	more = reallocarray(vms->vm, vms->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	vms->vm = more;
	vms->vm[vms->count++] = *vm;
	return 0;
}

static int look_at_fd(const char *proc, pid_t pid, const char *fd, struct vms *vms)
{
	struct vm_seen vm = { .pid = pid };
	char path[PATH_MAX], target[sizeof(LINK) + 1];
	ssize_t len;
	int ret;

	snprintf(path, sizeof(path), "%s/%d/fd/%s", proc, pid, fd);
	len = readlink(path, target, sizeof(target));
	if (len != sizeof(LINK) - 1 || memcmp(target, LINK, len))
		return 0;
	snprintf(path, sizeof(path), "%s/%d/fdinfo/%s", proc, pid, fd);
	ret = read_info(path, &vm);
	if (ret)
		return ret == -ENOENT || ret == -ESRCH ? 0 : ret;
	read_command(proc, &vm);
	return add(vms, &vm);
}

/* Returns -errno also if the process is gone or may not be looked at. */
static int look_at_process(const char *proc, pid_t pid, struct vms *vms)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%d/fd", proc, pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			ret = look_at_fd(proc, pid, entry->d_name, vms);
	closedir(dir);
	return ret;
}

static int look_at_all(const char *proc, struct vms *vms)
{
	DIR *dir = opendir(proc);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		ret = look_at_process(proc, atoi(entry->d_name), vms);
		if (ret == -EACCES || ret == -EPERM) {
			vms->denied++;
			ret = 0;
		}
		if (ret == -ENOENT || ret == -ESRCH)
			ret = 0;
	}
	closedir(dir);
	return ret;
}

static int by_number(const void *a, const void *b)
{
	u64 x = ((const struct vm_seen *)a)->value[VM_NUMBER];
	u64 y = ((const struct vm_seen *)b)->value[VM_NUMBER];

	return x < y ? -1 : x > y;
}

int vms_find(const char *proc, pid_t pid, struct vms *vms)
{
	int ret;

	memset(vms, 0, sizeof(*vms));
	ret = pid ? look_at_process(proc, pid, vms) : look_at_all(proc, vms);
	if (vms->count)
		qsort(vms->vm, vms->count, sizeof(*vms->vm), by_number);
	return ret;
}

void vms_free(struct vms *vms)
{
	free(vms->vm);
	memset(vms, 0, sizeof(*vms));
}
