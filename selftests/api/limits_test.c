// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the memory of a VM is charged to the memory cgroup of its maker. (At the
 * limit the kernel kills before an allocation fails, so ENOMEM is not seen here.)
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

#define CGROUPS	"/tmp/kite-cgroup"
#define GROUP	CGROUPS "/test"

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static u64 read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	u64 n = 0;

	ASSERT_TRUE(f);
	ASSERT_EQ(1, fscanf(f, "%llu", &n));
	fclose(f);
	return n;
}

/* A group of our own with @limit bytes that this process is in. */
static void enter_group(const char *limit)
{
	mkdir("/tmp", 0755);
	mkdir(CGROUPS, 0755);
	if (mount("none", CGROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		SKIP("no cgroup2: errno %d", errno);
	if (!write_file(CGROUPS "/cgroup.subtree_control", "+memory"))
		SKIP("no memory controller in cgroup2");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		SKIP("mkdir " GROUP ": errno %d", errno);
	ASSERT_TRUE(write_file(GROUP "/cgroup.procs", "0"));
	ASSERT_TRUE(write_file(GROUP "/memory.max", limit));
}

/* Out of the group, and away with it; its memory may take a moment to be given back. */
static void leave_group(void)
{
	int tries;

	ASSERT_TRUE(write_file(CGROUPS "/cgroup.procs", "0"));
	for (tries = 0; rmdir(GROUP) && tries < 100; tries++)
		usleep(10000);
	umount(CGROUPS);
}

KITE_TEST(a_vm_is_charged_to_its_group)
{
	int vm, dev, vcpu[32], i;
	u64 before;

	enter_group("max");
	dev = dev_open();
	before = read_number(GROUP "/memory.current");
	vm = dev_create_vm(dev, KITE_VM_IRQCHIP);
	for (i = 0; i < 32; i++)
		vcpu[i] = vm_create_vcpu(vm, i);
	/* A vCPU has at least its VMCS, MSR bitmap, run page and local APIC. */
	EXPECT_GE(read_number(GROUP "/memory.current"), before + 32 * 4 * KT_PAGE);
	for (i = 0; i < 32; i++)
		close(vcpu[i]);
	close(vm);
	leave_group();
}
