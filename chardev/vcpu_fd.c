// SPDX-License-Identifier: GPL-2.0-only
/* The file descriptor of a vCPU. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "../core/backend.h"
#include "../core/cpuid.h"
#include "../core/fpu.h"
#include "../core/fault.h"
#include "../core/irqchip.h"
#include "../core/request.h"
#include "../core/ring.h"
#include "../core/vm.h"
#include "fd.h"
#include "ioctl.h"

/* Pages of the mapping where the ring is, whatever its size. */
#define RING_PAGE	(KITE_RING_OFFSET / PAGE_SIZE)
#define RING_END	(RING_PAGE + (KITE_RING_HEADER + \
				      KITE_RING_MAX * sizeof(struct kite_ring_entry)) / PAGE_SIZE)

static long vcpu_get_state(void *obj, union kite_arg *arg)
{
	struct kite_state *state = &arg->state;
	struct kite_state in = { .size = state->size, .groups = state->groups };
	int ret;

	if (state->flags || state->reserved || !state->groups ||
	    (state->groups & ~KITE_STATE_ALL))
		return -EINVAL;
	*state = in;
	ret = kite_vcpu_settle(obj);
	return ret ? ret : kite_hw_get_state(obj, state);
}

static long vcpu_set_state(void *obj, union kite_arg *arg)
{
	const struct kite_state *state = &arg->state;
	int ret;

	if (state->flags || state->reserved || !state->groups ||
	    (state->groups & ~KITE_STATE_ALL))
		return -EINVAL;
	ret = kite_vcpu_settle(obj);
	return ret ? ret : kite_hw_set_state(obj, state);
}

static long vcpu_get_xsave(void *obj, union kite_arg *arg)
{
	return kite_fpu_get(obj, &arg->xsave);
}

static long vcpu_set_xsave(void *obj, union kite_arg *arg)
{
	return kite_fpu_set(obj, &arg->xsave);
}

static long vcpu_get_lapic(void *obj, union kite_arg *arg)
{
	int ret = kite_vcpu_settle(obj);

	return ret ? ret : kite_irqchip_get_lapic(obj, &arg->lapic);
}

static long vcpu_set_lapic(void *obj, union kite_arg *arg)
{
	int ret = kite_vcpu_settle(obj);

	return ret ? ret : kite_irqchip_set_lapic(obj, &arg->lapic);
}

static long vcpu_get_cpuid(void *obj, union kite_arg *arg)
{
	struct kite_cpuid *c = &arg->cpuid;
	struct kite_paging paging;
	u32 regs[4];
	int ret;

	if (c->flags || c->eax || c->ebx || c->ecx || c->edx)
		return -EINVAL;
	ret = kite_hw_get_paging(obj, &paging);
	if (ret)
		return ret;
	kite_cpuid(obj, c->leaf, c->subleaf, paging.cr4, regs);
	c->eax = regs[0];
	c->ebx = regs[1];
	c->ecx = regs[2];
	c->edx = regs[3];
	return 0;
}

static long vcpu_get_stats(void *obj, union kite_arg *arg)
{
	struct kite_vcpu *v = obj;

	if (arg->stats.flags ||
	    memchr_inv(arg->stats.reserved, 0, sizeof(arg->stats.reserved)))
		return -EINVAL;
	arg->stats = v->stats;
	arg->stats.size = sizeof(arg->stats);
	return 0;
}

static long vcpu_set_debug(void *obj, union kite_arg *arg)
{
	return kite_vcpu_set_debug(obj, arg->debug.flags);
}

static long vcpu_translate(void *obj, union kite_arg *arg)
{
	struct kite_translate *t = &arg->translate;

	if (t->flags || t->gpa)
		return -EINVAL;
	return kite_translate(obj, t->gva, &t->gpa);
}

static long vcpu_inject(void *obj, union kite_arg *arg)
{
	int ret;

	if (arg->inject.flags)
		return -EINVAL;
	ret = kite_vcpu_settle(obj);
	return ret ? ret : kite_hw_inject(obj, &arg->inject);
}

static long vcpu_set_ring(void *obj, union kite_arg *arg)
{
	return kite_ring_set(obj, &arg->set_ring);
}

static long vcpu_prefault(void *obj, union kite_arg *arg)
{
	return kite_prefault(obj, &arg->prefault, kite_hw_phys_bits());
}

static long vcpu_check_entry(void *obj, union kite_arg *arg)
{
	struct kite_broken_rule *broken = &arg->entry_check.broken;
	int ret;

	if (arg->entry_check.flags || memchr_inv(broken, 0, sizeof(*broken)))
		return -EINVAL;
	ret = kite_vcpu_settle(obj);
	return ret ? ret : kite_hw_check_entry(obj, broken);
}

