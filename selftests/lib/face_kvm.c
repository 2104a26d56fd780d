// SPDX-License-Identifier: GPL-2.0-only
#include "face.h"

#include <linux/kvm.h>

#include "guest.h"

/* Kite only prepares the guest's memory and state, and has gone before KVM runs it. */
static void create(struct kt_machine *m, void (*fn)(u64), u64 arg)
{
	kvm_load();
	m->kite = kt_vm_new(KT_LONG64);
	kt_call(&m->kite->vcpu, fn, arg);
	kvm_create(&m->kvm, m->kite);
	kt_vm_close(m->kite);
}

static void destroy(struct kt_machine *m)
{
	kvm_destroy(&m->kvm);
}

static void add_memory(struct kt_machine *m, u32 slot, u64 gpa, u64 len, void *mem, bool log)
{
	kvm_set_memory(&m->kvm, slot, log ? KVM_MEM_LOG_DIRTY_PAGES : 0, gpa, len, mem);
}

static u16 run(struct kt_machine *m)
{
	return kvm_run(&m->kvm);
}

static void get_dirty(struct kt_machine *m, u32 slot, u64 pages, u64 *bitmap)
{
	(void)pages;
	kvm_get_dirty(&m->kvm, slot, bitmap);
}

const struct kt_face kt_face_kvm = {
	.name = "KVM",
	.create = create,
	.destroy = destroy,
	.add_memory = add_memory,
	.run = run,
	.get_dirty = get_dirty,
};
