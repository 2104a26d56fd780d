// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: no access outside RAM, a memory map that is exactly the RAM, and memory from
 * where it was asked for.
 */
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static void bounds(void)
{
	static const struct { u64 gpa, len; bool ok; } rows[] = {
		{ 0, 0, true }, { 0, GIB(3), true }, { 0, GIB(3) + 1, false },
		{ GIB(3) - 1, 1, true }, { GIB(3) - 1, 2, false }, { GIB(3), 1, false },
		{ GIB(4) - 1, 1, false }, { GIB(4), MIB(4), true }, { GIB(4), MIB(4) + 1, false },
		{ GIB(4) + MIB(4) - 1, 1, true }, { GIB(4) + MIB(4), 1, false },
		{ ~0ull, 1, false }, { 1, ~0ull, false }, { ~0ull, ~0ull, false },
		{ GIB(4), ~0ull, false },
	};
	struct mem mem;
	unsigned int i;

	EXPECT_EQ(0, mem_alloc(&mem, GIB(3) + MIB(4), NULL, NULL));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("0x%llx bytes at 0x%llx", rows[i].len, rows[i].gpa);
		EXPECT_EQ(rows[i].ok, !!mem_ptr(&mem, rows[i].gpa, rows[i].len));
	}
	EXPECT_TRUE(mem_ptr(&mem, GIB(4), 1) == mem.host + GIB(3));
	EXPECT_FALSE(mem_write(&mem, GIB(3), "x", 1));
	EXPECT_TRUE(mem_write(&mem, GIB(4), "x", 1));
	EXPECT_EQ('x', mem.host[GIB(3)]);
	EXPECT_TRUE(mem_zero(&mem, GIB(4), 1));
	EXPECT_EQ(0, mem.host[GIB(3)]);
	mem_free(&mem);
}

static void map_of(u64 size, u64 want_ram)
{
	struct mem_range map[MEM_MAP_MAX];
	struct mem mem;
	unsigned int i, n;
	u64 ram = 0;

	EXPECT_EQ(0, mem_alloc(&mem, size, NULL, NULL));
	n = mem_map(&mem, map);
	for (i = 0; i < n; i++) {
		if (i)
			EXPECT_TRUE(map[i - 1].start + map[i - 1].len <= map[i].start);
		EXPECT_TRUE(map[i].len > 0);
		EXPECT_TRUE(mem_ptr(&mem, map[i].start, map[i].len));
		EXPECT_TRUE(map[i].type != MEM_RAM || map[i].start >= MEM_1M ||
			    map[i].start + map[i].len <= MEM_EBDA);
		if (map[i].type == MEM_RAM)
			ram += map[i].len;
	}
	EXPECT_EQ(want_ram, ram);
	mem_free(&mem);
}

static void memory_map(void)
{
	u64 hole = MEM_1M - MEM_EBDA;

	map_of(MEM_MIN, MEM_MIN - hole);
	map_of(MIB(256), MIB(256) - hole);
	map_of(GIB(3), GIB(3) - hole);
	map_of(GIB(3) + 4096, GIB(3) + 4096 - hole);
	map_of(GIB(64), GIB(64) - hole);
}

/* A field of the line of /proc/self/smaps about the mapping at @p. */
static bool smaps_has(const void *p, const char *field, const char *word)
{
	char line[512];
	unsigned long lo = 0, hi = 0;
	bool found = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2)
			continue;
		if ((unsigned long)p >= lo && (unsigned long)p < hi &&
		    !strncmp(line, field, strlen(field)) && strstr(line, word))
			found = true;
	}
	if (f)
		fclose(f);
	return found;
}

/* Large pages of the host fit in the guest: addresses are alike below 1 GiB. */
static void alignment(void)
{
	static const char *const names[] = { "anon", "memfd" };
	struct mem_options opt = { 0 };
	struct mem mem, other;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		unit_context("%s", names[i]);
		opt.backend = mem_backend(names[i]);
		EXPECT_EQ(0, mem_alloc(&mem, MIB(7), &opt, NULL));
		EXPECT_EQ(0, mem_alloc(&other, GIB(3) + MIB(1), &opt, NULL));
		EXPECT_EQ(0, (u64)mem.host % GIB(1));
		EXPECT_EQ(0, (u64)mem_ptr(&other, MEM_HIGH_BASE, 1) % GIB(1));
		mem_free(&other);
		mem_free(&mem);
	}
}

