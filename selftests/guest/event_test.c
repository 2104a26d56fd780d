// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: KITE_VCPU_INJECT and KITE_VCPU_NMI make the guest take an event, once and
 * not before it can; what is no event is refused; an 8259 of user space is asked for
 * the vector; a stopped vCPU stays out of the guest until it is let go.
 */
#include <pthread.h>

#include "guest.h"

#define VECTOR		0x51
#define APIC		0xfee00000ul
#define LINT0_EXTINT	0x700
#define RFLAGS_IF	BIT(9)

KT_CODE(spin, "", "nop\nnop", "");
KT_CODE(enable, "cli\nnop", "sti", "nop\nnop");
KT_CODE64(halt, "cli\nsti", "hlt", "");

static u32 pending(struct kt_vcpu *vcpu)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_EVENTS, &s);
	return s.events.pending;
}

static int inject(struct kt_vm *vm, u32 type, u32 vector)
{
	struct kite_inject in = { .type = type, .vector = vector };

	return _vcpu_inject(vm->vcpu.fd, &in);
}

KITE_TEST_MODES(inject_exceptions, KT_IN_PROTECTED)
{
	static const u8 vectors[] = {
		0, 3, 4, 5, KT_UD, 7, 9, 10, 11, 12, KT_GP, 15, 16, 17, 18, 19,
		20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		bool error = 0x27d00 >> vectors[i] & 1;
		struct kite_inject in = {
			.type = KITE_INTR_EXCEPTION, .vector = vectors[i],
			.error_code = error ? 0x18 : 0,
		};

		kt_start(&vm->vcpu, &spin);
		vcpu_inject(vm->vcpu.fd, &in);
		kt_expect_fault(&vm->vcpu, &spin, vectors[i], in.error_code);
		EXPECT_EQ(0u, pending(&vm->vcpu));
		kt_expect_done(&vm->vcpu);
	}
}

KITE_TEST_MODES(inject_page_fault, KT_IN_PAGED)
{
	struct kite_inject in = {
		.type = KITE_INTR_EXCEPTION, .vector = KT_PF, .error_code = 6, .payload = 0x1234,
	};
	struct kite_state s;

	kt_start(&vm->vcpu, &spin);
	vcpu_inject(vm->vcpu.fd, &in);
	kt_expect_fault(&vm->vcpu, &spin, KT_PF, 6);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(0x1234ull, s.crs.cr2);
}

KITE_TEST_MODES(inject_debug_exception, KT_IN_ALL)
{
	struct kite_inject in = {
		.type = KITE_INTR_EXCEPTION, .vector = 1, .payload = BIT(14) | 1,
	};
	struct kite_state s;

	kt_start(&vm->vcpu, &spin);
	vcpu_inject(vm->vcpu.fd, &in);
	kt_expect_fault(&vm->vcpu, &spin, 1, 0);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_DRS, &s);
	EXPECT_EQ(0xffff4ff1ull, s.drs.dr6);
}

/* A contributory exception on top of another makes #DF, on top of #DF nothing goes. */
KITE_TEST_MODES(inject_twice, KT_IN_PROTECTED)
{
	kt_start(&vm->vcpu, &spin);
	EXPECT_EQ(0, inject(vm, KITE_INTR_EXCEPTION, KT_UD));
	EXPECT_EQ(0, inject(vm, KITE_INTR_EXCEPTION, KT_GP));
	kt_expect_fault(&vm->vcpu, &spin, KT_GP, 0);
	kt_start(&vm->vcpu, &spin);
	EXPECT_EQ(0, inject(vm, KITE_INTR_EXCEPTION, KT_GP));
	EXPECT_EQ(0, inject(vm, KITE_INTR_EXCEPTION, KT_GP));
	EXPECT_EQ(-EBUSY, inject(vm, KITE_INTR_EXCEPTION, KT_GP));
	EXPECT_EQ(-EBUSY, inject(vm, KITE_INTR_EXTERNAL, VECTOR));
	kt_expect_event(&vm->vcpu, KT_DF);
}

