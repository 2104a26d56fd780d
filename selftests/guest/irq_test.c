// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: interrupts from the local APIC timer, IPIs, MSIs and the I/O APIC reach
 * the guest's handler, once each, when RFLAGS.IF and the shadows of STI and MOV SS
 * let them; a halted vCPU wakes up.
 */
#include "guest.h"

#define APIC		0xfee00000ul
#define APIC_TPR	0x80
#define APIC_EOI	0xb0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVTT	0x320
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define IOAPIC		0xfec00000ul

#define VECTOR		0x51
#define TIMER_PERIODIC	(1u << 17)
#define TIMER_DEADLINE	(2u << 17)
#define MASKED		(1u << 16)

static void apic_write(u32 reg, u32 value)
{
	asm volatile("movl %0, (%1)" : : "r"(value), "r"(APIC + reg) : "memory");
}

static u32 apic_read(u32 reg)
{
	u32 value;

	asm volatile("movl (%1), %0" : "=r"(value) : "r"(APIC + reg) : "memory");
	return value;
}

static void ioapic_write(u32 reg, u32 value)
{
	asm volatile("movl %0, (%1)\n movl %2, (%3)" : : "r"(reg), "r"(IOAPIC), "r"(value),
		     "r"(IOAPIC + 0x10) : "memory");
}

static void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}

static void enable_apic(void)
{
	apic_write(APIC_SVR, 0x1ff);
}

static void sti_hlt(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

/* Poll with interrupts on until @n have come; a lost one is the test's timeout. */
static void wait_for(u64 n)
{
	asm volatile("sti" : : : "memory");
	while (kt_counted < n)
		asm volatile("pause" : : : "memory");
	asm volatile("cli" : : : "memory");
}

static void run_guest(struct kt_vm *vm, void (*fn)(u64))
{
	kt_set_gate(vm, VECTOR, kt_counting_handler);
	kt_call(&vm->vcpu, fn, 0);
	kt_expect_done(&vm->vcpu);
}

static void one_shot(u64 unused)
{
	(void)unused;
	enable_apic();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, VECTOR);
	apic_write(APIC_TMICT, 1000);
	sti_hlt();
	KT_GUEST_ASSERT_EQ(1, kt_counted);
	KT_GUEST_ASSERT_EQ(0, apic_read(APIC_TMCCT));
	KT_GUEST_ASSERT_EQ(0, apic_read(APIC_ISR + 0x20));
}

KITE_TEST_IRQCHIP(timer_one_shot_wakes_from_hlt, KT_IN_64)
{
	run_guest(vm, one_shot);
	EXPECT_EQ(1ull, kt_counted);
}

static void one_shot_polling(u64 unused)
{
	(void)unused;
	enable_apic();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, VECTOR);
	apic_write(APIC_TMICT, 100000);
	wait_for(1);
}

KITE_TEST_IRQCHIP(timer_one_shot_interrupts_a_busy_guest, KT_IN_64)
{
	run_guest(vm, one_shot_polling);
	EXPECT_EQ(1ull, kt_counted);
}

static void periodic(u64 unused)
{
	(void)unused;
	enable_apic();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, VECTOR | TIMER_PERIODIC);
	apic_write(APIC_TMICT, 200000);
	wait_for(5);
	sti_hlt();
	apic_write(APIC_LVTT, VECTOR | TIMER_PERIODIC | MASKED);
}

KITE_TEST_IRQCHIP(timer_periodic_goes_on, KT_IN_64)
{
	run_guest(vm, periodic);
	EXPECT_GE(kt_counted, 6ull);
}

static void deadline(u64 unused)
{
	u64 when;

	(void)unused;
	enable_apic();
	apic_write(APIC_LVTT, VECTOR | TIMER_DEADLINE);
	when = rdtsc() + 1000000;
	wrmsr(0x6e0, when);
	sti_hlt();
	KT_GUEST_ASSERT_EQ(1, kt_counted);
	KT_GUEST_ASSERT_EQ(1, rdtsc() >= when);
	/* One in the past comes at once. */
	wrmsr(0x6e0, 1);
	wait_for(2);
	/* 0 disarms. */
	wrmsr(0x6e0, rdtsc() + 100000);
	wrmsr(0x6e0, 0);
	when = rdtsc() + 1000000;
	asm volatile("sti" : : : "memory");
	while (rdtsc() < when)
		;
	asm volatile("cli" : : : "memory");
}

