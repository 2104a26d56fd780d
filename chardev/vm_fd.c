// SPDX-License-Identifier: GPL-2.0-only
/* The file descriptor of a VM. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../core/account.h"
#include "../core/backend.h"
#include "../core/clock.h"
#include "../core/dirty.h"
#include "../core/ioeventfd.h"
#include "../core/irqchip.h"
#include "../core/irqfd.h"
#include "../core/perm.h"
#include "../core/ring.h"
#include "../core/route.h"
#include "../core/vm.h"
#include "fd.h"
#include "ioctl.h"

static long vm_set_slot(void *obj, union kite_arg *arg)
{
	return kite_slots_set(obj, &arg->slot, kite_hw_phys_bits());
}

static long vm_set_perm(void *obj, union kite_arg *arg)
{
	return kite_perm_set(obj, &arg->perm, kite_hw_phys_bits());
}

static long vm_create_vcpu(void *obj, union kite_arg *arg)
{
	struct kite_vcpu *v;
	int fd;

	if (arg->create_vcpu.flags || arg->create_vcpu.reserved)
		return -EINVAL;
	v = kite_vcpu_create(obj, arg->create_vcpu.id);
	if (IS_ERR(v))
		return PTR_ERR(v);
	fd = kite_vcpu_fd(v);
	if (fd < 0)
		kite_vcpu_destroy(v);
	return fd;
}

static long vm_irq_line(void *obj, union kite_arg *arg)
{
	return kite_irq_line(obj, &arg->irq_line);
}

static long vm_pic_intr(void *obj, union kite_arg *arg)
{
	return kite_irqchip_pic_intr(obj, &arg->irq_line);
}

static long vm_send_msi(void *obj, union kite_arg *arg)
{
	return kite_irqchip_send_msi(obj, &arg->msi);
}

static long vm_set_routes(void *obj, union kite_arg *arg)
{
	const struct kite_routes *r = &arg->routes;
	struct kite_route *routes;
	long ret = -EFAULT;

	if (r->flags || r->reserved || r->count > KITE_GSIS)
		return -EINVAL;
	routes = kvmalloc_array(r->count, sizeof(*routes), KITE_GFP_TABLE);
	if (!routes)
		return -ENOMEM;
	if (!copy_from_user(routes, u64_to_user_ptr(r->uaddr), r->count * sizeof(*routes)))
		ret = kite_routes_set(obj, routes, r->count);
	kvfree(routes);
	return ret;
}

static long vm_irqfd(void *obj, union kite_arg *arg)
{
	return kite_irqfd(obj, &arg->irqfd);
}

static long vm_ioeventfd(void *obj, union kite_arg *arg)
{
	return kite_ioeventfd(obj, &arg->ioeventfd, kite_hw_phys_bits());
}

static long vm_get_ioapic(void *obj, union kite_arg *arg)
{
	return kite_irqchip_get_ioapic(obj, &arg->ioapic);
}

static long vm_set_ioapic(void *obj, union kite_arg *arg)
{
	return kite_irqchip_set_ioapic(obj, &arg->ioapic);
}

static long vm_get_clock(void *obj, union kite_arg *arg)
{
	return kite_clock_get(obj, &arg->clock);
}

static long vm_set_clock(void *obj, union kite_arg *arg)
{
	return kite_clock_set(obj, &arg->clock);
}

static long vm_get_dirty(void *obj, union kite_arg *arg)
{
	return kite_dirty_get(obj, &arg->dirty);
}

static long vm_clear_dirty(void *obj, union kite_arg *arg)
{
	return kite_dirty_clear(obj, &arg->dirty);
}

static long vm_reset_rings(void *obj, union kite_arg *arg)
{
	return kite_rings_reset(obj);
}

static const struct kite_ioctl vm_ioctls[] = {
	KITE_IOCTL_IN(KITE_VM_IRQ_LINE, kite_irq_line, level, vm_irq_line),
	KITE_IOCTL_IN(KITE_VM_PIC_INTR, kite_irq_line, level, vm_pic_intr),
	KITE_IOCTL_IN(KITE_VM_SEND_MSI, kite_msi, reserved, vm_send_msi),
	KITE_IOCTL_IN(KITE_VM_IRQFD, kite_irqfd, reserved, vm_irqfd),
	KITE_IOCTL_IN(KITE_VM_IOEVENTFD, kite_ioeventfd, fd, vm_ioeventfd),
	KITE_IOCTL_IN(KITE_VM_SET_ROUTES, kite_routes, uaddr, vm_set_routes),
	KITE_IOCTL_IN(KITE_VM_SET_SLOT, kite_slot, uaddr, vm_set_slot),
	KITE_IOCTL_IN(KITE_VM_SET_PERM, kite_perm, len, vm_set_perm),
	KITE_IOCTL_IN(KITE_VM_CREATE_VCPU, kite_create_vcpu, reserved, vm_create_vcpu),
	KITE_IOCTL_INOUT(KITE_VM_GET_IOAPIC, kite_ioapic, redir, vm_get_ioapic),
	KITE_IOCTL_IN(KITE_VM_SET_IOAPIC, kite_ioapic, redir, vm_set_ioapic),
	KITE_IOCTL_INOUT(KITE_VM_GET_CLOCK, kite_clock, reserved, vm_get_clock),
	KITE_IOCTL_IN(KITE_VM_SET_CLOCK, kite_clock, reserved, vm_set_clock),
	KITE_IOCTL_IN(KITE_VM_GET_DIRTY, kite_dirty, uaddr, vm_get_dirty),
	KITE_IOCTL_IN(KITE_VM_CLEAR_DIRTY, kite_dirty, uaddr, vm_clear_dirty),
	KITE_IOCTL_NONE(KITE_VM_RESET_RINGS, vm_reset_rings),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kite_vm *vm = file->private_data;

	if (!kite_vm_is_mine(vm))
		return -EIO;
	return kite_ioctl(vm_ioctls, ARRAY_SIZE(vm_ioctls), vm, cmd, arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	kite_vm_put(file->private_data);
	return 0;
}

/* /proc/PID/fdinfo: names and what they mean are part of the ABI, see docs/api.md. */
static void vm_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct kite_vm *vm = file->private_data;
	struct kite_account a;

	kite_vm_account(vm, &a);
	seq_printf(m, "vm:\t%llu\nvcpus:\t%u\nslots:\t%u\n", vm->number, a.vcpus, a.slots);
	seq_printf(m, "memory:\t%llu\ntables:\t%llu\noverhead:\t%llu\n", a.memory, a.tables,
		   a.overhead);
	seq_printf(m, "entries:\t%llu\nfaults:\t%llu\n", a.entries, a.faults);
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vm_release,
	.show_fdinfo = vm_show_fdinfo,
	.llseek = noop_llseek,
};

int kite_vm_fd(struct kite_vm *vm)
{
	return anon_inode_getfd("kite-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
}
