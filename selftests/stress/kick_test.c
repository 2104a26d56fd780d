// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: after KITE_VCPU_KICK the vCPU leaves KITE_VCPU_RUN, wherever it was:
 * no kick is lost, though it meets the vCPU at every point of entry, exit and HLT.
 */
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "checker.h"

static volatile u64 asked, acknowledged;
static volatile bool ended;

KT_CODE64(halt_for_ever, "", "1: cli\nhlt\njmp 1b", "");
KT_CODE64(spin_for_ever, "", "1: jmp 1b", "");
KT_CODE64(exit_for_ever, "", "1: xor %eax, %eax\ncpuid\njmp 1b", "");
KT_CODE64(io_for_ever, "", "1: out %al, $0x80\njmp 1b", "");

/* Every kick that was asked for before this exit is answered by it. */
static void *acknowledge(void *arg)
{
	struct kt_vcpu *vcpu = arg;
	u64 seen;
	int ret;

	while (!ended) {
		ret = _vcpu_run(vcpu->fd);
		seen = asked;
		if (ret)
			FAIL("KITE_VCPU_RUN: errno %d", -ret);
		if (vcpu->run->exit_reason == KITE_EXIT_KICK)
			acknowledged = seen;
		else if (vcpu->run->exit_reason != KITE_EXIT_IO)
			FAIL("exit reason %u", vcpu->run->exit_reason);
	}
	return NULL;
}

static void wait_a_little(u32 n)
{
	while (n--)
		asm volatile("pause");
}

/*
 * A lost kick leaves this loop waiting until the test's time is up. On one CPU each
 * kick of a guest that does not sleep costs a time slice.
 */
static void storm(struct kt_vm *vm, const struct kt_code *code)
{
	u64 i, n = kt_times(kt_cpus() > 1 || code == &halt_for_ever ? 10000 : 500);
	pthread_t thread;

	kt_start(&vm->vcpu, code);
	ASSERT_EQ(0, pthread_create(&thread, NULL, acknowledge, &vm->vcpu));
	for (i = 1; i <= n; i++) {
		asked = i;
		vcpu_kick(vm->vcpu.fd);
		while (acknowledged != i)
			sched_yield();
		/* The next one comes at another point of the run loop. */
		wait_a_little(kt_random() % 200);
	}
	ended = true;
	vcpu_kick(vm->vcpu.fd);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	kt_note("%llu kicks", n);
}

#define KICK_TEST(name, code)					\
	KITE_TEST(name)						\
	{							\
		storm(kt_vm_new_irqchip(KT_LONG64), &code);	\
	}

KICK_TEST(halted, halt_for_ever)
KICK_TEST(spinning, spin_for_ever)
KICK_TEST(exiting, exit_for_ever)
KICK_TEST(in_and_out_of_user_space, io_for_ever)

/* Many senders, and interrupts beside the kicks. */
static struct kt_vm *the_vm;

static void *send(void *arg)
{
	u64 i;

	for (i = 0; i < (u64)arg; i++) {
		vcpu_kick(the_vm->vcpu.fd);
		vm_irq_line(the_vm->fd, i % 24, i & 1);
		vm_send_msi(the_vm->fd, 0xfee00000, 0x40 + i % 64);
	}
	return NULL;
}

KITE_TEST(many_senders)
{
	static struct kt_runner r;
	pthread_t senders[4];
	unsigned int i;

	the_vm = kt_vm_new_irqchip(KT_LONG64);
	kt_start(&the_vm->vcpu, &halt_for_ever);
	kt_runner_start(&r, &the_vm->vcpu);
	for (i = 0; i < ARRAY_SIZE(senders); i++)
		ASSERT_EQ(0, pthread_create(&senders[i], NULL, send, (void *)kt_times(1000)));
	for (i = 0; i < ARRAY_SIZE(senders); i++)
		ASSERT_EQ(0, pthread_join(senders[i], NULL));
	EXPECT_GT(r.kicks, 0ull);
	kt_runner_stop(&r);
}

/* Not the kick, but a signal has to bring it out: also when it comes just before the call. */
static volatile u64 signals;

static void on_signal(int signo)
{
	(void)signo;
	signals++;
}

static void *run_until_ended(void *arg)
{
	struct kt_runner *r = arg;

	r->tid = gettid();
	while (!ended) {
		int ret = _vcpu_run(r->vcpu->fd);

		if (ret == -EINTR || r->vcpu->run->exit_reason == KITE_EXIT_KICK)
			acknowledged = asked;
	}
	return NULL;
}

KITE_TEST(signals_with_immediate_exit)
{
	u64 i, n = kt_times(3000);
	struct kt_runner r = { 0 };
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);

	signal(SIGUSR1, on_signal);
	r.vcpu = &vm->vcpu;
	kt_start(&vm->vcpu, &halt_for_ever);
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run_until_ended, &r));
	while (!r.tid)
		sched_yield();
	for (i = 1; i <= n; i++) {
		asked = i;
		vm->vcpu.run->immediate_exit = 1;
		ASSERT_EQ(0, tgkill(getpid(), r.tid, SIGUSR1));
		while (acknowledged != i)
			sched_yield();
		vm->vcpu.run->immediate_exit = 0;
	}
	ended = true;
	vcpu_kick(vm->vcpu.fd);
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	EXPECT_GT(signals, 0ull);
}
