// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: Kite's resident mode makes room for KVM: kvm_intel loads and runs its guests
 * while Kite's vCPUs have been resident, on each CPU, and goes again.
 */
#include "kvm_client.h"
#include "resident.h"

static struct kt_checker kite_checker, kvm_checker;

static void check_kite(struct kt_vm *vm)
{
	kite_checker.rounds = 100;
	kite_checker.done = 0;
	kt_call(&vm->vcpu, kt_check, (u64)&kite_checker);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, kite_checker.bad_registers);
	EXPECT_EQ(0ull, kite_checker.bad_memory);
}

/* On each CPU; the last stays. */
static void check_kite_everywhere(struct kt_vm *vm)
{
	unsigned int cpu;

	for (cpu = 0; cpu < kt_cpus(); cpu++) {
		kt_pin(0, cpu);
		check_kite(vm);
	}
}

static void check_kvm_everywhere(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < kt_cpus(); cpu++) {
		kt_pin(0, cpu);
		kvm_checker.rounds = 100;
		kvm_checker.done = 0;
		kvm_check(&kvm_checker);
		EXPECT_EQ(0ull, kvm_checker.bad_registers);
		EXPECT_EQ(0ull, kvm_checker.bad_memory);
	}
}

KITE_TEST_TIMEOUT(kvm_comes_and_goes, 300)
{
	struct kt_windows before, after;
	struct kt_vm *vm;
	u64 i;

	kvm_load();
	kvm_unload();
	kt_resident_begin();
	vm = kt_vm_new(KT_LONG64);
	for (i = 0; i < kt_times(3); i++) {
		before = kt_windows(&vm->vcpu);
		check_kite_everywhere(vm);
		after = kt_windows(&vm->vcpu);
		EXPECT_EQ(before.other, after.other);
		EXPECT_GE(after.resident, before.resident + kt_cpus());
		kvm_load();
		check_kvm_everywhere();
		check_kite_everywhere(vm);
		EXPECT_EQ(after.resident, kt_windows(&vm->vcpu).resident);
		kvm_unload();
	}
}

/* Switching it on does not turn VMX on under KVM. */
KITE_TEST(not_while_kvm_is_loaded)
{
	struct kt_vm *vm;

	kvm_load();
	kt_resident_begin();
	vm = kt_vm_new(KT_LONG64);
	check_kite_everywhere(vm);
	EXPECT_EQ(0ull, kt_windows(&vm->vcpu).resident);
	check_kvm_everywhere();
}
