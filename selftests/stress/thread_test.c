// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a vCPU may run on any CPU and change it at any time, CPUs may come and
 * go, vCPUs of one VM may run at the same time: the guest's registers and memory
 * stay as they are.
 */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checker.h"

static struct kt_checker checkers[4];

static void expect_unharmed(const struct kt_checker *c)
{
	EXPECT_EQ(c->rounds, c->done);
	EXPECT_EQ(0ull, c->bad_registers);
	EXPECT_EQ(0ull, c->bad_memory);
}

static bool two_cpus(void)
{
	return kt_cpus() > 1;
}

/* The check itself has to be able to fail. */
KITE_TEST(the_checker_notices)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kt_runner r;

	checkers[0].rounds = ~0ull;
	kt_call(&vm->vcpu, kt_check, (u64)&checkers[0]);
	kt_runner_start(&r, &vm->vcpu);
	while (checkers[0].done < 100)
		sched_yield();
	checkers[0].memory[77] = 76;
	kt_runner_stop(&r);
	kt_set_reg(&vm->vcpu, KITE_R10, 0);
	checkers[0].stop = 1;
	kt_runner_start(&r, &vm->vcpu);
	kt_runner_finish(&r);
	EXPECT_EQ(1ull, checkers[0].bad_memory);
}

KITE_TEST_TIMEOUT(migrates, 1000)
{
	u64 moves = 0, n = kt_times(2000);
	struct kt_runner r;
	struct kt_vm *vm;

	if (!two_cpus())
		SKIP("needs two CPUs");
	vm = kt_vm_new(KT_LONG64);
	checkers[0].rounds = ~0ull;
	kt_call(&vm->vcpu, kt_check, (u64)&checkers[0]);
	kt_runner_start(&r, &vm->vcpu);
	while (moves < n) {
		kt_pin(r.tid, moves++ & 1);
		if (kt_random() & 1)
			sched_yield();
	}
	checkers[0].stop = 1;
	kt_runner_finish(&r);
	checkers[0].rounds = checkers[0].done;
	expect_unharmed(&checkers[0]);
	kt_note("%llu moves, %llu rounds", moves, checkers[0].done);
}

/* As many VMs as there is room for, all on whatever CPU is free. */
KITE_TEST_TIMEOUT(many_vms_share_the_cpus, 1000)
{
	struct kt_runner r[ARRAY_SIZE(checkers)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(checkers); i++) {
		struct kt_vm *vm = kt_vm_new(KT_LONG64);

		checkers[i].rounds = kt_times(3000);
		kt_call(&vm->vcpu, kt_check, (u64)&checkers[i]);
		kt_runner_start(&r[i], &vm->vcpu);
	}
	for (i = 0; i < ARRAY_SIZE(checkers); i++) {
		kt_runner_finish(&r[i]);
		expect_unharmed(&checkers[i]);
	}
}

/* Host code that uses the same registers beside the guest. */
static volatile bool stop_floating;
static volatile u64 wrong_sums;

static void *use_floating_point(void *arg)
{
	volatile double sum;
	u64 i;

	(void)arg;
	while (!stop_floating) {
		sum = 0;
		for (i = 1; i <= 1000; i++)
			sum += i * 0.5;
		wrong_sums += sum != 250250.0;
	}
	return NULL;
}

KITE_TEST_TIMEOUT(the_host_keeps_its_registers, 1000)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kt_runner r;
	pthread_t thread;

	checkers[0].rounds = kt_times(5000);
	kt_call(&vm->vcpu, kt_check, (u64)&checkers[0]);
	ASSERT_EQ(0, pthread_create(&thread, NULL, use_floating_point, NULL));
	kt_runner_start(&r, &vm->vcpu);
	kt_runner_finish(&r);
	stop_floating = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	expect_unharmed(&checkers[0]);
	EXPECT_EQ(0ull, wrong_sums);
}

static struct {
	volatile u64 sum;
	volatile u64 rounds;
	volatile u64 turn;
} shared;

static void add_atomically(u64 arg)
{
	u64 i;

	(void)arg;
	for (i = 0; i < shared.rounds; i++)
		__atomic_fetch_add(&shared.sum, 1, __ATOMIC_SEQ_CST);
}

