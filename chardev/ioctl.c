// SPDX-License-Identifier: GPL-2.0-only
#include "ioctl.h"

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static const struct kite_ioctl *find(const struct kite_ioctl *table, unsigned int count,
				     unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (table[i].cmd == cmd)
			return &table[i];
	return NULL;
}

/* The user's size decides what is read and, later, what is written: read it once. */
static int copy_in(const struct kite_ioctl *ioctl, void __user *uarg, union kite_arg *arg,
		   u32 *usize)
{
	int ret;

	if (get_user(*usize, (u32 __user *)uarg))
		return -EFAULT;
	if (*usize < ioctl->min_size)
		return -EINVAL;
	if (*usize > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(arg, ioctl->size, uarg, *usize);
	if (ret)
		return ret;
	arg->head.size = ioctl->size;
	return 0;
}

static long run_with_arg(const struct kite_ioctl *ioctl, void *obj, void __user *uarg)
{
	union kite_arg *arg;
	u32 usize;
	long ret;

	arg = kzalloc(ioctl->size, GFP_KERNEL_ACCOUNT);
	if (!arg)
		return -ENOMEM;
	ret = copy_in(ioctl, uarg, arg, &usize);
	if (!ret)
		ret = ioctl->fn(obj, arg);
	if (ret >= 0 && ioctl->out && copy_to_user(uarg, arg, min_t(u32, usize, ioctl->size)))
		ret = -EFAULT;
	kfree(arg);
	return ret;
}

long kite_ioctl(const struct kite_ioctl *table, unsigned int count, void *obj,
		unsigned int cmd, unsigned long arg)
{
	const struct kite_ioctl *ioctl = find(table, count, cmd);

	if (!ioctl)
		return -ENOTTY;
	if (ioctl->size)
		return run_with_arg(ioctl, obj, (void __user *)arg);
	return arg ? -EINVAL : ioctl->fn(obj, NULL);
}
