// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory: allocation, bounds-checked access, memory map. */
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14 */
#endif

/* The largest page that host and guest could both use. */
#define ALIGNMENT	GIB(1)

static const struct mem_backend backends[] = {
	{ "anon", MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, PAGE_SIZE },
	{ "memfd", MAP_SHARED, 0, PAGE_SIZE },
	{ "hugetlb-2m", MAP_SHARED, MFD_HUGETLB | MFD_HUGE_2MB, MIB(2) },
	{ "hugetlb-1g", MAP_SHARED, MFD_HUGETLB | MFD_HUGE_1GB, GIB(1) },
};

const struct mem_backend *mem_backend(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(name, backends[i].name))
			return &backends[i];
	return NULL;
}

/* A file without a name in the directory @path. */
static int open_temporary(const char *path)
{
	char *name;
	int fd;

	if (asprintf(&name, "%s/kitectl-XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	if (fd >= 0)
		unlink(name);
	free(name);
	return fd;
}

/* An empty file. */
static int open_path(const char *path)
{
	struct stat st;
	int fd;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return open_temporary(path);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int mem_open(struct mem_options *opt)
{
	opt->fd = -1;
	if (!opt->path)
		return 0;
	opt->fd = open_path(opt->path);
	return opt->fd < 0 ? opt->fd : 0;
}

void mem_close(struct mem_options *opt)
{
	if (opt->fd >= 0)
		close(opt->fd);
}

/* Only the file that was opened beforehand serves another VM. */
static void done_with(const struct mem_options *opt, int fd)
{
	if (!opt->path && fd >= 0)
		close(fd);
}

/* A file of @size zeroes, or -1 for anonymous memory. */
static int open_file(u64 size, const struct mem_options *opt, int *fd)
{
	int ret;

	*fd = -1;
	if (!opt->path && opt->backend->memfd < 0)
		return 0;
	*fd = opt->path ? opt->fd :
	      memfd_create("kitectl", MFD_CLOEXEC | opt->backend->memfd);
	if (*fd < 0)
		return -errno;
	/* What it held is not for this guest. */
	if (!ftruncate(*fd, 0) && !ftruncate(*fd, size))
		return 0;
	ret = -errno;
	done_with(opt, *fd);
	return ret;
}

/* Map it where each address has the alignment that it has in the guest. */
static int map_file(struct mem *mem, u64 size, int flags, int fd)
{
	u64 room = size + ALIGNMENT;
	u8 *area, *p;
	int ret = 0;

	area = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	p = (u8 *)align_up((u64)area, ALIGNMENT);
	if (mmap(p, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
		ret = -errno;
		munmap(area, room);
		return ret;
	}
	/* What is left of the room before and behind; a part of no length is no error here. */
	munmap(area, p - area);
	munmap(p + size, area + room - (p + size));
	mem->host = p;
	mem->low = size < MEM_LOW_MAX ? size : MEM_LOW_MAX;
	mem->high = size - mem->low;
	return 0;
}

static int advise(const struct mem *mem, const struct mem_options *opt, const char **what)
{
	u64 size = mem->low + mem->high;

	*what = "--mem-thp";
	if (opt->thp && madvise(mem->host, size, opt->thp))
		return -errno;
	*what = "--mem-merge";
	if (opt->merge && madvise(mem->host, size, MADV_MERGEABLE))
		return -errno;
	*what = "--prealloc";
	if (opt->prealloc && madvise(mem->host, size, MADV_POPULATE_WRITE))
		return -errno;
	return 0;
}

int mem_alloc(struct mem *mem, u64 size, const struct mem_options *opt, const char **what)
{
	struct mem_options use = opt ? *opt : (struct mem_options){ 0 };
	const char *ignored;
	int ret, fd;

	if (!what)
		what = &ignored;
	if (!use.backend)
		use.backend = &backends[0];
	*what = use.path ? "--mem-path" : "--mem and --mem-backend";
	ret = open_file(size, &use, &fd);
	if (ret)
		return ret;
	ret = map_file(mem, size, use.path ? MAP_SHARED : use.backend->flags, fd);
	done_with(&use, fd);
	if (ret)
		return ret;
	ret = advise(mem, &use, what);
	if (ret)
		mem_free(mem);
	return ret;
}

void mem_free(struct mem *mem)
{
	munmap(mem->host, mem->low + mem->high);
	memset(mem, 0, sizeof(*mem));
}

static bool within(u64 gpa, u64 len, u64 base, u64 size)
{
	return gpa >= base && gpa - base <= size && len <= size - (gpa - base);
}

void *mem_ptr(const struct mem *mem, u64 gpa, u64 len)
{
	if (within(gpa, len, 0, mem->low))
		return mem->host + gpa;
	if (within(gpa, len, MEM_HIGH_BASE, mem->high))
		return mem->host + mem->low + (gpa - MEM_HIGH_BASE);
	return NULL;
}

bool mem_write(const struct mem *mem, u64 gpa, const void *data, u64 len)
{
	void *p = mem_ptr(mem, gpa, len);

	if (p && len)
		memcpy(p, data, len);
	return p;
}

bool mem_zero(const struct mem *mem, u64 gpa, u64 len)
{
	void *p = mem_ptr(mem, gpa, len);

	if (p && len)
		memset(p, 0, len);
	return p;
}

unsigned int mem_map(const struct mem *mem, struct mem_range map[MEM_MAP_MAX])
{
	unsigned int n = 0;

	map[n++] = (struct mem_range){ 0, MEM_EBDA, MEM_RAM };
	map[n++] = (struct mem_range){ MEM_EBDA, MEM_VGA - MEM_EBDA, MEM_RESERVED };
	map[n++] = (struct mem_range){ MEM_BIOS, MEM_1M - MEM_BIOS, MEM_RESERVED };
	map[n++] = (struct mem_range){ MEM_1M, mem->low - MEM_1M, MEM_RAM };
	if (mem->high)
		map[n++] = (struct mem_range){ MEM_HIGH_BASE, mem->high, MEM_RAM };
	return n;
}
