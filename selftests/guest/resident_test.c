// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: with the module parameter "resident", VMX windows find VMX on and the vCPU's
 * VMCS in the CPU, where it can be so; and a guest does not see whether it is, however its
 * vCPU goes from CPU to CPU and is looked at, and whatever becomes of the CPU.
 */
#include <string.h>

#include "checker.h"
#include "resident.h"

#define GUESTS	3

/* Of each guest, in the program's image. */
static volatile u64 rounds_of[GUESTS];

/* Says a number after the other; what it has in registers and memory must stay. */
static void count(u64 guest)
{
	u64 i, wrong;

	for (i = 0;; i++) {
		KT_GUEST_ASSERT_EQ(i, rounds_of[guest]);
		rounds_of[guest] = i + 1;
		asm volatile("mov %1, %%r12\n not %%r12\n lea 7(%1), %%r13\n"
			     "out %%al, $0xe0\n"
			     "not %%r12\n xor %1, %%r12\n sub $7, %%r13\n xor %1, %%r13\n"
			     "or %%r13, %%r12\n mov %%r12, %0"
			     : "=r"(wrong) : "a"(i) : "r12", "r13", "cc", "memory");
		KT_GUEST_ASSERT_EQ(0ull, wrong);
	}
}

static struct kt_vm *new_guest(unsigned int number)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	kt_call(&vm->vcpu, count, number);
	return vm;
}

static void begin(void)
{
	if (!access("/sys/module/kvm_intel", F_OK))
		SKIP("kvm_intel is loaded");
	kt_resident_begin();
}

static void run(struct kt_vcpu *vcpu, u64 from, u64 to)
{
	for (; from < to; from++)
		kt_expect_sync(vcpu, from);
}

KITE_TEST(windows_stay_open)
{
	struct kt_windows w;
	struct kt_vm *vm;

	begin();
	kt_pin(0, 0);
	vm = new_guest(0);
	run(&vm->vcpu, 0, 20);
	w = kt_windows(&vm->vcpu);
	EXPECT_GE(w.resident, 20ull);
	EXPECT_EQ(0ull, w.other);
}

KITE_TEST(switched_off_and_on)
{
	struct kt_windows before, after;
	struct kt_vm *vm;

	begin();
	kt_pin(0, 0);
	vm = new_guest(0);
	run(&vm->vcpu, 0, 5);
	before = kt_windows(&vm->vcpu);
	EXPECT_EQ(0ull, before.other);
	kt_resident(false);
	run(&vm->vcpu, 5, 10);
	after = kt_windows(&vm->vcpu);
	EXPECT_EQ(before.resident, after.resident);
	EXPECT_GE(after.other, 5ull);
	kt_resident(true);
	run(&vm->vcpu, 10, 15);
	EXPECT_GE(kt_windows(&vm->vcpu).resident, before.resident + 5);
	EXPECT_EQ(after.other, kt_windows(&vm->vcpu).other);
}

/* Of one VM and of two. */
KITE_TEST(vcpus_take_turns)
{
	struct kt_vcpu second;
	struct kt_vm *vm, *other;
	u64 i;

	begin();
	kt_pin(0, 0);
	vm = new_guest(0);
	kt_vcpu_init(&second, vm, 1);
	kt_vcpu_enter_mode(&second, KT_LONG64);
	kt_call_on(&second, count, 1, KT_STACK_IST1);
	other = new_guest(2);
	for (i = 0; i < 20; i++) {
		kt_expect_sync(&vm->vcpu, i);
		kt_expect_sync(&second, i);
		kt_expect_sync(&other->vcpu, i);
	}
	EXPECT_EQ(0ull, kt_windows(&vm->vcpu).other);
	EXPECT_EQ(0ull, kt_windows(&second).other);
}

static void need_two_cpus(void)
{
	if (kt_cpus() < 2)
		SKIP("needs two CPUs");
	begin();
}

KITE_TEST(from_cpu_to_cpu)
{
	struct kt_vm *vm;
	u64 i;

	need_two_cpus();
	vm = new_guest(0);
	for (i = 0; i < 100; i++) {
		kt_pin(0, i / 3 % 2);
		kt_expect_sync(&vm->vcpu, i);
	}
	EXPECT_EQ(0ull, kt_windows(&vm->vcpu).other);
}

/* What is in the CPU is the state, wherever somebody asks for it. */
KITE_TEST(looked_at_from_another_cpu)
{
	struct kt_vm *vm;
	u64 i, rip;

	need_two_cpus();
	vm = new_guest(0);
	for (i = 0; i < 20; i++) {
		kt_pin(0, 0);
		kt_expect_sync(&vm->vcpu, i);
		rip = kt_rip(&vm->vcpu);
		kt_pin(0, 1);
		EXPECT_EQ(rip, kt_rip(&vm->vcpu));
		EXPECT_EQ(i, kt_reg(&vm->vcpu, KITE_RAX));
		kt_set_reg(&vm->vcpu, KITE_R15, i);
		kt_pin(0, 0);
		EXPECT_EQ(i, kt_reg(&vm->vcpu, KITE_R15));
		kt_set_rip(&vm->vcpu, rip);
	}
}

