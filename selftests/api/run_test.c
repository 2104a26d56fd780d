// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: KITE_VCPU_RUN comes back on a kick, on immediate_exit and on a signal,
 * wherever the vCPU is, and the guest goes on as if nothing had been. No kick is lost.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

static volatile u64 counter;

static void count(u64 arg)
{
	(void)arg;
	for (;;)
		counter++;
}

KT_CODE64(halt, "", "cli\nhlt", "");
KT_CODE64(read_port, "", "in $0x60, %al", KT_SYNC);

struct runner {
	struct kt_vcpu *vcpu;
	pthread_t thread;
	volatile pid_t tid;
	volatile int ret;
	volatile bool done;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;

	r->tid = syscall(SYS_gettid);
	r->ret = _vcpu_run(r->vcpu->fd);
	r->done = true;
	return NULL;
}

static void start_run(struct runner *r, struct kt_vcpu *vcpu)
{
	*r = (struct runner){ .vcpu = vcpu };
	ASSERT_EQ(0, pthread_create(&r->thread, NULL, run_thread, r));
}

static int finish_run(struct runner *r)
{
	ASSERT_EQ(0, pthread_join(r->thread, NULL));
	return r->ret;
}

static void wait_until_counting(void)
{
	u64 before = counter;

	while (counter == before)
		usleep(1000);
}

static u64 halts(struct kt_vcpu *vcpu)
{
	struct kite_stats stats;

	vcpu_get_stats(vcpu->fd, &stats);
	return stats.halts;
}

KITE_TEST_MODES(kick_while_it_runs, KT_IN_64)
{
	struct runner r;
	int i;

	kt_call(&vm->vcpu, count, 0);
	for (i = 0; i < 5; i++) {
		start_run(&r, &vm->vcpu);
		wait_until_counting();
		vcpu_kick(vm->vcpu.fd);
		EXPECT_EQ(0, finish_run(&r));
		EXPECT_EQ((u32)KITE_EXIT_KICK, vm->vcpu.run->exit_reason);
	}
}

KITE_TEST_IRQCHIP(kick_while_it_is_halted, KT_IN_64)
{
	struct runner r;
	int i;

	kt_start(&vm->vcpu, &halt);
	for (i = 0; i < 5; i++) {
		start_run(&r, &vm->vcpu);
		usleep(20000);
		EXPECT_TRUE(!r.done);
		vcpu_kick(vm->vcpu.fd);
		EXPECT_EQ(0, finish_run(&r));
		EXPECT_EQ((u32)KITE_EXIT_KICK, vm->vcpu.run->exit_reason);
	}
	EXPECT_GE(halts(&vm->vcpu), 5ull);
}

/* A kick stays until a run takes it; several are one. */
KITE_TEST_MODES(kick_while_it_does_not_run, KT_IN_64)
{
	kt_start(&vm->vcpu, &read_port);
	vcpu_kick(vm->vcpu.fd);
	vcpu_kick(vm->vcpu.fd);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_KICK);
	EXPECT_EQ(kt_code_at(vm, &read_port), kt_rip(&vm->vcpu));
	kt_expect_io(&vm->vcpu, 0x60, 1, KITE_IO_IN, 1);
}

KITE_TEST_MODES(immediate_exit, KT_IN_64)
{
	kt_start(&vm->vcpu, &read_port);
	vm->vcpu.run->immediate_exit = 1;
	kt_expect_exit(&vm->vcpu, KITE_EXIT_KICK);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_KICK);
	EXPECT_EQ(kt_code_at(vm, &read_port), kt_rip(&vm->vcpu));
	vm->vcpu.run->immediate_exit = 0;
	kt_expect_io(&vm->vcpu, 0x60, 1, KITE_IO_IN, 1);
	/* It finishes the read that waits, without entering the guest. */
	vm->vcpu.run->data[0] = 0x5a;
	vm->vcpu.run->immediate_exit = 1;
	kt_expect_exit(&vm->vcpu, KITE_EXIT_KICK);
	EXPECT_EQ(0x5aull, kt_reg(&vm->vcpu, KITE_RAX) & 0xff);
	EXPECT_EQ(kt_code_next(vm, &read_port), kt_rip(&vm->vcpu));
	vm->vcpu.run->immediate_exit = 0;
	vm->vcpu.run->data[0] = 0;
	kt_expect_sync(&vm->vcpu, kt_reg(&vm->vcpu, KITE_RAX));
}

static volatile int signals;

static void on_signal(int signo)
{
	(void)signo;
	signals++;
}

static void catch_signal(int signo, int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	ASSERT_EQ(0, sigaction(signo, &sa, NULL));
}

