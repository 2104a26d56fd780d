// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the interrupt controllers exist with KITE_VM_IRQCHIP only; their state
 * is read back as it was written; what is refused changes nothing; a message and a
 * line reach the guest.
 */
#include <string.h>

#include "guest.h"

#define MSI_ADDRESS	0xfee00000ull

/* Offsets in struct kite_lapic.regs. */
enum {
	ID = 0x20, VERSION = 0x30, TPR = 0x80, PPR = 0xa0, LDR = 0xd0, DFR = 0xe0, SVR = 0xf0,
	ISR = 0x100, TMR = 0x180, IRR = 0x200, ICR_HIGH = 0x310, LVT_TIMER = 0x320,
	LVT_LINT0 = 0x350, INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3e0,
};

static u32 *reg(struct kite_lapic *lapic, u32 offset)
{
	return (u32 *)(lapic->regs + offset);
}

KITE_TEST_MODES(not_without_irqchip, KT_IN_64)
{
	struct kite_lapic lapic;
	struct kite_ioapic ioapic;
	struct kite_state s;

	EXPECT_EQ(-ENODEV, _vm_irq_line(vm->fd, 0, 1));
	EXPECT_EQ(-ENODEV, _vm_send_msi(vm->fd, MSI_ADDRESS, 0x30));
	EXPECT_EQ(-ENODEV, _vm_get_ioapic(vm->fd, &ioapic));
	EXPECT_EQ(-ENODEV, _vm_set_ioapic(vm->fd, &ioapic));
	EXPECT_EQ(-ENODEV, _vcpu_get_lapic(vm->vcpu.fd, &lapic));
	EXPECT_EQ(-ENODEV, _vcpu_set_lapic(vm->vcpu.fd, &lapic));
	/* The parts of it that are among the control registers are 0 and stay so. */
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(0ull, s.crs.apic_base);
	EXPECT_EQ(0ull, s.crs.cr8);
	s.crs.apic_base = 0xfee00900;
	EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s));
	s.crs.apic_base = 0;
	s.crs.cr8 = 1;
	EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s));
}

KITE_TEST_IRQCHIP(lines, KT_IN_64)
{
	struct kite_ioapic a;
	u32 pin;

	for (pin = 0; pin < KITE_IOAPIC_PINS; pin++) {
		vm_irq_line(vm->fd, pin, 1);
		vm_get_ioapic(vm->fd, &a);
		EXPECT_EQ(1u << pin, a.lines);
		EXPECT_EQ(-EINVAL, _vm_irq_line(vm->fd, pin, 2));
		EXPECT_EQ(-EINVAL, _vm_irq_line(vm->fd, pin, ~0u));
		vm_get_ioapic(vm->fd, &a);
		EXPECT_EQ(1u << pin, a.lines);
		vm_irq_line(vm->fd, pin, 0);
		vm_get_ioapic(vm->fd, &a);
		EXPECT_EQ(0u, a.lines);
	}
	EXPECT_EQ(-EINVAL, _vm_irq_line(vm->fd, KITE_IOAPIC_PINS, 1));
	EXPECT_EQ(-EINVAL, _vm_irq_line(vm->fd, ~0u, 1));
}

