// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a vCPU maps kite_info.vcpu_mmap_size bytes: the run page, then the trace,
 * which exists once KITE_DEBUG_TRACE was set.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

KT_CODE64(ports, "", "mov $5, %ecx\n1: out %al, $0x80\nloop 1b", "");
KT_CODE64(cpuids, "", "mov $20000, %esi\n1: xor %eax, %eax\ncpuid\ndec %esi\njnz 1b", "");

#define CPUIDS	20000

static sigjmp_buf after_fault;

static void on_fault(int signo)
{
	siglongjmp(after_fault, signo);
}

/* The signal that reading one byte brings, or 0. */
static int touch(volatile u8 *p)
{
	int signo;

	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	signo = sigsetjmp(after_fault, 1);
	if (!signo)
		(void)*p;
	return signo;
}

static void *map(struct kt_vm *vm, u64 len, u64 offset)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu.fd, offset);
}

KITE_TEST_MODES(sizes_and_offsets, KT_IN_64)
{
	u64 size = vm->info.vcpu_mmap_size;

	EXPECT_TRUE(map(vm, size, 0) != MAP_FAILED);
	EXPECT_TRUE(map(vm, KT_PAGE, 0) != MAP_FAILED);
	EXPECT_TRUE(map(vm, KT_PAGE, size - KT_PAGE) != MAP_FAILED);
	EXPECT_TRUE(map(vm, size - KITE_TRACE_OFFSET, KITE_TRACE_OFFSET) != MAP_FAILED);
	EXPECT_TRUE(map(vm, size + KT_PAGE, 0) == MAP_FAILED);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(map(vm, size, KT_PAGE) == MAP_FAILED);
	EXPECT_TRUE(map(vm, KT_PAGE, size) == MAP_FAILED);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(map(vm, KT_PAGE, -KT_PAGE) == MAP_FAILED);
	EXPECT_TRUE(map(vm, 2 * KT_PAGE, -KT_PAGE) == MAP_FAILED);
	EXPECT_TRUE(mmap(NULL, KT_PAGE, PROT_READ, MAP_SHARED, vm->fd, 0) == MAP_FAILED);
	EXPECT_EQ(ENODEV, errno);
	EXPECT_TRUE(mmap(NULL, KT_PAGE, PROT_READ, MAP_SHARED, vm->dev, 0) == MAP_FAILED);
	EXPECT_EQ(ENODEV, errno);
}

KITE_TEST_MODES(all_mappings_show_one_page, KT_IN_64)
{
	struct kite_run *other = map(vm, KT_PAGE, 0);

	ASSERT_TRUE(other != MAP_FAILED);
	other->data[7] = 0x5a;
	EXPECT_EQ(0x5a, vm->vcpu.run->data[7]);
	munmap(other, KT_PAGE);
	EXPECT_EQ(0, touch((u8 *)vm->vcpu.run));
}

/* mremap() may make a mapping longer than mmap() allows: nothing is behind its end. */
KITE_TEST_MODES(nothing_behind_the_end, KT_IN_64)
{
	u64 size = vm->info.vcpu_mmap_size;
	u8 *p = mremap(vm->vcpu.run, size, size + 16 * KT_PAGE, MREMAP_MAYMOVE);

	if (p == MAP_FAILED)
		return;
	EXPECT_EQ(SIGBUS, touch(p + size));
	EXPECT_EQ(SIGBUS, touch(p + size + 15 * KT_PAGE));
	EXPECT_EQ(0, touch(p));
}

KITE_TEST_MODES(trace_pages, KT_IN_64)
{
	u8 *trace = (u8 *)vm->vcpu.trace;
	u64 last = vm->info.vcpu_mmap_size - KITE_TRACE_OFFSET - 1;

	EXPECT_EQ(0, touch((u8 *)vm->vcpu.run));
	EXPECT_EQ(SIGBUS, touch(trace));
	EXPECT_EQ(SIGBUS, touch(trace + last));
	vcpu_set_debug(vm->vcpu.fd, KITE_DEBUG_TRACE);
	EXPECT_EQ(0, touch(trace));
	EXPECT_EQ(0, touch(trace + last));
	/* They stay when the trace is switched off. */
	vcpu_set_debug(vm->vcpu.fd, 0);
	EXPECT_EQ(0, touch(trace));
}

KITE_TEST_MODES(trace_shows_the_exits, KT_IN_64)
{
	u32 i, seen;

	vcpu_set_debug(vm->vcpu.fd, KITE_DEBUG_TRACE);
	kt_start(&vm->vcpu, &ports);
	for (i = 5; i > 0; i--) {
		kt_expect_io(&vm->vcpu, 0x80, 1, 0, 1);
		seen = vm->vcpu.run->trace_count;
		ASSERT_GE(seen, 1u);
		ASSERT_GE(vm->info.trace_entries, seen);
		EXPECT_EQ(30u, vm->vcpu.trace[seen - 1].exit_reason);
		EXPECT_EQ((u64)i, vm->vcpu.trace[seen - 1].rcx);
		EXPECT_TRUE(vm->vcpu.trace[seen - 1].tsc);
	}
	kt_expect_done(&vm->vcpu);
	vcpu_set_debug(vm->vcpu.fd, 0);
	kt_start(&vm->vcpu, &ports);
	kt_expect_io(&vm->vcpu, 0x80, 1, 0, 1);
	EXPECT_EQ(0u, vm->vcpu.run->trace_count);
}

/* Run @cpuids with the trace on; every one of its exits is in it once. */
static void count_in_trace(struct kt_vm *vm)
{
	u32 cpuid_exits = 0, full = 0, i;
	struct kt_result r;

	vcpu_set_debug(vm->vcpu.fd, KITE_DEBUG_TRACE);
	kt_start(&vm->vcpu, &cpuids);
	do {
		r = kt_run(&vm->vcpu);
		for (i = 0; i < vm->vcpu.run->trace_count; i++)
			cpuid_exits += vm->vcpu.trace[i].exit_reason == 10;
		if (r.said == KT_SAID_EXIT) {
			ASSERT_EQ((u32)KITE_EXIT_TRACE, vm->vcpu.run->exit_reason);
			EXPECT_EQ(vm->info.trace_entries, vm->vcpu.run->trace_count);
			full++;
		}
	} while (r.said == KT_SAID_EXIT);
	EXPECT_EQ(KT_SAID_DONE, r.said);
	EXPECT_EQ((u32)CPUIDS, cpuid_exits);
	EXPECT_GT(full, CPUIDS / vm->info.trace_entries - 1);
}

/* The vCPU waits for user space when the trace fills up. */
KITE_TEST_MODES(trace_that_is_full, KT_IN_64)
{
	count_in_trace(vm);
}

static void *spin(void *arg)
{
	for (;;)
		*(volatile u64 *)arg += 1;
	return NULL;
}

/* Preempted for others on its CPU, the vCPU keeps what it has in the trace. */
KITE_TEST_MODES(trace_while_others_run, KT_IN_64)
{
	static u64 counters[3];
	pthread_t thread;
	unsigned int i;
	cpu_set_t cpu0;

	CPU_ZERO(&cpu0);
	CPU_SET(0, &cpu0);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu0), &cpu0));
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		ASSERT_EQ(0, pthread_create(&thread, NULL, spin, &counters[i]));
	count_in_trace(vm);
}