KITE_TEST_IRQCHIP(timer_tsc_deadline, KT_IN_64)
{
	run_guest(vm, deadline);
	EXPECT_EQ(2ull, kt_counted);
}

static void self_ipi(u64 unused)
{
	(void)unused;
	enable_apic();
	apic_write(APIC_ICR2, 0);
	apic_write(APIC_ICR, VECTOR);
	KT_GUEST_ASSERT_EQ(0, kt_counted);		/* IF is 0 */
	wait_for(1);
	apic_write(APIC_ICR, 0x40000 | VECTOR);	/* shorthand: self */
	wait_for(2);
}

KITE_TEST_IRQCHIP(self_ipi_xapic, KT_IN_64)
{
	run_guest(vm, self_ipi);
	EXPECT_EQ(2ull, kt_counted);
}

asm(".pushsection guest32, \"ax\"\n.code64\n.balign 16\n"
    "x2apic_handler:\n"
    "push %rax\n push %rcx\n push %rdx\n"
    "incq kt_counted(%rip)\n"
    "mov $0x80b, %ecx\n xor %eax, %eax\n xor %edx, %edx\n wrmsr\n"
    "pop %rdx\n pop %rcx\n pop %rax\n"
    "iretq\n"
    ".popsection\n");
extern const u8 x2apic_handler[];

static void self_ipi_x2apic(u64 unused)
{
	(void)unused;
	wrmsr(0x1b, 0xfee00d00);
	wrmsr(0x80f, 0x1ff);
	wrmsr(0x83f, VECTOR);		/* SELF IPI */
	wait_for(1);
	wrmsr(0x830, VECTOR);		/* ICR, to APIC ID 0 */
	wait_for(2);
}

