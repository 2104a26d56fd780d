// SPDX-License-Identifier: GPL-2.0-only
#include "deliver.h"

#include <linux/bitops.h>
#include <linux/rcupdate.h>

#include "../irq/msg.h"
#include "request.h"
#include "vm.h"

static void post_vector(struct kite_vcpu *v, u8 vector, bool level)
{
	if (level)
		set_bit(vector, v->pir_level);
	else
		clear_bit(vector, v->pir_level);
	smp_mb__after_atomic();		/* the mode is there before the vector */
	if (!test_and_set_bit(vector, v->pir))
		kite_vcpu_request(v, KITE_REQ_PIR);
}

void kite_irqchip_merge_pir(struct kite_vcpu *v)
{
	unsigned int word, bit;
	unsigned long bits;

	for (word = 0; word < ARRAY_SIZE(v->pir); word++) {
		if (!READ_ONCE(v->pir[word]))
			continue;
		bits = xchg(&v->pir[word], 0);
		/* Sent before the APIC was disabled or reset. */
		if (!v->route || v->activity == KITE_ACTIVITY_WAIT_FOR_SIPI)
			continue;
		for_each_set_bit(bit, &bits, BITS_PER_LONG) {
			u32 vector = word * BITS_PER_LONG + bit;

			if (lapic_accept(&v->lapic, vector, test_bit(vector, v->pir_level)))
				v->need_inject = true;
		}
	}
}

static void send_to(struct kite_vcpu *v, const struct irq_msg *msg)
{
	switch (msg->mode) {
	case IRQ_MODE_FIXED:
	case IRQ_MODE_LOWEST:
		post_vector(v, msg->vector, msg->level);
		break;
	case IRQ_MODE_NMI:
		kite_vcpu_request(v, KITE_REQ_NMI);
		break;
	case IRQ_MODE_EXTINT:
		kite_vcpu_request(v, KITE_REQ_EXTINT);
		break;
	case IRQ_MODE_INIT:
		/* A SIPI that was sent before the INIT must not start the vCPU after it. */
		clear_bit(KITE_REQ_SIPI, &v->requests);
		kite_vcpu_request(v, KITE_REQ_INIT);
		break;
	case IRQ_MODE_SIPI:
		WRITE_ONCE(v->sipi_vector, msg->vector);
		smp_mb__before_atomic();	/* the vector is there before the request */
		kite_vcpu_request(v, KITE_REQ_SIPI);
		break;
	}
}

/* vCPUs that may be meant. In physical mode a message names one, by its APIC ID, which is @id. */
static u64 candidates(const struct kite_vm *vm, const struct irq_msg *msg)
{
	u64 all = READ_ONCE(vm->vcpu_mask);

	if (msg->logical || msg->shorthand != IRQ_TO_DEST || msg->dest == IRQ_DEST_BROADCAST)
		return all;
	return msg->dest < KITE_MAX_VCPUS ? all & BIT_ULL(msg->dest) : 0;
}

bool kite_deliver(struct kite_vm *vm, const struct irq_msg *msg, struct kite_vcpu *self)
{
	u64 left, targets = 0;
	struct kite_vcpu *v;

	rcu_read_lock();
	for (left = candidates(vm, msg); (v = kite_next_vcpu(vm, &left));)
		if (lapic_match(READ_ONCE(v->route), msg, v == self))
			targets |= BIT_ULL(v->id);
	if (targets && msg->mode == IRQ_MODE_LOWEST)
		targets = BIT_ULL(lapic_lowest(targets, msg->vector));
	for (left = targets; (v = kite_next_vcpu(vm, &left));)
		send_to(v, msg);
	rcu_read_unlock();
	return targets;
}

bool kite_emit(void *vm, const struct irq_msg *msg)
{
	return kite_deliver(vm, msg, NULL);
}
