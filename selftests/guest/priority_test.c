// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: of events that wait at the same boundary the guest takes them in the
 * SDM's order: traps and exceptions, NMI, interrupts of an external controller, those
 * of the local APIC. NMIs are blocked until IRET, interrupts by RFLAGS.IF and the
 * shadows of STI and MOV SS.
 */
#include "apic.h"

#define NMI		2
#define DB		1
#define EXTINT		0x80
#define VECTOR		0x41
#define RFLAGS_TF	BIT(8)
#define RFLAGS_IF	BIT(9)
#define LINT0_EXTINT	0x700

KT_CODE64(spin, "", "nop\nnop", "");
KT_CODE64(sync_then_nops, "", KT_SYNC, "nop\nnop");
KT_CODE64(enable, "nop", "sti", "nop\nnop");
/* The shadow of MOV SS takes the place of that of STI. */
KT_CODE64(enable_and_move, "mov %ss, %eax\n sti", "mov %eax, %ss", "nop\nnop");
KT_CODE64(enable_and_pop, "mov %ss, %eax\n push %rax\n pop %rax\n sti", "nop", "nop");

static void switch_apic_on(struct kt_vm *vm, u32 lint0)
{
	struct kite_lapic lapic;

	vcpu_get_lapic(vm->vcpu.fd, &lapic);
	*(u32 *)(lapic.regs + APIC_SVR) = SVR_ON;
	*(u32 *)(lapic.regs + 0x350) = lint0;
	vcpu_set_lapic(vm->vcpu.fd, &lapic);
}

static void eoi(struct kt_vm *vm)
{
	struct kite_lapic lapic;

	vcpu_get_lapic(vm->vcpu.fd, &lapic);
	*(u32 *)(lapic.regs + APIC_ISR + VECTOR / 32 * 16) = 0;
	*(u32 *)(lapic.regs + APIC_PPR) = 0;
	vcpu_set_lapic(vm->vcpu.fd, &lapic);
}

static u64 stub(struct kt_vm *vm, u8 vector)
{
	/* In long mode a gate has its target in three pieces. */
	u64 gate = kt_get(vm, u64, KT_IDT + 16 * vector);

	return (gate & 0xffff) | (gate >> 48) << 16;
}

/* All at once. The one that is delivered last runs its handler first. */
KITE_TEST_IRQCHIP(exception_nmi_extint_interrupt, KT_IN_64)
{
	struct kt_vcpu *vcpu = &vm->vcpu;
	struct kite_inject in = { .type = KITE_INTR_EXCEPTION, .vector = KT_UD };

	switch_apic_on(vm, LINT0_EXTINT);
	kt_start(vcpu, &spin);
	kt_set_rflags(vcpu, 2 | RFLAGS_IF);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	vm_pic_intr(vm->fd, 1);
	vcpu_nmi(vcpu->fd);
	vcpu_inject(vcpu->fd, &in);
	EXPECT_EQ(stub(vm, KT_UD), kt_expect_event(vcpu, NMI).rip);
	EXPECT_EQ(kt_code_at(vm, &spin), kt_expect_event(vcpu, KT_UD).rip);
	kt_expect_exit(vcpu, KITE_EXIT_INTA);
	vcpu->run->data[0] = EXTINT;
	vm_pic_intr(vm->fd, 0);
	EXPECT_EQ(kt_code_at(vm, &spin), kt_expect_event(vcpu, EXTINT).rip);
	EXPECT_EQ(kt_code_at(vm, &spin), kt_expect_event(vcpu, VECTOR).rip);
	kt_expect_done(vcpu);
}

/* A vCPU that is interrupted by all of them while it runs alone: NMI before the interrupt. */
KITE_TEST_IRQCHIP(nmi_before_interrupt, KT_IN_64)
{
	switch_apic_on(vm, LVT_MASKED);
	kt_start(&vm->vcpu, &spin);
	kt_set_rflags(&vm->vcpu, 2 | RFLAGS_IF);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	vm_send_msi(vm->fd, 0xfee00000, ICR_NMI);
	EXPECT_EQ(kt_code_at(vm, &spin), kt_expect_event(&vm->vcpu, NMI).rip);
	EXPECT_EQ(kt_code_at(vm, &spin), kt_expect_event(&vm->vcpu, VECTOR).rip);
	kt_expect_done(&vm->vcpu);
}

