// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: 16 VMs with two vCPUs each, all busy and with timers and IPIs of their
 * own, share the CPUs fairly, and the host's timers stay on time beside them.
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apic.h"

#define VMS		16
#define VCPUS		2
#define TICK		0x40
#define IPI		0x41
#define RUN_NS		3000000000ull
#define PERIOD_NS	5000000
/*
 * What keeps an interrupt of the host from its handler is one VM exit; what follows is
 * the way of a real-time thread to the CPU. Emulated time is no one's real time, but
 * a window that does not open for interrupts, or a guest that keeps the CPU from the
 * scheduler, would cost a tick of 4 ms at least.
 */
#define LATE_NS		1000000

/* Shared by all processes and guests, at the same address everywhere. */
struct board {
	volatile u64 stop;
	volatile u64 ready;
	struct {
		volatile u64 rounds;
		volatile u64 ticks;
		volatile u64 ipis;
	} vcpu[VMS][VCPUS] __attribute__((aligned(64)));
};

#define BOARD		((struct board *)0x10000000ul)
#define BOARD_SIZE	0x2000

_Static_assert(sizeof(struct board) <= BOARD_SIZE, "fits");

static u64 me;			/* in each process its VM */

static void work(u64 number)
{
	u64 i, round;

	kt_apic_on();
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_LVTT, TICK | LVT_PERIODIC);
	kt_apic_write(APIC_TMICT, 100000);
	__atomic_fetch_add(&BOARD->ready, 1, __ATOMIC_SEQ_CST);
	asm volatile("sti" : : : "memory");
	for (round = 1; !BOARD->stop; round++) {
		for (i = 0; i < 1000; i++)
			asm volatile("" : : : "memory");
		if (round % 256 == 0)
			kt_ipi(!number, ICR_ASSERT | IPI);
		BOARD->vcpu[me][number].rounds = round;
		BOARD->vcpu[me][number].ticks = kt_me()->taken[TICK];
		BOARD->vcpu[me][number].ipis = kt_me()->taken[IPI];
	}
	asm volatile("cli" : : : "memory");
}

static pid_t start_vm(u64 number)
{
	struct kt_smp *smp;
	pid_t pid = fork();

	ASSERT_TRUE(pid >= 0);
	if (pid)
		return pid;
	me = number;
	smp = kt_smp_new(VCPUS, true);
	vm_set_slot(smp->vm->fd, 9, 0, (u64)BOARD, BOARD_SIZE, BOARD);
	kt_smp_run(smp, work);
	kt_end(KT_PASS);
}

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* A real-time thread that wakes up every PERIOD_NS: how late at worst. */
static u64 worst_delay(u64 until)
{
	struct sched_param param = { .sched_priority = 50 };
	u64 next = now(), worst = 0, sum = 0, n = 0;

	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	while (next < until) {
		struct timespec t;
		u64 late;

		next += PERIOD_NS;
		t = (struct timespec){ next / 1000000000, next % 1000000000 };
		ASSERT_EQ(0, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
		late = now() - next;
		worst = late > worst ? late : worst;
		sum += late;
		n++;
	}
	kt_note("%llu timers of the host: %llu us late at worst, %llu us on average", n,
		worst / 1000, sum / n / 1000);
	return worst;
}

KITE_TEST(sixteen_vms)
{
	struct board *board = mmap(BOARD, BOARD_SIZE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	u64 least = ~0ull, most = 0, ticks = 0, ipis = 0;
	pid_t pids[VMS];
	unsigned int i, j;
	int status;

	ASSERT_EQ((u64)BOARD, (u64)board);
	for (i = 0; i < VMS; i++)
		pids[i] = start_vm(i);
	while (board->ready < VMS * VCPUS)
		sched_yield();
	EXPECT_GT(LATE_NS, worst_delay(now() + RUN_NS));
	for (i = 0; i < VMS; i++) {
		for (j = 0; j < VCPUS; j++) {
			u64 rounds = board->vcpu[i][j].rounds;

			least = rounds < least ? rounds : least;
			most = rounds > most ? rounds : most;
			EXPECT_GT(board->vcpu[i][j].ticks, 0ull);
			EXPECT_GT(board->vcpu[i][j].ipis, 0ull);
			ticks += board->vcpu[i][j].ticks;
			ipis += board->vcpu[i][j].ipis;
		}
	}
	board->stop = 1;
	for (i = 0; i < VMS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	kt_note("rounds of a vCPU: %llu to %llu; %llu ticks, %llu IPIs", least, most, ticks, ipis);
	EXPECT_GE(4 * least, most);
}
