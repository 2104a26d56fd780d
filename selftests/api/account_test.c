// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the fdinfo of a VM tells what the VM is and has; what it says the VM costs
 * is what the memory cgroup is charged for it, and that is little.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventfd.h"
#include "guest.h"
#include "mapping.h"

#define MIB		(1ull << 20)
#define SLOT		2
#define GPA		0x10000000ul
#define GUEST_RAM	(256 * MIB)
/* What comes with a VM and is not its own: files, their directory entries, mappings. */
#define AROUND		(64ull << 10)
/* Charges are made in pages, and each CPU keeps what is left of one for the next. */
#define ROUNDING	(16ull << 10)

/* Touch each page of the memory that is measured. */
static void touch(u64 len)
{
	u64 at;

	for (at = 0; at < len; at += KT_PAGE)
		*(volatile u64 *)(GPA + at) = at;
	kt_done();
}

static struct kt_vm *vm_with_memory(u64 len)
{
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	kt_advise_size(mem, len, false);
	vm_set_slot(vm->fd, SLOT, 0, GPA, len, mem);
	return vm;
}

KITE_TEST(says_what_there_is)
{
	struct kt_vm *vm = vm_with_memory(4 * MIB);
	u64 number = kt_vm_info(vm->fd, "vm"), memory = kt_vm_info(vm->fd, "memory");
	struct kt_vcpu second;

	EXPECT_EQ(1, kt_vm_info(vm->fd, "vcpus"));
	EXPECT_EQ(3, kt_vm_info(vm->fd, "slots"));
	EXPECT_EQ(0, kt_vm_info(vm->fd, "entries"));
	kt_vcpu_init(&second, vm, 7);
	EXPECT_EQ(2, kt_vm_info(vm->fd, "vcpus"));
	kt_vcpu_close(&second);
	EXPECT_EQ(1, kt_vm_info(vm->fd, "vcpus"));
	vm_set_slot(vm->fd, SLOT, 0, 0, 0, NULL);
	EXPECT_EQ(2, kt_vm_info(vm->fd, "slots"));
	EXPECT_EQ(memory - 4 * MIB, kt_vm_info(vm->fd, "memory"));
	EXPECT_EQ(number, kt_vm_info(vm->fd, "vm"));
	EXPECT_NE(number, kt_vm_info(kt_vm_new(KT_LONG64)->fd, "vm"));
}

KITE_TEST(counts_tables_and_faults)
{
	struct kt_vm *vm = vm_with_memory(16 * MIB);
	u64 tables = kt_vm_info(vm->fd, "tables"), faults;

	EXPECT_EQ(KT_PAGE, tables);	/* the root */
	kt_call(&vm->vcpu, touch, 16 * MIB);
	kt_expect_done(&vm->vcpu);
	/* A table for each 2 MiB at least. */
	EXPECT_GE(kt_vm_info(vm->fd, "tables"), tables + 8 * KT_PAGE);
	faults = kt_vm_info(vm->fd, "faults");
	EXPECT_GT(faults, 0);
	EXPECT_GT(kt_vm_info(vm->fd, "entries"), 0);
	/* The counters go on from where they are. */
	EXPECT_GE(kt_vm_info(vm->fd, "faults"), faults);
	vm_set_slot(vm->fd, SLOT, 0, 0, 0, NULL);
	EXPECT_TRUE(kt_vm_info(vm->fd, "tables") <= tables + 12 * KT_PAGE);
}

