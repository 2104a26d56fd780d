// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: once confined, a process has the system calls that kitectl needs, each
 * other one fails with EPERM, and no argument gets around that.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "lib/libkite.h"
#include "unit.h"

struct attempt {
	const char *name;
	long nr;
	long arg[6];
	int err;		/* what it fails with, 0: it succeeds */
};

static char page[4096] __attribute__((aligned(4096)));

/* A child, so that the next test is free again. The exit status says whether all is well. */
static void confined(void (*fn)(void))
{
	struct confine_options opt = { 0 };
	int status;
	pid_t pid;

	/* Else the child prints once more what is still in the buffer. */
	fflush(stdout);
	pid = fork();
	if (!pid) {
		unit_failures = 0;
		if (!confine(&opt))
			_exit(2);
		fn();
		fflush(stdout);
		_exit(unit_failures ? 1 : 0);
	}
	EXPECT_TRUE(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT_EQ(0, status);
}

static void try(const struct attempt *a, unsigned int count)
{
	for (; count--; a++) {
		long ret = syscall(a->nr, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4],
				   a->arg[5]);
		int err = ret < 0 ? errno : 0;

		unit_context("%s", a->name);
		EXPECT_EQ(a->err, err);
	}
}

static void forbidden_calls(void)
{
	const struct attempt attempts[] = {
		{ "open", SYS_open, { (long)"/dev/null" }, EPERM },
		{ "openat", SYS_openat, { AT_FDCWD, (long)"/dev/null" }, EPERM },
		{ "openat2", SYS_openat2, { AT_FDCWD, (long)"/" }, EPERM },
		{ "unlink", SYS_unlink, { (long)"/nonexistent" }, EPERM },
		{ "execve", SYS_execve, { (long)"/bin/true" }, EPERM },
		{ "execveat", SYS_execveat, { AT_FDCWD, (long)"/bin/true" }, EPERM },
		{ "fork", SYS_fork, { 0 }, EPERM },
		{ "vfork", SYS_vfork, { 0 }, EPERM },
		{ "clone of a process", SYS_clone, { SIGCHLD }, EPERM },
		{ "clone that shares memory", SYS_clone, { CLONE_VM | SIGCHLD }, EPERM },
		{ "clone3", SYS_clone3, { 0 }, ENOSYS },
		{ "unshare", SYS_unshare, { CLONE_NEWUSER }, EPERM },
		{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM }, EPERM },
		{ "sendmsg", SYS_sendmsg, { 1 }, EPERM },
		{ "ptrace", SYS_ptrace, { PTRACE_TRACEME }, EPERM },
		{ "process_vm_writev", SYS_process_vm_writev, { 1 }, EPERM },
		{ "pidfd_getfd", SYS_pidfd_getfd, { 0 }, EPERM },
		{ "kill", SYS_kill, { getppid() }, EPERM },
		{ "tkill", SYS_tkill, { getpid() }, EPERM },
		{ "tgkill of others", SYS_tgkill, { getppid(), getppid() }, EPERM },
		{ "tgkill of others, above 32 bits", SYS_tgkill,
		  { getppid() | (long)getpid() << 32, getppid() }, EPERM },
		{ "TIOCSTI", SYS_ioctl, { 0, TIOCSTI, (long)page }, EPERM },
		{ "FIONREAD", SYS_ioctl, { 0, FIONREAD, (long)page }, EPERM },
		{ "KVM_GET_API_VERSION", SYS_ioctl, { 0, 0xae00 }, EPERM },
		{ "an ioctl with Kite's number but a size", SYS_ioctl,
		  { 0, _IOW(KITE_IOC, 0, int), (long)page }, EPERM },
		{ "executable memory", SYS_mmap,
		  { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1 }, EPERM },
		{ "memory made executable", SYS_mprotect,
		  { (long)page, 4096, PROT_READ | PROT_EXEC }, EPERM },
		{ "the same with a key", SYS_pkey_mprotect,
		  { (long)page, 4096, PROT_EXEC, -1 }, EPERM },
		{ "personality", SYS_personality, { 0x0400000 }, EPERM },
		{ "dumpable", SYS_prctl, { PR_SET_DUMPABLE, 1 }, EPERM },
		{ "seccomp", SYS_seccomp, { 0 }, EPERM },
		{ "setuid", SYS_setuid, { 0 }, EPERM },
		{ "dup", SYS_dup, { 0 }, EPERM },
		{ "fcntl", SYS_fcntl, { 0, F_GETFD }, EPERM },
		{ "bpf", SYS_bpf, { 0 }, EPERM },
		{ "io_uring_setup", SYS_io_uring_setup, { 1 }, EPERM },
		{ "userfaultfd", SYS_userfaultfd, { 0 }, EPERM },
		{ "perf_event_open", SYS_perf_event_open, { 0 }, EPERM },
		{ "keyctl", SYS_keyctl, { 0 }, EPERM },
	};

	try(attempts, ARRAY_SIZE(attempts));
}

static void denied(void)
{
	confined(forbidden_calls);
}

static void needed_calls(void)
{
	int fd = memfd_create("test", 0), timer = syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
	const struct attempt attempts[] = {
		{ "KITE_VCPU_RUN on no vCPU", SYS_ioctl, { fd, KITE_VCPU_RUN }, ENOTTY },
		{ "KITE_CREATE_VM on no device", SYS_ioctl, { fd, KITE_CREATE_VM }, ENOTTY },
		{ "TCSETS on no terminal", SYS_ioctl, { fd, TCSETS, (long)page }, ENOTTY },
		{ "size of memory", SYS_ftruncate, { fd, 4096 }, 0 },
		{ "shared memory", SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd },
		  0 },
		{ "protection", SYS_mprotect, { (long)page, 4096, PROT_READ }, 0 },
		{ "a name", SYS_prctl, { PR_SET_NAME, (long)"confined" }, 0 },
		{ "a timer", SYS_close, { timer }, 0 },
	};

	try(attempts, ARRAY_SIZE(attempts));
}

static void allowed(void)
{
	confined(needed_calls);
}

static void *nothing(void *arg)
{
	return arg;
}

static void a_thread(void)
{
	const struct attempt inside = { "open of a thread", SYS_open, { (long)"/" }, EPERM };
	pthread_t thread;
	void *ret = NULL;

	EXPECT_EQ(0, pthread_create(&thread, NULL, nothing, page));
	EXPECT_EQ(0, pthread_join(thread, &ret));
	EXPECT_TRUE(ret == page);
	try(&inside, 1);
}

static void threads(void)
{
	confined(a_thread);
}

static void taken(int sig)
{
	page[0] = sig;
}

static void a_signal(void)
{
	signal(SIGUSR1, taken);
	EXPECT_EQ(0, raise(SIGUSR1));
	EXPECT_EQ(SIGUSR1, page[0]);
}

static void signals(void)
{
	confined(a_signal);
}

static void nothing_lost(void)
{
	EXPECT_EQ(0, confine(&(struct confine_options){ .off = true }) ? 0 : 1);
	EXPECT_EQ(0, close(open("/dev/null", O_RDONLY)));
}

static const struct unit_test tests[] = {
	UNIT_TEST(denied),
	UNIT_TEST(allowed),
	UNIT_TEST(threads),
	UNIT_TEST(signals),
	UNIT_TEST(nothing_lost),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
