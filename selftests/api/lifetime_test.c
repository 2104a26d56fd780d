// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a VM lives until the last of its file descriptors and mappings is gone,
 * whatever the order; another address space gets EIO; ids become free again.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

KT_CODE64(halt, "", "hlt", "");
KT_CODE64(say_five, "", "mov $5, %eax", KT_SYNC);

static void expect_runs(struct kt_vcpu *vcpu)
{
	kt_start(vcpu, &say_five);
	kt_expect_sync(vcpu, 5);
	kt_expect_done(vcpu);
}

KITE_TEST_MODES(vm_fd_closed_first, KT_IN_64)
{
	close(vm->fd);
	close(vm->dev);
	expect_runs(&vm->vcpu);
}

KITE_TEST_MODES(vcpu_fd_closed_first, KT_IN_64)
{
	munmap(vm->vcpu.run, vm->info.vcpu_mmap_size);
	close(vm->vcpu.fd);
	/* The id is free again, and the memory is still there. */
	kt_vcpu_init(&vm->vcpu, vm, 0);
	kt_vcpu_set_mode(&vm->vcpu, KT_LONG64);
	expect_runs(&vm->vcpu);
}

KITE_TEST_MODES(mapping_outlives_fds, KT_IN_64)
{
	kt_start(&vm->vcpu, &say_five);
	vcpu_run(vm->vcpu.fd);
	close(vm->fd);
	close(vm->vcpu.fd);
	EXPECT_EQ((u32)KITE_EXIT_IO, vm->vcpu.run->exit_reason);
	vm->vcpu.run->immediate_exit = 1;
	EXPECT_EQ(1, vm->vcpu.run->immediate_exit);
	/* The mapping holds the file, so the id is taken until it goes. */
	munmap(vm->vcpu.run, vm->info.vcpu_mmap_size);
}

KITE_TEST_MODES(dup_is_the_same_vcpu, KT_IN_64)
{
	int copy = dup(vm->vcpu.fd);

	ASSERT_GE(copy, 0);
	kt_set_reg(&vm->vcpu, KITE_R10, 0x1234);
	close(vm->vcpu.fd);
	vm->vcpu.fd = copy;
	EXPECT_EQ(0x1234ull, kt_reg(&vm->vcpu, KITE_R10));
	expect_runs(&vm->vcpu);
}

/* The failures of @child count as ours. */
static void in_child(void (*child)(struct kt_vm *vm), struct kt_vm *vm)
{
	pid_t pid = fork();
	int status;

	ASSERT_GE(pid, 0);
	if (!pid) {
		child(vm);
		kt_end(KT_PASS);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	ASSERT_EQ(0, WEXITSTATUS(status));
}

static void refused(struct kt_vm *vm)
{
	struct kite_state state;
	struct kite_ioapic ioapic;

	ASSERT_EQ(-EIO, _vcpu_run(vm->vcpu.fd));
	ASSERT_EQ(-EIO, _vcpu_kick(vm->vcpu.fd));
	ASSERT_EQ(-EIO, _vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL, &state));
	ASSERT_EQ(-EIO, _vcpu_set_debug(vm->vcpu.fd, 0));
	ASSERT_EQ(-EIO, _vm_create_vcpu(vm->fd, 1));
	ASSERT_EQ(-EIO, _vm_get_ioapic(vm->fd, &ioapic));
	ASSERT_EQ(-EIO, _vm_set_slot(vm->fd, 9, 0, 0x10000000, KT_PAGE, vm->ram));
}

KITE_TEST_MODES(a_forked_child_is_refused, KT_IN_64)
{
	in_child(refused, vm);
	expect_runs(&vm->vcpu);
}

static void close_all(struct kt_vm *vm)
{
	close(vm->vcpu.fd);
	close(vm->fd);
	munmap(vm->vcpu.run, vm->info.vcpu_mmap_size);
	memset(vm->ram, 0xff, KT_RAM);
}

KITE_TEST_MODES(a_forked_child_ends_without_harm, KT_IN_64)
{
	in_child(close_all, vm);
	expect_runs(&vm->vcpu);
}

