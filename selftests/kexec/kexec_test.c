// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: with guests running on all CPUs the host starts another kernel, by kexec or
 * by a panic: that one comes up, with all its CPUs, and can use VMX. Each test ends this
 * machine; what the other kernel runs says whether it is right (testhost/run --second-kernel).
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guests.h"

#define KERNEL	"/lib/kite/vmlinuz"
#define INITRD	"/tmp/initrd"
/* L1 as it is now, with few tests: the kernel sums it up, slowly where it is emulated. */
#define TESTS	"./lib/kite/selftests/build"
#define PACK	"cd / && { find . -xdev ! -path './lib/kite/vmlinuz' ! -path '" TESTS "/*'; " \
		"find " TESTS "/guest " TESTS "/guest/smoke_test -maxdepth 0; } | " \
		"cpio -o -H newc >" INITRD " 2>/dev/null"

static char cmdline[2048];

/* That of this kernel, without what asks for memory for yet another one. */
static void make_cmdline(const char *more)
{
	char *word, *state = NULL, own[1024];
	FILE *f = fopen("/proc/cmdline", "r");

	ASSERT_TRUE(f && fgets(own, sizeof(own), f));
	fclose(f);
	own[strcspn(own, "\n")] = 0;
	for (word = strtok_r(own, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
		if (!strncmp(word, "crashkernel=", 12) || !strncmp(word, "BOOT_IMAGE=", 11) ||
		    !strncmp(word, "initrd=", 7))
			continue;
		strcat(strcat(cmdline, word), " ");
	}
	strcat(cmdline, more);
}

static void load_kernel(unsigned long flags, const char *more)
{
	int kernel = open(KERNEL, O_RDONLY), initrd;

	if (kernel < 0)
		SKIP("no " KERNEL ": for testhost/run --second-kernel");
	ASSERT_EQ(0, system(PACK));
	initrd = open(INITRD, O_RDONLY);
	ASSERT_TRUE(initrd >= 0);
	make_cmdline(more);
	/* The same sum is no lock-up. */
	kt_write_file("/proc/sys/kernel/watchdog", "0");
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(cmdline) + 1, cmdline, flags))
		FAIL("kexec_file_load: errno %d", errno);
	close(kernel);
	close(initrd);
	unlink(INITRD);
}

/* The rest is for the other kernel to say; give these words time to get out. */
static void last_words(const char *name)
{
	printf("ok 1 %s\n", name);
	fflush(stdout);
	sleep(1);
}

static void panic(const char *name, unsigned int cpu)
{
	last_words(name);
	kt_pin(0, cpu);
	kt_write_file("/proc/sysrq-trigger", "c");
	FAIL("still here");
}

KITE_TEST_TIMEOUT(by_panic, 300)
{
	load_kernel(KEXEC_FILE_ON_CRASH, "");
	kt_guests_start();
	panic("by_panic", 0);
}

KT_CODE64(exit_for_ever, "", "1: xor %eax, %eax\ncpuid\njmp 1b", "");

/* Of each round on the last CPU all but a few instructions are the host's, in a window. */
KITE_TEST_TIMEOUT(by_panic_in_a_window, 300)
{
	static struct kt_runner runner;
	struct kt_vm *vm;

	load_kernel(KEXEC_FILE_ON_CRASH, "");
	vm = kt_vm_new(KT_LONG64);
	kt_start(&vm->vcpu, &exit_for_ever);
	kt_runner_start(&runner, &vm->vcpu);
	kt_pin(runner.tid, kt_cpus() - 1);
	panic("by_panic_in_a_window", 0);
}

/* A crash kernel on another CPU than the first does not start those that are left. */
KITE_TEST_TIMEOUT(by_panic_of_the_last_cpu, 300)
{
	load_kernel(KEXEC_FILE_ON_CRASH, "maxcpus=1");
	kt_guests_start();
	panic("by_panic_of_the_last_cpu", kt_cpus() - 1);
}

KITE_TEST_TIMEOUT(by_kexec, 300)
{
	load_kernel(0, "");
	kt_guests_start();
	last_words("by_kexec");
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	FAIL("still here: errno %d", errno);
}
