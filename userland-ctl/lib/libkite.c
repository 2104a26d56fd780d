// SPDX-License-Identifier: GPL-2.0-only
/* Thin wrappers over the ioctls of /dev/kite. */
#include "lib/libkite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static int call(int fd, unsigned long nr, void *arg)
{
	int ret = ioctl(fd, nr, arg);

	return ret < 0 ? -errno : ret;
}

int kite_open(void)
{
	int fd = open(KITE_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int kite_get_info(int dev, struct kite_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return call(dev, KITE_GET_INFO, info);
}

int kite_get_vmx_msrs(int dev, struct kite_vmx_msrs *msrs)
{
	memset(msrs, 0, sizeof(*msrs));
	msrs->size = sizeof(*msrs);
	return call(dev, KITE_GET_VMX_MSRS, msrs);
}

int kite_create_vm(int dev, u32 flags, u32 tsc_khz)
{
	struct kite_create_vm arg = { .size = sizeof(arg), .flags = flags, .tsc_khz = tsc_khz };

	return call(dev, KITE_CREATE_VM, &arg);
}

int kite_set_slot(int vm, u32 slot, u64 gpa, void *mem, u64 len)
{
	struct kite_slot arg = {
		.size = sizeof(arg),
		.slot = slot,
		.gpa = gpa,
		.len = len,
		.uaddr = (u64)(uintptr_t)mem,
	};

	return call(vm, KITE_VM_SET_SLOT, &arg);
}

int kite_create_vcpu(int vm, u32 id)
{
	struct kite_create_vcpu arg = { .size = sizeof(arg), .id = id };

	return call(vm, KITE_VM_CREATE_VCPU, &arg);
}

int kite_irq_line(int vm, u32 gsi, bool level)
{
	struct kite_irq_line arg = { .size = sizeof(arg), .gsi = gsi, .level = level };

	return call(vm, KITE_VM_IRQ_LINE, &arg);
}

int kite_pic_intr(int vm, bool level)
{
	struct kite_irq_line arg = { .size = sizeof(arg), .level = level };

	return call(vm, KITE_VM_PIC_INTR, &arg);
}

struct kite_run *kite_map_run(int vcpu, u32 mmap_size)
{
	void *p = mmap(NULL, mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	return p == MAP_FAILED ? NULL : p;
}

void kite_unmap_run(struct kite_run *run, u32 mmap_size)
{
	munmap(run, mmap_size);
}

int kite_run_vcpu(int vcpu)
{
	return call(vcpu, KITE_VCPU_RUN, NULL);
}

int kite_kick(int vcpu)
{
	return call(vcpu, KITE_VCPU_KICK, NULL);
}

int kite_get_state(int vcpu, struct kite_state *state)
{
	state->size = sizeof(*state);
	state->flags = 0;
	state->reserved = 0;
	return call(vcpu, KITE_VCPU_GET_STATE, state);
}

int kite_set_state(int vcpu, struct kite_state *state)
{
	state->size = sizeof(*state);
	state->flags = 0;
	state->reserved = 0;
	return call(vcpu, KITE_VCPU_SET_STATE, state);
}

int kite_get_lapic(int vcpu, struct kite_lapic *lapic)
{
	memset(lapic, 0, sizeof(*lapic));
	lapic->size = sizeof(*lapic);
	return call(vcpu, KITE_VCPU_GET_LAPIC, lapic);
}

int kite_set_lapic(int vcpu, struct kite_lapic *lapic)
{
	lapic->size = sizeof(*lapic);
	return call(vcpu, KITE_VCPU_SET_LAPIC, lapic);
}

int kite_get_stats(int vcpu, struct kite_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	return call(vcpu, KITE_VCPU_GET_STATS, stats);
}

int kite_set_debug(int vcpu, u32 flags)
{
	struct kite_debug arg = { .size = sizeof(arg), .flags = flags };

	return call(vcpu, KITE_VCPU_SET_DEBUG, &arg);
}
