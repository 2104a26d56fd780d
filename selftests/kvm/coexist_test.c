// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: guests of Kite and of KVM run on the same CPUs at the same time, both
 * unharmed; kvm_intel is loaded and unloaded while a Kite guest runs. Kite shares
 * VMX while KVM has it on and turns it on by itself while not.
 */
#include <signal.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apic.h"
#include "kvm_client.h"

#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_SYSCALL_MASK	0xc0000084
#define MSR_TSC_AUX		0xc0000103

#define EFER_SCE	1

static struct kt_checker kite_checker, kvm_checker;

static void expect_unharmed(const struct kt_checker *c)
{
	EXPECT_GT(c->done, 0ull);
	EXPECT_EQ(0ull, c->bad_registers);
	EXPECT_EQ(0ull, c->bad_memory);
}

static struct kite_stats stats_of(struct kt_vcpu *vcpu)
{
	struct kite_stats stats;

	vcpu_get_stats(vcpu->fd, &stats);
	return stats;
}

/* Also what a boot of a stock kernel on Kite is run beside of. */
KITE_TEST_TIMEOUT(a_kvm_guest_alone, 600)
{
	kvm_load();
	kvm_checker.rounds = kt_times(2000);
	kvm_check(&kvm_checker);
	expect_unharmed(&kvm_checker);
}

/* A KVM guest in a process of its own, until it is told to stop by a signal. */
static volatile sig_atomic_t told_to_stop;

static void on_term(int signo)
{
	(void)signo;
	told_to_stop = 1;
	/* But one round there is, however long it takes to begin. */
	kvm_checker.rounds = 1;
}

static pid_t start_kvm_process(unsigned int cpu, void (*guest)(u64))
{
	pid_t pid;

	/* Before there is a process: it may be told to stop before it first runs. */
	kvm_checker.rounds = ~0ull;
	signal(SIGTERM, on_term);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (pid) {
		signal(SIGTERM, SIG_DFL);
		return pid;
	}
	alarm(0);
	kt_pin(0, cpu);
	kvm_check_by(guest, &kvm_checker);
	expect_unharmed(&kvm_checker);
	ASSERT_TRUE(told_to_stop);
	kt_note("KVM's guest on CPU %u: %llu rounds", cpu, kvm_checker.done);
	kt_end(KT_PASS);
}

static void stop_kvm_process(pid_t pid)
{
	int status;

	ASSERT_EQ(0, kill(pid, SIGTERM));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(KT_PASS, WEXITSTATUS(status));
}

KITE_TEST_TIMEOUT(both_run_on_the_same_cpus, 600)
{
	unsigned int cpu, cpus = kt_cpus();
	pid_t pids[8];
	struct kite_stats stats;
	struct kt_runner r;
	struct kt_vm *vm;

	if (cpus > ARRAY_SIZE(pids))
		cpus = ARRAY_SIZE(pids);
	kvm_load();
	vm = kt_vm_new(KT_LONG64);
	for (cpu = 0; cpu < cpus; cpu++)
		pids[cpu] = start_kvm_process(cpu, kt_check);
	kite_checker.rounds = ~0ull;
	kt_call(&vm->vcpu, kt_check, (u64)&kite_checker);
	kt_runner_start(&r, &vm->vcpu);
	/* Shared windows in great number, on each CPU in turn. */
	for (cpu = 0; cpu < 4 * cpus; cpu++) {
		u64 rounds = kite_checker.done;

		kt_pin(r.tid, cpu % cpus);
		while (kite_checker.done < rounds + kt_times(500))
			usleep(1000);
	}
	for (cpu = 0; cpu < cpus; cpu++)
		stop_kvm_process(pids[cpu]);
	kite_checker.stop = 1;
	kt_runner_finish(&r);
	expect_unharmed(&kite_checker);
	stats = stats_of(&vm->vcpu);
	EXPECT_GT(stats.windows_shared, 0ull);
	kt_note("Kite's guest: %llu rounds, %llu windows of its own, %llu shared",
		kite_checker.done, stats.windows_own, stats.windows_shared);
}

asm(".pushsection .text\n"
    "system_call: syscall; ud2\n"
    "system_call_target: ret\n"
    ".popsection\n");

void system_call(void);
extern char system_call_target[];

