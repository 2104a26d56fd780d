// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: whichever allocation fails in whichever call, and whichever copy from or to
 * user space, the call does without it or fails with ENOMEM or EFAULT. Then nothing has
 * changed, nothing is lost, and the same call works the next time.
 *
 * The kernel makes the nth of them in a thread fail: /proc/self/fail-nth. What is lost,
 * kmemleak tells when the module is unloaded.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "files.h"
#include "guest.h"

#define FAULTS		"/sys/kernel/debug/"
#define MORE		"/sys/kernel/debug/fail_page_alloc/"
/* No call has as many: more means that failures are not counted down. */
#define TOO_MANY	400

static struct kt_vm *vm;
static struct kt_target target;
static u8 *arg;
static int nth_fd;

/*
 * No allocation is spared, and the kernel does not report what it does on our behalf.
 * kmemleak has to do without memory, too; it says so with a spinlock held under which
 * lockdep does not want the console: that stays silent, the log has all.
 */
static void switch_on(void)
{
	static const char *const files[][2] = {
		{ FAULTS "failslab/verbose", "0" }, { FAULTS "failslab/ignore-gfp-wait", "N" },
		{ MORE "verbose", "0" }, { MORE "ignore-gfp-wait", "N" },
		{ MORE "ignore-gfp-highmem", "N" }, { MORE "min-order", "0" },
		{ FAULTS "fail_usercopy/verbose", "0" }, { "/proc/sys/kernel/printk", "1" },
	};
	unsigned int i;

	if (access(FAULTS "failslab", F_OK))
		SKIP("no fault injection in this kernel: testhost/run --kernel debug has it");
	for (i = 0; i < ARRAY_SIZE(files); i++)
		ASSERT_TRUE(kt_write_file(files[i][0], files[i][1]));
	nth_fd = open("/proc/self/fail-nth", O_RDWR);
	ASSERT_TRUE(nth_fd >= 0);
}

static void setup(void)
{
	switch_on();
	vm = kt_vm_new_with(KT_LONG64, KITE_VM_IRQCHIP | KITE_VM_PVCLOCK, 0);
	target = (struct kt_target){
		.fds = { [KT_DEV] = vm->dev, [KT_VM] = vm->fd, [KT_VCPU] = vm->vcpu.fd },
		.memory = vm->ram, .xsave_size = vm->info.xsave_size,
	};
	arg = mmap(NULL, 8 * KT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(arg != MAP_FAILED);
	target.image = arg + 4 * KT_PAGE;
}

static void arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	ASSERT_EQ(len, pwrite(nth_fd, text, len, 0));
}

/*
 * True if the failure has come. Until then reading and writing this file may be what
 * fails; errno stays that of the call.
 */
static bool disarm(void)
{
	char text[16] = "";
	int err = errno;
	bool came = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	while (pwrite(nth_fd, "0", 1, 0) != 1)
		;
	errno = err;
	return came;
}

static void expect_refusal(const char *name, unsigned int nth, long ret)
{
	if (ret < 0 && errno != ENOMEM && errno != EFAULT)
		kt_failed(__FILE__, __LINE__, "%s, failure %u: errno %d", name, nth, errno);
}

static void forget(const struct kt_call *call, long ret)
{
	if (ret > 0 && (call->cmd == KITE_CREATE_VM || call->cmd == KITE_VM_CREATE_VCPU))
		close(ret);
}

/* Its nth failure; false if it has fewer. */
static bool call_fails(const struct kt_call *call, unsigned int nth)
{
	static struct kt_snapshot before, after;
	bool came;
	long ret;

	kt_call_good(&target, call, arg);
	kt_snapshot(&target, &before);
	arm(nth);
	ret = __kt_ioctl(target.fds[call->object], call->cmd, call->size ? arg : NULL);
	came = disarm();
	expect_refusal(call->name, nth, ret);
	forget(call, ret);
	if (!came) {
		EXPECT_GE(ret, 0);
		return false;
	}
	if (ret >= 0)
		return true;
	kt_snapshot(&target, &after);
	if (memcmp(&before, &after, sizeof(before)))
		kt_failed(__FILE__, __LINE__, "%s, failure %u: changed", call->name, nth);
	/* Also what is in the ioctl's structure by now may go in again. */
	ret = __kt_ioctl(target.fds[call->object], call->cmd, call->size ? arg : NULL);
	if (ret < 0)
		kt_failed(__FILE__, __LINE__, "%s after failure %u: errno %d", call->name, nth,
			  errno);
	forget(call, ret);
	return true;
}

