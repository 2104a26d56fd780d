// SPDX-License-Identifier: GPL-2.0-only
/*
 * kitectl on KVM, for the boots of "make bench": the calls of lib/libkite.h made with KVM,
 * as a user has it: interrupt controllers and the 8254 in the kernel. Linked to kitectl in
 * the place of its own library; the devices and the rest are the same program.
 */
#include "lib/libkite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm_state.h"

#define MAX_VCPUS	64
#define TSS_ADDR	0xfffbd000	/* free in kitectl's memory map */
#define PIC_INPUTS	8u
#define PIT_PIN		2u		/* of the I/O APIC, as kitectl's tables say */

static struct vcpu_of_kvm {
	int fd;				/* 0: none */
	struct kvm_run *kvm;
	struct kite_run *kite;		/* what kitectl sees */
	pthread_t thread;
	bool runs;			/* @thread is valid */
	void *in;			/* where KVM wants the data of a read, or NULL */
	u32 in_len;
} vcpus[MAX_VCPUS];

static struct kvm_cpuids cpuids;
static int run_len;

static int done(int ret)
{
	return ret < 0 ? -errno : ret;
}

static struct vcpu_of_kvm *find(int fd)
{
	unsigned int i;

	for (i = 0; i < MAX_VCPUS; i++)
		if (vcpus[i].fd == fd)
			return &vcpus[i];
	abort();
}

int kite_open(void)
{
	return done(open("/dev/kvm", O_RDWR | O_CLOEXEC));
}

int kite_get_info(int dev, struct kite_info *info)
{
	run_len = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_len < 0 || kvm_read_cpuids(dev, &cpuids))
		return -errno;
	*info = (struct kite_info){
		.api_version = KITE_API_VERSION, .max_vcpus = MAX_VCPUS,
		.vcpu_mmap_size = 2 * KITE_TRACE_OFFSET, .phys_bits = 36,
	};
	return 0;
}

int kite_get_vmx_msrs(int dev, struct kite_vmx_msrs *msrs)
{
	(void)dev;
	(void)msrs;
	return -ENOTTY;
}

static struct kvm_irq_routing_entry route(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/* GSI 0 is the timer, at another input of the I/O APIC than of the PIC; the rest is 1 to 1. */
static int set_routes(int vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[2 * KITE_IOAPIC_PINS];
	} routes = {};
	struct kvm_irq_routing_entry *e = routes.entry;
	u32 gsi;

	for (gsi = 0; gsi < KITE_IOAPIC_PINS; gsi++) {
		if (gsi == PIT_PIN)
			continue;
		if (gsi < 2 * PIC_INPUTS)
			*e++ = route(gsi, gsi / PIC_INPUTS, gsi % PIC_INPUTS);
		*e++ = route(gsi, KVM_IRQCHIP_IOAPIC, gsi ? gsi : PIT_PIN);
	}
	routes.head.nr = e - routes.entry;
	return ioctl(vm, KVM_SET_GSI_ROUTING, &routes);
}

int kite_create_vm(int dev, u32 flags, u32 tsc_khz)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int vm = ioctl(dev, KVM_CREATE_VM, 0);

	(void)flags;
	(void)tsc_khz;
	if (vm < 0 || ioctl(vm, KVM_SET_TSS_ADDR, TSS_ADDR) || ioctl(vm, KVM_CREATE_IRQCHIP) ||
	    ioctl(vm, KVM_CREATE_PIT2, &pit) || set_routes(vm))
		return -errno;
	return vm;
}

int kite_set_slot(int vm, u32 slot, u64 gpa, void *mem, u64 len)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = len,
		.userspace_addr = (unsigned long)mem,
	};

	return done(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
}

