/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading a guest: what a loader is given, what it leaves behind, which loaders there are. */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "lib/types.h"
#include "mem.h"
#include "uapi/kite.h"

struct blob {
	const u8 *data;
	u64 len;
};

#define BOOT_MAX_MODULES	16

struct boot_module {
	struct blob file;
	const char *cmdline;
};

struct boot_request {
	struct blob kernel;
	struct boot_module modules[BOOT_MAX_MODULES];	/* the initrd is the first */
	unsigned int module_count;
	const char *cmdline;
	u64 rsdp;		/* address of the ACPI root pointer */
	u64 flat_addr;		/* for flat binaries */
	char why[256];		/* set by a loader that refuses */
};

enum cpu_mode {
	CPU_REAL,
	CPU_PROTECTED,
	CPU_LONG,
};

/* How vCPU 0 starts. */
struct boot_entry {
	enum cpu_mode mode;
	u64 rip;
	u64 rax, rbx, rsi;
};

/* Says why in @req->why, as printf() does, and returns -EINVAL. */
int boot_refuse(struct boot_request *req, const char *fmt, ...) __printf(2, 3);

/* A loader puts the guest into memory and returns 0, or boot_refuse(). */
typedef int boot_load_fn(struct boot_request *req, const struct mem *mem, struct boot_entry *entry);

boot_load_fn bzimage_load, pvh_load, multiboot1_load;
boot_load_fn flat_real_load, flat_protected_load, flat_long_load;

/* Probes: what the file looks like by its magic numbers alone. */
bool bzimage_probe(const struct blob *file);
bool pvh_probe(const struct blob *file);
bool multiboot1_probe(const struct blob *file);

struct boot_format {
	const char *name;
	const char *looked_for;
	bool (*probe)(const struct blob *file);
	boot_load_fn *load;
};

/* The loader for a file, NULL with @req->why saying what was looked for. */
const struct boot_format *boot_detect(struct boot_request *req);

/* Low memory that loaders use for what they hand over. */
#define BOOT_GDT	0x1000u
#define BOOT_INFO	0x2000u		/* zero page, Multiboot information, PVH start info */
#define BOOT_INFO_LEN	0x1000u
#define BOOT_PML4	0x3000u
#define BOOT_PDPT	0x4000u
#define BOOT_PD		0x5000u		/* four pages: the first 4 GiB */
#define BOOT_TABLES_END	0x9000u
#define BOOT_STRINGS	0x20000u	/* command lines of the kernel and of its modules */
#define BOOT_STRINGS_END 0x30000u
#define BOOT_STACK	0x9f000u	/* initial stack pointer */

#define BOOT_CODE_SEL	0x10
#define BOOT_DATA_SEL	0x18
#define BOOT_TSS_SEL	0x20

/* Writes the GDT, and for long mode the page tables, that cpu_state() points the vCPU to. */
int boot_tables(struct boot_request *req, const struct mem *mem, enum cpu_mode mode);
/*
 * Copies a string to *@next, which starts at BOOT_STRINGS, and moves it on.
 * @max: what the kernel takes, with the terminating 0.
 */
int boot_string(struct boot_request *req, const struct mem *mem, u64 *next, const char *str,
		u64 max);
/*
 * Checks that [addr, addr + len) is RAM and free: neither in the BIOS area nor
 * between BOOT_GDT and @low_end.
 */
int boot_check_place(struct boot_request *req, const struct mem *mem, u64 addr, u64 len,
		     u64 low_end);
/* Copies the modules behind @end, each on a page of its own; @at gets their addresses. */
int boot_modules(struct boot_request *req, const struct mem *mem, u64 end,
		 u64 at[BOOT_MAX_MODULES]);
/* Changes the power-up state in @state into the one that @entry asks for. */
void cpu_state(struct kite_state *state, const struct boot_entry *entry);

#endif
