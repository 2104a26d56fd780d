// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest useful client of /dev/kite: a guest of a few bytes in real mode
 * writes a line to port 0xe9 and halts.
 */
#include <err.h>
#include <fcntl.h>
#include <kite.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define MEM_SIZE	0x10000
#define GUEST_ADDR	0x1000

asm(".pushsection .rodata\n"
    "guest_start:\n"
    ".code16\n"
    "	mov $(message - guest_start + 0x1000), %si\n"
    "1:	lodsb\n"
    "	test %al, %al\n"
    "	jz 2f\n"
    "	out %al, $0xe9\n"
    "	jmp 1b\n"
    "2:	hlt\n"
    "message: .asciz \"Hello from a guest\\n\"\n"
    "guest_end:\n"
    ".popsection\n"
    ".code64\n");
extern const char guest_start[], guest_end[];

static int call(int fd, unsigned long nr, void *arg, const char *name)
{
	int ret = ioctl(fd, nr, arg);

	if (ret < 0)
		err(1, "%s", name);
	return ret;
}

#define CALL(fd, nr, arg) call(fd, nr, arg, #nr)

/* Memory of this process becomes memory of the guest. */
static void add_memory(int vm)
{
	char *mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct kite_slot slot = { .size = sizeof(slot), .len = MEM_SIZE };

	if (mem == MAP_FAILED)
		err(1, "mmap of the guest's memory");
	memcpy(mem + GUEST_ADDR, guest_start, guest_end - guest_start);
	slot.uaddr = (uintptr_t)mem;
	CALL(vm, KITE_VM_SET_SLOT, &slot);
}

/* From the power-up state only CS, which points to the firmware, and RIP change. */
static void set_start(int vcpu)
{
	struct kite_state state = {
		.size = sizeof(state),
		.groups = KITE_STATE_GPRS | KITE_STATE_SEGS,
	};

	CALL(vcpu, KITE_VCPU_GET_STATE, &state);
	state.segs.seg[KITE_CS].selector = 0;
	state.segs.seg[KITE_CS].base = 0;
	state.gprs.rip = GUEST_ADDR;
	CALL(vcpu, KITE_VCPU_SET_STATE, &state);
}

/* Returns when the guest halts. */
static void run(int vcpu, const struct kite_run *run)
{
	for (;;) {
		CALL(vcpu, KITE_VCPU_RUN, NULL);
		if (run->exit_reason == KITE_EXIT_HLT)
			return;
		if (run->exit_reason != KITE_EXIT_IO || run->io.flags & KITE_IO_IN ||
		    run->io.port != 0xe9)
			errx(1, "unexpected exit %u", run->exit_reason);
		fwrite(run->data, run->io.width, run->io.count, stdout);
	}
}

int main(void)
{
	struct kite_info info = { .size = sizeof(info) };
	struct kite_create_vm vm_arg = { .size = sizeof(vm_arg) };
	struct kite_create_vcpu vcpu_arg = { .size = sizeof(vcpu_arg) };
	int dev = open(KITE_DEVICE, O_RDWR | O_CLOEXEC), vm, vcpu;
	struct kite_run *page;

	if (dev < 0)
		err(1, "%s", KITE_DEVICE);
	CALL(dev, KITE_GET_INFO, &info);
	if (info.api_version != KITE_API_VERSION)
		errx(1, "the module speaks version %u of the ABI, this program %u",
		     info.api_version, KITE_API_VERSION);
	vm = CALL(dev, KITE_CREATE_VM, &vm_arg);
	add_memory(vm);
	vcpu = CALL(vm, KITE_VM_CREATE_VCPU, &vcpu_arg);
	page = mmap(NULL, info.vcpu_mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (page == MAP_FAILED)
		err(1, "mmap of the run page");
	set_start(vcpu);
	run(vcpu, page);
	return 0;
}
