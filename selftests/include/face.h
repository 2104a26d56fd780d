/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same guest on Kite and on KVM: what a benchmark asks of a hypervisor, with an
 * adapter for each. One vCPU in long mode, with memory beside that of struct kt_vm.
 */
#ifndef KT_FACE_H
#define KT_FACE_H

#include "kvm_client.h"

/* A guest of either; what the other one needs is unused. */
struct kt_machine {
	struct kt_vm *kite;
	struct kvm kvm;
};

struct kt_face {
	const char *name;
	/* A VM whose vCPU starts with @fn; SKIPs the test where the hypervisor is not to be had. */
	void (*create)(struct kt_machine *m, void (*fn)(u64), u64 arg);
	void (*destroy)(struct kt_machine *m);
	/* Give the guest memory of this process, in a slot that has none; @log: its dirty pages. */
	void (*add_memory)(struct kt_machine *m, u32 slot, u64 gpa, u64 len, void *mem, bool log);
	/* Enter the guest until it says something: the port of its call. */
	u16 (*run)(struct kt_machine *m);
	/* Get and clear the log of the slot's first @pages pages. */
	void (*get_dirty)(struct kt_machine *m, u32 slot, u64 pages, u64 *bitmap);
};

extern const struct kt_face kt_face_kite, kt_face_kvm;

#endif
