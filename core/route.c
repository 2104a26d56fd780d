// SPDX-License-Identifier: GPL-2.0-only
#include "route.h"

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "deliver.h"
#include "vm.h"

static struct kite_routes_table *table_alloc(u32 span)
{
	struct kite_routes_table *table;

	table = kvzalloc(struct_size(table, route, span), KITE_GFP_TABLE);
	if (table)
		table->span = span;
	return table;
}

/* GSI n is pin n, as on a PC. */
int kite_routes_init(struct kite_vm *vm)
{
	struct kite_routes_table *table;
	u32 i;

	mutex_init(&vm->wiring_lock);
	if (!(vm->flags & KITE_VM_IRQCHIP))
		return 0;
	table = table_alloc(IOAPIC_PINS);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < IOAPIC_PINS; i++)
		table->route[i] = (struct irq_route){ .type = IRQ_ROUTE_TO_PIN, .pin = i };
	rcu_assign_pointer(vm->routes, table);
	return 0;
}

void kite_routes_free(struct kite_vm *vm)
{
	kvfree(rcu_dereference_protected(vm->routes, true));
}

size_t kite_routes_bytes(struct kite_vm *vm)
{
	const struct kite_routes_table *table;
	size_t bytes;

	rcu_read_lock();
	table = rcu_dereference(vm->routes);
	bytes = table ? struct_size(table, route, table->span) : 0;
	rcu_read_unlock();
	return bytes;
}

int kite_routes_set(struct kite_vm *vm, const struct kite_route *routes, u32 count)
{
	struct kite_routes_table *old, *new;
	int ret;

	if (!(vm->flags & KITE_VM_IRQCHIP))
		return -ENODEV;
	ret = irq_routes_span(routes, count);
	if (ret < 0)
		return ret;
	new = table_alloc(ret);
	if (!new)
		return -ENOMEM;
	ret = irq_routes_fill(new->route, routes, count);
	if (!ret && mutex_lock_killable(&vm->wiring_lock))
		ret = -EINTR;
	if (ret) {
		kvfree(new);
		return ret;
	}
	old = rcu_replace_pointer(vm->routes, new, lockdep_is_held(&vm->wiring_lock));
	mutex_unlock(&vm->wiring_lock);
	kvfree_rcu(old, rcu);
	return 0;
}

static const struct irq_route *find(struct kite_vm *vm, u32 gsi)
{
	const struct kite_routes_table *table = rcu_dereference(vm->routes);

	return gsi < table->span ? &table->route[array_index_nospec(gsi, table->span)] : NULL;
}

static void pin_event(struct kite_vm *vm, unsigned int pin, enum kite_gsi_event event)
{
	struct ioapic *io = &vm->ioapic;
	unsigned long flags;
	bool level;

	raw_spin_lock_irqsave(&vm->ioapic_lock, flags);
	level = event == KITE_GSI_PULSE ? io->lines & BIT(pin) : event == KITE_GSI_RAISE;
	if (event == KITE_GSI_PULSE)
		ioapic_set_line(io, pin, true, kite_emit, vm);
	if (event == KITE_GSI_HOLD)
		ioapic_hold(io, pin, kite_emit, vm);
	else
		ioapic_set_line(io, pin, level, kite_emit, vm);
	raw_spin_unlock_irqrestore(&vm->ioapic_lock, flags);
}

int kite_gsi_event(struct kite_vm *vm, u32 gsi, enum kite_gsi_event event)
{
	const struct irq_route *route;
	int ret = 0;

	rcu_read_lock();
	route = find(vm, gsi);
	if (!route || route->type == IRQ_ROUTE_NONE)
		ret = -EINVAL;
	else if (route->type == IRQ_ROUTE_TO_PIN)
		pin_event(vm, route->pin, event);
	else if (event != KITE_GSI_LOWER)
		kite_deliver(vm, &route->msg, NULL);
	rcu_read_unlock();
	return ret;
}

int kite_gsi_pin(struct kite_vm *vm, u32 gsi)
{
	const struct irq_route *route;
	int pin;

	rcu_read_lock();
	route = find(vm, gsi);
	pin = route && route->type == IRQ_ROUTE_TO_PIN ? route->pin : -1;
	rcu_read_unlock();
	return pin;
}

int kite_irq_line(struct kite_vm *vm, const struct kite_irq_line *arg)
{
	if (!(vm->flags & KITE_VM_IRQCHIP))
		return -ENODEV;
	if (arg->flags || arg->level > 1)
		return -EINVAL;
	return kite_gsi_event(vm, arg->gsi, arg->level ? KITE_GSI_RAISE : KITE_GSI_LOWER);
}
