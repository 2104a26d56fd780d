// SPDX-License-Identifier: GPL-2.0-only
/* What else can be done with descriptors and memory, at random. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi_fuzz.h"

#define CHILD_CALLS	8
/* Told to a program that was executed: how many descriptors it has. */
#define CHILD		"KITE_FUZZ_CHILD"

/* Any of the round, Kite's mostly. */
static int any(struct fuzz_thread *t)
{
	return fuzz_fd(t, fuzz_random(t, fuzz_one_in(t, 4) ? FUZZ_KINDS : KT_OBJECTS));
}

static void *map_place(struct fuzz_thread *t)
{
	return (void *)(ZONE_MAPS + fuzz_random(t, ZONE_MAPS_LEN / KT_PAGE) * KT_PAGE);
}

static int protection(struct fuzz_thread *t)
{
	return fuzz_one_in(t, 4) ? (int)fuzz_random(t, 8) : PROT_READ | PROT_WRITE;
}

static void open_device(struct fuzz_thread *t)
{
	fuzz_keep(t, KT_DEV, _dev_open());
}

static void make_event(struct fuzz_thread *t)
{
	fuzz_keep(t, FUZZ_EVENT, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

static void close_any(struct fuzz_thread *t)
{
	close(any(t));
}

static void dup_any(struct fuzz_thread *t)
{
	unsigned int kind = fuzz_random(t, FUZZ_KINDS);

	fuzz_keep(t, kind, fcntl(fuzz_fd(t, kind), F_DUPFD_CLOEXEC, 0));
}

/* The number stays, what is behind it is another thing. */
static void dup_over(struct fuzz_thread *t)
{
	int from = any(t), to = any(t);

	if (from >= 0 && to >= 0 && from != to)
		dup3(from, to, O_CLOEXEC);
}

static void map_any(struct fuzz_thread *t)
{
	static const u64 offsets[] = {
		0, 0, 0, KT_PAGE, 4 * KT_PAGE, 5 * KT_PAGE, KITE_RING_OFFSET, KITE_RING_OFFSET,
		KITE_RING_OFFSET + KT_PAGE, KITE_RING_OFFSET - KT_PAGE, 0x7ffffffffffff000,
	};
	u64 len = KT_PAGE << fuzz_random(t, fuzz_one_in(t, 4) ? 10 : 4);
	int flags = fuzz_one_in(t, 4) ? MAP_PRIVATE : MAP_SHARED;
	u8 *at = map_place(t);

	if ((u64)at + len > ZONE_MAPS + ZONE_MAPS_LEN)
		return;
	flags |= MAP_FIXED | (fuzz_one_in(t, 4) ? MAP_POPULATE : 0);
	(void)!mmap(at, len, protection(t), flags, fuzz_one_in(t, 8) ? any(t) : fuzz_fd(t, KT_VCPU),
		    offsets[fuzz_random(t, ARRAY_SIZE(offsets))]);
}

/* Reserved again, so that nobody else is given the place. */
static void unmap(struct fuzz_thread *t)
{
	u64 at = (u64)map_place(t), len = KT_PAGE << fuzz_random(t, 8);

	if (at + len <= ZONE_MAPS + ZONE_MAPS_LEN)
		(void)!mmap((void *)at, len, PROT_NONE,
			    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void move_map(struct fuzz_thread *t)
{
	void *from = map_place(t), *to = map_place(t);
	u64 len = KT_PAGE << fuzz_random(t, 3), grown = KT_PAGE << fuzz_random(t, 9);

	if ((u64)to + grown <= ZONE_MAPS + ZONE_MAPS_LEN)
		(void)!mremap(from, len, grown, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static void protect_map(struct fuzz_thread *t)
{
	mprotect(map_place(t), KT_PAGE << fuzz_random(t, 4), protection(t));
}

/* By the kernel's hand: what is not there is an error, not a signal. */
static void touch_map(struct fuzz_thread *t)
{
	u64 value[4] = { fuzz_random(t, 2), 0, fuzz_random(t, 1 << 16), fuzz_random(t, 4) };
	u64 at = (u64)map_place(t) + 8 * fuzz_random(t, 32);

	if (fuzz_one_in(t, 2))
		(void)!pwrite(t->round->memory, value, sizeof(value), at);
	else
		(void)!pread(t->round->memory, value, sizeof(value), at);
}

/* What a host does to the memory of guests, and of structures that are being read. */
static void disturb_memory(struct fuzz_thread *t)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_MERGEABLE, MADV_WILLNEED, MADV_POPULATE_WRITE,
	};
	u64 at = fuzz_address(t), len = KT_PAGE << fuzz_random(t, 9);

	if (fuzz_one_in(t, 6)) {
		mprotect((void *)ZONE, ZONE_RAM, PROT_READ | PROT_WRITE);
		return;
	}
	if (at + len > ZONE + ZONE_RAM)
		return;
	if (fuzz_one_in(t, 6))
		mprotect((void *)at, len, fuzz_random(t, 4));
	else if (fuzz_one_in(t, 6))
		(void)!mmap((void *)at, len, PROT_READ | PROT_WRITE,
			    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		madvise((void *)at, len, advices[fuzz_random(t, ARRAY_SIZE(advices))]);
}

static void signal_event(struct fuzz_thread *t)
{
	u64 n = 1;

	(void)!write(fuzz_fd(t, FUZZ_EVENT), &n, sizeof(n));
}

static void read_and_write(struct fuzz_thread *t)
{
	char path[48], text[256];
	int fd = any(t), info;

	(void)!write(fd, text, 8);
	(void)!read(fuzz_fd(t, fuzz_random(t, KT_OBJECTS)), text, sizeof(text));
	lseek(fd, fuzz_random(t, 1 << 20), SEEK_SET);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return;
	(void)!read(info, text, sizeof(text));
	close(info);
}

static void wait_for(struct fuzz_thread *t)
{
	struct pollfd fds[2] = { { .fd = any(t), .events = POLLIN }, { .fd = any(t) } };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	poll(fds, 2, 0);
	if (epoll < 0)
		return;
	epoll_ctl(epoll, EPOLL_CTL_ADD, any(t), &event);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fuzz_fd(t, FUZZ_EVENT), &event);
	epoll_wait(epoll, &event, 1, 0);
	close(epoll);
}

union rights {
	struct cmsghdr header;
	char space[CMSG_SPACE(4 * sizeof(int))];
};

static bool send_rights(int socket, const int *fds, unsigned int count)
{
	union rights rights = {};
	struct iovec byte = { .iov_base = &(char){ 'k' }, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &rights,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	return sendmsg(socket, &msg, MSG_DONTWAIT) == 1;
}

/* @count at most; the number received. */
static unsigned int receive_rights(int socket, int *fds)
{
	union rights rights;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights,
		.msg_controllen = sizeof(rights),
	};
	struct cmsghdr *c;
	unsigned int count;

	if (recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return 0;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), count * sizeof(int));
	return count;
}

/* Through a socket and back; or left in it, with the socket itself for the collector to find. */
static void pass_rights(struct fuzz_thread *t)
{
	unsigned int kind = fuzz_random(t, FUZZ_KINDS), i, got;
	int sockets[2], fds[4];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return;
	for (i = 0; i < 3; i++)
		fds[i] = fuzz_fd(t, kind);
	fds[3] = fuzz_one_in(t, 2) ? sockets[1] : fds[0];
	if (send_rights(sockets[0], fds, 1 + fuzz_random(t, 4)) && !fuzz_one_in(t, 3)) {
		got = receive_rights(sockets[1], fds);
		for (i = 0; i < got; i++) {
			if (i < 3)
				fuzz_keep(t, kind, fds[i]);
			else
				close(fds[i]);
		}
	}
	close(sockets[0]);
	close(sockets[1]);
}

/* In a process that is not the one of the VMs. Some are killed in the middle. */
static void child_calls(struct fuzz_thread *t)
{
	struct itimerval soon = { .it_value.tv_usec = 1 + fuzz_random(t, 8000) };
	int i, dev = _dev_open(), vm;

	setitimer(ITIMER_REAL, &soon, NULL);
	fuzz_keep(t, KT_DEV, dev);
	/* One of its own beside those that it has no right to use. */
	vm = _dev_create_vm(dev, fuzz_random(t, 4));
	fuzz_keep(t, KT_VM, vm);
	fuzz_keep(t, KT_VCPU, _vm_create_vcpu(vm, 0));
	for (i = 0; i < CHILD_CALLS; i++)
		fuzz_call(t);
}

static void execute(struct fuzz_thread *t)
{
	char *const argv[] = { "abi_fuzz_test", NULL };
	char *const envp[] = { CHILD "=1", NULL };
	unsigned int i;

	for (i = 0; i < 6; i++)
		fcntl(any(t), F_SETFD, 0);
	execve("/proc/self/exe", argv, envp);
}

static void fork_child(struct fuzz_thread *t)
{
	pid_t pid = fork();

	if (!pid) {
		t->cover = NULL;
		child_calls(t);
		if (fuzz_one_in(t, 2))
			execute(t);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The program that was executed: it has descriptors and knows nothing of them. */
static void __attribute__((constructor)) executed(void)
{
	unsigned int i;
	int fd;

	if (!getenv(CHILD))
		return;
	for (fd = 3; fd < 256; fd++)
		for (i = 0; i < kt_call_count; i++) {
			struct { u32 size, flags; u8 more[FUZZ_ARG]; } arg = { kt_calls[i].size };

			__kt_ioctl(fd, kt_calls[i].cmd, kt_calls[i].size ? &arg : NULL);
			if (errno == EBADF)
				break;
		}
	_exit(0);
}

/* How often, in proportion. */
static const struct {
	void (*fn)(struct fuzz_thread *t);
	unsigned int weight;
} acts[] = {
	{ open_device, 2 }, { make_event, 3 }, { close_any, 8 }, { dup_any, 3 }, { dup_over, 2 },
	{ map_any, 8 }, { unmap, 3 }, { move_map, 2 }, { protect_map, 2 }, { touch_map, 10 },
	{ disturb_memory, 8 }, { signal_event, 6 }, { read_and_write, 3 }, { wait_for, 2 },
	{ pass_rights, 4 }, { fork_child, 1 },
};

void fuzz_act(struct fuzz_thread *t)
{
	unsigned int i, all = 0, which;

	for (i = 0; i < ARRAY_SIZE(acts); i++)
		all += acts[i].weight;
	which = fuzz_random(t, all);
	for (i = 0; which >= acts[i].weight; i++)
		which -= acts[i].weight;
	acts[i].fn(t);
	__atomic_fetch_add(&fuzz_total->acts, 1, __ATOMIC_RELAXED);
}
