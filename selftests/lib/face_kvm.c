// SPDX-License-Identifier: GPL-2.0-only
#include "face.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm_client.h"

static int run_len;

static void prepare(void)
{
	int dev;

	kvm_load();
	dev = kvm_call(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	run_len = kvm_call(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	kvm_get_cpuid(dev);
	close(dev);
}

static void set_slot(struct kt_machine *m, u32 slot, u64 gpa, u64 len, void *mem, bool log)
{
	kvm_set_slot(m->vm, slot, log ? KVM_MEM_LOG_DIRTY_PAGES : 0, gpa, len, mem);
}

/* Unrestricted guests need no task state segment of KVM's, so none is asked for. */
static void create(struct kt_machine *m)
{
	m->dev = kvm_call(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	m->vm = kvm_call(ioctl(m->dev, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	if (m->guest->irqchip)
		kvm_call(ioctl(m->vm, KVM_CREATE_IRQCHIP), "KVM_CREATE_IRQCHIP");
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
	struct kvm_mp_state runs = { .mp_state = KVM_MP_STATE_RUNNABLE };
	int fd = kvm_call(ioctl(m->vm, KVM_CREATE_VCPU, n), "KVM_CREATE_VCPU");

	m->vcpu[n].fd = fd;
	m->vcpu[n].run = mmap(NULL, run_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(m->vcpu[n].run != MAP_FAILED);
	kvm_set_cpuid(fd, n, m->guest->irqchip);
	kvm_set_state(fd, &m->guest->state[n]);
	/* Others than the first wait for a SIPI. */
	if (n && m->guest->irqchip)
		kvm_call(ioctl(fd, KVM_SET_MP_STATE, &runs), "KVM_SET_MP_STATE");
}

static void remove_vcpu(struct kt_machine *m, unsigned int n)
{
	munmap(m->vcpu[n].run, run_len);
	close(m->vcpu[n].fd);
}

static u32 run(struct kt_machine *m, unsigned int n)
{
	const struct kvm_run *run = m->vcpu[n].run;
	int ret;

	do {
		ret = ioctl(m->vcpu[n].fd, KVM_RUN, 0);
	} while (ret && errno == EINTR);
	kvm_call(ret, "KVM_RUN");
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return run->io.port;
	case KVM_EXIT_MMIO:
		return KT_SAID_MMIO;
	case KVM_EXIT_HLT:
		return KT_SAID_HLT;
	}
	FAIL("KVM's guest left with exit reason %u", run->exit_reason);
}

static void get_dirty(struct kt_machine *m, u32 slot, u64 pages, u64 *bitmap)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };

	(void)pages;
	kvm_call(ioctl(m->vm, KVM_GET_DIRTY_LOG, &log), "KVM_GET_DIRTY_LOG");
}

static void ioeventfd(struct kt_machine *m, bool pio, u64 addr, int fd)
{
	struct kvm_ioeventfd arg = {
		.addr = addr, .fd = fd, .flags = pio ? KVM_IOEVENTFD_FLAG_PIO : 0,
	};

	kvm_call(ioctl(m->vm, KVM_IOEVENTFD, &arg), "KVM_IOEVENTFD");
}

static void irqfd(struct kt_machine *m, int fd, u32 data)
{
	struct {
		struct kvm_irq_routing routing;
		struct kvm_irq_routing_entry entry;
	} routes = {
		.routing = { .nr = 1 },
		.entry = {
			.gsi = 0, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = KT_MSI_ADDRESS, .data = data },
		},
	};
	struct kvm_irqfd arg = { .fd = fd, .gsi = 0 };

	kvm_call(ioctl(m->vm, KVM_SET_GSI_ROUTING, &routes), "KVM_SET_GSI_ROUTING");
	kvm_call(ioctl(m->vm, KVM_IRQFD, &arg), "KVM_IRQFD");
}

const struct kt_face kt_face_kvm = {
	.name = "KVM",
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
