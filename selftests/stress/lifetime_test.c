// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: whatever ends a VM, everything that belonged to it is given back; a
 * descriptor that is closed while its vCPU runs, or a process that is killed, takes
 * nothing down with it.
 */
#include <sched.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker.h"
#include "eventfd.h"
#include "leak.h"

static struct kt_checker checker;

static int wires[12];

/* All kinds of wires: taken away, their descriptors closed, or left to the end of the VM. */
static void wire(int vm)
{
	static struct kite_route routes[KITE_GSIS];
	int i, fd, resample = kt_eventfd();

	for (i = 0; i < KITE_GSIS; i++)
		routes[i] = (struct kite_route){ .gsi = i, .type = KITE_ROUTE_PIN };
	vm_set_routes(vm, KITE_GSIS, routes);
	for (i = 0; i < 12; i++) {
		struct kite_ioeventfd bell = { .addr = 0x10000000 + i, .len = 1 };
		struct kite_irqfd irqfd = {
			.flags = KITE_IRQFD_RESAMPLE, .gsi = i, .resample_fd = resample,
		};

		fd = kt_eventfd();
		bell.fd = fd;
		irqfd.fd = fd;
		vm_ioeventfd(vm, bell);
		vm_irqfd(vm, irqfd);
		kt_eventfd_write(fd);
		if (i % 3 == 0) {
			vm_ioeventfd(vm, (struct kite_ioeventfd){
				.flags = KITE_IOEVENTFD_DEASSIGN, .addr = bell.addr, .len = 1,
				.fd = fd,
			});
			vm_irqfd(vm, (struct kite_irqfd){
				.flags = KITE_IRQFD_DEASSIGN, .gsi = i, .fd = fd,
			});
		}
		if (i % 3 != 2)
			close(fd);
		else
			wires[i] = fd;
	}
	close(resample);
}

static void make_and_drop(void)
{
	int dev = dev_open(), vm = dev_create_vm(dev, KITE_VM_IRQCHIP);
	int vcpu[3], i;
	void *mem, *run;

	mem = mmap(NULL, 0x100000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(mem != MAP_FAILED);
	vm_set_slot(vm, 0, 0, 0, 0x100000, mem);
	for (i = 0; i < 3; i++)
		vcpu[i] = vm_create_vcpu(vm, i);
	wire(vm);
	vcpu_set_debug(vcpu[0], KITE_DEBUG_TRACE);
	run = mmap(NULL, KT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu[1], 0);
	ASSERT_TRUE(run != MAP_FAILED);
	*(volatile u8 *)run = 0;
	/* Another order in each. */
	close(kt_random() & 1 ? vm : dev);
	for (i = 0; i < 3; i++)
		close(vcpu[i]);
	munmap(mem, 0x100000);
	munmap(run, KT_PAGE);
	close(vm);
	close(dev);
	for (i = 2; i < 12; i += 3)
		close(wires[i]);
}

KITE_TEST_TIMEOUT(vms_come_and_go, 1000)
{
	u64 i, n = kt_times(500);

	for (i = 0; i < 50; i++)
		make_and_drop();
	kt_expect_no_leak(make_and_drop, n);
}

/* A guest that has used its memory: EPT pages, slots and the pages behind are given back. */
static void run_one(void)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kt_runner r;

	checker.rounds = 20;
	kt_call(&vm->vcpu, kt_check, (u64)&checker);
	kt_runner_start(&r, &vm->vcpu);
	kt_runner_finish(&r);
	munmap(vm->vcpu.run, vm->info.vcpu_mmap_size);
	close(vm->vcpu.fd);
	close(vm->fd);
	close(vm->dev);
	munmap(vm->ram, KT_RAM);
	free(vm);
}

KITE_TEST_TIMEOUT(vms_run_and_go, 1000)
{
	u64 i, n = kt_times(100);

	for (i = 0; i < 10; i++)
		run_one();
	kt_expect_no_leak(run_one, n);
}

static void __attribute__((noreturn)) victim(void)
{
	struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);
	struct kt_runner r;

	checker.rounds = ~0ull;
	kt_call(&vm->vcpu, kt_check, (u64)&checker);
	for (;;) {
		kt_runner_start(&r, &vm->vcpu);
		usleep(2000);
		kt_runner_stop(&r);
	}
}

static void kill_one(void)
{
	pid_t pid = fork();
	int status;

	ASSERT_GE(pid, 0);
	if (!pid)
		victim();
	usleep(kt_random() % 20000);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
}

KITE_TEST_TIMEOUT(processes_are_killed, 1000)
{
	u64 i, n = kt_times(100);

	for (i = 0; i < 10; i++)
		kill_one();
	kt_expect_no_leak(kill_one, n);
}

/*
 * The call under way keeps what it needs. It ends by a signal, for nobody can kick
 * it, or by itself where the kernel starts it again and finds no descriptor.
 */
static void on_signal(int signo)
{
	(void)signo;
}

static void *run_alone(void *arg)
{
	struct kt_runner *r = arg;

	r->tid = gettid();
	r->exit_reason = -_vcpu_run(r->vcpu->fd);
	r->stop = true;
	return NULL;
}

KITE_TEST_TIMEOUT(descriptors_close_under_a_run, 1000)
{
	u64 i, n = kt_times(50), before;
	struct kt_runner r;
	struct kt_vm *vm;

	signal(SIGUSR1, on_signal);
	for (i = 0; i < n; i++) {
		vm = kt_vm_new(KT_LONG64);
		checker.rounds = ~0ull;
		checker.done = 0;
		kt_call(&vm->vcpu, kt_check, (u64)&checker);
		r = (struct kt_runner){ .vcpu = &vm->vcpu };
		ASSERT_EQ(0, pthread_create(&r.thread, NULL, run_alone, &r));
		while (!checker.done)
			sched_yield();
		close(vm->vcpu.fd);
		close(vm->fd);
		close(vm->dev);
		munmap(vm->vcpu.run, vm->info.vcpu_mmap_size);
		before = checker.done;
		while (checker.done == before && !r.stop)
			sched_yield();
		EXPECT_TRUE(!tgkill(getpid(), r.tid, SIGUSR1) || errno == ESRCH);
		ASSERT_EQ(0, pthread_join(r.thread, NULL));
		EXPECT_TRUE(r.exit_reason == EINTR || r.exit_reason == EBADF);
		munmap(vm->ram, KT_RAM);
		free(vm);
	}
}

/* Memory goes while the guest runs in it: munmap of everything, then the descriptors. */
KITE_TEST_TIMEOUT(memory_goes_under_a_run, 1000)
{
	u64 i, n = kt_times(50);
	struct kt_runner r;
	struct kt_vm *vm;

	for (i = 0; i < n; i++) {
		vm = kt_vm_new(KT_LONG64);
		checker.rounds = ~0ull;
		checker.done = 0;
		kt_call(&vm->vcpu, kt_check, (u64)&checker);
		kt_runner_start(&r, &vm->vcpu);
		while (!checker.done)
			sched_yield();
		munmap(vm->ram, KT_RAM);
		while (!r.faults)
			sched_yield();
		kt_runner_stop(&r);
		close(vm->vcpu.fd);
		close(vm->fd);
		close(vm->dev);
		munmap(vm->vcpu.run, vm->info.vcpu_mmap_size);
		free(vm);
	}
}
