// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: processes with VMs are killed at random, in whatever they do: making a VM,
 * running it with several threads, changing its memory, wiring it, sharing it with
 * another process, ending it. All that they had is given back, and other guests run on.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventfd.h"
#include "guests.h"
#include "leak.h"

#define VICTIMS	4
#define LEN	0x400000ul

static void write_memory(u64 number)
{
	u64 at;

	for (;;)
		for (at = number * KT_PAGE; at < LEN; at += 2 * KT_PAGE)
			*(volatile u64 *)(KT_PATTERN_GPA + at) = at;
}

static void __attribute__((noreturn)) linger(void)
{
	usleep(kt_random() % 2048);
	_exit(0);
}

/* What there is to do with a VM, in any order. */
static void change_memory(struct kt_smp *smp, u8 *mem)
{
	u64 bits[LEN / KT_PAGE / 64];
	u64 page = kt_random() % (LEN / KT_PAGE);

	switch (kt_random() % 5) {
	case 0:
		madvise(mem, LEN, MADV_DONTNEED);
		break;
	case 1:
		mprotect(mem + page * KT_PAGE, KT_PAGE, kt_random() & 1 ? PROT_READ : PROT_NONE);
		mprotect(mem, LEN, PROT_READ | PROT_WRITE);
		break;
	case 2:
		vm_get_dirty(smp->vm->fd, KT_PATTERN_SLOT, KITE_DIRTY_CLEAR, 0, LEN / KT_PAGE,
			     bits);
		break;
	case 3:
		/* The same memory, where the guest does not look. */
		vm_set_slot(smp->vm->fd, KT_PATTERN_SLOT + 1, 0, KT_PATTERN_GPA + LEN, LEN, mem);
		vm_set_slot(smp->vm->fd, KT_PATTERN_SLOT + 1, 0, KT_PATTERN_GPA + LEN, 0, NULL);
		break;
	case 4:
		/* Copy on write: the pages have two owners now, and so has every descriptor. */
		if (!fork())
			linger();
		break;
	}
}

static void wire(struct kt_smp *smp)
{
	unsigned int gsi;

	for (gsi = 0; gsi < 8; gsi++) {
		int fd = kt_eventfd();

		vm_irqfd(smp->vm->fd, (struct kite_irqfd){ .fd = fd, .gsi = gsi });
		vm_ioeventfd(smp->vm->fd, (struct kite_ioeventfd){
			.addr = 0x30000000 + gsi, .len = 1, .fd = fd,
		});
		kt_eventfd_write(fd);
		if (gsi & 1)
			close(fd);
	}
}

static void __attribute__((noreturn)) victim(u32 seed)
{
	struct kt_smp *smp;
	unsigned int i;
	u8 *mem;

	while (seed--)
		kt_random();
	/* Its children die with it. */
	setpgid(0, 0);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		smp = kt_smp_new(2, false);
		mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_TRUE(mem != MAP_FAILED);
		vm_set_slot(smp->vm->fd, KT_PATTERN_SLOT, KITE_SLOT_LOG_DIRTY, KT_PATTERN_GPA, LEN,
			    mem);
		wire(smp);
		for (i = 0; i < smp->count; i++)
			kt_smp_call(smp, i, write_memory, i);
		kt_smp_start(smp);
		for (i = kt_random() % 64; i; i--)
			change_memory(smp, mem);
		for (i = 0; i < smp->count; i++) {
			kt_runner_stop(&smp->runner[i]);
			kt_vcpu_close(&smp->vcpu[i]);
		}
		close(smp->vm->fd);
		close(smp->vm->dev);
		munmap(mem, LEN);
		munmap(smp->vm->ram, KT_RAM);
		free(smp->vm);
		free(smp);
	}
}

static u64 killed;

static void start_and_kill(void)
{
	pid_t pids[VICTIMS];
	unsigned int i;
	int status;
	u32 seed;

	for (i = 0; i < VICTIMS; i++) {
		/* Drawn here: otherwise all of them would do the same. */
		seed = kt_random() % 4096;
		pids[i] = fork();
		ASSERT_GE(pids[i], 0);
		if (!pids[i])
			victim(seed);
		setpgid(pids[i], pids[i]);
	}
	for (i = 0; i < VICTIMS; i++) {
		usleep(kt_random() % 32768);
		ASSERT_EQ(0, kill(-pids[i], SIGKILL));
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		/* By nothing else, and not by a failed check of its own. */
		ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		killed++;
	}
}

KITE_TEST_TIMEOUT(nothing_is_left, 300)
{
	start_and_kill();
	kt_expect_no_leak(start_and_kill, kt_times(50));
	kt_note("%llu processes killed", killed);
}

static void beside(u64 unused)
{
	(void)unused;
	start_and_kill();
}

KITE_TEST_TIMEOUT(other_guests_run_on, 300)
{
	kt_guests_through(beside, kt_times(3));
	kt_note("%llu processes killed", killed);
}