/* vCPU 1, which would wait for SIPI, starts by its state. */
static void second_vcpu(struct kt_vcpu *vcpu, struct kt_vm *vm, void (*fn)(u64), u64 arg)
{
	kt_vcpu_init(vcpu, vm, 1);
	kt_vcpu_set_mode(vcpu, KT_LONG64);
	kt_call_on(vcpu, fn, arg, KT_STACK - 0x2000);
}

KITE_TEST_TIMEOUT(two_vcpus_count_together, 1000)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kt_runner a, b;
	struct kt_vcpu second;

	shared.rounds = kt_times(2000000);
	second_vcpu(&second, vm, add_atomically, 0);
	kt_call(&vm->vcpu, add_atomically, 0);
	kt_runner_start(&a, &vm->vcpu);
	kt_runner_start(&b, &second);
	kt_runner_finish(&a);
	kt_runner_finish(&b);
	EXPECT_EQ(2 * shared.rounds, shared.sum);
}

/* Each waits for the other's word: what one writes the other sees, in turn. */
static void take_turns(u64 me)
{
	u64 i;

	for (i = 0; i < shared.rounds; i++) {
		while (shared.turn != me)
			asm volatile("pause");
		shared.sum++;
		shared.turn = !me;
	}
}

KITE_TEST_TIMEOUT(two_vcpus_take_turns, 1000)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kt_runner a, b;
	struct kt_vcpu second;

	/* With one CPU every turn costs a time slice. */
	shared.rounds = two_cpus() ? kt_times(20000) : 50;
	second_vcpu(&second, vm, take_turns, 1);
	kt_call(&vm->vcpu, take_turns, 0);
	kt_runner_start(&a, &vm->vcpu);
	kt_runner_start(&b, &second);
	kt_runner_finish(&a);
	kt_runner_finish(&b);
	EXPECT_EQ(2 * shared.rounds, shared.sum);
}

/* Both fault on the same pages at the same time. */
static void touch_all(u64 arg)
{
	volatile u64 *p = (volatile u64 *)0x10000000;
	u64 i;

	(void)arg;
	for (i = 0; i < 0x200000 / 8; i += 512)
		__atomic_fetch_add(&p[i], 1, __ATOMIC_SEQ_CST);
}

KITE_TEST_TIMEOUT(two_vcpus_fault_together, 1000)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	u64 *mem = mmap(NULL, 0x200000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u64 round, i, n = kt_times(30);
	struct kt_runner a, b;
	struct kt_vcpu second;

	ASSERT_TRUE(mem != MAP_FAILED);
	vm_set_slot(vm->fd, 9, 0, 0x10000000, 0x200000, mem);
	kt_vcpu_init(&second, vm, 1);
	kt_vcpu_set_mode(&second, KT_LONG64);
	for (round = 0; round < n; round++) {
		ASSERT_EQ(0, madvise(mem, 0x200000, MADV_DONTNEED));
		kt_call(&vm->vcpu, touch_all, 0);
		kt_call_on(&second, touch_all, 0, KT_STACK - 0x2000);
		kt_runner_start(&a, &vm->vcpu);
		kt_runner_start(&b, &second);
		kt_runner_finish(&a);
		kt_runner_finish(&b);
		for (i = 0; i < 0x200000 / 8; i += 512)
			ASSERT_EQ(2ull, mem[i]);
	}
}

KITE_TEST_TIMEOUT(cpus_come_and_go, 1000)
{
	u64 i, n = kt_times(10), before;
	struct kt_runner r;
	struct kt_vm *vm;

	if (!two_cpus())
		SKIP("needs two CPUs");
	vm = kt_vm_new(KT_LONG64);
	checkers[0].rounds = ~0ull;
	kt_call(&vm->vcpu, kt_check, (u64)&checkers[0]);
	kt_runner_start(&r, &vm->vcpu);
	for (i = 0; i < n; i++) {
		kt_pin(r.tid, 1);
		before = checkers[0].done;
		while (checkers[0].done == before)
			usleep(1000);
		/* Its thread is moved away, from CPU 1 while it is in the guest. */
		kt_online(1, false);
		before = checkers[0].done;
		while (checkers[0].done == before)
			usleep(1000);
		kt_online(1, true);
	}
	checkers[0].stop = 1;
	kt_runner_finish(&r);
	EXPECT_EQ(0ull, checkers[0].bad_registers);
	EXPECT_EQ(0ull, checkers[0].bad_memory);
}
