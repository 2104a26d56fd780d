// SPDX-License-Identifier: GPL-2.0-only
#include "irqchip.h"

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/string.h>

#include "../irq/msi.h"
#include "backend.h"
#include "clock.h"
#include "compat.h"
#include "deliver.h"
#include "irqfd.h"
#include "maps.h"
#include "request.h"
#include "timer.h"
#include "vm.h"

int kite_irqchip_init_vm(struct kite_vm *vm)
{
	raw_spin_lock_init(&vm->ioapic_lock);
	ioapic_reset(&vm->ioapic);
	if (!(vm->flags & KITE_VM_IRQCHIP) || !kite_hw_has_apic_access())
		return 0;
	vm->apic_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vm->apic_page ? 0 : -ENOMEM;
}

void kite_irqchip_free_vm(struct kite_vm *vm)
{
	free_page((unsigned long)vm->apic_page);
}

int kite_irqchip_init_vcpu(struct kite_vcpu *v)
{
	u32 *regs;

	if (!(v->vm->flags & KITE_VM_IRQCHIP))
		return 0;
	regs = (u32 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!regs)
		return -ENOMEM;
	lapic_reset(&v->lapic, regs, v->id, v->id == 0);
	v->route = lapic_route(&v->lapic);
	v->irqchip = true;
	return 0;
}

void kite_irqchip_free_vcpu(struct kite_vcpu *v)
{
	free_page((unsigned long)v->lapic.regs);
}

/* Under the lock: who held a pin until an EOI that has just come is told with the window closed. */
static void take_ended(struct kite_vcpu *v)
{
	struct ioapic *io = &v->vm->ioapic;

	if (!io->ended)
		return;
	v->resample |= io->ended;
	io->ended = 0;
	kite_vcpu_request_self(v, KITE_REQ_RESAMPLE);
}

static bool is_lapic(const struct kite_vcpu *v, u64 gpa)
{
	return lapic_is_xapic(&v->lapic) && !((gpa ^ v->lapic.base) >> PAGE_SHIFT);
}

/*
 * The page stays what it is, so that nobody has to wait for vCPUs that still find it
 * in their TLB. This one must not: the back end flushes with the mode.
 */
static void drop_apic_page(struct kite_vcpu *v)
{
	struct kite_vm *vm = v->vm;
	unsigned int level = 1;
	unsigned long flags;
	u64 *place, old;

	if (!vm->apic_page || READ_ONCE(vm->apic_page_off))
		return;
	WRITE_ONCE(vm->apic_page_off, true);
	/* Who has seen it on has mapped it by now. */
	kite_vm_sync_maps(vm);
	local_irq_save(flags);
	kite_map_begin(v);
	place = kite_ept_place(&vm->ept, NULL, LAPIC_DEFAULT_BASE, &level);
	old = place ? READ_ONCE(*place) : 0;
	/* The CPU sets flags there, nobody else changes it. */
	while ((old & KITE_EPT_OWN) && !try_cmpxchg(place, &old, 0))
		cpu_relax();
	kite_map_end(v);
	local_irq_restore(flags);
	atomic64_inc(&vm->ept.gen);
}

void *kite_irqchip_page(const struct kite_vcpu *v, u64 gpa)
{
	return is_lapic(v, gpa) && !READ_ONCE(v->vm->apic_page_off) ? v->vm->apic_page : NULL;
}

