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

/* Where the test host has them, in the order they need. */
static const char *const modules[] = { "irqbypass", "kvm", "kvm-intel" };
static const char *const names[] = { "irqbypass", "kvm", "kvm_intel" };

#define MODULE_DIR	"/lib/kite/kvm/"
#define CPUIDS		100

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

/* As KVM supports it; it does not tell of the timer that its own APIC has. */
static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[CPUIDS];
} cpuid;

#define CPUID_1_ECX_DEADLINE	(1u << 24)

void kvm_get_cpuid(int dev)
{
	cpuid.head.nent = CPUIDS;
	MUST(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &cpuid));
}

void kvm_set_cpuid(int vcpu, bool irqchip)
{
	u32 i;

	for (i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entry[i].function == 1 && irqchip)
			cpuid.entry[i].ecx |= CPUID_1_ECX_DEADLINE;
	MUST(ioctl(vcpu, KVM_SET_CPUID2, &cpuid));
}

/* Kite has access rights as the VMCS does. */
static void copy_segment(struct kvm_segment *to, const struct kite_segment *from)
{
	*to = (struct kvm_segment){
		.base = from->base, .limit = from->limit, .selector = from->selector,
		.type = from->ar & 0xf, .s = from->ar >> 4 & 1, .dpl = from->ar >> 5 & 3,
		.present = from->ar >> 7 & 1, .avl = from->ar >> 12 & 1, .l = from->ar >> 13 & 1,
		.db = from->ar >> 14 & 1, .g = from->ar >> 15 & 1, .unusable = from->ar >> 16 & 1,
	};
}

static void copy_sregs(int vcpu, const struct kite_state *s)
{
	struct kvm_sregs sregs;

	MUST(ioctl(vcpu, KVM_GET_SREGS, &sregs));
	copy_segment(&sregs.es, &s->segs.seg[KITE_ES]);
	copy_segment(&sregs.cs, &s->segs.seg[KITE_CS]);
	copy_segment(&sregs.ss, &s->segs.seg[KITE_SS]);
	copy_segment(&sregs.ds, &s->segs.seg[KITE_DS]);
	copy_segment(&sregs.fs, &s->segs.seg[KITE_FS]);
	copy_segment(&sregs.gs, &s->segs.seg[KITE_GS]);
	copy_segment(&sregs.ldt, &s->segs.seg[KITE_LDTR]);
	copy_segment(&sregs.tr, &s->segs.seg[KITE_TR]);
	sregs.gdt.base = s->segs.gdtr.base;
	sregs.gdt.limit = s->segs.gdtr.limit;
	sregs.idt.base = s->segs.idtr.base;
	sregs.idt.limit = s->segs.idtr.limit;
	sregs.cr0 = s->crs.cr0;
	sregs.cr3 = s->crs.cr3;
	sregs.cr4 = s->crs.cr4;
	sregs.efer = s->crs.efer;
	MUST(ioctl(vcpu, KVM_SET_SREGS, &sregs));
}

static void copy_regs(int vcpu, const struct kite_gprs *g)
{
	struct kvm_regs regs = {
		.rax = g->gpr[KITE_RAX], .rbx = g->gpr[KITE_RBX], .rcx = g->gpr[KITE_RCX],
		.rdx = g->gpr[KITE_RDX], .rsi = g->gpr[KITE_RSI], .rdi = g->gpr[KITE_RDI],
		.rsp = g->gpr[KITE_RSP], .rbp = g->gpr[KITE_RBP], .r8 = g->gpr[KITE_R8],
		.r9 = g->gpr[KITE_R9], .r10 = g->gpr[KITE_R10], .r11 = g->gpr[KITE_R11],
		.r12 = g->gpr[KITE_R12], .r13 = g->gpr[KITE_R13], .r14 = g->gpr[KITE_R14],
		.r15 = g->gpr[KITE_R15], .rip = g->rip, .rflags = g->rflags,
	};

	MUST(ioctl(vcpu, KVM_SET_REGS, &regs));
}

void kvm_set_state(int vcpu, const struct kite_state *s)
{
	copy_sregs(vcpu, s);
	copy_regs(vcpu, &s->gprs);
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
	kvm_set_cpuid(kvm->vcpu, false);
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

void kvm_check(struct kt_checker *checker, u64 rounds)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kvm kvm;

	checker->rounds = rounds;
	kt_call(&vm->vcpu, kt_check, (u64)checker);
	kvm_create(&kvm, vm);
	ASSERT_EQ((u16)KT_PORT_DONE, kvm_run(&kvm));
	kvm_destroy(&kvm);
}
