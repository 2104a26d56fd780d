// SPDX-License-Identifier: GPL-2.0-only
/* The module and its device, /dev/kite. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <asm/tsc.h>

#include "../core/backend.h"
#include "../core/cpuid.h"
#include "../core/fpu.h"
#include "../core/fault.h"
#include "../core/mm.h"
#include "../core/vm.h"
#include "fd.h"
#include "ioctl.h"

static long dev_get_info(void *obj, union kite_arg *arg)
{
	if (arg->info.flags || memchr_inv(arg->info.reserved, 0, sizeof(arg->info.reserved)))
		return -EINVAL;
	arg->info = (struct kite_info){
		.size = sizeof(arg->info),
		.api_version = KITE_API_VERSION,
		.max_vcpus = KITE_MAX_VCPUS,
		.max_slots = KITE_MAX_SLOTS,
		.vcpu_mmap_size = KITE_VCPU_MMAP_SIZE,
		.trace_entries = KITE_TRACE_ENTRIES,
		.phys_bits = kite_hw_phys_bits(),
		.tsc_khz = tsc_khz,
		.xsave_size = kite_xsave_size(kite_fpu_xcr0()),
		.xcr0 = kite_fpu_xcr0(),
	};
	return 0;
}

static long dev_get_vmx_msrs(void *obj, union kite_arg *arg)
{
	if (arg->vmx_msrs.flags)
		return -EINVAL;
	kite_hw_vmx_msrs(&arg->vmx_msrs);
	return 0;
}

static long dev_create_vm(void *obj, union kite_arg *arg)
{
	struct kite_vm *vm;
	int fd;

	if (arg->create_vm.reserved)
		return -EINVAL;
	vm = kite_vm_create(arg->create_vm.flags, arg->create_vm.tsc_khz);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = kite_vm_fd(vm);
	if (fd < 0)
		kite_vm_put(vm);
	return fd;
}

static const struct kite_ioctl dev_ioctls[] = {
	KITE_IOCTL_INOUT(KITE_GET_INFO, kite_info, reserved, dev_get_info),
	KITE_IOCTL_INOUT(KITE_GET_VMX_MSRS, kite_vmx_msrs, msr, dev_get_vmx_msrs),
	KITE_IOCTL_IN(KITE_CREATE_VM, kite_create_vm, flags, dev_create_vm),
};

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return kite_ioctl(dev_ioctls, ARRAY_SIZE(dev_ioctls), NULL, cmd, arg);
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice kite_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kite",
	.fops = &dev_fops,
};

static int __init kite_init(void)
{
	int ret = kite_hw_init();

	if (ret)
		return ret;
	kite_fault_init();
	ret = misc_register(&kite_dev);
	if (ret)
		kite_hw_exit();
	return ret;
}

static void __exit kite_exit(void)
{
	misc_deregister(&kite_dev);
	kite_mm_exit();
	/* What kfree_rcu() still holds needs no code of ours; eventfds that go away do. */
	rcu_barrier();
	kite_hw_exit();
}

module_init(kite_init);
module_exit(kite_exit);
MODULE_DESCRIPTION("Kite hypervisor");
MODULE_LICENSE("GPL");
