// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <linux/processor.h>
#include <linux/rcupdate.h>

#include "vm.h"

void kite_vm_sync_maps(struct kite_vm *vm)
{
	struct kite_vcpu *v;
	u64 left;

	/* What was published, before the look at who may not have seen it. */
	smp_mb();
	rcu_read_lock();
	for (left = READ_ONCE(vm->vcpu_mask); (v = kite_next_vcpu(vm, &left));) {
		u32 section = READ_ONCE(v->map_section);

		while ((section & 1) && READ_ONCE(v->map_section) == section)
			cpu_relax();
	}
	rcu_read_unlock();
	/* The entries that they stored. */
	smp_mb();
}

u64 kite_vm_strip(struct kite_vm *vm, u64 gpa, u64 len, u64 mask)
{
	struct kite_ept_batch batch = {};
	u64 end = gpa + len, taken = 0;

	do {
		gpa = kite_ept_strip(&vm->ept, gpa, end, mask, &batch);
		if (gpa < end && batch.count < KITE_EPT_BATCH)
			continue;
		/* The accessed flag is a hint: a CPU that has it cached sets it later. */
		if (batch.taken & ~KITE_EPT_ACCESSED)
			kite_vm_flush(vm);
		/* Nobody who adds translations is in a table that was unlinked. */
		if (batch.count)
			kite_vm_sync_maps(vm);
		taken |= batch.taken;
		kite_ept_batch_free(&vm->ept, &batch);
	} while (gpa < end);
	return taken;
}
