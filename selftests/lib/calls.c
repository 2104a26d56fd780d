// SPDX-License-Identifier: GPL-2.0-only
#include "calls.h"

#include <string.h>
#include <unistd.h>

#include "eventfd.h"
#include "vm.h"

/* Not all of them need both. */
#define FILL(name)							\
	static void fill_##name(const struct kt_target *t __attribute__((unused)), \
				void *arg __attribute__((unused)))

FILL(nothing)
{
}

FILL(slot)
{
	struct kite_slot *slot = arg;

	slot->slot = 7;
	slot->gpa = 0x100000000;
	slot->len = KT_PAGE;
	slot->uaddr = (unsigned long)t->memory;
}

FILL(perm)
{
	struct kite_perm *perm = arg;

	perm->perm = KITE_ACCESS_READ;
	perm->gpa = 0x100000000;
	perm->len = KT_PAGE;
}

FILL(vcpu)
{
	((struct kite_create_vcpu *)arg)->id = 3;
}

FILL(line)
{
	((struct kite_irq_line *)arg)->gsi = 5;
}

FILL(msi)
{
	((struct kite_msi *)arg)->address = 0xfee00000;
	((struct kite_msi *)arg)->data = 0x31;
}

FILL(ioapic)
{
	_vm_get_ioapic(t->fds[KT_VM], arg);
}

FILL(clock)
{
	_vm_get_clock(t->fds[KT_VM], arg);
}

FILL(groups)
{
	((struct kite_state *)arg)->groups = KITE_STATE_ALL;
}

FILL(state)
{
	_vcpu_get_state(t->fds[KT_VCPU], KITE_STATE_ALL, arg);
}

FILL(xsave)
{
	struct kite_xsave *xsave = arg;

	_vcpu_get_xsave(t->fds[KT_VCPU], t->image, t->xsave_size);
	xsave->uaddr = (unsigned long)t->image;
	xsave->len = t->xsave_size;
}

FILL(lapic)
{
	_vcpu_get_lapic(t->fds[KT_VCPU], arg);
}

FILL(translate)
{
	((struct kite_translate *)arg)->gva = KT_STACK;
}

/* One that may come again and again. */
FILL(inject)
{
	struct kite_inject *in = arg;

	in->type = KITE_INTR_NMI;
	in->vector = 2;
}

FILL(prefault)
{
	((struct kite_prefault *)arg)->gpa = KT_SCRATCH;
	((struct kite_prefault *)arg)->len = KT_PAGE;
}

FILL(dirty)
{
	struct kite_dirty *dirty = arg;

	_vm_set_slot(t->fds[KT_VM], 8, KITE_SLOT_LOG_DIRTY, 0x200000000, 64 * KT_PAGE, t->memory);
	dirty->slot = 8;
	dirty->pages = 64;
	dirty->uaddr = (unsigned long)t->image;
}

/* For a vCPU that has none. */
FILL(ring)
{
	((struct kite_set_ring *)arg)->entries = KITE_RING_MIN;
}

FILL(irqfd)
{
	struct kite_irqfd *irqfd = arg;

	irqfd->fd = t->event;
	irqfd->gsi = 5;
}

FILL(ioeventfd)
{
	static u64 addr = KT_HOLE;
	struct kite_ioeventfd *doorbell = arg;

	doorbell->fd = t->event;
	doorbell->addr = addr += 8;
	doorbell->len = 4;
}

#define RESERVED(type, member)	\
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member) }
#define SEGMENT(n)	RESERVED(kite_state, segs.seg[n].reserved)