static void step_with(struct kt_vm *vm, u64 flags)
{
	kt_start(&vm->vcpu, &sync_then_nops);
	kt_set_rflags(&vm->vcpu, 2 | RFLAGS_TF | flags);
	kt_expect_sync(&vm->vcpu, kt_reg(&vm->vcpu, KITE_RAX));
}

/* The single-step trap of an instruction that left the guest comes before what came meanwhile. */
KITE_TEST_IRQCHIP(single_step_before_nmi, KT_IN_64)
{
	struct kt_event e;

	step_with(vm, 0);
	vcpu_nmi(vm->vcpu.fd);
	EXPECT_EQ(stub(vm, DB), kt_expect_event(&vm->vcpu, NMI).rip);
	e = kt_expect_event(&vm->vcpu, DB);
	EXPECT_EQ(kt_code_next(vm, &sync_then_nops), e.rip);
	kt_event_set_rflags(&vm->vcpu, &e, 2);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_IRQCHIP(single_step_before_interrupt, KT_IN_64)
{
	struct kt_event e;

	switch_apic_on(vm, LVT_MASKED);
	step_with(vm, RFLAGS_IF);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	e = kt_expect_event(&vm->vcpu, DB);
	EXPECT_EQ(kt_code_next(vm, &sync_then_nops), e.rip);
	kt_event_set_rflags(&vm->vcpu, &e, 2 | RFLAGS_IF);
	EXPECT_EQ(kt_code_next(vm, &sync_then_nops), kt_expect_event(&vm->vcpu, VECTOR).rip);
	kt_expect_done(&vm->vcpu);
}

static void expect_behind(struct kt_vm *vm, const struct kt_code *code, u64 rip)
{
	kt_start(&vm->vcpu, code);
	kt_set_rflags(&vm->vcpu, 2);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	EXPECT_EQ(rip, kt_expect_event(&vm->vcpu, VECTOR).rip);
	eoi(vm);
	kt_expect_done(&vm->vcpu);
}

/* STI: one instruction more. MOV SS in it: again one more. */
KITE_TEST_IRQCHIP(shadows, KT_IN_64)
{
	switch_apic_on(vm, LVT_MASKED);
	expect_behind(vm, &enable, kt_code_next(vm, &enable) + 1);
	expect_behind(vm, &enable_and_move, kt_code_next(vm, &enable_and_move) + 1);
	expect_behind(vm, &enable_and_pop, kt_code_next(vm, &enable_and_pop));
}

/*
 * An NMI handler that lets interrupts in: the second NMI waits for the first IRET,
 * which is that of the interrupt, and comes in the middle of the handler.
 */
static volatile u64 order[8] __attribute__((used)), steps __attribute__((used));

#define NOTE(n)	"mov steps(%rip), %rax\n movq $" #n ", order(,%rax,8)\n incq steps(%rip)\n"

asm(".pushsection guest32, \"ax\"\n.code64\n.balign 16\n"
    "nmi_handler:\n"
    "push %rax\n"
    NOTE(1)
    "cmpq $1, steps(%rip)\n"
    "jne 1f\n"
    KT_SYNC				/* the host sends an NMI and an interrupt */
    "sti\n nop\n nop\n cli\n"
    "1: " NOTE(3)
    "pop %rax\n iretq\n"
    "interrupt_handler:\n"
    "push %rax\n"
    NOTE(2)
    "pop %rax\n iretq\n"
    ".popsection\n");
extern const u8 nmi_handler[], interrupt_handler[];

KITE_TEST_IRQCHIP(iret_of_an_interrupt_unblocks_nmis, KT_IN_64)
{
	switch_apic_on(vm, LVT_MASKED);
	kt_set_gate(vm, NMI, nmi_handler);
	kt_set_gate(vm, VECTOR, interrupt_handler);
	kt_start(&vm->vcpu, &spin);
	vcpu_nmi(vm->vcpu.fd);
	vcpu_run(vm->vcpu.fd);
	vcpu_nmi(vm->vcpu.fd);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	kt_expect_done(&vm->vcpu);
	/* First NMI, interrupt, second NMI to its end, then the first goes on. */
	EXPECT_EQ(5ull, steps);
	EXPECT_EQ(1ull, order[0]);
	EXPECT_EQ(2ull, order[1]);
	EXPECT_EQ(1ull, order[2]);
	EXPECT_EQ(3ull, order[3]);
	EXPECT_EQ(3ull, order[4]);
}
