/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of the guest and the map of it that firmware would report. */
#ifndef MEM_H
#define MEM_H

#include "lib/types.h"

#define MEM_MIN		MIB(2)
#define MEM_MAX		GIB(1024)
/* RAM below this address; the rest of it starts at 4 GiB. */
#define MEM_LOW_MAX	GIB(3)
#define MEM_HIGH_BASE	GIB(4)

#define MEM_EBDA	0x9fc00u
#define MEM_VGA		0xa0000u
#define MEM_BIOS	0xe0000u	/* ACPI tables live in the BIOS area */
#define MEM_BIOS_CODE	0xff000u	/* its last page: the reset vector */
#define MEM_1M		0x100000u

struct mem {
	u8 *host;	/* @low bytes for address 0, then @high bytes for MEM_HIGH_BASE */
	u64 low;
	u64 high;
};

/* Where the memory comes from: anonymous memory, a memfd or huge pages. */
struct mem_backend {
	const char *name;
	int flags;		/* of mmap() */
	int memfd;		/* of memfd_create(), or -1: no file */
	u64 page;		/* --mem is a multiple of it */
};

/* The row called @name, NULL if there is none. */
const struct mem_backend *mem_backend(const char *name);

struct mem_options {
	const struct mem_backend *backend;	/* NULL: the first one */
	const char *path;	/* instead: a file, which is emptied, or a directory for one */
	int fd;			/* that file, -1 before mem_open() */
	int thp;		/* MADV_HUGEPAGE, MADV_NOHUGEPAGE, or 0: as the host likes */
	bool merge;		/* MADV_MERGEABLE */
	bool prealloc;		/* have all pages now */
};

/* Open what @opt->path names, if it names anything. Returns 0 or a negative errno. */
int mem_open(struct mem_options *opt);
void mem_close(struct mem_options *opt);

/*
 * Returns 0, or a negative errno and in @what the option that is to blame. @opt may be
 * NULL. Unless asked otherwise, pages come from the host as the guest touches them.
 * Where large pages fit in the host, they fit in the guest.
 */
int mem_alloc(struct mem *mem, u64 size, const struct mem_options *opt, const char **what);
void mem_free(struct mem *mem);

/* The host's view of [gpa, gpa + len), NULL when not all of it is RAM. */
void *mem_ptr(const struct mem *mem, u64 gpa, u64 len);
/* Return false when not all of the range is RAM. */
bool mem_write(const struct mem *mem, u64 gpa, const void *data, u64 len);
bool mem_zero(const struct mem *mem, u64 gpa, u64 len);

/* Types of an e820 entry; Multiboot and PVH use the same numbers. */
enum mem_type {
	MEM_RAM = 1,
	MEM_RESERVED = 2,
};

struct mem_range {
	u64 start;
	u64 len;
	enum mem_type type;
};

#define MEM_MAP_MAX	5

/* Fills @map in ascending order and returns the number of ranges. */
unsigned int mem_map(const struct mem *mem, struct mem_range map[MEM_MAP_MAX]);

#endif