KITE_TEST(closed_on_another_cpu)
{
	struct kt_vm *vm;
	u64 i;

	need_two_cpus();
	for (i = 0; i < 30; i++) {
		kt_pin(0, 1);
		rounds_of[0] = 0;
		vm = new_guest(0);
		run(&vm->vcpu, 0, 3);
		kt_pin(0, i % 2);
		kt_vm_close(vm);
	}
}

#define PIPES	16
#define IN_PIPE	(16 * KT_PAGE)

/* Pages of the kernel's, as those of a vCPU are: all ones. */
static void fill(int pipes[PIPES][2], const u8 *ones)
{
	unsigned int i;

	for (i = 0; i < PIPES; i++) {
		ASSERT_EQ(0, pipe(pipes[i]));
		ASSERT_EQ((ssize_t)IN_PIPE, write(pipes[i][1], ones, IN_PIPE));
	}
}

static void expect_full(int pipes[PIPES][2], const u8 *ones)
{
	static u8 now[IN_PIPE];
	unsigned int i;

	for (i = 0; i < PIPES; i++) {
		ASSERT_EQ((ssize_t)IN_PIPE, read(pipes[i][0], now, IN_PIPE));
		EXPECT_EQ(0, memcmp(now, ones, IN_PIPE));
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

/* What was a vCPU's is not written to when its CPU makes room for another one's. */
KITE_TEST(closed_and_used_anew)
{
	static int pipes[PIPES][2];
	static u8 ones[IN_PIPE];
	struct kt_vm *vm, *other;
	u64 i;

	need_two_cpus();
	memset(ones, 0xff, sizeof(ones));
	other = new_guest(1);
	for (i = 0; i < 10; i++) {
		kt_pin(0, 1);
		rounds_of[0] = 0;
		vm = new_guest(0);
		run(&vm->vcpu, 0, 3);
		kt_pin(0, 0);
		kt_vm_close(vm);
		/* The pages that this CPU has freed last are those that it gives out first. */
		fill(pipes, ones);
		kt_pin(0, 1);
		kt_expect_sync(&other->vcpu, i);
		expect_full(pipes, ones);
	}
}

KITE_TEST(its_cpu_goes_away)
{
	struct kt_windows w;
	struct kt_vm *vm;
	u64 i;

	need_two_cpus();
	vm = new_guest(0);
	for (i = 0; i < 20; i += 4) {
		kt_pin(0, 1);
		run(&vm->vcpu, i, i + 2);
		kt_online(1, false);
		run(&vm->vcpu, i + 2, i + 3);
		kt_online(1, true);
		kt_pin(0, 1);
		run(&vm->vcpu, i + 3, i + 4);
	}
	w = kt_windows(&vm->vcpu);
	EXPECT_EQ(0ull, w.other);
}

static struct kt_checker checkers[2];

/* All at once, as it comes. */
KITE_TEST_TIMEOUT(moved_and_switched_at_random, 300)
{
	struct kt_runner r[2];
	u64 i, n = kt_times(200);
	struct kt_windows w;
	struct kt_vm *vm[2];
	unsigned int k;

	need_two_cpus();
	for (k = 0; k < 2; k++) {
		vm[k] = kt_vm_new(KT_LONG64);
		checkers[k].rounds = ~0ull;
		kt_call(&vm[k]->vcpu, kt_check, (u64)&checkers[k]);
		kt_runner_start(&r[k], &vm[k]->vcpu);
	}
	for (i = 0; i < n; i++) {
		u64 before = checkers[i % 2].done;

		kt_pin(r[i % 2].tid, kt_random() % kt_cpus());
		if (!(kt_random() % 4))
			kt_resident(kt_random() % 2);
		if (!(kt_random() % 8))
			kt_pin(0, kt_random() % kt_cpus());
		while (checkers[i % 2].done == before)
			usleep(100);
	}
	for (k = 0; k < 2; k++) {
		checkers[k].stop = 1;
		kt_runner_finish(&r[k]);
		EXPECT_EQ(0ull, checkers[k].bad_registers);
		EXPECT_EQ(0ull, checkers[k].bad_memory);
		w = kt_windows(&vm[k]->vcpu);
		kt_note("%llu rounds, %llu windows resident, %llu not", checkers[k].done,
			w.resident, w.other);
	}
}
