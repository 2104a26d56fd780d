// SPDX-License-Identifier: GPL-2.0-only
#include "kvm_client.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvm_state.h"

/* Where the test host has them, in the order they need. */
static const char *const modules[] = { "irqbypass", "kvm", "kvm-intel" };
static const char *const names[] = { "irqbypass", "kvm", "kvm_intel" };

#define MODULE_DIR	"/lib/kite/kvm/"

static void load(const char *name, const char *params)
{
	char path[64] = MODULE_DIR;
	int fd;

	strcat(strcat(path, name), ".ko");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		SKIP("no /dev/kvm and no %s", path);
	if (syscall(SYS_finit_module, fd, params, 0))
		FAIL("loading %s: errno %d", path, errno);
	close(fd);
}

void kvm_load(void)
{
	const char *params = getenv("KVM_INTEL_PARAMS");
	unsigned int i, last = ARRAY_SIZE(modules) - 1;

	if (!access("/dev/kvm", F_OK))
		return;
	for (i = 0; i <= last; i++)
		load(modules[i], i == last && params ? params : "");
}

void kvm_unload(void)
{
	unsigned int i;

	if (access(MODULE_DIR "kvm.ko", F_OK))
		SKIP("KVM is loaded and not ours to unload");
	for (i = ARRAY_SIZE(names); i-- > 0;)
		if (syscall(SYS_delete_module, names[i], O_NONBLOCK))
			FAIL("unloading %s: errno %d", names[i], errno);
}

int kvm_call(int ret, const char *what)
{
	if (ret < 0)
		FAIL("%s: errno %d", what, errno);
	return ret;
}

#define MUST(call)	kvm_call(call, #call)

void kvm_set_slot(int vm, u32 slot, u32 flags, u64 gpa, u64 len, void *mem)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = len,
		.userspace_addr = (unsigned long)mem,
	};

	MUST(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
}

static struct kvm_cpuids cpuids;

void kvm_get_cpuid(int dev)
{
	MUST(kvm_read_cpuids(dev, &cpuids));
}

void kvm_set_cpuid(int vcpu, unsigned int id, bool irqchip)
{
	MUST(kvm_put_cpuids(vcpu, &cpuids, id, irqchip));
}

void kvm_set_state(int vcpu, const struct kite_state *s)
{
	MUST(kvm_put_state(vcpu, s));
}

void kvm_create(struct kvm *kvm, struct kt_vm *vm)
{
	struct kite_state s;
	int size;

	kvm->dev = MUST(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	kvm->vm = MUST(ioctl(kvm->dev, KVM_CREATE_VM, 0));
	/* Space that KVM needs where a CPU lacks unrestricted guests, away from ours. */
	MUST(ioctl(kvm->vm, KVM_SET_TSS_ADDR, 0xfffbd000));
	kvm_set_slot(kvm->vm, 0, 0, 0, KT_RAM, vm->ram);
	kvm_set_slot(kvm->vm, 1, 0, kt_image_start(), kt_image_len(), (void *)kt_image_start());
	kvm->vcpu = MUST(ioctl(kvm->vm, KVM_CREATE_VCPU, 0));
	size = MUST(ioctl(kvm->dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	kvm->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, kvm->vcpu, 0);
	ASSERT_TRUE(kvm->run != MAP_FAILED);
	kvm_get_cpuid(kvm->dev);
	kvm_set_cpuid(kvm->vcpu, 0, false);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_GPRS | KITE_STATE_SEGS | KITE_STATE_CRS, &s);
	kvm_set_state(kvm->vcpu, &s);
}

void kvm_destroy(struct kvm *kvm)
{
	munmap(kvm->run, ioctl(kvm->dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(kvm->vcpu);
	close(kvm->vm);
	close(kvm->dev);
}

u16 kvm_run(struct kvm *kvm)
{
	int ret;

	do {
		ret = ioctl(kvm->vcpu, KVM_RUN, 0);
	} while (ret && errno == EINTR);
	MUST(ret);
	if (kvm->run->exit_reason != KVM_EXIT_IO)
		FAIL("KVM's guest left with exit reason %u", kvm->run->exit_reason);
	return kvm->run->io.port;
}

void kvm_check(struct kt_checker *checker)
{
	kvm_check_by(kt_check, checker);
}

void kvm_check_by(void (*guest)(u64), struct kt_checker *checker)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kvm kvm;

	kt_call(&vm->vcpu, guest, (u64)checker);
	kvm_create(&kvm, vm);
	ASSERT_EQ((u16)KT_PORT_DONE, kvm_run(&kvm));
	kvm_destroy(&kvm);
}