int kite_create_vcpu(int vm, u32 id)
{
	struct vcpu_of_kvm *v = &vcpus[id];

	v->fd = ioctl(vm, KVM_CREATE_VCPU, id);
	if (v->fd < 0 || kvm_put_cpuids(v->fd, &cpuids, id, true))
		return -errno;
	v->kvm = mmap(NULL, run_len, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	return v->kvm == MAP_FAILED ? -errno : v->fd;
}

int kite_irq_line(int vm, u32 gsi, bool level)
{
	struct kvm_irq_level arg = { .irq = gsi, .level = level };

	return done(ioctl(vm, KVM_IRQ_LINE, &arg));
}

/* KVM has a PIC of its own, and kitectl's hears of nothing. */
int kite_pic_intr(int vm, bool level)
{
	(void)vm;
	(void)level;
	return 0;
}

static void wake(int sig)
{
	(void)sig;
}

struct kite_run *kite_map_run(int vcpu, u32 mmap_size)
{
	struct sigaction sa = { .sa_handler = wake };
	struct vcpu_of_kvm *v = find(vcpu);

	sigaction(SIGUSR1, &sa, NULL);
	v->kite = mmap(NULL, mmap_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return v->kite == MAP_FAILED ? NULL : v->kite;
}

void kite_unmap_run(struct kite_run *run, u32 mmap_size)
{
	munmap(run, mmap_size);
}

static void exit_io(struct vcpu_of_kvm *v)
{
	void *data = (u8 *)v->kvm + v->kvm->io.data_offset;
	u32 len = v->kvm->io.count * v->kvm->io.size;
	bool in = v->kvm->io.direction == KVM_EXIT_IO_IN;

	v->kite->exit_reason = KITE_EXIT_IO;
	v->kite->io = (struct kite_exit_io){
		.port = v->kvm->io.port, .width = v->kvm->io.size, .count = v->kvm->io.count,
		.flags = in ? KITE_IO_IN : 0,
	};
	v->in = in ? data : NULL;
	v->in_len = len;
	if (!in)
		memcpy(v->kite->data, data, len);
}

static void exit_mmio(struct vcpu_of_kvm *v)
{
	v->kite->exit_reason = KITE_EXIT_MMIO;
	v->kite->mmio = (struct kite_exit_mmio){
		.gpa = v->kvm->mmio.phys_addr, .width = v->kvm->mmio.len,
		.is_write = v->kvm->mmio.is_write,
	};
	v->in = v->kvm->mmio.is_write ? NULL : v->kvm->mmio.data;
	v->in_len = v->kvm->mmio.len;
	if (v->kvm->mmio.is_write)
		memcpy(v->kite->data, v->kvm->mmio.data, v->kvm->mmio.len);
}

int kite_run_vcpu(int vcpu)
{
	struct vcpu_of_kvm *v = find(vcpu);
	sigset_t set;
	int ret;

	if (!v->runs) {
		v->thread = pthread_self();
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		__atomic_store_n(&v->runs, true, __ATOMIC_RELEASE);
	}
	if (v->in)
		memcpy(v->in, v->kite->data, v->in_len);
	v->in = NULL;
	v->kite->exit_reason = KITE_EXIT_KICK;
	/* A vCPU that has waited for its INIT has to be asked again. */
	do {
		ret = ioctl(vcpu, KVM_RUN, 0);
	} while (ret && errno == EAGAIN);
	if (ret)
		return -errno;
	switch (v->kvm->exit_reason) {
	case KVM_EXIT_IO:
		exit_io(v);
		break;
	case KVM_EXIT_MMIO:
		exit_mmio(v);
		break;
	case KVM_EXIT_SHUTDOWN:
		v->kite->exit_reason = KITE_EXIT_SHUTDOWN;
		break;
	default:
		v->kite->exit_reason = KITE_EXIT_INTERNAL;
	}
	return 0;
}

/* Only at the end: a vCPU does not come back after it. */
int kite_kick(int vcpu)
{
	struct vcpu_of_kvm *v = find(vcpu);

	v->kvm->immediate_exit = 1;
	if (__atomic_load_n(&v->runs, __ATOMIC_ACQUIRE))
		return -pthread_kill(v->thread, SIGUSR1);
	return 0;
}

/* A vCPU that has not run is asked for its state, and given another one. */
int kite_get_state(int vcpu, struct kite_state *state)
{
	u32 groups = state->groups;

	(void)vcpu;
	memset(state, 0, sizeof(*state));
	state->groups = groups;
	return 0;
}

int kite_set_state(int vcpu, struct kite_state *state)
{
	return done(kvm_put_state(vcpu, state));
}

/* The lines are as firmware leaves them. */
int kite_get_lapic(int vcpu, struct kite_lapic *lapic)
{
	(void)vcpu;
	memset(lapic, 0, sizeof(*lapic));
	return 0;
}

int kite_set_lapic(int vcpu, struct kite_lapic *lapic)
{
	(void)vcpu;
	(void)lapic;
	return 0;
}

int kite_get_stats(int vcpu, struct kite_stats *stats)
{
	(void)vcpu;
	memset(stats, 0, sizeof(*stats));
	return 0;
}

int kite_set_debug(int vcpu, u32 flags)
{
	(void)vcpu;
	return flags ? -ENOTTY : 0;
}
