// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The linker's: the program's image. */
extern u8 __executable_start[], _end[];

enum { SLOT_RAM, SLOT_IMAGE };

u64 kt_image_start(void)
{
	return (u64)__executable_start & ~(KT_PAGE - 1);
}

u64 kt_image_len(void)
{
	return (((u64)_end + KT_PAGE - 1) & ~(KT_PAGE - 1)) - kt_image_start();
}

void *kt_ptr(struct kt_vm *vm, u64 gpa)
{
	if (gpa < KT_RAM)
		return vm->ram + gpa;
	ASSERT_TRUE(gpa - kt_image_start() < kt_image_len());
	return (void *)gpa;
}

void kt_vcpu_init(struct kt_vcpu *vcpu, struct kt_vm *vm, u32 id)
{
	void *map;

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = vm_create_vcpu(vm->fd, id);
	map = mmap(NULL, vm->info.vcpu_mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (map == MAP_FAILED)
		FAIL("mmap of a vCPU: errno %d", errno);
	vcpu->run = map;
	vcpu->trace = map + KITE_TRACE_OFFSET;
}

void kt_vcpu_close(struct kt_vcpu *vcpu)
{
	ASSERT_EQ(0, munmap(vcpu->run, vcpu->vm->info.vcpu_mmap_size));
	ASSERT_EQ(0, close(vcpu->fd));
}

struct kt_vm *kt_vm_new_with(enum kt_mode mode, u32 flags, u32 tsc_khz)
{
	struct kt_vm *vm = calloc(1, sizeof(*vm));

	ASSERT_TRUE(vm);
	vm->dev = dev_open();
	dev_get_info(vm->dev, &vm->info);
	vm->fd = dev_create_vm_tsc(vm->dev, flags, tsc_khz);
	vm->ram = mmap(NULL, KT_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->ram == MAP_FAILED)
		FAIL("mmap of guest memory: errno %d", errno);
	vm_set_slot(vm->fd, SLOT_RAM, 0, 0, KT_RAM, vm->ram);
	vm_set_slot(vm->fd, SLOT_IMAGE, 0, kt_image_start(), kt_image_len(),
		    (void *)kt_image_start());
	kt_vcpu_init(&vm->vcpu, vm, 0);
	kt_vcpu_set_mode(&vm->vcpu, mode);
	return vm;
}

u64 kt_vm_info(int fd, const char *name)
{
	char path[64], line[128];
	u64 value = ~0ull;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = strtoull(line + strlen(name) + 1, NULL, 10);
	fclose(f);
	if (value == ~0ull)
		FAIL("no %s in %s", name, path);
	return value;
}

void kt_vm_close(struct kt_vm *vm)
{
	kt_vcpu_close(&vm->vcpu);
	ASSERT_EQ(0, close(vm->fd));
	ASSERT_EQ(0, close(vm->dev));
}

struct kt_vm *kt_vm_new(enum kt_mode mode)
{
	return kt_vm_new_with(mode, 0, 0);
}

struct kt_vm *kt_vm_new_irqchip(enum kt_mode mode)
{
	return kt_vm_new_with(mode, KITE_VM_IRQCHIP, 0);
}

u64 kt_reg(struct kt_vcpu *vcpu, enum kite_gpr reg)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS, &s);
	return s.gprs.gpr[reg];
}

void kt_set_reg(struct kt_vcpu *vcpu, enum kite_gpr reg, u64 value)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS, &s);
	s.gprs.gpr[reg] = value;
	vcpu_set_state(vcpu->fd, KITE_STATE_GPRS, &s);
}

u64 kt_rip(struct kt_vcpu *vcpu)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS, &s);
	return s.gprs.rip;
}

void kt_set_rip(struct kt_vcpu *vcpu, u64 rip)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS, &s);
	s.gprs.rip = rip;
	vcpu_set_state(vcpu->fd, KITE_STATE_GPRS, &s);
}

u64 kt_rflags(struct kt_vcpu *vcpu)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS, &s);
	return s.gprs.rflags;
}

void kt_set_rflags(struct kt_vcpu *vcpu, u64 rflags)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_GPRS, &s);
	s.gprs.rflags = rflags;
	vcpu_set_state(vcpu->fd, KITE_STATE_GPRS, &s);
}

void kt_register_modes(struct kt_test *tests, const char *name, void (*fn)(unsigned int),
		       u32 modes)
{
	unsigned int mode;

	for (mode = 0; mode < KT_MODES; mode++) {
		if (!(modes & KT_IN(mode)))
			continue;
		tests[mode] = (struct kt_test){
			.name = name, .variant = kt_mode_names[mode], .fn = fn, .param = mode,
		};
		kt_register(&tests[mode]);
	}
}