/* A grandchild keeps the descriptors while the process that made the VM goes. */
KITE_TEST(descriptors_outlive_the_process)
{
	int go[2], result[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(result));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct kt_vm *vm = kt_vm_new(KT_LONG64);

		expect_runs(&vm->vcpu);
		if (fork())
			kt_end(KT_PASS);
		close(go[1]);
		/* Nothing to read, but the end when its parent has been reaped. */
		ASSERT_EQ(0, read(go[0], &byte, 1));
		refused(vm);
		ASSERT_EQ(1, write(result[1], "k", 1));
		kt_end(KT_PASS);
	}
	close(result[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(go[1]);
	EXPECT_EQ(1, read(result[0], &byte, 1));
	expect_runs(&kt_vm_new(KT_LONG64)->vcpu);
}

static void send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	ASSERT_EQ(1, sendmsg(sock, &msg, 0));
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	ASSERT_EQ(1, recvmsg(sock, &msg, 0));
	ASSERT_TRUE(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

KITE_TEST_MODES(descriptors_travel, KT_IN_64)
{
	int socks[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	send_fd(socks[0], vm->vcpu.fd);
	send_fd(socks[0], vm->fd);
	/* In flight they are all that keeps the VM. */
	munmap(vm->vcpu.run, vm->info.vcpu_mmap_size);
	close(vm->vcpu.fd);
	close(vm->fd);
	fd = receive_fd(socks[1]);
	vm->vcpu.run = mmap(NULL, vm->info.vcpu_mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, 0);
	ASSERT_TRUE(vm->vcpu.run != MAP_FAILED);
	vm->vcpu.fd = fd;
	expect_runs(&vm->vcpu);
	/* The VM's own descriptor goes down with the socket, unreceived. */
	close(socks[0]);
	close(socks[1]);
	expect_runs(&vm->vcpu);
}

KITE_TEST_MODES(descriptors_do_not_survive_exec, KT_IN_64)
{
	EXPECT_EQ(FD_CLOEXEC, fcntl(vm->fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(FD_CLOEXEC, fcntl(vm->vcpu.fd, F_GETFD) & FD_CLOEXEC);
}

KITE_TEST_MODES(vcpu_ids, KT_IN_64)
{
	u32 id, max = vm->info.max_vcpus;
	int fd;

	EXPECT_EQ(-EEXIST, _vm_create_vcpu(vm->fd, 0));
	EXPECT_EQ(-EINVAL, _vm_create_vcpu(vm->fd, max));
	EXPECT_EQ(-EINVAL, _vm_create_vcpu(vm->fd, 0xffffffff));
	fd = vm_create_vcpu(vm->fd, max - 1);
	EXPECT_EQ(-EEXIST, _vm_create_vcpu(vm->fd, max - 1));
	close(fd);
	for (id = 1; id < max; id++)
		vm_create_vcpu(vm->fd, id);
	for (id = 0; id < max; id++)
		EXPECT_EQ(-EEXIST, _vm_create_vcpu(vm->fd, id));
	expect_runs(&vm->vcpu);
}

KITE_TEST_MODES(no_descriptor_left, KT_IN_64)
{
	struct rlimit limit = { vm->vcpu.fd + 1, vm->vcpu.fd + 1 };
	int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(-EMFILE, _vm_create_vcpu(vm->fd, 1));
		EXPECT_EQ(-EMFILE, _dev_create_vm(vm->dev, 0));
	}
	limit.rlim_cur = limit.rlim_max;
	close(vm->dev);
	/* One is free now, and the id was not used up. */
	EXPECT_GE(_vm_create_vcpu(vm->fd, 1), 0);
}

KITE_TEST(two_vms_of_a_process_are_apart)
{
	struct kt_vm *a = kt_vm_new(KT_LONG64), *b = kt_vm_new(KT_LONG64);

	kt_set_reg(&a->vcpu, KITE_R10, 1);
	kt_set_reg(&b->vcpu, KITE_R10, 2);
	kt_put(a, u64, KT_SCRATCH, 1);
	kt_put(b, u64, KT_SCRATCH, 2);
	expect_runs(&a->vcpu);
	expect_runs(&b->vcpu);
	EXPECT_EQ(1ull, kt_reg(&a->vcpu, KITE_R10));
	EXPECT_EQ(2ull, kt_reg(&b->vcpu, KITE_R10));
	close_all(a);
	expect_runs(&b->vcpu);
}

/* The guest is in the kernel, asleep, when its process is killed. */
KITE_TEST(killed_while_halted)
{
	pid_t pid = fork();
	int status;

	ASSERT_GE(pid, 0);
	if (!pid) {
		struct kt_vm *vm = kt_vm_new_irqchip(KT_LONG64);

		kt_start(&vm->vcpu, &halt);
		vcpu_run(vm->vcpu.fd);
		kt_end(KT_FAIL);
	}
	usleep(100000);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
}