KITE_TEST_MODES(inject_interrupt_waits, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &enable);
	EXPECT_EQ(0, inject(vm, KITE_INTR_EXTERNAL, VECTOR));
	EXPECT_EQ(KITE_EVENT_INTERRUPT, pending(&vm->vcpu));
	EXPECT_EQ(-EBUSY, inject(vm, KITE_INTR_EXTERNAL, VECTOR + 1));
	EXPECT_EQ(-EBUSY, inject(vm, KITE_INTR_EXCEPTION, KT_UD));
	EXPECT_EQ(KITE_EVENT_INTERRUPT, pending(&vm->vcpu));
	/* Behind STI one instruction more is executed. */
	EXPECT_EQ(kt_code_next(vm, &enable) + 1, kt_expect_event(&vm->vcpu, VECTOR).rip);
	EXPECT_EQ(0u, pending(&vm->vcpu));
	kt_expect_done(&vm->vcpu);
}

/* INT n: RIP on the stack is that of the next instruction. */
KITE_TEST_MODES(inject_software_interrupt, KT_IN_PROTECTED)
{
	struct kite_inject in = { .type = KITE_INTR_SOFTWARE, .vector = VECTOR, .insn_len = 1 };

	kt_start(&vm->vcpu, &spin);
	kt_set_rip(&vm->vcpu, kt_code_at(vm, &spin));
	vcpu_inject(vm->vcpu.fd, &in);
	EXPECT_EQ(kt_code_at(vm, &spin) + 1, kt_expect_event(&vm->vcpu, VECTOR).rip);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(nmi_by_ioctl, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &spin);
	vcpu_nmi(vm->vcpu.fd);
	/* A second one before the first is taken is the same one. */
	vcpu_nmi(vm->vcpu.fd);
	EXPECT_EQ(KITE_EVENT_NMI, pending(&vm->vcpu));
	kt_expect_event(&vm->vcpu, 2);
	/* The next waits for IRET, which comes next. */
	EXPECT_EQ(0, inject(vm, KITE_INTR_NMI, 2));
	kt_expect_event(&vm->vcpu, 2);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0u, pending(&vm->vcpu));
}

