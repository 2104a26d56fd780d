// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the memory of a VM is charged to the memory cgroup of its maker. (At the
 * limit the kernel kills before an allocation fails, so ENOMEM is not seen here.)
 * Resource limits of the process hold for its VMs, and a call that meets one can be
 * made again. So does max_vms, the module's own limit.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "checker.h"
#include "files.h"
#include "guest.h"

KITE_TEST(a_vm_is_charged_to_its_group)
{
	int vm, dev, vcpu[32], i;
	u64 before;

	kt_group_new();
	kt_group_enter();
	dev = dev_open();
	before = kt_read_number(KT_GROUP "/memory.current");
	vm = dev_create_vm(dev, KITE_VM_IRQCHIP);
	for (i = 0; i < 32; i++)
		vcpu[i] = vm_create_vcpu(vm, i);
	/* A vCPU has at least its VMCS, MSR bitmap, run page and local APIC. */
	EXPECT_GE(kt_read_number(KT_GROUP "/memory.current"), before + 32 * 4 * KT_PAGE);
	for (i = 0; i < 32; i++)
		close(vcpu[i]);
	close(vm);
	kt_group_leave();
	kt_group_remove();
}

static void limit(int what, u64 value)
{
	struct rlimit lim;

	ASSERT_EQ(0, getrlimit(what, &lim));
	lim.rlim_cur = value;
	ASSERT_EQ(0, setrlimit(what, &lim));
}

static struct kt_checker checker;

static void expect_it_runs(struct kt_vm *vm)
{
	struct kt_runner r;

	checker = (struct kt_checker){ .rounds = 20 };
	kt_call(&vm->vcpu, kt_check, (u64)&checker);
	kt_runner_start(&r, &vm->vcpu);
	kt_runner_finish(&r);
	EXPECT_EQ(0ull, checker.bad_memory);
}

/* No page of a guest is locked, so none counts. */
KITE_TEST(a_vm_needs_no_locked_memory)
{
	limit(RLIMIT_MEMLOCK, 0);
	expect_it_runs(kt_vm_new(KT_LONG64));
	EXPECT_EQ(0ull, kt_meminfo("Mlocked"));
}

#define MAX_VMS	"/sys/module/kite/parameters/max_vms"

KITE_TEST(vms_run_out)
{
	struct kt_vm *vm;
	int other;

	if (kt_references())
		SKIP("somebody else has VMs, and would be refused some");
	kt_restore_afterwards(MAX_VMS);
	vm = kt_vm_new(KT_LONG64);
	/* This one is there, and one more may be. */
	ASSERT_TRUE(kt_write_file(MAX_VMS, "2"));
	other = dev_create_vm(vm->dev, 0);
	EXPECT_EQ(-ENOSPC, _dev_create_vm(vm->dev, 0));
	EXPECT_EQ(-ENOSPC, _dev_create_vm(vm->dev, KITE_VM_IRQCHIP));
	/* A refusal that has another reason takes no place. */
	close(other);
	EXPECT_EQ(-EINVAL, _dev_create_vm(vm->dev, ~0u));
	other = dev_create_vm(vm->dev, 0);
	/* A vCPU keeps its VM. */
	vm_create_vcpu(other, 0);
	close(other);
	EXPECT_EQ(-ENOSPC, _dev_create_vm(vm->dev, 0));
	expect_it_runs(vm);
	ASSERT_TRUE(kt_write_file(MAX_VMS, "3"));
	dev_create_vm(vm->dev, 0);
}

KITE_TEST(descriptors_run_out)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	/* The next descriptor is the first that is too high. */
	limit(RLIMIT_NOFILE, vm->vcpu.fd + 1);
	EXPECT_EQ(-EMFILE, _dev_create_vm(vm->dev, 0));
	EXPECT_EQ(-EMFILE, _vm_create_vcpu(vm->fd, 1));
	expect_it_runs(vm);
	limit(RLIMIT_NOFILE, vm->vcpu.fd + 3);
	vm_create_vcpu(vm->fd, 1);
	dev_create_vm(vm->dev, 0);
}

KITE_TEST(address_space_runs_out)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	int vcpu = vm_create_vcpu(vm->fd, 1);
	u64 len = vm->info.vcpu_mmap_size;
	void *run;

	limit(RLIMIT_AS, 0);
	run = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	EXPECT_TRUE(run == MAP_FAILED && errno == ENOMEM);
	limit(RLIMIT_AS, RLIM_INFINITY);
	run = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	EXPECT_TRUE(run != MAP_FAILED);
	expect_it_runs(vm);
}
