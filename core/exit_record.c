// SPDX-License-Identifier: GPL-2.0-only
#include "exit_record.h"

#include <linux/string.h>

/* User space shares the page: it is written here and never read back. */
int kite_exit_plain(struct kite_vcpu *v, enum kite_exit_reason reason)
{
	v->run->exit_reason = reason;
	v->recorded = true;
	return 0;
}

int kite_exit_io(struct kite_vcpu *v, u16 port, u8 width, u8 flags, u32 count)
{
	v->run->io = (struct kite_exit_io){
		.port = port, .width = width, .flags = flags, .count = count,
	};
	return kite_exit_plain(v, KITE_EXIT_IO);
}

int kite_exit_mmio(struct kite_vcpu *v, u64 gpa, u32 width, bool is_write, u64 value)
{
	v->run->mmio = (struct kite_exit_mmio){
		.gpa = gpa, .width = width, .is_write = is_write,
	};
	if (is_write)
		memcpy(v->run->data, &value, sizeof(value));
	return kite_exit_plain(v, KITE_EXIT_MMIO);
}

int kite_exit_fault(struct kite_vcpu *v, u64 gpa, u32 access, int err)
{
	v->run->fault = (struct kite_exit_fault){
		.gpa = gpa, .access = access, .error = -err,
	};
	return kite_exit_plain(v, KITE_EXIT_MEMORY_FAULT);
}

int kite_exit_protection(struct kite_vcpu *v, const struct kite_exit_protection *rec)
{
	v->run->protection = *rec;
	return kite_exit_plain(v, KITE_EXIT_PROTECTION);
}

int kite_exit_fail_entry(struct kite_vcpu *v, const struct kite_exit_fail_entry *rec)
{
	v->run->fail_entry = *rec;
	return kite_exit_plain(v, KITE_EXIT_FAIL_ENTRY);
}

int kite_exit_internal(struct kite_vcpu *v, const struct kite_exit_internal *rec)
{
	v->run->internal = *rec;
	return kite_exit_plain(v, KITE_EXIT_INTERNAL);
}

int kite_exit_debug(struct kite_vcpu *v, u64 rip)
{
	v->run->debug.rip = rip;
	return kite_exit_plain(v, KITE_EXIT_DEBUG);
}

int kite_exit_inta(struct kite_vcpu *v)
{
	v->extint_pending = false;
	v->completion = KITE_COMPLETE_INTA;
	return kite_exit_plain(v, KITE_EXIT_INTA);
}
