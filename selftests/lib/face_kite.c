// SPDX-License-Identifier: GPL-2.0-only
#include "face.h"

#include <stdlib.h>
#include <unistd.h>

#include "guest.h"

static void create(struct kt_machine *m, void (*fn)(u64), u64 arg)
{
	m->kite = kt_vm_new(KT_LONG64);
	kt_call(&m->kite->vcpu, fn, arg);
}

static void destroy(struct kt_machine *m)
{
	kt_vm_close(m->kite);
}

static void add_memory(struct kt_machine *m, u32 slot, u64 gpa, u64 len, void *mem, bool log)
{
	vm_set_slot(m->kite->fd, slot, log ? KITE_SLOT_LOG_DIRTY : 0, gpa, len, mem);
}

static u16 run(struct kt_machine *m)
{
	struct kt_vcpu *vcpu = &m->kite->vcpu;
	int ret;

	do {
		ret = _vcpu_run(vcpu->fd);
	} while (ret == -EINTR);
	ASSERT_EQ(0, ret);
	if (vcpu->run->exit_reason != KITE_EXIT_IO)
		FAIL("Kite's guest left with exit reason %u", vcpu->run->exit_reason);
	return vcpu->run->io.port;
}

static void get_dirty(struct kt_machine *m, u32 slot, u64 pages, u64 *bitmap)
{
	vm_get_dirty(m->kite->fd, slot, KITE_DIRTY_CLEAR, 0, pages, bitmap);
}

const struct kt_face kt_face_kite = {
	.name = "Kite",
	.create = create,
	.destroy = destroy,
	.add_memory = add_memory,
	.run = run,
	.get_dirty = get_dirty,
};