void kite_lapic_out(struct kite_vcpu *v, const struct lapic_out *out)
{
	struct kite_vm *vm = v->vm;
	unsigned long flags;

	/* A mode or a base is in force for the guest once events were looked at. */
	if (out->todo & (LAPIC_OUT_PENDING | LAPIC_OUT_ROUTE))
		v->need_inject = true;
	if (out->todo & LAPIC_OUT_ROUTE) {
		WRITE_ONCE(v->route, lapic_route(&v->lapic));
		if (!lapic_is_xapic(&v->lapic) || !lapic_at_default(&v->lapic))
			drop_apic_page(v);
		/* Disabling the APIC empties it, also of what it has not seen yet. */
		if (!(v->lapic.base & LAPIC_BASE_EN))
			bitmap_zero(v->pir, IRQ_VECTORS);
	}
	if (out->todo & LAPIC_OUT_TIMER)
		kite_timer_program(v);
	if (out->todo & LAPIC_OUT_IPI)
		kite_deliver(vm, &out->ipi, v);
	if (!(out->todo & (LAPIC_OUT_EOI | LAPIC_OUT_ROUTE)))
		return;
	raw_spin_lock_irqsave(&vm->ioapic_lock, flags);
	if (out->todo & LAPIC_OUT_EOI)
		ioapic_eoi(&vm->ioapic, out->eoi_vector, kite_emit, vm);
	if (out->todo & LAPIC_OUT_ROUTE)
		ioapic_retry(&vm->ioapic, kite_emit, vm);
	take_ended(v);
	raw_spin_unlock_irqrestore(&vm->ioapic_lock, flags);
}

void kite_irqchip_init_signal(struct kite_vcpu *v)
{
	const struct lapic_out out = { .todo = LAPIC_OUT_ROUTE | LAPIC_OUT_TIMER };

	/* Sent before the INIT, or while the vCPU waits for SIPI: it does not see them. */
	clear_bit(KITE_REQ_NMI, &v->requests);
	clear_bit(KITE_REQ_EXTINT, &v->requests);
	bitmap_zero(v->pir, IRQ_VECTORS);
	v->extint_pending = false;
	lapic_init(&v->lapic);
	kite_lapic_out(v, &out);
}

bool kite_irqchip_extint(const struct kite_vcpu *v)
{
	return v->extint_pending || (READ_ONCE(v->vm->pic_intr) &&
				     lapic_lint0_mode(&v->lapic) == IRQ_MODE_EXTINT);
}

/* Modes other than ExtINT take the edge only. */
void kite_irqchip_lint0(struct kite_vcpu *v)
{
	switch (lapic_lint0_mode(&v->lapic)) {
	case IRQ_MODE_FIXED:
		lapic_lint0(&v->lapic);
		break;
	case IRQ_MODE_NMI:
		v->nmi_pending = true;
		break;
	}
	v->need_inject = true;
}

int kite_irqchip_pic_intr(struct kite_vm *vm, const struct kite_irq_line *arg)
{
	if (!(vm->flags & KITE_VM_IRQCHIP))
		return -ENODEV;
	if (arg->flags || arg->gsi || arg->level > 1)
		return -EINVAL;
	if (!xchg(&vm->pic_intr, arg->level) && arg->level)
		kite_vm_request(vm, KITE_REQ_LINT0);
	return 0;
}

static bool overlap(u64 gpa, u64 len, u64 other, u64 other_len)
{
	return gpa < other + other_len && other < gpa + len;
}

bool kite_irqchip_claims(const struct kite_vcpu *v, u64 gpa, u64 len)
{
	if (!v->irqchip)
		return false;
	return overlap(gpa, len, IOAPIC_DEFAULT_BASE, IOAPIC_MMIO_SIZE) ||
	       (lapic_is_xapic(&v->lapic) &&
		overlap(gpa, len, v->lapic.base & PAGE_MASK, PAGE_SIZE));
}

/* Registers are 32 bits wide and aligned; what is not reads as 0 and is not written. */
static bool is_register(u64 gpa, u32 width)
{
	return width == 4 && !(gpa & 3);
}

u64 kite_irqchip_read(struct kite_vcpu *v, u64 gpa, u32 width)
{
	struct kite_vm *vm = v->vm;
	struct lapic_out out = {};
	unsigned long flags;
	u32 value;

	if (!is_register(gpa, width))
		return 0;
	if (is_lapic(v, gpa)) {
		value = lapic_read(&v->lapic, gpa & ~PAGE_MASK, kite_guest_tsc(v), &out);
		kite_lapic_out(v, &out);
		return value;
	}
	raw_spin_lock_irqsave(&vm->ioapic_lock, flags);
	value = ioapic_read(&vm->ioapic, gpa - IOAPIC_DEFAULT_BASE);
	raw_spin_unlock_irqrestore(&vm->ioapic_lock, flags);
	return value;
}