KITE_TEST_MODES(what_is_no_event, KT_IN_64)
{
	static const struct kite_inject bad[] = {
		{ .flags = 1, .type = KITE_INTR_EXCEPTION, .vector = KT_UD },
		{ .type = 1, .vector = VECTOR },
		{ .type = 5, .vector = 1, .insn_len = 1 },
		{ .type = 7, .vector = VECTOR },
		{ .type = ~0u, .vector = VECTOR },
		{ .type = KITE_INTR_EXCEPTION, .vector = 2 },
		{ .type = KITE_INTR_EXCEPTION, .vector = 32 },
		{ .type = KITE_INTR_EXCEPTION, .vector = ~0u },
		{ .type = KITE_INTR_EXCEPTION, .vector = KT_UD, .error_code = 1 },
		{ .type = KITE_INTR_EXCEPTION, .vector = 21, .error_code = 1 },
		{ .type = KITE_INTR_EXCEPTION, .vector = KT_UD, .insn_len = 1 },
		{ .type = KITE_INTR_EXCEPTION, .vector = KT_UD, .payload = 1 },
		{ .type = KITE_INTR_EXCEPTION, .vector = 1, .payload = BIT(4) },
		{ .type = KITE_INTR_NMI, .vector = 3 },
		{ .type = KITE_INTR_NMI, .vector = 2, .error_code = 1 },
		{ .type = KITE_INTR_NMI, .vector = 2, .payload = 1 },
		{ .type = KITE_INTR_EXTERNAL, .vector = 256 },
		{ .type = KITE_INTR_EXTERNAL, .vector = VECTOR, .insn_len = 1 },
		{ .type = KITE_INTR_EXTERNAL, .vector = VECTOR, .error_code = 1 },
		{ .type = KITE_INTR_EXTERNAL, .vector = KT_PF, .payload = 1 },
		{ .type = KITE_INTR_SOFTWARE, .vector = VECTOR },
		{ .type = KITE_INTR_SOFTWARE, .vector = VECTOR, .insn_len = 16 },
		{ .type = KITE_INTR_SOFTWARE, .vector = 256, .insn_len = 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kite_inject in = bad[i];

		if (_vcpu_inject(vm->vcpu.fd, &in) != -EINVAL)
			FAIL("row %u of the table is not refused", i);
	}
	EXPECT_EQ(0u, pending(&vm->vcpu));
	kt_run_done(&vm->vcpu, &spin);
}

static void set_lint0(struct kt_vm *vm, u32 lvt)
{
	struct kite_lapic lapic;

	vcpu_get_lapic(vm->vcpu.fd, &lapic);
	*(u32 *)(lapic.regs + 0xf0) = 0x1ff;
	*(u32 *)(lapic.regs + 0x350) = lvt;
	vcpu_set_lapic(vm->vcpu.fd, &lapic);
}

static void acknowledge(struct kt_vm *vm, u8 vector)
{
	kt_expect_exit(&vm->vcpu, KITE_EXIT_INTA);
	vm->vcpu.run->data[0] = vector;
	vm_pic_intr(vm->fd, 0);
}

/* The vCPU asks when it can take the interrupt, and takes the vector it is given. */
KITE_TEST_IRQCHIP(extint_by_lint0, KT_IN_ALL)
{
	set_lint0(vm, LINT0_EXTINT);
	kt_start(&vm->vcpu, &enable);
	vm_pic_intr(vm->fd, 1);
	acknowledge(vm, VECTOR);
	EXPECT_EQ(kt_code_next(vm, &enable) + 1, kt_expect_event(&vm->vcpu, VECTOR).rip);
	kt_expect_done(&vm->vcpu);
	/* A line that falls again before the guest can take the interrupt makes none. */
	kt_start(&vm->vcpu, &enable);
	vm_pic_intr(vm->fd, 1);
	vm_pic_intr(vm->fd, 0);
	kt_expect_done(&vm->vcpu);
	/* Masked. */
	set_lint0(vm, LINT0_EXTINT | 0x10000);
	kt_start(&vm->vcpu, &enable);
	vm_pic_intr(vm->fd, 1);
	kt_expect_done(&vm->vcpu);
	/* Unmasked while the line is high. */
	set_lint0(vm, LINT0_EXTINT);
	kt_start(&vm->vcpu, &enable);
	acknowledge(vm, VECTOR + 1);
	kt_expect_event(&vm->vcpu, VECTOR + 1);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_IRQCHIP(extint_wakes_from_hlt, KT_IN_64)
{
	set_lint0(vm, LINT0_EXTINT);
	kt_start(&vm->vcpu, &halt);
	vm_pic_intr(vm->fd, 1);
	acknowledge(vm, VECTOR);
	kt_expect_event(&vm->vcpu, VECTOR);
	kt_expect_done(&vm->vcpu);
}

/* The interrupt belongs to the state before; what stands in the run page means nothing. */
KITE_TEST_IRQCHIP(a_new_state_drops_an_acknowledge_cycle, KT_IN_64)
{
	struct kite_state s;

	kt_start(&vm->vcpu, &enable);
	vm_send_msi(vm->fd, 0xfee00000, 0x700);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_INTA);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	vm->vcpu.run->data[0] = VECTOR;
	kt_expect_done(&vm->vcpu);
}

/* Whatever the order in which the groups are set. */
KITE_TEST_IRQCHIP(halted_by_state_and_woken, KT_IN_64)
{
	struct kite_state s;

	set_lint0(vm, 0x10000);
	kt_start(&vm->vcpu, &spin);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	s.events.activity = KITE_ACTIVITY_HLT;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	kt_set_rflags(&vm->vcpu, kt_rflags(&vm->vcpu) | RFLAGS_IF);
	vm_send_msi(vm->fd, 0xfee00000, VECTOR);
	kt_expect_event(&vm->vcpu, VECTOR);
}

KT_CODE64(step_halt, "cli\npushfq\norl $0x100, (%rsp)\npopfq", "hlt", "");

/* The trap ends the halt, although no interrupt comes. */
KITE_TEST_IRQCHIP(single_stepped_hlt, KT_IN_64)
{
	kt_start(&vm->vcpu, &step_halt);
	EXPECT_EQ(kt_code_next(vm, &step_halt), kt_expect_event(&vm->vcpu, 1).rip);
}

/* A disabled APIC lets INTR through. */
KITE_TEST_IRQCHIP(extint_past_a_disabled_apic, KT_IN_64)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.apic_base &= ~BIT(11);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	kt_start(&vm->vcpu, &enable);
	vm_pic_intr(vm->fd, 1);
	acknowledge(vm, VECTOR);
	kt_expect_event(&vm->vcpu, VECTOR);
	kt_expect_done(&vm->vcpu);
}