/* Each thing that a VM can be given costs something, and costs nothing once it is gone. */
KITE_TEST(counts_what_is_added)
{
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);
	u64 before = kt_vm_info(vm->fd, "overhead"), more;
	struct kite_irqfd irqfd = { .fd = kt_eventfd(), .gsi = 5 };
	struct kite_ioeventfd bell = { .fd = irqfd.fd, .len = 4, .addr = KT_HOLE };

	ASSERT_EQ(0, _vm_irqfd(vm->fd, irqfd));
	more = kt_vm_info(vm->fd, "overhead");
	EXPECT_GT(more, before);
	irqfd.flags = KITE_IRQFD_DEASSIGN;
	ASSERT_EQ(0, _vm_irqfd(vm->fd, irqfd));
	EXPECT_EQ(before, kt_vm_info(vm->fd, "overhead"));
	ASSERT_EQ(0, _vm_ioeventfd(vm->fd, bell));
	EXPECT_GT(kt_vm_info(vm->fd, "overhead"), before);
	vcpu_set_debug(vm->vcpu.fd, KITE_DEBUG_TRACE);
	EXPECT_GE(kt_vm_info(vm->fd, "overhead"), before + 4 * KT_PAGE);
	/* A dirty log has a bit for each page, a ring 16 bytes for each element. */
	before = kt_vm_info(vm->fd, "overhead");
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_LOG_DIRTY, KT_HOLE, 256 * MIB, (void *)MIB);
	EXPECT_GE(kt_vm_info(vm->fd, "overhead"), before + 2 * KT_PAGE);
	vm_set_slot(vm->fd, SLOT, 0, 0, 0, NULL);
	EXPECT_EQ(before, kt_vm_info(vm->fd, "overhead"));
	vcpu_set_ring(vm->vcpu.fd, KITE_RING_MIN);
	EXPECT_GE(kt_vm_info(vm->fd, "overhead"), before + 4 * KT_PAGE);
}

/* A memory cgroup of our own, in a mount of our own. */
static char cgroup[64];

static void write_file(const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		SKIP("%s of a memory cgroup: errno %d", name, errno);
	close(fd);
}

static u64 stat_of(const char *name)
{
	char path[128], key[64];
	unsigned long long value;
	u64 found = ~0ull;
	FILE *f;

	snprintf(path, sizeof(path), "%s/memory.stat", cgroup);
	f = fopen(path, "r");
	ASSERT_TRUE(f);
	while (fscanf(f, "%63s %llu", key, &value) == 2)
		if (!strcmp(key, name))
			found = value;
	fclose(f);
	if (found == ~0ull)
		SKIP("memory.stat has no \"%s\"", name);
	return found;
}

/* Bytes of the kernel, without the page tables of the process. */
static u64 charged(void)
{
	return stat_of("kernel") - stat_of("pagetables");
}

static void make_cgroup(void)
{
	char mount_point[] = "/tmp/kite-cgroup-XXXXXX";

	ASSERT_TRUE(mkdtemp(mount_point));
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", mount_point, "cgroup2", 0, NULL))
		SKIP("no cgroup2 to be mounted: errno %d", errno);
	strcpy(cgroup, mount_point);
	write_file("cgroup.subtree_control", "+memory");
	strcat(cgroup, "/kite");
	if (mkdir(cgroup, 0755))
		SKIP("no memory cgroup: errno %d", errno);
}

/*
 * memory.stat may be late by some seconds: wait until it shows what it must show, and
 * then for as long again, for what it must not show.
 */
static u64 settled(u64 at_least)
{
	unsigned int i;

	for (i = 0; charged() < at_least && i < 300; i++)
		usleep(100000);
	usleep(5000000);
	return charged();
}

static void charge_a_vm(void)
{
	u64 before, after, tables, overhead;
	struct kt_vm *vm;

	write_file("cgroup.procs", "0");
	/* What the process needs for itself, once. */
	kt_vm_close(vm_with_memory(GUEST_RAM));
	before = settled(0);
	vm = vm_with_memory(GUEST_RAM);
	kt_call(&vm->vcpu, touch, GUEST_RAM);
	kt_expect_done(&vm->vcpu);
	tables = kt_vm_info(vm->fd, "tables");
	overhead = kt_vm_info(vm->fd, "overhead");
	after = settled(before + tables + overhead - ROUNDING);
	kt_note("256 MiB guest: tables %llu, overhead %llu, charged %llu", tables, overhead,
		after - before);
	ASSERT_GE(tables, GUEST_RAM / 512);	/* 8 bytes for each page */
	ASSERT_TRUE(overhead < MIB);
	ASSERT_GE(after - before + ROUNDING, tables + overhead);
	ASSERT_GE(tables + overhead + AROUND, after - before);
}

KITE_TEST_TIMEOUT(a_256_mib_guest_is_charged, 240)
{
	pid_t pid;
	int status;

	make_cgroup();
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		charge_a_vm();
		kt_end(KT_PASS);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, rmdir(cgroup));
	ASSERT_TRUE(WIFEXITED(status));
	kt_end(WEXITSTATUS(status));
}
