// SPDX-License-Identifier: GPL-2.0-only
/* vCPUs of one VM side by side: their start, and handlers that count. */
#include "smp.h"

#include <stdlib.h>
#include <string.h>

#include "handlers.h"

#define SIPI_PAGE	(KT_SIPI_VECTOR * KT_PAGE)
#define STACKS		0x200000ul
#define STACK_SIZE	0x4000

struct kt_cpu kt_cpu[KT_SMP_MAX] __attribute__((used));

_Static_assert(offsetof(struct kt_cpu, x2apic) == 8 && offsetof(struct kt_cpu, no_eoi) == 16 &&
	       offsetof(struct kt_cpu, logged) == 24 && offsetof(struct kt_cpu, fn) == 32 &&
	       offsetof(struct kt_cpu, arg) == 40 && offsetof(struct kt_cpu, stack) == 48 &&
	       offsetof(struct kt_cpu, starts) == 56 && offsetof(struct kt_cpu, taken) == 64 &&
	       offsetof(struct kt_cpu, log) == 64 + 2048, "as in the assembly below");
_Static_assert(sizeof(struct kt_cpu) == 64 + 2048 + KT_LOG && KT_LOG == 256 && KT_COUNTED == 0x20,
	       "as in the assembly below");

/* A stub is 8 bytes: it pushes its vector, from 0x20 on. An NMI has no EOI. */
asm(".pushsection guest32, \"ax\"\n.code64\n"
    ".balign 16\n"
    "kt_counting:\n"
    "vector = 0x20\n"
    ".rept 0x100 - 0x20\n"
    ".balign 8\n"
    "push $vector - 0x80\n"		/* a signed byte */
    "jmp kt_count_one\n"
    "vector = vector + 1\n"
    ".endr\n"
    ".balign 8\n"
    "kt_count_one:\n"
    "addq $0x80, (%rsp)\n"
    "push %rax\n push %rcx\n push %rdx\n"
    "mov 24(%rsp), %rax\n"
    "incq %gs:64(,%rax,8)\n"
    "movzbl %gs:24, %ecx\n"
    "mov %al, %gs:2112(%rcx)\n"
    "incq %gs:24\n"
    "cmpq $0, %gs:16\n"
    "jne 2f\n"
    "xor %eax, %eax\n"
    "cmpq $0, %gs:8\n"
    "jne 1f\n"
    "mov $0xfee000b0, %edx\n"
    "mov %eax, (%rdx)\n"
    "jmp 2f\n"
    "1: mov $0x80b, %ecx\n xor %edx, %edx\n wrmsr\n"
    "2: pop %rdx\n pop %rcx\n pop %rax\n"
    "add $8, %rsp\n"
    "iretq\n"
    ".globl kt_count_nmi\n.balign 16\n"
    "kt_count_nmi:\n"
    "incq %gs:64 + 16\n"
    "iretq\n"
    ".popsection\n");
extern const u8 kt_counting[];

#define COUNTING_STUB	8

/*
 * Where a SIPI starts a vCPU: from real mode straight into long mode, then the
 * initial APIC ID tells which struct kt_cpu is its own. The GDT and page tables are
 * those of kt_vcpu_set_mode().
 */
asm(".pushsection guest32, \"ax\"\n"
    ".code16\n"
    "kt_sipi_start:\n"
    "cli\n"
    "lgdtl %cs:kt_sipi_gdtr - kt_sipi_start\n"
    "mov $0x620, %eax\n mov %eax, %cr4\n"		/* PAE, OSFXSR, OSXMMEXCPT */
    "mov $0x1000, %eax\n mov %eax, %cr3\n"		/* KT_TABLES */
    "mov $0xc0000080, %ecx\n xor %edx, %edx\n mov $0x901, %eax\n wrmsr\n"
    "mov $0x80010033, %eax\n mov %eax, %cr0\n"
    "ljmpl $0x18, $kt_sipi_long\n"			/* KT_CS64 */
    "kt_sipi_gdtr: .word 0xfff\n .long 0x4000\n"	/* KT_GDT */
    "kt_sipi_end:\n"
    ".code64\n"
    "kt_sipi_long:\n"
    "mov $0x10, %eax\n mov %eax, %ds\n mov %eax, %es\n mov %eax, %ss\n"
    "mov $1, %eax\n cpuid\n shr $24, %ebx\n"
    "imul $2368, %rbx, %rbx\n"				/* sizeof(struct kt_cpu) */
    "lea kt_cpu(%rbx), %rax\n"
    "mov %rax, %rdx\n shr $32, %rdx\n"
    "mov $0xc0000101, %ecx\n wrmsr\n"
    "lidt kt_sipi_idtr\n"
    "incq %gs:56\n"
    "mov %gs:48, %rsp\n"
    "mov %gs:40, %rdi\n"
    "call *%gs:32\n"
    "jmp kt_return64\n"
    "kt_sipi_idtr: .word 0xfff\n .quad 0x6000\n"	/* KT_IDT */
    ".popsection\n");