static const struct kite_ioctl vcpu_ioctls[] = {
	KITE_IOCTL_INOUT(KITE_VCPU_GET_STATE, kite_state, events, vcpu_get_state),
	KITE_IOCTL_IN(KITE_VCPU_SET_STATE, kite_state, events, vcpu_set_state),
	KITE_IOCTL_IN(KITE_VCPU_GET_XSAVE, kite_xsave, len, vcpu_get_xsave),
	KITE_IOCTL_IN(KITE_VCPU_SET_XSAVE, kite_xsave, len, vcpu_set_xsave),
	KITE_IOCTL_INOUT(KITE_VCPU_GET_LAPIC, kite_lapic, regs, vcpu_get_lapic),
	KITE_IOCTL_IN(KITE_VCPU_SET_LAPIC, kite_lapic, regs, vcpu_set_lapic),
	KITE_IOCTL_INOUT(KITE_VCPU_GET_CPUID, kite_cpuid, edx, vcpu_get_cpuid),
	KITE_IOCTL_INOUT(KITE_VCPU_GET_STATS, kite_stats, exits, vcpu_get_stats),
	KITE_IOCTL_IN(KITE_VCPU_SET_DEBUG, kite_debug, flags, vcpu_set_debug),
	KITE_IOCTL_INOUT(KITE_VCPU_TRANSLATE, kite_translate, gpa, vcpu_translate),
	KITE_IOCTL_IN(KITE_VCPU_INJECT, kite_inject, payload, vcpu_inject),
	KITE_IOCTL_IN(KITE_VCPU_SET_RING, kite_set_ring, reserved, vcpu_set_ring),
	KITE_IOCTL_INOUT(KITE_VCPU_PREFAULT, kite_prefault, len, vcpu_prefault),
	KITE_IOCTL_INOUT(KITE_VCPU_CHECK_ENTRY, kite_entry_check, broken, vcpu_check_entry),
};

static long vcpu_kick(void *obj, union kite_arg *arg)
{
	kite_vcpu_request(obj, KITE_REQ_USER_KICK);
	return 0;
}

static long vcpu_nmi(void *obj, union kite_arg *arg)
{
	kite_vcpu_request(obj, KITE_REQ_NMI);
	return 0;
}

/* Whoever holds the lock may be in the guest; once it is free, KITE_VCPU_RUN comes back at once. */
static long vcpu_stop(void *obj, union kite_arg *arg)
{
	struct kite_vcpu *v = obj;

	kite_vcpu_request(v, KITE_REQ_STOP);
	if (mutex_lock_killable(&v->lock))
		return -EINTR;
	mutex_unlock(&v->lock);
	return 0;
}

static long vcpu_cont(void *obj, union kite_arg *arg)
{
	struct kite_vcpu *v = obj;

	clear_bit(KITE_REQ_STOP, &v->requests);
	return 0;
}

/* For other threads while the vCPU runs: its lock is not held. */
static const struct kite_ioctl running_ioctls[] = {
	KITE_IOCTL_NONE(KITE_VCPU_KICK, vcpu_kick),
	KITE_IOCTL_NONE(KITE_VCPU_NMI, vcpu_nmi),
	KITE_IOCTL_NONE(KITE_VCPU_STOP, vcpu_stop),
	KITE_IOCTL_NONE(KITE_VCPU_CONT, vcpu_cont),
};

/* No table and no indirect call on the way of each exit to user space and back. */
static long vcpu_run(struct kite_vcpu *v, unsigned long arg)
{
	long ret;

	if (mutex_lock_killable(&v->lock))
		return -EINTR;
	ret = arg ? -EINVAL : kite_vcpu_run(v);
	mutex_unlock(&v->lock);
	return ret;
}

static long vcpu_other(struct kite_vcpu *v, unsigned int cmd, unsigned long arg)
{
	long ret = kite_ioctl(running_ioctls, ARRAY_SIZE(running_ioctls), v, cmd, arg);

	if (ret != -ENOTTY)
		return ret;
	if (mutex_lock_killable(&v->lock))
		return -EINTR;
	ret = kite_ioctl(vcpu_ioctls, ARRAY_SIZE(vcpu_ioctls), v, cmd, arg);
	mutex_unlock(&v->lock);
	return ret;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kite_vcpu *v = file->private_data;

	if (!kite_vm_is_mine(v->vm))
		return -EIO;
	return cmd == KITE_VCPU_RUN ? vcpu_run(v, arg) : vcpu_other(v, cmd, arg);
}

/* Page 0 is the run page, then come the trace and the ring, each once it was switched on. */
static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct kite_vcpu *v = vmf->vma->vm_file->private_data;
	void *trace = READ_ONCE(v->trace);
	struct page *page = NULL;

	if (vmf->pgoff == 0)
		page = virt_to_page(v->run);
	else if (vmf->pgoff <= KITE_TRACE_PAGES && trace)
		page = virt_to_page(trace + (vmf->pgoff - 1) * PAGE_SIZE);
	else if (vmf->pgoff >= RING_PAGE)
		page = kite_ring_page(v, vmf->pgoff - RING_PAGE);
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long end = vma->vm_pgoff + vma_pages(vma);

	if (vma->vm_pgoff >= RING_PAGE ? end > RING_END : end > KITE_VCPU_MMAP_SIZE / PAGE_SIZE)
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	kite_vcpu_destroy(file->private_data);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

int kite_vcpu_fd(struct kite_vcpu *v)
{
	return anon_inode_getfd("kite-vcpu", &vcpu_fops, v, O_RDWR | O_CLOEXEC);
}