static void backends(void)
{
	static const char *const names[] = { "anon", "memfd", "hugetlb-2m", "hugetlb-1g" };
	const char *what = NULL;
	struct mem_options opt = { 0 };
	struct mem mem;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		unit_context("%s", names[i]);
		opt.backend = mem_backend(names[i]);
		EXPECT_TRUE(opt.backend);
		ret = mem_alloc(&mem, GIB(1), &opt, &what);
		/* Few machines have huge pages set aside; then the option is named. */
		if (i < 2 || !ret) {
			EXPECT_EQ(0, ret);
			EXPECT_TRUE(mem_write(&mem, GIB(1) - 1, "x", 1));
			EXPECT_EQ('x', mem.host[GIB(1) - 1]);
			EXPECT_EQ(0, mem.host[0]);
			mem_free(&mem);
		} else {
			EXPECT_TRUE(what && strstr(what, "--mem-backend"));
		}
	}
	EXPECT_FALSE(mem_backend("hugetlb"));
	EXPECT_FALSE(mem_backend(""));
}

static void advice(void)
{
	struct mem_options opt = { .merge = true, .thp = MADV_NOHUGEPAGE };
	struct mem mem;

	EXPECT_EQ(0, mem_alloc(&mem, MIB(2), NULL, NULL));
	EXPECT_FALSE(smaps_has(mem.host, "VmFlags:", " mg"));
	EXPECT_TRUE(smaps_has(mem.host, "Rss:", " 0 kB"));
	mem_free(&mem);
	EXPECT_EQ(0, mem_alloc(&mem, MIB(2), &opt, NULL));
	EXPECT_TRUE(smaps_has(mem.host, "VmFlags:", " mg"));
	EXPECT_TRUE(smaps_has(mem.host, "VmFlags:", " nh"));
	mem_free(&mem);
	opt = (struct mem_options){ .prealloc = true, .thp = MADV_HUGEPAGE };
	EXPECT_EQ(0, mem_alloc(&mem, MIB(4), &opt, NULL));
	EXPECT_TRUE(smaps_has(mem.host, "VmFlags:", " hg"));
	EXPECT_TRUE(smaps_has(mem.host, "Rss:", " 4096 kB"));
	mem_free(&mem);
}

static void of_a_file(void)
{
	char dir[] = "/tmp/kitectl-mem-XXXXXX", name[64], data[6] = { 0 };
	struct mem_options opt = { .path = dir };
	const char *what = NULL;
	struct mem mem;
	struct stat st;
	int fd;

	EXPECT_TRUE(mkdtemp(dir));
	/* One without a name: the directory can be removed. */
	EXPECT_EQ(0, mem_open(&opt));
	EXPECT_EQ(0, mem_alloc(&mem, MIB(2), &opt, NULL));
	EXPECT_TRUE(mem_write(&mem, MIB(2) - 1, "x", 1));
	mem_free(&mem);
	EXPECT_EQ(0, rmdir(dir));
	mem_close(&opt);
	snprintf(name, sizeof(name), "%s/file", dir);
	opt.path = name;
	EXPECT_EQ(-ENOENT, mem_open(&opt));
	EXPECT_EQ(0, mkdir(dir, 0700));
	EXPECT_EQ(0, mem_open(&opt));
	EXPECT_EQ(0, mem_alloc(&mem, MIB(2), &opt, NULL));
	EXPECT_TRUE(mem_write(&mem, 0x1000, "hello", 5));
	mem_free(&mem);
	fd = open(name, O_RDONLY);
	EXPECT_EQ(5, pread(fd, data, 5, 0x1000));
	EXPECT_TRUE(!strcmp(data, "hello"));
	EXPECT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(MIB(2), st.st_size);
	/* What was in it is not in the guest. */
	EXPECT_EQ(0, mem_alloc(&mem, MIB(2), &opt, NULL));
	EXPECT_EQ(0, mem.host[0x1000]);
	mem_free(&mem);
	close(fd);
	mem_close(&opt);
	unlink(name);
	rmdir(dir);
	opt.path = "/dev/null";
	EXPECT_EQ(0, mem_open(&opt));
	EXPECT_EQ(-EINVAL, mem_alloc(&mem, MIB(2), &opt, &what));
	EXPECT_TRUE(what && !strcmp(what, "--mem-path"));
	mem_close(&opt);
}

static const struct unit_test tests[] = {
	UNIT_TEST(bounds),
	UNIT_TEST(memory_map),
	UNIT_TEST(alignment),
	UNIT_TEST(backends),
	UNIT_TEST(advice),
	UNIT_TEST(of_a_file),
};

UNIT_MAIN(tests)
