/* SPDX-License-Identifier: GPL-2.0-only */
/* Every kind of host memory that can be guest memory, for tests that try them all. */
#ifndef KT_MAPPING_H
#define KT_MAPPING_H

#include "harness.h"

#define KT_2M	0x200000ul
#define KT_1G	0x40000000ul

struct kt_mapping {
	const char *name;
	int (*open)(u64 len);	/* a file of that length; NULL: anonymous memory */
	u64 len;		/* how much a test should take */
	u64 huge;		/* page size of hugetlb; 0: ordinary pages */
	bool shared;
	bool thp;		/* asks for large pages */
};

struct kt_mapped {
	u8 *mem;		/* aligned to 2 MiB, or the page size of hugetlb */
	void *view;		/* a shared, read-only mapping of the file; NULL: no file */
	int fd;			/* -1: no file */
};

/* Map @len bytes of @kind; SKIPs the test where the host has no such memory. */
struct kt_mapped kt_map(const struct kt_mapping *kind, u64 len);
/* The same of the kind called @name. */
struct kt_mapped kt_map_kind(const char *name, u64 len);
/* Small pages or large ones from now on. Skips the test if there are no large ones. */
void kt_advise_size(void *at, u64 len, bool large);
/* Anonymous memory, read and written, aligned to 2 MiB. */
u8 *kt_map_anonymous(u64 len);

/*
 * Anonymous memory in large pages of the host, all of it there; SKIPs the test where the
 * host has none, or Kite does not use them.
 */
u8 *kt_map_thp(u64 len);

/*
 * A directory on a new ext2 file system, which goes with the test's process. What is
 * written there survives kt_drop_caches() only if it was written back.
 */
const char *kt_disk(void);
void kt_drop_caches(void);
/* Have the host keep @count pages of hugetlb of @size; SKIPs the test if it cannot. */
void kt_set_huge_pages(u64 size, u64 count);
/* The same, if there are fewer. */
void kt_need_huge_pages(u64 size, u64 count);

/* A test that is run once with each kind. */
#define KT_MAPPINGS	13

#define KT_MAPPING_TEST(fn)							\
	static void fn(const struct kt_mapping *kind);				\
	static void fn##_call(unsigned int n) { fn(kt_mapping(n)); }		\
	static void __attribute__((constructor)) fn##_register(void)		\
	{									\
		static struct kt_test tests[KT_MAPPINGS];			\
										\
		kt_register_mappings(tests, #fn, fn##_call);			\
	}									\
	static void fn(const struct kt_mapping *kind)

const struct kt_mapping *kt_mapping(unsigned int n);
void kt_register_mappings(struct kt_test *tests, const char *name, void (*fn)(unsigned int));

#endif
