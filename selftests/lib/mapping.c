// SPDX-License-Identifier: GPL-2.0-only
#include "checker.h"
#include "mapping.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"

#define DISK		"/tmp/kite-disk"
#define DISK_IMAGE	"/tmp/kite-disk.img"
#define TMPFS		"/tmp/kite-tmpfs"
#define HUGETLBFS	"/tmp/kite-hugetlbfs"
#define LOOP_MODULE	"/lib/kite/loop.ko"	/* of the test host */

/* Mounts of this process end with it. */
static void make_mount_point(const char *dir)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		SKIP("no mount namespace: errno %d", errno);
	if ((mkdir("/tmp", 0755) && errno != EEXIST) || (mkdir(dir, 0755) && errno != EEXIST))
		SKIP("mkdir %s: errno %d", dir, errno);
}

static void mount_on(const char *dir, const char *type, const char *options)
{
	make_mount_point(dir);
	if (mount("none", dir, type, 0, options))
		SKIP("cannot mount %s with %s: errno %d", type, options, errno);
}

const char *kt_disk(void)
{
	static bool mounted;
	int fd;

	if (mounted)
		return DISK;
	make_mount_point(DISK);
	fd = open(LOOP_MODULE, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		SKIP("cannot load " LOOP_MODULE ": errno %d", errno);
	close(fd);
	fd = open(DISK_IMAGE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT_TRUE(fd >= 0 && !ftruncate(fd, 16 * KT_2M));
	close(fd);
	if (system("mke2fs -F " DISK_IMAGE " >/dev/null 2>&1") ||
	    system("mount -t ext2 -o loop " DISK_IMAGE " " DISK))
		SKIP("cannot mount a file as a disk");
	unlink(DISK_IMAGE);
	mounted = true;
	return DISK;
}

void kt_drop_caches(void)
{
	if (!kt_write_file("/proc/sys/vm/drop_caches", "3"))
		SKIP("cannot drop caches: errno %d", errno);
}

static const char *huge_file(u64 size)
{
	static char name[96];

	snprintf(name, sizeof(name), "/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		 size / 1024);
	return name;
}

static u64 huge_pages(u64 size)
{
	FILE *f = fopen(huge_file(size), "r");
	u64 n = 0;

	if (f && fscanf(f, "%llu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

void kt_set_huge_pages(u64 size, u64 count)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", count);
	kt_write_file(huge_file(size), text);
	if (huge_pages(size) != count)
		SKIP("%llu of %llu huge pages of %llu kB; see docs/testing.md", huge_pages(size),
		     count, size / 1024);
}

void kt_need_huge_pages(u64 size, u64 count)
{
	if (huge_pages(size) < count)
		kt_set_huge_pages(size, count);
}

static int sized(int fd, u64 len)
{
	if (fd < 0)
		SKIP("cannot make a file: errno %d", errno);
	ASSERT_EQ(0, ftruncate(fd, len));
	return fd;
}

static int open_memfd(u64 len)
{
	return sized(memfd_create("guest", MFD_CLOEXEC), len);
}

static int open_memfd_2m(u64 len)
{
	return sized(memfd_create("guest", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB), len);
}

static int open_memfd_1g(u64 len)
{
	return sized(memfd_create("guest", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_1GB), len);
}

static int open_in(const char *dir, u64 len)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/guest", dir);
	return sized(open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), len);
}

static int open_tmpfs(u64 len)
{
	mount_on(TMPFS, "tmpfs", "huge=never");
	return open_in(TMPFS, len);
}

static int open_tmpfs_thp(u64 len)
{
	mount_on(TMPFS, "tmpfs", "huge=always");
	return open_in(TMPFS, len);
}

static int open_hugetlbfs(u64 len)
{
	mount_on(HUGETLBFS, "hugetlbfs", "pagesize=2M");
	return open_in(HUGETLBFS, len);
}

static int open_disk(u64 len)
{
	return open_in(kt_disk(), len);
}

/* Private mappings of a file need no right to write it. */
static int read_only(int fd)
{
	char name[32];
	int ro;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ro = open(name, O_RDONLY | O_CLOEXEC);
	ASSERT_TRUE(ro >= 0);
	close(fd);
	return ro;
}

static int open_memfd_read_only(u64 len)
{
	return read_only(open_memfd(len));
}

static int open_disk_read_only(u64 len)
{
	return read_only(open_disk(len));
}

static const struct kt_mapping kinds[KT_MAPPINGS] = {
	{ .name = "anonymous", .len = KT_2M },
	{ .name = "anonymous_shared", .len = KT_2M, .shared = true },
	{ .name = "anonymous_thp", .len = 2 * KT_2M, .thp = true },
	{ .name = "memfd", .len = KT_2M, .open = open_memfd, .shared = true },
	{ .name = "memfd_private", .len = KT_2M, .open = open_memfd_read_only },
	{ .name = "tmpfs", .len = KT_2M, .open = open_tmpfs, .shared = true },
	{ .name = "tmpfs_thp", .len = 2 * KT_2M, .open = open_tmpfs_thp, .shared = true,
	  .thp = true },
	{ .name = "file", .len = KT_2M, .open = open_disk, .shared = true },
	{ .name = "file_private", .len = KT_2M, .open = open_disk_read_only },
	{ .name = "hugetlb_2m", .len = 2 * KT_2M, .huge = KT_2M },
	{ .name = "hugetlb_2m_memfd", .len = 2 * KT_2M, .huge = KT_2M, .open = open_memfd_2m,
	  .shared = true },
	{ .name = "hugetlbfs", .len = 2 * KT_2M, .huge = KT_2M, .open = open_hugetlbfs,
	  .shared = true },
	{ .name = "hugetlb_1g", .len = KT_1G, .huge = KT_1G, .open = open_memfd_1g,
	  .shared = true },
};

/* Address space for @len bytes at a multiple of @align. */
static u8 *reserve(u64 len, u64 align)
{
	u8 *p = mmap(NULL, len + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);

	ASSERT_TRUE(p != MAP_FAILED);
	return (u8 *)(((u64)p + align - 1) & ~(align - 1));
}

void kt_advise_size(void *at, u64 len, bool large)
{
	bool can = !access("/sys/kernel/mm/transparent_hugepage", F_OK);

	if (large && !can)
		SKIP("this kernel makes no large pages");
	if (can)
		ASSERT_EQ(0, madvise(at, len, large ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
}

u8 *kt_map_anonymous(u64 len)
{
	return kt_map_kind("anonymous", len).mem;
}

struct kt_mapped kt_map(const struct kt_mapping *kind, u64 len)
{
	struct kt_mapped m = { .fd = -1 };
	int flags = MAP_FIXED | (kind->shared ? MAP_SHARED : MAP_PRIVATE);

	/* A child that writes needs as many again. */
	if (kind->huge)
		kt_need_huge_pages(kind->huge, len / kind->huge * (kind->shared ? 1 : 2));
	if (kind->open)
		m.fd = kind->open(len);
	else
		flags |= MAP_ANONYMOUS | (kind->huge ? MAP_HUGETLB : 0);
	m.mem = reserve(len, kind->huge ? kind->huge : KT_2M);
	ASSERT_TRUE(mmap(m.mem, len, PROT_READ | PROT_WRITE, flags, m.fd, 0) == m.mem);
	if (m.fd >= 0) {
		m.view = mmap(NULL, len, PROT_READ, MAP_SHARED, m.fd, 0);
		ASSERT_TRUE(m.view != MAP_FAILED);
	}
	if (!kind->huge)
		kt_advise_size(m.mem, len, kind->thp);
	return m;
}

static bool uses_large_pages(void)
{
	FILE *f = fopen("/sys/module/kite/parameters/large_pages", "r");
	int c = f ? getc(f) : 'N';

	if (f)
		fclose(f);
	return c == 'Y';
}

u8 *kt_map_thp(u64 len)
{
	u8 *mem = kt_map_kind("anonymous_thp", len).mem;
	u64 before = kt_meminfo("AnonHugePages");

	memset(mem, 0, len);
	if (!uses_large_pages() || kt_meminfo("AnonHugePages") < before + len / 1024)
		SKIP("no large pages");
	return mem;
}

struct kt_mapped kt_map_kind(const char *name, u64 len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kt_map(&kinds[i], len);
	FAIL("no mapping is called %s", name);
}

const struct kt_mapping *kt_mapping(unsigned int n)
{
	return &kinds[n];
}

void kt_register_mappings(struct kt_test *tests, const char *name, void (*fn)(unsigned int))
{
	unsigned int i;

	for (i = 0; i < KT_MAPPINGS; i++) {
		tests[i] = (struct kt_test){
			.name = name, .variant = kinds[i].name, .fn = fn, .param = i,
		};
		kt_register(&tests[i]);
	}
}