/* LINT0 as an ordinary input: an edge each time the line rises. */
KITE_TEST_IRQCHIP(lint0_fixed, KT_IN_64)
{
	set_lint0(vm, VECTOR);
	kt_start(&vm->vcpu, &enable);
	vm_pic_intr(vm->fd, 1);
	vm_pic_intr(vm->fd, 1);
	kt_expect_event(&vm->vcpu, VECTOR);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_IRQCHIP(lint0_nmi, KT_IN_64)
{
	set_lint0(vm, 0x400);
	kt_start(&vm->vcpu, &spin);
	vm_pic_intr(vm->fd, 1);
	kt_expect_event(&vm->vcpu, 2);
	kt_expect_done(&vm->vcpu);
}

/* As a message, by MSI. */
KITE_TEST_IRQCHIP(extint_message, KT_IN_64)
{
	kt_start(&vm->vcpu, &enable);
	vm_send_msi(vm->fd, 0xfee00000, 0x700);
	EXPECT_EQ(KITE_EVENT_EXTINT, pending(&vm->vcpu));
	kt_expect_exit(&vm->vcpu, KITE_EXIT_INTA);
	EXPECT_EQ(0u, pending(&vm->vcpu));
	vm->vcpu.run->data[0] = VECTOR;
	kt_expect_event(&vm->vcpu, VECTOR);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(pic_without_irqchip, KT_IN_64)
{
	EXPECT_EQ(-ENODEV, _vm_pic_intr(vm->fd, 1));
}

KITE_TEST_IRQCHIP(pic_line_arguments, KT_IN_64)
{
	struct kite_irq_line arg = { .size = sizeof(arg), .gsi = 1, .level = 1 };

	EXPECT_EQ(-EINVAL, _vm_pic_intr(vm->fd, 2));
	EXPECT_ERRNO(EINVAL, __kt_ioctl(vm->fd, KITE_VM_PIC_INTR, &arg));
	arg = (struct kite_irq_line){ .size = sizeof(arg), .flags = 1, .level = 1 };
	EXPECT_ERRNO(EINVAL, __kt_ioctl(vm->fd, KITE_VM_PIC_INTR, &arg));
	set_lint0(vm, LINT0_EXTINT);
	kt_run_done(&vm->vcpu, &enable);
}

KT_CODE64(loop, "1:", "pause\njmp 1b", "");

static void *run_until_stopped(void *arg)
{
	struct kt_vcpu *vcpu = arg;
	int ret;

	do
		ret = _vcpu_run(vcpu->fd);
	while (ret == -EINTR);
	return (void *)(long)ret;
}

KITE_TEST_MODES(stop_and_continue, KT_IN_64)
{
	struct kt_vcpu *vcpu = &vm->vcpu;
	unsigned int i;
	pthread_t thread;
	void *ret;

	kt_start(vcpu, &loop);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, run_until_stopped, vcpu));
		vcpu_stop(vcpu->fd);
		/* The run page is shared: look at it when the thread, perhaps late, is gone. */
		ASSERT_EQ(0, pthread_join(thread, &ret));
		EXPECT_EQ(NULL, ret);
		EXPECT_EQ(KITE_EXIT_STOP, vcpu->run->exit_reason);
		/* Out of the guest, and stays out. */
		EXPECT_EQ(0, _vcpu_run(vcpu->fd));
		EXPECT_EQ(KITE_EXIT_STOP, vcpu->run->exit_reason);
		vcpu_cont(vcpu->fd);
		vcpu_kick(vcpu->fd);
		kt_expect_exit(vcpu, KITE_EXIT_KICK);
	}
}