void kite_irqchip_write(struct kite_vcpu *v, u64 gpa, u32 width, u64 value)
{
	struct kite_vm *vm = v->vm;
	struct lapic_out out = {};
	unsigned long flags;

	if (!is_register(gpa, width))
		return;
	if (is_lapic(v, gpa)) {
		lapic_write(&v->lapic, gpa & ~PAGE_MASK, value, kite_guest_tsc(v), &out);
		kite_lapic_out(v, &out);
		return;
	}
	raw_spin_lock_irqsave(&vm->ioapic_lock, flags);
	ioapic_write(&vm->ioapic, gpa - IOAPIC_DEFAULT_BASE, value, kite_emit, vm);
	take_ended(v);
	raw_spin_unlock_irqrestore(&vm->ioapic_lock, flags);
}

int kite_irqchip_send_msi(struct kite_vm *vm, const struct kite_msi *arg)
{
	struct irq_msg msg;
	int ret;

	if (!(vm->flags & KITE_VM_IRQCHIP))
		return -ENODEV;
	if (arg->flags || arg->reserved)
		return -EINVAL;
	ret = msi_to_msg(arg->address, arg->data, &msg);
	if (ret)
		return ret;
	kite_deliver(vm, &msg, NULL);
	return 0;
}

int kite_irqchip_get_ioapic(struct kite_vm *vm, struct kite_ioapic *arg)
{
	struct ioapic state;
	unsigned long flags;

	if (!(vm->flags & KITE_VM_IRQCHIP))
		return -ENODEV;
	if (arg->flags)
		return -EINVAL;
	raw_spin_lock_irqsave(&vm->ioapic_lock, flags);
	ioapic_get_state(&vm->ioapic, &state);
	raw_spin_unlock_irqrestore(&vm->ioapic_lock, flags);
	arg->id = state.id;
	arg->select = state.select;
	arg->lines = state.lines | state.held;
	arg->irr = state.irr;
	memcpy(arg->redir, state.redir, sizeof(arg->redir));
	return 0;
}

int kite_irqchip_set_ioapic(struct kite_vm *vm, const struct kite_ioapic *arg)
{
	struct ioapic new = {
		.id = arg->id, .select = arg->select, .irr = arg->irr,
		.held = arg->lines & kite_resample_pins(vm),
	};
	unsigned long flags;
	int ret;

	static_assert(sizeof(new.redir) == sizeof(arg->redir));
	if (!(vm->flags & KITE_VM_IRQCHIP))
		return -ENODEV;
	if (arg->flags)
		return -EINVAL;
	new.lines = arg->lines & ~new.held;
	memcpy(new.redir, arg->redir, sizeof(new.redir));
	raw_spin_lock_irqsave(&vm->ioapic_lock, flags);
	ret = ioapic_set_state(&vm->ioapic, &new);
	if (!ret)
		ioapic_retry(&vm->ioapic, kite_emit, vm);
	raw_spin_unlock_irqrestore(&vm->ioapic_lock, flags);
	return ret;
}

int kite_irqchip_get_lapic(struct kite_vcpu *v, struct kite_lapic *arg)
{
	if (!v->irqchip)
		return -ENODEV;
	if (arg->flags)
		return -EINVAL;
	lapic_get_regs(&v->lapic, (u32 *)arg->regs, kite_guest_tsc(v));
	/* The timer may have been due: its interrupt is in IRR now. */
	v->need_inject = true;
	return 0;
}

int kite_irqchip_set_lapic(struct kite_vcpu *v, const struct kite_lapic *arg)
{
	struct lapic_out out = {};
	int ret;

	static_assert(sizeof(arg->regs) == LAPIC_IMAGE_WORDS * sizeof(u32));
	if (!v->irqchip)
		return -ENODEV;
	if (arg->flags)
		return -EINVAL;
	ret = lapic_set_regs(&v->lapic, (const u32 *)arg->regs, kite_guest_tsc(v), &out);
	if (!ret)
		kite_lapic_out(v, &out);
	return ret;
}
