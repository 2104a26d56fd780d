// SPDX-License-Identifier: GPL-2.0-only
#include "face.h"

#include <sys/mman.h>
#include <unistd.h>

#define GROUPS	(KITE_STATE_GPRS | KITE_STATE_SEGS | KITE_STATE_CRS | KITE_STATE_EVENTS)

static struct kite_info info;

static void prepare(void)
{
	int dev = dev_open();

	dev_get_info(dev, &info);
	close(dev);
}

static void set_slot(struct kt_machine *m, u32 slot, u64 gpa, u64 len, void *mem, bool log)
{
	vm_set_slot(m->vm, slot, log ? KITE_SLOT_LOG_DIRTY : 0, gpa, len, mem);
}

static void create(struct kt_machine *m)
{
	m->dev = dev_open();
	m->vm = dev_create_vm(m->dev, m->guest->irqchip ? KITE_VM_IRQCHIP : 0);
	set_slot(m, KT_FACE_RAM, 0, KT_RAM, m->guest->ram, false);
	set_slot(m, KT_FACE_IMAGE, kt_image_start(), kt_image_len(), (void *)kt_image_start(),
		 false);
}

static void destroy(struct kt_machine *m)
{
	close(m->vm);
	close(m->dev);
}

static void add_vcpu(struct kt_machine *m, unsigned int n)
{
	struct kite_state state = m->guest->state[n];

	m->vcpu[n].fd = vm_create_vcpu(m->vm, n);
	m->vcpu[n].run = mmap(NULL, info.vcpu_mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      m->vcpu[n].fd, 0);
	ASSERT_TRUE(m->vcpu[n].run != MAP_FAILED);
	vcpu_set_state(m->vcpu[n].fd, GROUPS, &state);
}

static void remove_vcpu(struct kt_machine *m, unsigned int n)
{
	munmap(m->vcpu[n].run, info.vcpu_mmap_size);
	close(m->vcpu[n].fd);
}

static u32 run(struct kt_machine *m, unsigned int n)
{
	const struct kite_run *run = m->vcpu[n].run;
	int ret;

	do {
		ret = __kt_ioctl(m->vcpu[n].fd, KITE_VCPU_RUN, NULL);
	} while (ret && errno == EINTR);
	if (ret)
		FAIL("KITE_VCPU_RUN: errno %d", errno);
	switch (run->exit_reason) {
	case KITE_EXIT_IO:
		return run->io.port;
	case KITE_EXIT_MMIO:
		return KT_SAID_MMIO;
	case KITE_EXIT_HLT:
		return KT_SAID_HLT;
	}
	FAIL("Kite's guest left with exit reason %u", run->exit_reason);
}

static void get_dirty(struct kt_machine *m, u32 slot, u64 pages, u64 *bitmap)
{
	vm_get_dirty(m->vm, slot, KITE_DIRTY_CLEAR, 0, pages, bitmap);
}

static void ioeventfd(struct kt_machine *m, bool pio, u64 addr, int fd)
{
	vm_ioeventfd(m->vm, (struct kite_ioeventfd){
		.flags = pio ? KITE_IOEVENTFD_PIO : 0, .addr = addr, .fd = fd,
	});
}

static void irqfd(struct kt_machine *m, int fd, u32 data)
{
	const struct kite_route route = {
		.gsi = 0, .type = KITE_ROUTE_MSI, .address = KT_MSI_ADDRESS, .data = data,
	};

	vm_set_routes(m->vm, 1, &route);
	vm_irqfd(m->vm, (struct kite_irqfd){ .fd = fd, .gsi = 0 });
}

const struct kt_face kt_face_kite = {
	.name = "Kite",
	.prepare = prepare,
	.create = create,
	.destroy = destroy,
	.add_vcpu = add_vcpu,
	.remove_vcpu = remove_vcpu,
	.set_slot = set_slot,
	.run = run,
	.get_dirty = get_dirty,
	.ioeventfd = ioeventfd,
	.irqfd = irqfd,
};
