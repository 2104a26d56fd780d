// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: every VM that a process has open is found once, whoever else has it open
 * too; other descriptors, processes that end and those that may not be looked at are
 * passed over.
 */
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vms.h"
#include "unit.h"

#define VM	"anon_inode:kite-vm"

static char proc[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_proc(void)
{
	nftw(proc, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A /proc of our own, new for each test. */
static void new_proc(void)
{
	if (*proc)
		remove_proc();
	else
		atexit(remove_proc);
	strcpy(proc, "/tmp/kite-vms-XXXXXX");
	if (!mkdtemp(proc))
		unit_fail("mkdtemp: errno %d", errno);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	EXPECT_TRUE(f);
	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

static void add_process(int pid)
{
	static const char *const folders[] = { "", "/fd", "/fdinfo" };
	char path[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%d%s", proc, pid, folders[i]);
		EXPECT_EQ(0, mkdir(path, 0755));
	}
	snprintf(path, sizeof(path), "%s/%d/comm", proc, pid);
	write_file(path, "guest runner\n");
}

/* @info NULL: it was closed meanwhile. */
static void add_fd(int pid, int fd, const char *target, const char *info)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%d/fd/%d", proc, pid, fd);
	EXPECT_EQ(0, symlink(target, path));
	snprintf(path, sizeof(path), "%s/%d/fdinfo/%d", proc, pid, fd);
	if (info)
		write_file(path, info);
}

static void add_vm(int pid, int fd, unsigned int number)
{
	char info[256];

	snprintf(info, sizeof(info),
		 "pos:\t0\nflags:\t02000002\nvm:\t%u\nvcpus:\t2\nslots:\t3\nmemory:\t4096\n"
		 "new:\t1\ntables:\t8192\noverhead:\t100\nentries:\t18446744073709551615\n"
		 "faults:\t6\n", number);
	add_fd(pid, fd, VM, info);
}

static void finds_each_once(void)
{
	struct vms vms;

	new_proc();
	add_process(30);
	add_process(4);
	add_process(5);
	add_vm(30, 3, 2);
	add_vm(30, 4, 2);	/* dup() */
	add_vm(30, 5, 1);
	add_vm(4, 9, 2);	/* inherited */
	add_fd(5, 1, "/dev/null", "pos:\t0\n");
	add_fd(5, 2, "anon_inode:kvm-vm", "pos:\t0\n");
	add_fd(5, 3, VM "-not", "vm:\t7\n");
	EXPECT_EQ(0, vms_find(proc, 0, &vms));
	EXPECT_EQ(2, vms.count);
	EXPECT_EQ(0, vms.denied);
	if (vms.count == 2) {
		EXPECT_EQ(1, vms.vm[0].value[VM_NUMBER]);
		EXPECT_EQ(30, vms.vm[0].pid);
		EXPECT_EQ(2, vms.vm[1].value[VM_NUMBER]);
		EXPECT_EQ(4, vms.vm[1].pid);
		EXPECT_EQ(2, vms.vm[0].value[VM_VCPUS]);
		EXPECT_EQ(3, vms.vm[0].value[VM_SLOTS]);
		EXPECT_EQ(4096, vms.vm[0].value[VM_MEMORY]);
		EXPECT_EQ(8192, vms.vm[0].value[VM_TABLES]);
		EXPECT_EQ(100, vms.vm[0].value[VM_OVERHEAD]);
		EXPECT_EQ(~0ull, vms.vm[0].value[VM_ENTRIES]);
		EXPECT_EQ(6, vms.vm[0].value[VM_FAULTS]);
		EXPECT_TRUE(!strcmp("guest runner", vms.vm[0].command));
	}
	vms_free(&vms);
	EXPECT_EQ(0, vms_find(proc, 30, &vms));
	EXPECT_EQ(2, vms.count);
	vms_free(&vms);
	EXPECT_EQ(0, vms_find(proc, 5, &vms));
	EXPECT_EQ(0, vms.count);
	vms_free(&vms);
}

static void passes_over_what_ends(void)
{
	struct vms vms;

	new_proc();
	add_process(7);
	add_fd(7, 3, VM, NULL);
	add_vm(7, 4, 1);
	EXPECT_EQ(0, vms_find(proc, 0, &vms));
	EXPECT_EQ(1, vms.count);
	vms_free(&vms);
	EXPECT_EQ(-ENOENT, vms_find(proc, 8, &vms));
	EXPECT_EQ(0, vms.count);
	vms_free(&vms);
}

static void an_older_module(void)
{
	struct vms vms;

	new_proc();
	add_process(7);
	add_fd(7, 3, VM, "pos:\t0\nvm:\t3\nvcpus:\t1\n");
	EXPECT_EQ(-EPROTO, vms_find(proc, 0, &vms));
	vms_free(&vms);
}

/* root may look at all: be somebody else for a while. */
static void counts_what_is_denied(void)
{
	char path[128];
	struct vms vms;

	new_proc();
	EXPECT_EQ(0, chmod(proc, 0755));
	add_process(7);
	add_vm(7, 3, 1);
	add_process(8);
	snprintf(path, sizeof(path), "%s/8/fd", proc);
	EXPECT_EQ(0, chmod(path, 0));
	if (!geteuid())
		EXPECT_EQ(0, seteuid(65534));
	EXPECT_EQ(0, vms_find(proc, 0, &vms));
	EXPECT_EQ(1, vms.count);
	EXPECT_EQ(1, vms.denied);
	vms_free(&vms);
	EXPECT_EQ(-EACCES, vms_find(proc, 8, &vms));
	vms_free(&vms);
	EXPECT_EQ(0, seteuid(getuid()));
}

static const struct unit_test tests[] = {
	UNIT_TEST(finds_each_once),
	UNIT_TEST(passes_over_what_ends),
	UNIT_TEST(an_older_module),
	UNIT_TEST(counts_what_is_denied),
};

UNIT_MAIN(tests)
