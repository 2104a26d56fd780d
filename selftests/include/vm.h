/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM with one vCPU that is ready to run in any mode, in one call.
 *
 * Guest-linear addresses are guest-physical ones in every mode. Low memory
 * (KT_RAM bytes) holds the tables; the program's own image is in the guest at the
 * very addresses where it is in this process, so guest code in 32- and 64-bit mode
 * runs where it was linked and shares its variables with the host. 16-bit code is
 * copied to KT_TEXT16. What lies elsewhere is mapped by the page tables, but in no
 * slot.
 */
#ifndef KT_VM_H
#define KT_VM_H

#include "ioctl.h"

enum kt_mode { KT_REAL16, KT_PROT32, KT_PAGED32, KT_PAE, KT_LONG64, KT_MODES };

extern const char *const kt_mode_names[KT_MODES];

/* The guest's memory map. */
#define KT_RAM		0x400000ul
#define KT_TABLES	0x1000		/* PML4 or page directory */
#define KT_PDPT		0x2000
#define KT_PT		0x3000		/* 4-KByte pages of the first 2 MiB at least */
#define KT_GDT		0x4000
#define KT_TSS		0x5000		/* 64-bit, or 32-bit */
#define KT_IDT		0x6000		/* 4 KiB */
#define KT_TEXT16	0x7000
#define KT_STACK16	0xfff0
#define KT_PD		0x10000		/* PAE and long mode: four page directories */
#define KT_STACK	0x20000		/* grows down from here: 16 KiB */
#define KT_STACK_RING0	0x24000		/* for events that come from ring 3 */
#define KT_STACK_IST1	0x28000
#define KT_SCRATCH	0x100000ul	/* for the test; 4-KByte pages up to 2 MiB */
#define KT_HOLE		0x8000000ul	/* mapped by the page tables, in no slot */

/* Selectors. */
#define KT_CS32		0x08
#define KT_DS		0x10
#define KT_CS64		0x18
#define KT_USER_CS32	0x23
#define KT_USER_DS	0x2b
#define KT_USER_CS64	0x33
#define KT_TR		0x38		/* two entries in long mode */
#define KT_CS16		0x48
#define KT_DS16		0x50
#define KT_FREE_SEL	0x58		/* from here the table is free for the test */

struct kt_vcpu {
	int fd;
	struct kite_run *run;
	struct kite_trace_entry *trace;
	struct kt_vm *vm;
	u32 id;
};

struct kt_vm {
	int dev;
	int fd;
	enum kt_mode mode;
	struct kite_info info;
	u8 *ram;
	struct kt_vcpu vcpu;		/* id 0 */
};

/* A VM with its vCPU in @mode, with exception handlers that report to the host. */
struct kt_vm *kt_vm_new(enum kt_mode mode);
struct kt_vm *kt_vm_new_irqchip(enum kt_mode mode);
/* @flags and @tsc_khz as in struct kite_create_vm. */
struct kt_vm *kt_vm_new_with(enum kt_mode mode, u32 flags, u32 tsc_khz);
/* What the fdinfo of a VM's descriptor says. */
u64 kt_vm_info(int fd, const char *name);
/* Close its descriptors; the guest's memory stays. */
void kt_vm_close(struct kt_vm *vm);
/* Another vCPU, as after power-up. */
void kt_vcpu_init(struct kt_vcpu *vcpu, struct kt_vm *vm, u32 id);
/* Take it away again. */
void kt_vcpu_close(struct kt_vcpu *vcpu);
/* Write the tables of @mode to guest memory and put the vCPU in it. */
void kt_vcpu_set_mode(struct kt_vcpu *vcpu, enum kt_mode mode);
/* The two halves of that: guest memory, and what of the state the mode says. */
void kt_vm_set_mode(struct kt_vm *vm, enum kt_mode mode);
void kt_mode_state(enum kt_mode mode, struct kite_state *s);
/* Put the vCPU in the mode whose tables are there already. */
void kt_vcpu_enter_mode(struct kt_vcpu *vcpu, enum kt_mode mode);

/* The program's own image, in whole pages. */
u64 kt_image_start(void);
u64 kt_image_len(void);

/* Host address of a guest-physical one in low memory or the image. */
void *kt_ptr(struct kt_vm *vm, u64 gpa);

#define kt_get(vm, type, gpa)		(*(volatile type *)kt_ptr(vm, gpa))
#define kt_put(vm, type, gpa, value)	(*(volatile type *)kt_ptr(vm, gpa) = (value))

u64 kt_reg(struct kt_vcpu *vcpu, enum kite_gpr reg);
void kt_set_reg(struct kt_vcpu *vcpu, enum kite_gpr reg, u64 value);
u64 kt_rip(struct kt_vcpu *vcpu);
void kt_set_rip(struct kt_vcpu *vcpu, u64 rip);
u64 kt_rflags(struct kt_vcpu *vcpu);
void kt_set_rflags(struct kt_vcpu *vcpu, u64 rflags);

#define KT_PTE_P	BIT(0)
#define KT_PTE_W	BIT(1)
#define KT_PTE_U	BIT(2)
#define KT_PTE_NX	BIT(63)

/* Change bits of the page-table entry of @gva, below 2 MiB, and have the vCPU forget it. */
void kt_pte_change(struct kt_vm *vm, u64 gva, u64 clear, u64 set);
/* The same for the entry one level up: the 2- or 4-MByte page or table of @gva. */
void kt_pde_change(struct kt_vm *vm, u64 gva, u64 clear, u64 set);
/* Have the vCPU forget translations: user space has changed page tables. */
void kt_flush(struct kt_vcpu *vcpu);

/* A test that is run in each mode with a VM of its own: KT_IN_PAGED etc. say which. */
#define KT_IN(mode)	(1u << (mode))
#define KT_IN_ALL	((1u << KT_MODES) - 1)
#define KT_IN_PROTECTED	(KT_IN_ALL & ~KT_IN(KT_REAL16))
#define KT_IN_PAGED	(KT_IN(KT_PAGED32) | KT_IN(KT_PAE) | KT_IN(KT_LONG64))
#define KT_IN_64	KT_IN(KT_LONG64)

void kt_register_modes(struct kt_test *tests, const char *name, void (*fn)(unsigned int),
		       u32 modes);

#define KT_VM_TEST(name, modes, make)						\
	static void name(struct kt_vm *vm);					\
	static void name##_call(unsigned int mode) { name(make(mode)); }	\
	static void __attribute__((constructor)) name##_register(void)		\
	{									\
		static struct kt_test tests[KT_MODES];				\
										\
		kt_register_modes(tests, #name, name##_call, modes);		\
	}									\
	static void name(struct kt_vm *vm)

#define KITE_TEST_MODES(name, modes)	KT_VM_TEST(name, modes, kt_vm_new)
#define KITE_TEST_IRQCHIP(name, modes)	KT_VM_TEST(name, modes, kt_vm_new_irqchip)

#endif
