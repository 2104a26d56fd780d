// SPDX-License-Identifier: GPL-2.0-only
#include "ioctl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

int __kt_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg);
}

static int call(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int _dev_open(void)
{
	int fd = open(KITE_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int dev_open(void)
{
	int fd = _dev_open();

	if (fd == -ENOENT)
		SKIP("no " KITE_DEVICE ": load kite.ko");
	return KT_MUST(fd);
}

int _dev_get_info(int dev, struct kite_info *info)
{
	*info = (struct kite_info){ .size = sizeof(*info) };
	return call(dev, KITE_GET_INFO, info);
}

int _dev_create_vm(int dev, u32 flags)
{
	return _dev_create_vm_tsc(dev, flags, 0);
}

int _dev_create_vm_tsc(int dev, u32 flags, u32 tsc_khz)
{
	struct kite_create_vm arg = { .size = sizeof(arg), .flags = flags, .tsc_khz = tsc_khz };

	return call(dev, KITE_CREATE_VM, &arg);
}

int _vm_get_clock(int vm, struct kite_clock *clock)
{
	*clock = (struct kite_clock){ .size = sizeof(*clock) };
	return call(vm, KITE_VM_GET_CLOCK, clock);
}

int _vm_set_clock(int vm, struct kite_clock *clock)
{
	clock->size = sizeof(*clock);
	return call(vm, KITE_VM_SET_CLOCK, clock);
}

int _vm_set_slot(int vm, u32 slot, u32 flags, u64 gpa, u64 len, void *mem)
{
	struct kite_slot arg = {
		.size = sizeof(arg), .flags = flags, .slot = slot,
		.gpa = gpa, .len = len, .uaddr = (unsigned long)mem,
	};

	return call(vm, KITE_VM_SET_SLOT, &arg);
}

int _vm_set_perm(int vm, u32 perm, u64 gpa, u64 len)
{
	struct kite_perm arg = { .size = sizeof(arg), .perm = perm, .gpa = gpa, .len = len };

	return call(vm, KITE_VM_SET_PERM, &arg);
}

int _vm_get_dirty(int vm, u32 slot, u32 flags, u64 first, u64 pages, void *bitmap)
{
	struct kite_dirty arg = {
		.size = sizeof(arg), .flags = flags, .slot = slot,
		.first = first, .pages = pages, .uaddr = (unsigned long)bitmap,
	};

	return call(vm, KITE_VM_GET_DIRTY, &arg);
}

int _vm_clear_dirty(int vm, u32 slot, u64 first, u64 pages, const void *bitmap)
{
	struct kite_dirty arg = {
		.size = sizeof(arg), .slot = slot,
		.first = first, .pages = pages, .uaddr = (unsigned long)bitmap,
	};

	return call(vm, KITE_VM_CLEAR_DIRTY, &arg);
}

int _vm_reset_rings(int vm)
{
	return call(vm, KITE_VM_RESET_RINGS, NULL);
}

int _vm_create_vcpu(int vm, u32 id)
{
	struct kite_create_vcpu arg = { .size = sizeof(arg), .id = id };

	return call(vm, KITE_VM_CREATE_VCPU, &arg);
}

int _vm_irq_line(int vm, u32 gsi, u32 level)
{
	struct kite_irq_line arg = { .size = sizeof(arg), .gsi = gsi, .level = level };

	return call(vm, KITE_VM_IRQ_LINE, &arg);
}

int _vm_pic_intr(int vm, u32 level)
{
	struct kite_irq_line arg = { .size = sizeof(arg), .level = level };

	return call(vm, KITE_VM_PIC_INTR, &arg);
}

int _vm_send_msi(int vm, u64 address, u32 data)
{
	struct kite_msi arg = { .size = sizeof(arg), .address = address, .data = data };

	return call(vm, KITE_VM_SEND_MSI, &arg);
}

int _vm_get_ioapic(int vm, struct kite_ioapic *ioapic)
{
	*ioapic = (struct kite_ioapic){ .size = sizeof(*ioapic) };
	return call(vm, KITE_VM_GET_IOAPIC, ioapic);
}

int _vm_set_ioapic(int vm, struct kite_ioapic *ioapic)
{
	ioapic->size = sizeof(*ioapic);
	return call(vm, KITE_VM_SET_IOAPIC, ioapic);
}

int _vm_set_routes(int vm, u32 count, const struct kite_route *routes)
{
	struct kite_routes arg = {
		.size = sizeof(arg), .count = count, .uaddr = (unsigned long)routes,
	};

	return call(vm, KITE_VM_SET_ROUTES, &arg);
}

int _vm_ioeventfd(int vm, struct kite_ioeventfd arg)
{
	arg.size = sizeof(arg);
	return call(vm, KITE_VM_IOEVENTFD, &arg);
}

int _vm_irqfd(int vm, struct kite_irqfd arg)
{
	arg.size = sizeof(arg);
	return call(vm, KITE_VM_IRQFD, &arg);
}

int _vcpu_run(int vcpu)
{
	return call(vcpu, KITE_VCPU_RUN, NULL);
}

int _vcpu_kick(int vcpu)
{
	return call(vcpu, KITE_VCPU_KICK, NULL);
}

int _vcpu_nmi(int vcpu)
{
	return call(vcpu, KITE_VCPU_NMI, NULL);
}

int _vcpu_stop(int vcpu)
{
	return call(vcpu, KITE_VCPU_STOP, NULL);
}

int _vcpu_cont(int vcpu)
{
	return call(vcpu, KITE_VCPU_CONT, NULL);
}

int _vcpu_inject(int vcpu, struct kite_inject *inject)
{
	inject->size = sizeof(*inject);
	return call(vcpu, KITE_VCPU_INJECT, inject);
}

int _vcpu_get_state(int vcpu, u32 groups, struct kite_state *state)
{
	memset(state, 0, sizeof(*state));
	state->size = sizeof(*state);
	state->groups = groups;
	return call(vcpu, KITE_VCPU_GET_STATE, state);
}

int _vcpu_set_state(int vcpu, u32 groups, struct kite_state *state)
{
	state->size = sizeof(*state);
	state->groups = groups;
	return call(vcpu, KITE_VCPU_SET_STATE, state);
}

static int xsave(int vcpu, unsigned long cmd, void *image, u64 len)
{
	struct kite_xsave arg = { .size = sizeof(arg), .uaddr = (unsigned long)image, .len = len };

	return call(vcpu, cmd, &arg);
}

int _vcpu_get_xsave(int vcpu, void *image, u64 len)
{
	return xsave(vcpu, KITE_VCPU_GET_XSAVE, image, len);
}

int _vcpu_set_xsave(int vcpu, void *image, u64 len)
{
	return xsave(vcpu, KITE_VCPU_SET_XSAVE, image, len);
}

int _vcpu_get_lapic(int vcpu, struct kite_lapic *lapic)
{
	memset(lapic, 0, sizeof(*lapic));
	lapic->size = sizeof(*lapic);
	return call(vcpu, KITE_VCPU_GET_LAPIC, lapic);
}

int _vcpu_set_lapic(int vcpu, struct kite_lapic *lapic)
{
	lapic->size = sizeof(*lapic);
	return call(vcpu, KITE_VCPU_SET_LAPIC, lapic);
}

int _vcpu_get_cpuid(int vcpu, u32 leaf, u32 subleaf, struct kite_cpuid *cpuid)
{
	*cpuid = (struct kite_cpuid){ .size = sizeof(*cpuid), .leaf = leaf, .subleaf = subleaf };
	return call(vcpu, KITE_VCPU_GET_CPUID, cpuid);
}

int _vcpu_get_stats(int vcpu, struct kite_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	return call(vcpu, KITE_VCPU_GET_STATS, stats);
}

int _vcpu_set_debug(int vcpu, u32 flags)
{
	struct kite_debug arg = { .size = sizeof(arg), .flags = flags };

	return call(vcpu, KITE_VCPU_SET_DEBUG, &arg);
}

int _vcpu_prefault(int vcpu, u32 flags, struct kite_prefault *arg)
{
	arg->size = sizeof(*arg);
	arg->flags = flags;
	return call(vcpu, KITE_VCPU_PREFAULT, arg);
}

int _vcpu_translate(int vcpu, u64 gva, u64 *gpa)
{
	struct kite_translate arg = { .size = sizeof(arg), .gva = gva };
	int ret = call(vcpu, KITE_VCPU_TRANSLATE, &arg);

	*gpa = arg.gpa;
	return ret;
}

int _vcpu_set_ring(int vcpu, u32 entries)
{
	struct kite_set_ring arg = { .size = sizeof(arg), .entries = entries };

	return call(vcpu, KITE_VCPU_SET_RING, &arg);
}

int _vcpu_check_entry(int vcpu, struct kite_broken_rule *broken)
{
	struct kite_entry_check arg = { .size = sizeof(arg) };
	int ret = call(vcpu, KITE_VCPU_CHECK_ENTRY, &arg);

	*broken = arg.broken;
	return ret;
}