static void send_signal(struct runner *r, int signo)
{
	ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), r->tid, signo));
}

KITE_TEST_MODES(signal_while_it_runs, KT_IN_64)
{
	struct runner r;

	catch_signal(SIGUSR1, 0);
	kt_call(&vm->vcpu, count, 0);
	start_run(&r, &vm->vcpu);
	wait_until_counting();
	send_signal(&r, SIGUSR1);
	EXPECT_EQ(-EINTR, finish_run(&r));
	EXPECT_EQ(1, signals);
	EXPECT_EQ((u32)KITE_EXIT_NONE, vm->vcpu.run->exit_reason);
	/* And the guest goes on. */
	start_run(&r, &vm->vcpu);
	wait_until_counting();
	vcpu_kick(vm->vcpu.fd);
	EXPECT_EQ(0, finish_run(&r));
}

/* KITE_VCPU_RUN is not restarted: user space has to look at what the signal was about. */
KITE_TEST_MODES(signal_with_restart, KT_IN_64)
{
	struct runner r;

	catch_signal(SIGUSR1, SA_RESTART);
	kt_call(&vm->vcpu, count, 0);
	start_run(&r, &vm->vcpu);
	wait_until_counting();
	send_signal(&r, SIGUSR1);
	EXPECT_EQ(-EINTR, finish_run(&r));
	EXPECT_EQ(1, signals);
}

KITE_TEST_IRQCHIP(signal_while_it_is_halted, KT_IN_64)
{
	struct runner r;

	catch_signal(SIGUSR1, 0);
	kt_start(&vm->vcpu, &halt);
	start_run(&r, &vm->vcpu);
	usleep(20000);
	EXPECT_TRUE(!r.done);
	send_signal(&r, SIGUSR1);
	EXPECT_EQ(-EINTR, finish_run(&r));
	EXPECT_EQ(1, signals);
}

static volatile int state_read = 1;

static void *get_state_thread(void *arg)
{
	struct kite_state s;

	state_read = _vcpu_get_state(((struct kt_vcpu *)arg)->fd, KITE_STATE_ALL, &s);
	return NULL;
}

/*
 * How long a reader waits is the kernel's business: it may get its turn while
 * KITE_VCPU_RUN starts again. It must have had it when the run is over.
 */
KITE_TEST_MODES(state_is_read_while_it_runs, KT_IN_64)
{
	struct runner r;
	pthread_t reader;

	kt_call(&vm->vcpu, count, 0);
	start_run(&r, &vm->vcpu);
	wait_until_counting();
	ASSERT_EQ(0, pthread_create(&reader, NULL, get_state_thread, &vm->vcpu));
	wait_until_counting();
	EXPECT_TRUE(!r.done);
	vcpu_kick(vm->vcpu.fd);
	EXPECT_EQ(0, finish_run(&r));
	ASSERT_EQ(0, pthread_join(reader, NULL));
	EXPECT_EQ(0, state_read);
}

/* A thread that waits for a vCPU can be killed, and with it the process. */
KITE_TEST(killed_while_running_and_waiting)
{
	static pthread_t waiters[4];
	struct runner r;
	struct kt_vm *vm;
	unsigned int i;
	int ends[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ends));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		vm = kt_vm_new(KT_LONG64);
		kt_call(&vm->vcpu, count, 0);
		start_run(&r, &vm->vcpu);
		wait_until_counting();
		for (i = 0; i < ARRAY_SIZE(waiters); i++)
			pthread_create(&waiters[i], NULL, get_state_thread, &vm->vcpu);
		usleep(20000);
		ASSERT_EQ(1, write(ends[1], "k", 1));
		pause();
	}
	close(ends[1]);
	ASSERT_EQ(1, read(ends[0], &byte, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	/* The write end goes when the process is gone. */
	EXPECT_EQ(0, read(ends[0], &byte, 1));
}

KITE_TEST_MODES(stats_count, KT_IN_64)
{
	struct kite_stats a, b;

	kt_start(&vm->vcpu, &read_port);
	vcpu_get_stats(vm->vcpu.fd, &a);
	EXPECT_EQ(0ull, a.entries);
	kt_expect_io(&vm->vcpu, 0x60, 1, KITE_IO_IN, 1);
	vcpu_get_stats(vm->vcpu.fd, &b);
	EXPECT_EQ(1ull, b.exits[30]);		/* I/O instruction */
	EXPECT_GT(b.entries, a.entries);
	EXPECT_GT(b.windows_own + b.windows_shared + b.windows_resident, 0ull);
	EXPECT_GT(b.faults, 0ull);
	EXPECT_EQ(1ull, b.user_exits);
}