const struct kt_call kt_calls[] = {
	{ "GET_INFO", KT_DEV, KITE_GET_INFO, sizeof(struct kite_info), true, 0, fill_nothing,
	  { RESERVED(kite_info, reserved) } },
	{ "GET_VMX_MSRS", KT_DEV, KITE_GET_VMX_MSRS, sizeof(struct kite_vmx_msrs), true, 0,
	  fill_nothing },
	{ "CREATE_VM", KT_DEV, KITE_CREATE_VM, sizeof(struct kite_create_vm), false,
	  KITE_VM_IRQCHIP | KITE_VM_PVCLOCK, fill_nothing,
	  { RESERVED(kite_create_vm, reserved) }, 8 },
	{ "SET_SLOT", KT_VM, KITE_VM_SET_SLOT, sizeof(struct kite_slot), false,
	  KITE_SLOT_READONLY | KITE_SLOT_LOG_DIRTY, fill_slot, { RESERVED(kite_slot, reserved) } },
	{ "GET_DIRTY", KT_VM, KITE_VM_GET_DIRTY, sizeof(struct kite_dirty), false,
	  KITE_DIRTY_CLEAR, fill_dirty, { RESERVED(kite_dirty, reserved) } },
	{ "CLEAR_DIRTY", KT_VM, KITE_VM_CLEAR_DIRTY, sizeof(struct kite_dirty), false, 0,
	  fill_dirty, { RESERVED(kite_dirty, reserved) } },
	{ "SET_PERM", KT_VM, KITE_VM_SET_PERM, sizeof(struct kite_perm), false, 0, fill_perm,
	  { RESERVED(kite_perm, view) } },
	{ "CREATE_VCPU", KT_VM, KITE_VM_CREATE_VCPU, sizeof(struct kite_create_vcpu), false, 0,
	  fill_vcpu, { RESERVED(kite_create_vcpu, reserved) } },
	{ "PIC_INTR", KT_VM, KITE_VM_PIC_INTR, sizeof(struct kite_irq_line), false, 0, fill_nothing,
	  { RESERVED(kite_irq_line, gsi) } },
	{ "IRQ_LINE", KT_VM, KITE_VM_IRQ_LINE, sizeof(struct kite_irq_line), false, 0, fill_line },
	{ "SEND_MSI", KT_VM, KITE_VM_SEND_MSI, sizeof(struct kite_msi), false, 0, fill_msi,
	  { RESERVED(kite_msi, reserved) } },
	{ "GET_IOAPIC", KT_VM, KITE_VM_GET_IOAPIC, sizeof(struct kite_ioapic), true, 0,
	  fill_nothing },
	{ "SET_IOAPIC", KT_VM, KITE_VM_SET_IOAPIC, sizeof(struct kite_ioapic), false, 0,
	  fill_ioapic },
	{ "SET_ROUTES", KT_VM, KITE_VM_SET_ROUTES, sizeof(struct kite_routes), false, 0,
	  fill_nothing, { RESERVED(kite_routes, reserved) } },
	{ "IRQFD", KT_VM, KITE_VM_IRQFD, sizeof(struct kite_irqfd), false,
	  KITE_IRQFD_DEASSIGN | KITE_IRQFD_RESAMPLE, fill_irqfd,
	  { RESERVED(kite_irqfd, reserved) } },
	{ "IOEVENTFD", KT_VM, KITE_VM_IOEVENTFD, sizeof(struct kite_ioeventfd), false,
	  KITE_IOEVENTFD_DEASSIGN | KITE_IOEVENTFD_PIO | KITE_IOEVENTFD_DATAMATCH,
	  fill_ioeventfd },
	{ "GET_CLOCK", KT_VM, KITE_VM_GET_CLOCK, sizeof(struct kite_clock), true, 0, fill_nothing,
	  { RESERVED(kite_clock, reserved) } },
	{ "SET_CLOCK", KT_VM, KITE_VM_SET_CLOCK, sizeof(struct kite_clock), false, 0, fill_clock,
	  { RESERVED(kite_clock, reserved) } },
	{ "GET_STATE", KT_VCPU, KITE_VCPU_GET_STATE, sizeof(struct kite_state), true, 0,
	  fill_groups, { RESERVED(kite_state, reserved) }, sizeof(struct kite_pvclock) },
	{ "SET_STATE", KT_VCPU, KITE_VCPU_SET_STATE, sizeof(struct kite_state), false, 0,
	  fill_state, { RESERVED(kite_state, reserved), SEGMENT(0), SEGMENT(1), SEGMENT(2),
			SEGMENT(3), SEGMENT(4), SEGMENT(5), SEGMENT(6), SEGMENT(7),
			RESERVED(kite_state, segs.gdtr.reserved),
			RESERVED(kite_state, segs.idtr.reserved),
			RESERVED(kite_state, events.reserved) }, sizeof(struct kite_pvclock) },
	{ "GET_XSAVE", KT_VCPU, KITE_VCPU_GET_XSAVE, sizeof(struct kite_xsave), false, 0,
	  fill_xsave },
	{ "SET_XSAVE", KT_VCPU, KITE_VCPU_SET_XSAVE, sizeof(struct kite_xsave), false, 0,
	  fill_xsave },
	{ "GET_LAPIC", KT_VCPU, KITE_VCPU_GET_LAPIC, sizeof(struct kite_lapic), true, 0,
	  fill_nothing },
	{ "SET_LAPIC", KT_VCPU, KITE_VCPU_SET_LAPIC, sizeof(struct kite_lapic), false, 0,
	  fill_lapic },
	{ "GET_CPUID", KT_VCPU, KITE_VCPU_GET_CPUID, sizeof(struct kite_cpuid), true, 0,
	  fill_nothing, { RESERVED(kite_cpuid, eax), RESERVED(kite_cpuid, ebx),
			  RESERVED(kite_cpuid, ecx), RESERVED(kite_cpuid, edx) } },
	{ "GET_STATS", KT_VCPU, KITE_VCPU_GET_STATS, sizeof(struct kite_stats), true, 0,
	  fill_nothing, { RESERVED(kite_stats, reserved) } },
	{ "SET_DEBUG", KT_VCPU, KITE_VCPU_SET_DEBUG, sizeof(struct kite_debug), false,
	  KITE_DEBUG_STEP | KITE_DEBUG_TRACE, fill_nothing },
	{ "TRANSLATE", KT_VCPU, KITE_VCPU_TRANSLATE, sizeof(struct kite_translate), true, 0,
	  fill_translate, { RESERVED(kite_translate, gpa) } },
	{ "PREFAULT", KT_VCPU, KITE_VCPU_PREFAULT, sizeof(struct kite_prefault), true,
	  KITE_PREFAULT_WRITE, fill_prefault },
	{ "CHECK_ENTRY", KT_VCPU, KITE_VCPU_CHECK_ENTRY, sizeof(struct kite_entry_check), true, 0,
	  fill_nothing, { RESERVED(kite_entry_check, broken.rule),
			  RESERVED(kite_entry_check, broken.text) } },
	{ "INJECT", KT_VCPU, KITE_VCPU_INJECT, sizeof(struct kite_inject), false, 0, fill_inject },
	{ "SET_RING", KT_VCPU, KITE_VCPU_SET_RING, sizeof(struct kite_set_ring), false, 0,
	  fill_ring, { RESERVED(kite_set_ring, reserved) } },
	{ "RUN", KT_VCPU, KITE_VCPU_RUN },
	{ "KICK", KT_VCPU, KITE_VCPU_KICK },
	{ "NMI", KT_VCPU, KITE_VCPU_NMI },
	{ "STOP", KT_VCPU, KITE_VCPU_STOP },
	{ "CONT", KT_VCPU, KITE_VCPU_CONT },
	{ "RESET_RINGS", KT_VM, KITE_VM_RESET_RINGS },
};

