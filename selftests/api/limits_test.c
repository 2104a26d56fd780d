// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the memory of a VM is charged to the memory cgroup of its maker. (At the
 * limit the kernel kills before an allocation fails, so ENOMEM is not seen here.)
 */
#include <unistd.h>

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
