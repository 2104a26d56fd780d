/* SPDX-License-Identifier: GPL-2.0-only */
/* VM entries that fail, one wrong field at a time; see entry_run.c. */
#ifndef KITE_KMOD_ENTRY_H
#define KITE_KMOD_ENTRY_H

#include <linux/types.h>

#include "../../vmx/check.h"
#include "../../vmx/fields.h"
#include "../../vmx/insn.h"

/* Pages that fields point to, by what is in them. */
enum entry_page {
	PAGE_VMXON,
	PAGE_VMCS,
	PAGE_ONES,		/* bitmaps: everything exits */
	PAGE_EMPTY,		/* EPT with nothing in it, paging structures */
	PAGE_SINK,		/* what the CPU writes */
	PAGE_APIC,
	PAGE_MSRS,		/* to load and to store */
	PAGES
};

struct entry_host {
	u64 msr[20];		/* capabilities */
	u64 pa[PAGES];
	void *page[PAGES];
};

/* Write all fields of a guest that can be entered. */
struct entry_base {
	const char *name;
	void (*write)(const struct entry_host *h);
};

/* A field, and the bits of it that are made wrong, one at a time. */
struct entry_field {
	u32 field;
	u64 flips;
};

/* The kernel's own functions have another name in every other kernel. */
static inline u64 entry_rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (u64)high << 32;
}

static inline void entry_wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

extern const struct entry_base entry_bases[];
extern const unsigned int entry_base_count;
extern const struct entry_field entry_fields[];
extern const unsigned int entry_field_count;

/* 0: exited, or failed with an exit; 1: VMfail. */
unsigned long entry_try(void);
extern void entry_exit_point(void);
extern void entry_guest(void);

#endif