KITE_TEST_IRQCHIP(messages, KT_IN_64)
{
	static const struct { u64 address; u32 data; int want; } t[] = {
		{ MSI_ADDRESS, 0x30, 0 },
		{ MSI_ADDRESS | 0x4, 0x30, 0 },			/* logical */
		{ MSI_ADDRESS | 0xff000, 0x30, 0 },		/* everybody */
		{ MSI_ADDRESS, 0x100 | 0x30, 0 },		/* lowest priority */
		{ MSI_ADDRESS, 0x400, 0 },			/* NMI has no vector */
		{ MSI_ADDRESS, 0xc030, 0 },			/* level, asserted */
		{ MSI_ADDRESS, 0x0f, -EINVAL },
		{ MSI_ADDRESS, 0, -EINVAL },
		{ MSI_ADDRESS, 0x10f, -EINVAL },
		{ MSI_ADDRESS, 0x330, -EINVAL },		/* reserved mode */
		{ MSI_ADDRESS, 0x630, -EINVAL },		/* SIPI */
		{ MSI_ADDRESS, 0x8030, -EINVAL },		/* end of a level */
		{ 0xfed00000, 0x30, -EINVAL },
		{ 0xfef00000, 0x30, -EINVAL },
		{ 0, 0x30, -EINVAL },
		{ MSI_ADDRESS | BIT(32), 0x30, -EINVAL },
		{ ~0ull, 0x30, -EINVAL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		int ret = _vm_send_msi(vm->fd, t[i].address, t[i].data);

		if (ret != t[i].want)
			kt_failed(__FILE__, __LINE__, "0x%llx 0x%x: %d, want %d", t[i].address,
				  t[i].data, ret, t[i].want);
	}
}

static void refuse_ioapic(struct kt_vm *vm, const char *what, struct kite_ioapic *bad)
{
	struct kite_ioapic before, after;
	int ret;

	vm_get_ioapic(vm->fd, &before);
	ret = _vm_set_ioapic(vm->fd, bad);
	if (ret != -EINVAL)
		kt_failed(__FILE__, __LINE__, "%s: %d, want %d", what, ret, -EINVAL);
	vm_get_ioapic(vm->fd, &after);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

KITE_TEST_IRQCHIP(ioapic, KT_IN_64)
{
	struct kite_ioapic good, bad, after;
	u32 pin;

	vm_get_ioapic(vm->fd, &good);
	for (pin = 0; pin < KITE_IOAPIC_PINS; pin++) {
		EXPECT_TRUE(good.redir[pin] & BIT(16));		/* masked after a reset */
		good.redir[pin] = BIT(16) | (u64)pin << 56 | 0xa000 | (0x30 + pin);
	}
	good.id = 0x05000000;
	good.select = 0x12;
	good.lines = 0x00a5a5a5;
	good.irr = 0;
	vm_set_ioapic(vm->fd, &good);
	vm_get_ioapic(vm->fd, &after);
	EXPECT_EQ(0, memcmp(&good, &after, sizeof(good)));

#define REFUSE(member, value) do {				\
	bad = good;						\
	bad.member = value;					\
	refuse_ioapic(vm, #member " = " #value, &bad);		\
} while (0)
	REFUSE(id, 1);
	REFUSE(id, 0x10000000);
	REFUSE(select, 0x100);
	REFUSE(lines, 0x01000000);
	REFUSE(irr, 0x01000000);
	REFUSE(irr, 1);			/* a level pin remembers no edge */
	REFUSE(redir[0], BIT(16) | BIT(17));
	REFUSE(redir[23], BIT(16) | BIT(40));
#undef REFUSE
}

static void refuse_lapic(struct kt_vm *vm, u32 offset, u32 value)
{
	struct kite_lapic before, bad, after;
	int ret;

	vcpu_get_lapic(vm->vcpu.fd, &before);
	bad = before;
	*reg(&bad, TPR) = 0x20;
	*reg(&bad, PPR) = 0x20;
	*reg(&bad, offset) = value;
	ret = _vcpu_set_lapic(vm->vcpu.fd, &bad);
	if (ret != -EINVAL)
		kt_failed(__FILE__, __LINE__, "0x%x = 0x%x: %d, want %d", offset, value, ret,
			  -EINVAL);
	vcpu_get_lapic(vm->vcpu.fd, &after);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

KITE_TEST_IRQCHIP(lapic_refuses, KT_IN_64)
{
	refuse_lapic(vm, ID, 0x01000000);
	refuse_lapic(vm, VERSION, 0);
	refuse_lapic(vm, 0, 1);			/* reserved register */
	refuse_lapic(vm, 0x3f0, 1);
	refuse_lapic(vm, TPR, 0x100);
	refuse_lapic(vm, PPR, 0x80);		/* not that of TPR and ISR */
	refuse_lapic(vm, LDR, 1);
	refuse_lapic(vm, DFR, 0x0fffffff & ~1);
	refuse_lapic(vm, SVR, BIT(31));
	refuse_lapic(vm, ISR, 1);		/* vector 0 */
	refuse_lapic(vm, TMR, BIT(15));
	refuse_lapic(vm, IRR, BIT(3));
	refuse_lapic(vm, LVT_LINT0, BIT(31));
	refuse_lapic(vm, DIVIDE, 4);
	refuse_lapic(vm, CURRENT, 5);		/* more than the initial count */
	refuse_lapic(vm, 0x24, 1);		/* between the registers */
}

KITE_TEST_IRQCHIP(lapic_round_trip, KT_IN_64)
{
	struct kite_lapic a, b;

	vcpu_get_lapic(vm->vcpu.fd, &a);
	EXPECT_EQ(0u, *reg(&a, ID));
	EXPECT_EQ(0xffu, *reg(&a, SVR));
	EXPECT_TRUE(*reg(&a, LVT_TIMER) & BIT(16));
	*reg(&a, SVR) = 0x1ef;
	*reg(&a, TPR) = 0x35;
	*reg(&a, PPR) = 0x50;
	*reg(&a, LDR) = 0x02000000;
	*reg(&a, ISR + 0x20) = BIT(0x52 - 0x40);
	*reg(&a, IRR + 0x20) = BIT(0x51 - 0x40);
	*reg(&a, TMR + 0x20) = BIT(0x51 - 0x40);
	*reg(&a, ICR_HIGH) = 0x03000000;
	*reg(&a, LVT_LINT0) = 0x700;
	*reg(&a, DIVIDE) = 0xb;
	vcpu_set_lapic(vm->vcpu.fd, &a);
	vcpu_get_lapic(vm->vcpu.fd, &b);
	EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
}

KT_CODE64(wait_for_interrupt, "", "sti\nhlt\ncli", "");

/* Switch the APIC on as its driver would. */
static void enable_lapic(struct kt_vcpu *vcpu)
{
	struct kite_lapic lapic;

	vcpu_get_lapic(vcpu->fd, &lapic);
	*reg(&lapic, SVR) = 0x1ff;
	vcpu_set_lapic(vcpu->fd, &lapic);
}

KITE_TEST_IRQCHIP(a_message_reaches_the_guest, KT_IN_64)
{
	struct kite_lapic lapic;

	enable_lapic(&vm->vcpu);
	vm_send_msi(vm->fd, MSI_ADDRESS, 0x41);
	vcpu_get_lapic(vm->vcpu.fd, &lapic);
	EXPECT_EQ(BIT(1), (u64)*reg(&lapic, IRR + 0x20));
	kt_start(&vm->vcpu, &wait_for_interrupt);
	kt_expect_event(&vm->vcpu, 0x41);
	kt_expect_done(&vm->vcpu);
	vcpu_get_lapic(vm->vcpu.fd, &lapic);
	EXPECT_EQ(0u, *reg(&lapic, IRR + 0x20));
	EXPECT_EQ(BIT(1), (u64)*reg(&lapic, ISR + 0x20));
}

KITE_TEST_IRQCHIP(a_line_reaches_the_guest, KT_IN_64)
{
	struct kite_ioapic ioapic;

	enable_lapic(&vm->vcpu);
	vm_get_ioapic(vm->fd, &ioapic);
	ioapic.redir[4] = 0x44;
	vm_set_ioapic(vm->fd, &ioapic);
	vm_irq_line(vm->fd, 4, 1);
	vm_irq_line(vm->fd, 4, 0);
	kt_start(&vm->vcpu, &wait_for_interrupt);
	kt_expect_event(&vm->vcpu, 0x44);
	kt_expect_done(&vm->vcpu);
}

/* An interrupt for a disabled APIC is lost, as on a PC. */
KITE_TEST_IRQCHIP(a_disabled_lapic_takes_nothing, KT_IN_64)
{
	struct kite_lapic lapic;

	vm_send_msi(vm->fd, MSI_ADDRESS, 0x41);
	vcpu_get_lapic(vm->vcpu.fd, &lapic);
	EXPECT_EQ(0u, *reg(&lapic, IRR + 0x20));
}