const unsigned int kt_call_count = ARRAY_SIZE(kt_calls);

/* Some can be made once only: with another descriptor, or another vCPU. */
static void renew(struct kt_target *t, const struct kt_call *call)
{
	if (call->cmd == KITE_VM_IRQFD || call->cmd == KITE_VM_IOEVENTFD)
		t->event = kt_eventfd();	/* stays open with the test */
	if (call->cmd == KITE_VCPU_SET_RING) {
		close(t->fds[KT_VCPU]);
		t->fds[KT_VCPU] = vm_create_vcpu(t->fds[KT_VM], 5);
	}
}

void kt_call_good(struct kt_target *t, const struct kt_call *call, void *arg)
{
	renew(t, call);
	memset(arg, 0, KT_PAGE);
	if (!call->size)
		return;
	*(u32 *)arg = call->size;
	call->fill(t, arg);
}

void kt_snapshot(const struct kt_target *t, struct kt_snapshot *s)
{
	memset(s, 0, sizeof(*s));
	vcpu_get_state(t->fds[KT_VCPU], KITE_STATE_ALL, &s->state);
	vcpu_get_lapic(t->fds[KT_VCPU], &s->lapic);
	vm_get_ioapic(t->fds[KT_VM], &s->ioapic);
	s->state.msrs.tsc = 0;		/* goes on by itself */
}