/* What KVM puts into the CPU for its guest, and leaves there while others of the kernel run. */
static void check_system_calls(u64 arg)
{
	struct kt_checker *c = (struct kt_checker *)arg;
	u64 round;
	u32 aux, mine = arg >> 4;

	kt_wrmsr(MSR_STAR, (u64)KT_CS64 << 32);
	kt_wrmsr(MSR_LSTAR, (u64)system_call_target);
	kt_wrmsr(MSR_SYSCALL_MASK, 0);
	kt_wrmsr(MSR_TSC_AUX, mine);
	kt_wrmsr(MSR_EFER, kt_rdmsr(MSR_EFER) | EFER_SCE);
	for (round = 1; round <= c->rounds && !c->stop; round++) {
		system_call();
		asm volatile("rdtscp" : "=c"(aux) : : "eax", "edx");
		c->bad_registers += aux != mine;
		c->done = round;
	}
}

/*
 * A thread with restartable sequences goes to user space after each switch, where KVM's
 * values leave the CPU: this one has them no more.
 */
static void without_rseq(void)
{
	void *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		ASSERT_EQ(0l, syscall(SYS_rseq, area, sizeof(struct rseq), RSEQ_FLAG_UNREGISTER,
				      RSEQ_SIG));
}

/* Neither thread goes to user space: Kite's windows find KVM's values in the CPU. */
KITE_TEST_TIMEOUT(both_on_a_cpu_make_system_calls, 600)
{
	struct kt_vm *vm;
	pid_t pid;

	kvm_load();
	without_rseq();
	kt_pin(0, 0);
	pid = start_kvm_process(0, check_system_calls);
	vm = kt_vm_new(KT_LONG64);
	kite_checker.rounds = kt_times(500000);
	kt_call(&vm->vcpu, check_system_calls, (u64)&kite_checker);
	kt_expect_done(&vm->vcpu);
	stop_kvm_process(pid);
	expect_unharmed(&kite_checker);
	EXPECT_GT(stats_of(&vm->vcpu).windows_shared, 0ull);
}

static void check_and_sync(u64 arg)
{
	struct kt_checker *c = (struct kt_checker *)arg;

	for (;;) {
		kt_check(arg);
		kt_sync(c->bad_registers + c->bad_memory);
	}
}

/* One thread enters both in turn: what KVM leaves in the CPU for later must be there later. */
KITE_TEST_TIMEOUT(both_in_one_thread, 600)
{
	u64 i, n = kt_times(300);
	struct kt_vm *for_kite, *for_kvm;
	struct kvm kvm;

	kvm_load();
	for_kite = kt_vm_new(KT_LONG64);
	for_kvm = kt_vm_new(KT_LONG64);
	kvm_checker.rounds = 2;
	kite_checker.rounds = 2;
	kt_call(&for_kvm->vcpu, check_and_sync, (u64)&kvm_checker);
	kt_call(&for_kite->vcpu, check_and_sync, (u64)&kite_checker);
	kvm_create(&kvm, for_kvm);
	for (i = 0; i < n; i++) {
		ASSERT_EQ((u16)KT_PORT_SYNC, kvm_run(&kvm));
		kt_expect_sync(&for_kite->vcpu, 0);
	}
	kvm_destroy(&kvm);
	expect_unharmed(&kvm_checker);
	expect_unharmed(&kite_checker);
	EXPECT_GT(stats_of(&for_kite->vcpu).windows_shared, 0ull);
}

KITE_TEST_TIMEOUT(kvm_comes_and_goes, 600)
{
	u64 i, n = kt_times(5), before;
	struct kite_stats stats;
	struct kt_runner r;
	struct kt_vm *vm;

	kvm_load();
	kvm_unload();
	vm = kt_vm_new(KT_LONG64);
	kite_checker.rounds = ~0ull;
	kt_call(&vm->vcpu, kt_check, (u64)&kite_checker);
	kt_runner_start(&r, &vm->vcpu);
	for (i = 0; i < n; i++) {
		kvm_load();
		kvm_checker.rounds = 200;
		kvm_check(&kvm_checker);
		expect_unharmed(&kvm_checker);
		kvm_unload();
		before = kite_checker.done;
		while (kite_checker.done == before)
			usleep(1000);
	}
	kite_checker.stop = 1;
	kt_runner_finish(&r);
	expect_unharmed(&kite_checker);
	stats = stats_of(&vm->vcpu);
	EXPECT_GT(stats.windows_own + stats.windows_resident, 0ull);
	EXPECT_GT(stats.windows_shared, 0ull);
	kt_note("%llu loads, %llu windows of its own, %llu resident, %llu shared",
		n, stats.windows_own, stats.windows_resident, stats.windows_shared);
}