extern const u8 kt_sipi_start[], kt_sipi_end[];

_Static_assert(sizeof(struct kt_cpu) == 2368, "as in the assembly above");
_Static_assert(KT_TABLES == 0x1000 && KT_GDT == 0x4000 && KT_IDT == 0x6000 && KT_CS64 == 0x18 &&
	       KT_DS == 0x10, "as in the assembly above");

static void set_gs(struct kt_vcpu *vcpu, struct kt_cpu *cpu)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_GS].base = (u64)cpu;
	vcpu_set_state(vcpu->fd, KITE_STATE_SEGS, &s);
}

struct kt_smp *kt_smp_new(unsigned int count, bool x2apic)
{
	return kt_smp_new_in(kt_vm_new_irqchip(KT_LONG64), count, x2apic);
}

void kt_smp_prepare(struct kt_vm *vm, bool x2apic)
{
	unsigned int i;

	for (i = 0; i < KT_SMP_MAX; i++)
		kt_cpu[i] = (struct kt_cpu){
			.number = i, .x2apic = x2apic, .stack = STACKS + (i + 1) * STACK_SIZE,
		};
	for (i = KT_COUNTED; i < 256; i++)
		kt_set_gate(vm, i, kt_counting + COUNTING_STUB * (i - KT_COUNTED));
	memcpy(kt_ptr(vm, SIPI_PAGE), kt_sipi_start, kt_sipi_end - kt_sipi_start);
}

struct kt_smp *kt_smp_new_in(struct kt_vm *vm, unsigned int count, bool x2apic)
{
	struct kt_smp *smp = calloc(1, sizeof(*smp));
	unsigned int i;

	ASSERT_TRUE(smp && count && count <= KT_SMP_MAX);
	smp->vm = vm;
	smp->count = count;
	smp->vcpu[0] = smp->vm->vcpu;
	for (i = 1; i < count; i++)
		kt_vcpu_init(&smp->vcpu[i], smp->vm, i);
	kt_smp_prepare(vm, x2apic);
	return smp;
}

void kt_smp_call(struct kt_smp *smp, unsigned int n, void (*fn)(u64), u64 arg)
{
	kt_vcpu_enter_mode(&smp->vcpu[n], KT_LONG64);
	set_gs(&smp->vcpu[n], &kt_cpu[n]);
	kt_call_on(&smp->vcpu[n], fn, arg, kt_cpu[n].stack);
}

void kt_smp_call_by_sipi(unsigned int n, void (*fn)(u64), u64 arg)
{
	kt_cpu[n].fn = fn;
	kt_cpu[n].arg = arg;
}

void kt_smp_start(struct kt_smp *smp)
{
	unsigned int i;

	for (i = 0; i < smp->count; i++)
		kt_runner_start_strict(&smp->runner[i], &smp->vcpu[i]);
}

void kt_smp_finish(struct kt_smp *smp)
{
	unsigned int i;

	for (i = 0; i < smp->count; i++)
		kt_runner_finish(&smp->runner[i]);
}

void kt_smp_run(struct kt_smp *smp, void (*fn)(u64))
{
	unsigned int i;

	for (i = 0; i < smp->count; i++)
		kt_smp_call(smp, i, fn, i);
	kt_smp_start(smp);
	kt_smp_finish(smp);
}

void kt_smp_clear(void)
{
	unsigned int i;

	for (i = 0; i < KT_SMP_MAX; i++) {
		memset((void *)kt_cpu[i].taken, 0, sizeof(kt_cpu[i].taken));
		kt_cpu[i].logged = 0;
	}
}

void kt_smp_register(struct kt_test *tests, const char *name, void (*fn)(unsigned int))
{
	static const char *const variants[] = { "xapic", "x2apic" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(variants); i++) {
		tests[i] = (struct kt_test){
			.name = name, .variant = variants[i], .fn = fn, .param = i,
		};
		kt_register(&tests[i]);
	}
}

void kt_meet(u64 n, u64 round)
{
	static volatile u64 arrived;

	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (arrived < n * round)
		asm volatile("pause" : : : "memory");
}
