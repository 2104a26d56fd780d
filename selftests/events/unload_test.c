// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the module stays as long as anything of it is in use, whatever that is,
 * and whoever tries to unload it meanwhile; then it goes, and can come back.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventfd.h"
#include "guests.h"
#include "kvm_client.h"
#include "resident.h"

#define MODULE	"/lib/kite/kite.ko"

static int unload(void)
{
	return syscall(SYS_delete_module, "kite", O_NONBLOCK) ? errno : 0;
}

/* As it was loaded before, as far as it matters to who unloads it. */
static const char *parameters = "";

static int load(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), ret;

	ASSERT_TRUE(fd >= 0);
	ret = syscall(SYS_finit_module, fd, parameters, 0) ? errno : 0;
	close(fd);
	return ret;
}

static void needs_the_file(void)
{
	FILE *f = fopen(KT_RESIDENT, "r");

	if (access(MODULE, R_OK))
		SKIP("no %s to load again", MODULE);
	if (!f)
		return;
	if (fgetc(f) == 'Y')
		parameters = "resident=1";
	fclose(f);
}

/* What is closed last may be put by another task a moment later. */
static void unload_soon(void)
{
	unsigned int tries;
	int ret;

	for (tries = 0; (ret = unload()) == EWOULDBLOCK && tries < 10000; tries++)
		usleep(1000);
	ASSERT_EQ(0, ret);
}

KITE_TEST(each_descriptor_keeps_it)
{
	int dev, vm, vcpu, event;
	void *run;

	needs_the_file();
	dev = dev_open();
	EXPECT_EQ(EWOULDBLOCK, unload());
	vm = dev_create_vm(dev, KITE_VM_IRQCHIP);
	close(dev);
	EXPECT_EQ(EWOULDBLOCK, unload());
	vcpu = vm_create_vcpu(vm, 0);
	event = kt_eventfd();
	vm_irqfd(vm, (struct kite_irqfd){ .fd = event, .gsi = 1 });
	close(vm);
	EXPECT_EQ(EWOULDBLOCK, unload());
	run = mmap(NULL, KT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	ASSERT_TRUE(run != MAP_FAILED);
	close(vcpu);
	EXPECT_EQ(EWOULDBLOCK, unload());
	munmap(run, KT_PAGE);
	unload_soon();
	/* The other end of a wire that is gone. */
	kt_eventfd_write(event);
	EXPECT_ERRNO(ENOENT, open("/dev/kite", O_RDWR));
	ASSERT_EQ(0, load());
	EXPECT_EQ(EEXIST, load());
	close(dev_open());
}

static void try_to_unload(u64 unused)
{
	(void)unused;
	EXPECT_EQ(EWOULDBLOCK, unload());
}

KITE_TEST_TIMEOUT(under_guests_it_stays, 300)
{
	kt_guests_through(try_to_unload, kt_times(200));
}

#define PROCESSES	2
#define PAUSE_US	65536

/* A guest each time that there is a device; the module may go before it is opened. */
static void __attribute__((noreturn)) live(u64 lives, unsigned int number)
{
	static struct kt_checker checker;
	u64 lived = 0;

	checker.rounds = 5;
	while (lived < lives) {
		int fd = open("/dev/kite", O_RDWR | O_CLOEXEC);
		struct kt_runner r;
		struct kt_vm *vm;

		if (fd < 0) {
			/* No such file, or no module behind it. */
			ASSERT_TRUE(errno == ENOENT || errno == ENODEV);
			usleep(1000);
			continue;
		}
		vm = kt_vm_new(KT_LONG64);
		kt_call(&vm->vcpu, kt_check, (u64)&checker);
		kt_runner_start(&r, &vm->vcpu);
		/* Now only the guest keeps it. */
		close(fd);
		kt_runner_finish(&r);
		ASSERT_TRUE(!checker.bad_registers && !checker.bad_memory);
		kt_vm_close(vm);
		munmap(vm->ram, KT_RAM);
		lived++;
		/* Each at a pace of its own: now and then all of them pause. */
		usleep(kt_random() % ((number + 1) * PAUSE_US));
	}
	kt_end(KT_PASS);
}

KITE_TEST_TIMEOUT(it_goes_and_comes_between_guests, 300)
{
	u64 i, gone = 0, kept = 0, n = kt_times(20);
	pid_t pids[PROCESSES];
	int status, ret;

	needs_the_file();
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i])
			live(n, i);
	}
	for (i = 0; i < PROCESSES;) {
		ret = unload();
		if (!ret) {
			gone++;
			ASSERT_EQ(0, load());
			usleep(kt_random() % 4096);
		} else {
			ASSERT_EQ(EWOULDBLOCK, ret);
			kept++;
			usleep(1000);
		}
		if (waitpid(pids[i], &status, WNOHANG) != pids[i])
			continue;
		EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == KT_PASS);
		i++;
	}
	kt_note("%llu times unloaded and loaded, %llu times kept by a guest", gone, kept);
	EXPECT_GT(gone, 0ull);
	EXPECT_GT(kept, 0ull);
}

static u64 resident_windows(void)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	static struct kt_checker checker;
	u64 windows;

	checker.rounds = 5;
	kt_call(&vm->vcpu, kt_check, (u64)&checker);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, checker.bad_registers + checker.bad_memory);
	windows = kt_windows(&vm->vcpu).resident;
	kt_vm_close(vm);
	munmap(vm->ram, KT_RAM);
	return windows;
}

/* Told to keep VMX on, it sees who was there before it; and when that one goes. */
KITE_TEST_TIMEOUT(kvm_was_there_first, 300)
{
	static struct kt_checker checker;
	const char *before;

	needs_the_file();
	if (access(KT_RESIDENT, F_OK))
		SKIP("this kernel does not let a module keep VMX on");
	before = parameters;
	kvm_load();
	unload_soon();
	parameters = "resident=1";
	ASSERT_EQ(0, load());
	EXPECT_EQ(0ull, resident_windows());
	checker.rounds = 100;
	kvm_check(&checker);
	EXPECT_EQ(0ull, checker.bad_registers + checker.bad_memory);
	kvm_unload();
	EXPECT_GT(resident_windows(), 0ull);
	kt_resident(*before);
}

/* Each comes while the other comes, is there or goes: the kernel has no complaint. */
KITE_TEST_TIMEOUT(kvm_comes_at_the_same_time, 300)
{
	u64 i, loads = 0, n = kt_times(20);
	int status;
	pid_t pid;

	needs_the_file();
	kvm_load();
	kvm_unload();
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		for (i = 0; i < n; i++) {
			kvm_load();
			usleep(kt_random() % 4096);
			kvm_unload();
			usleep(kt_random() % 4096);
		}
		kt_end(KT_PASS);
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		unload_soon();
		ASSERT_EQ(0, load());
		loads++;
		usleep(kt_random() % 4096);
	}
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == KT_PASS);
	kt_note("%llu loads of KVM, %llu of Kite", n, loads);
}
