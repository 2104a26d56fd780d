// SPDX-License-Identifier: GPL-2.0-only
/*
 * Show that VMX works in L1, with KVM as the judge, and provoke a failed VM
 * entry for the test host's self-test.
 *	kvm_probe	run a guest of three instructions; 0 when it said 42
 *	kvm_probe bad	give it a task register that no VM entry accepts; 0 when
 *			the entry failed
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define GUEST_PAGE	0x1000
#define ANSWER_PORT	0xf4
#define ANSWER		42
#define TYPE_NOT_TSS	5

static const unsigned char guest[] = {
	0xb0, ANSWER,		/* mov $42,%al */
	0xe6, ANSWER_PORT,	/* out %al,$0xf4 */
	0xf4,			/* hlt */
};

static int check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(2);
	}
	return result;
}

static int create_guest(int kvm)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_PAGE,
		.memory_size = 0x1000,
	};
	int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	void *page = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		check(-1, "mmap");
	memcpy(page, guest, sizeof(guest));
	region.userspace_addr = (unsigned long)page;
	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	return check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
}

static void set_state(int vcpu, int bad)
{
	struct kvm_regs regs = { .rip = GUEST_PAGE, .rflags = 2 };
	struct kvm_sregs sregs;

	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (bad)
		sregs.tr.type = TYPE_NOT_TSS;
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

int main(int argc, char **argv)
{
	int bad = argc > 1 && !strcmp(argv[1], "bad");
	int kvm = check(open("/dev/kvm", O_RDWR), "/dev/kvm");
	int size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	int vcpu = create_guest(kvm);
	struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	if (run == MAP_FAILED)
		check(-1, "mmap");
	set_state(vcpu, bad);
	check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
	printf("exit reason %u\n", run->exit_reason);
	if (bad)
		return run->exit_reason != KVM_EXIT_FAIL_ENTRY;
	return run->exit_reason != KVM_EXIT_IO || run->io.port != ANSWER_PORT ||
	       *((unsigned char *)run + run->io.data_offset) != ANSWER;
}
