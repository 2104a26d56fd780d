/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel tells and takes by files: numbers, counters, memory cgroups. */
#ifndef KT_FILES_H
#define KT_FILES_H

#include "harness.h"

/* False if that is impossible. */
bool kt_write_file(const char *path, const char *text);
/* The rest of the test is a child: however it ends, the file then says again what it says now. */
void kt_restore_afterwards(const char *path);
/* The number at the beginning of a file. */
u64 kt_read_number(const char *path);
/* References to the module, of descriptors and VMs; what a socket held goes late. */
u64 kt_references(void);
/* A line "NAME: NUMBER kB" of /proc/meminfo. */
u64 kt_meminfo(const char *name);
/* A line "NAME NUMBER" of /proc/vmstat, or of another such file. */
u64 kt_vmstat(const char *name);
u64 kt_counter(const char *path, const char *name);

#define KT_GROUPS	"/tmp/kite-cgroup"
#define KT_GROUP	KT_GROUPS "/test"

/* Make a memory cgroup, KT_GROUP; SKIPs the test where that is impossible. */
void kt_group_new(void);
/* This process goes there, and back. */
void kt_group_enter(void);
void kt_group_leave(void);
/* Remove it; what is charged to it may take a moment to be given back. */
void kt_group_remove(void);

#endif
