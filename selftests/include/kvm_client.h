/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest client of KVM that a checking guest needs: one vCPU, with the memory
 * and the state of a Kite VM that was made ready for it.
 */
#ifndef KT_KVM_CLIENT_H
#define KT_KVM_CLIENT_H

#include "checker.h"

struct kvm {
	int dev;
	int vm;
	int vcpu;
	struct kvm_run *run;
};

/*
 * Have KVM's modules loaded, kvm_intel with the parameters $KVM_INTEL_PARAMS; SKIPs the
 * test where there are none.
 */
void kvm_load(void);
/* Unload them; SKIPs the test where they are not in the test host's place, and so not ours. */
void kvm_unload(void);

/* A KVM guest that starts as the vCPU of @vm would, in memory that it shares with @vm. */
void kvm_create(struct kvm *kvm, struct kt_vm *vm);
void kvm_destroy(struct kvm *kvm);
/* Enter it until it says something; port of the guest's call, or the test fails. */
u16 kvm_run(struct kvm *kvm);

/* Its parts, by descriptors. Of a call of KVM: what it returned, or the test fails. */
int kvm_call(int ret, const char *what);
/* @flags: KVM_MEM_*; slots 0 and 1 are those of kvm_create(). */
void kvm_set_slot(int vm, u32 slot, u32 flags, u64 gpa, u64 len, void *mem);
/*
 * First ask, once, then set for any number of vCPUs; @id: of the APIC;
 * @irqchip: KVM emulates it.
 */
void kvm_get_cpuid(int dev);
void kvm_set_cpuid(int vcpu, unsigned int id, bool irqchip);
/* General-purpose registers, segments and control registers. */
void kvm_set_state(int vcpu, const struct kite_state *s);

/* Run kt_check() in a KVM guest of its own. */
void kvm_check(struct kt_checker *checker);
/* The same with another function than kt_check(). */
void kvm_check_by(void (*guest)(u64), struct kt_checker *checker);

#endif