KITE_TEST_TIMEOUT(every_ioctl, 400)
{
	unsigned int nth, all = 0;

	setup();
	KT_FOR_EACH_CALL(call) {
		if (call->cmd == KITE_VCPU_RUN)
			continue;
		for (nth = 1; nth < TOO_MANY && call_fails(call, nth); nth++)
			;
		EXPECT_NE(TOO_MANY, nth);
		/* The structure itself is an allocation and a copy. */
		if (call->size)
			EXPECT_GE(nth, 3);
		kt_note("%s: %u failures", call->name, nth - 1);
		all += nth - 1;
	}
	kt_note("%u failures in all", all);
}

/* It is also the first that looks at the memory of the process. */
KITE_TEST_TIMEOUT(the_only_vm_of_a_process, 200)
{
	unsigned int nth, flags = KITE_VM_IRQCHIP | KITE_VM_PVCLOCK;
	struct kite_create_vm create = { .size = sizeof(create), .flags = flags };
	int dev = dev_open(), ret;
	bool came = true;

	switch_on();
	for (nth = 1; nth < TOO_MANY && came; nth++) {
		arm(nth);
		ret = __kt_ioctl(dev, KITE_CREATE_VM, &create);
		came = disarm();
		expect_refusal("CREATE_VM", nth, ret);
		if (ret >= 0)
			close(ret);
	}
	EXPECT_GE(ret, 0);
	EXPECT_NE(TOO_MANY, nth);
	kt_note("CREATE_VM: %u failures", nth - 2);
}

/* What is done with descriptors and mappings; each of it from the beginning. */
static struct kt_vm *other;

static long open_device(void)
{
	return open(KITE_DEVICE, O_RDWR | O_CLOEXEC);
}

static long map_vcpu(void)
{
	void *at = mmap(NULL, vm->info.vcpu_mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			vm->vcpu.fd, 0);

	return at == MAP_FAILED ? -1 : 0;
}

static long drop_memory(void)
{
	return madvise(other->ram, KT_RAM, MADV_DONTNEED);
}

static long close_vcpu(void)
{
	munmap(other->vcpu.run, other->info.vcpu_mmap_size);
	return close(other->vcpu.fd);
}

static long close_vm(void)
{
	close_vcpu();
	return close(other->fd);
}

static const struct {
	const char *name;
	long (*call)(void);
} actions[] = {
	{ "open", open_device }, { "mmap", map_vcpu }, { "madvise", drop_memory },
	{ "close of a vCPU", close_vcpu }, { "close of a VM", close_vm },
};

static void touch(u64 pages)
{
	volatile u64 *at = (volatile u64 *)KT_SCRATCH;
	u64 i;

	for (i = 0; i < pages; i++)
		at[i * KT_PAGE / sizeof(*at)] = i;
	kt_done();
}

/* Whatever fails while a guest takes memory: at most user space is told that it had none. */
static bool guest_fails(unsigned int nth)
{
	struct kt_result result;
	bool came;
	long ret;

	other = kt_vm_new_irqchip(KT_LONG64);
	kt_call(&other->vcpu, touch, 64);
	arm(nth);
	ret = __kt_ioctl(other->vcpu.fd, KITE_VCPU_RUN, NULL);
	came = disarm();
	if (ret < 0)
		expect_refusal("RUN", nth, ret);
	else
		result = kt_what_it_said(&other->vcpu);
	if (ret < 0 || other->vcpu.run->exit_reason == KITE_EXIT_MEMORY_FAULT)
		result = kt_run(&other->vcpu);
	if (result.said != KT_SAID_DONE)
		kt_surprise(&other->vcpu, &result, "DONE");
	kt_vm_close(other);
	munmap(other->ram, KT_RAM);
	return came;
}

KITE_TEST_TIMEOUT(a_guest_that_takes_memory, 400)
{
	unsigned int nth;

	setup();
	for (nth = 1; nth < TOO_MANY && guest_fails(nth); nth++)
		;
	EXPECT_NE(TOO_MANY, nth);
	EXPECT_GE(nth, 2);
	kt_note("RUN: %u failures", nth - 1);
}

static void action_fails(unsigned int i)
{
	unsigned int nth;
	bool came = true;
	long ret;

	for (nth = 1; nth < TOO_MANY && came; nth++) {
		other = kt_vm_new_irqchip(KT_LONG64);
		kt_call(&other->vcpu, touch, 4);
		kt_expect_done(&other->vcpu);
		arm(nth);
		ret = actions[i].call();
		came = disarm();
		expect_refusal(actions[i].name, nth, ret);
		/* Which of its descriptors are closed already depends on the action. */
		close(other->vcpu.fd);
		close(other->fd);
		close(other->dev);
		munmap(other->vcpu.run, other->info.vcpu_mmap_size);
		munmap(other->ram, KT_RAM);
	}
	EXPECT_NE(TOO_MANY, nth);
	kt_note("%s: %u failures", actions[i].name, nth - 2);
}

KITE_TEST_TIMEOUT(descriptors_and_mappings, 600)
{
	unsigned int i;

	setup();
	for (i = 0; i < ARRAY_SIZE(actions); i++)
		action_fails(i);
}