KITE_TEST_IRQCHIP(self_ipi_by_x2apic, KT_IN_64)
{
	kt_set_gate(vm, VECTOR, x2apic_handler);
	kt_call(&vm->vcpu, self_ipi_x2apic, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(2ull, kt_counted);
}

/* Enable the APIC, then tell the host and wait for what it sends. */
static void wait_for_host(u64 n)
{
	enable_apic();
	kt_sync(0);
	wait_for(n);
}

KITE_TEST_IRQCHIP(msi_to_a_stopped_vcpu, KT_IN_64)
{
	kt_set_gate(vm, VECTOR, kt_counting_handler);
	kt_call(&vm->vcpu, wait_for_host, 1);
	kt_expect_sync(&vm->vcpu, 0);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(1ull, kt_counted);
}

/* Two of one vector before the guest looks are one interrupt. */
KITE_TEST_IRQCHIP(equal_msis_coalesce, KT_IN_64)
{
	kt_set_gate(vm, VECTOR, kt_counting_handler);
	kt_call(&vm->vcpu, wait_for_host, 1);
	kt_expect_sync(&vm->vcpu, 0);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(1ull, kt_counted);
}

static void ioapic_route(u64 low)
{
	ioapic_write(0x10 + 2 * 5 + 1, 0);
	ioapic_write(0x10 + 2 * 5, low);
	wait_for_host(1);
	kt_sync(kt_counted);
	wait_for(2);
	kt_sync(kt_counted);
}

KITE_TEST_IRQCHIP(ioapic_edge, KT_IN_64)
{
	kt_set_gate(vm, VECTOR, kt_counting_handler);
	kt_call(&vm->vcpu, ioapic_route, VECTOR);
	kt_expect_sync(&vm->vcpu, 0);
	vm_irq_line(vm->fd, 5, 1);
	kt_expect_sync(&vm->vcpu, 1);
	/* High for long is no second edge. */
	vm_irq_line(vm->fd, 5, 1);
	vm_irq_line(vm->fd, 5, 0);
	vm_irq_line(vm->fd, 5, 1);
	kt_expect_sync(&vm->vcpu, 2);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(2ull, kt_counted);
}

static void ioapic_level_route(u64 unused)
{
	(void)unused;
	ioapic_write(0x10 + 2 * 5 + 1, 0);
	ioapic_write(0x10 + 2 * 5, VECTOR | 1 << 15);
	enable_apic();
	kt_sync(0);
	asm volatile("sti; nop; nop" : : : "memory");
	kt_sync(1);
	apic_write(APIC_EOI, 0);
	asm volatile("nop" : : : "memory");
	kt_sync(2);
	apic_write(APIC_EOI, 0);
	asm volatile("nop; cli" : : : "memory");
}

/* A level that stays comes again after EOI, until it is taken away. */
KITE_TEST_IRQCHIP(ioapic_level, KT_IN_64)
{
	struct kite_ioapic ioapic;

	kt_call(&vm->vcpu, ioapic_level_route, 0);
	kt_expect_sync(&vm->vcpu, 0);
	vm_irq_line(vm->fd, 5, 1);
	kt_expect_event(&vm->vcpu, VECTOR);
	vm_get_ioapic(vm->fd, &ioapic);
	EXPECT_EQ(BIT(14), ioapic.redir[5] & BIT(14));	/* remote IRR */
	kt_expect_sync(&vm->vcpu, 1);
	kt_expect_event(&vm->vcpu, VECTOR);
	vm_irq_line(vm->fd, 5, 0);
	kt_expect_sync(&vm->vcpu, 2);
	kt_expect_done(&vm->vcpu);
	vm_get_ioapic(vm->fd, &ioapic);
	EXPECT_EQ(0ull, ioapic.redir[5] & BIT(14));
}

static void sti_shadow(u64 unused)
{
	(void)unused;
	enable_apic();
	apic_write(APIC_ICR, 0x40000 | VECTOR);
	/* Pending: STI lets one more instruction through. */
	asm volatile("sti; mov %0, %%rax; nop; cli" : : "m"(kt_counted) : "rax", "memory");
	KT_GUEST_ASSERT_EQ(1, kt_counted);
	apic_write(APIC_ICR, 0x40000 | VECTOR);
	/* STI behind which CLI comes: no interrupt gets in. */
	asm volatile("sti; cli" : : : "memory");
	KT_GUEST_ASSERT_EQ(1, kt_counted);
	/* The shadow covers HLT: it ends by the interrupt. */
	sti_hlt();
	KT_GUEST_ASSERT_EQ(2, kt_counted);
	apic_write(APIC_ICR, 0x40000 | VECTOR);
	/* And an instruction that exits. */
	asm volatile("xor %%eax, %%eax; sti; cpuid; cli"
		     : : : "eax", "ebx", "ecx", "edx", "memory");
	KT_GUEST_ASSERT_EQ(3, kt_counted);
}

KITE_TEST_IRQCHIP(interrupts_respect_the_sti_shadow, KT_IN_64)
{
	run_guest(vm, sti_shadow);
	EXPECT_EQ(3ull, kt_counted);
}

static void task_priority(u64 unused)
{
	(void)unused;
	enable_apic();
	asm volatile("mov %0, %%cr8" : : "r"(5ul));	/* VECTOR's own class */
	apic_write(APIC_ICR, 0x40000 | VECTOR);
	asm volatile("sti; nop; nop" : : : "memory");
	KT_GUEST_ASSERT_EQ(0, kt_counted);
	asm volatile("mov %0, %%cr8; nop" : : "r"(4ul));
	asm volatile("cli" : : : "memory");
	KT_GUEST_ASSERT_EQ(1, kt_counted);
}

KITE_TEST_IRQCHIP(task_priority_holds_interrupts_back, KT_IN_64)
{
	run_guest(vm, task_priority);
	EXPECT_EQ(1ull, kt_counted);
}

/* HLT with IF 0 and nothing that could wake it: only a kick or an NMI. */
KT_CODE64(halt, "cli", "hlt", "");

KITE_TEST_IRQCHIP(nmi_wakes_from_hlt, KT_IN_64)
{
	struct kite_state s;

	kt_start(&vm->vcpu, &halt);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.activity = KITE_ACTIVITY_HLT;
	s.events.pending = KITE_EVENT_NMI;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	kt_set_rip(&vm->vcpu, kt_code_next(vm, &halt));
	EXPECT_EQ(kt_code_next(vm, &halt), kt_expect_event(&vm->vcpu, 2).rip);
	kt_expect_done(&vm->vcpu);
}

/* A message can be an NMI. */
KITE_TEST_IRQCHIP(msi_of_an_nmi, KT_IN_64)
{
	kt_call(&vm->vcpu, wait_for_host, 0);
	kt_expect_sync(&vm->vcpu, 0);
	vm_send_msi(vm->fd, 0xfee00000, 4 << 8);
	kt_expect_event(&vm->vcpu, 2);
	kt_expect_done(&vm->vcpu);
}
