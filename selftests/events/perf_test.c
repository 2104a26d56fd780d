// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: perf samples every CPU, with call chains, registers and stacks of users,
 * and events of the scheduler, while guests run: they are unharmed, and there are samples.
 */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guests.h"

#define CPUS		8
#define RING_PAGES	8
#define TRACING		"/sys/kernel/tracing/events/"

struct sampler {
	int fd;
	struct perf_event_mmap_page *ring;
};

static struct sampler samplers[CPUS];
static struct perf_event_attr attr;
static u64 samples;

static void open_sampler(struct sampler *s, unsigned int cpu)
{
	s->fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, 0);
	if (s->fd < 0)
		SKIP("no such event of perf here: errno %d", errno);
	s->ring = mmap(NULL, (1 + RING_PAGES) * KT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       s->fd, 0);
	ASSERT_TRUE(s->ring != MAP_FAILED);
}

/* Take what is in the ring; true if there was anything. */
static bool drain(struct sampler *s)
{
	u64 head = __atomic_load_n(&s->ring->data_head, __ATOMIC_ACQUIRE);
	u64 tail = s->ring->data_tail;
	const u8 *data = (const u8 *)s->ring + KT_PAGE;

	for (; tail < head; tail += ((const struct perf_event_header *)(data +
				     tail % (RING_PAGES * KT_PAGE)))->size) {
		const struct perf_event_header *h = (const void *)(data +
							tail % (RING_PAGES * KT_PAGE));

		ASSERT_TRUE(h->size);
		samples += h->type == PERF_RECORD_SAMPLE;
	}
	if (s->ring->data_tail == tail)
		return false;
	__atomic_store_n(&s->ring->data_tail, tail, __ATOMIC_RELEASE);
	return true;
}

/* Each CPU has been sampled; then the samplers stop for a moment. */
static void sample(u64 unused)
{
	unsigned int i, n = kt_cpus() < CPUS ? kt_cpus() : CPUS;

	(void)unused;
	for (i = 0; i < n; i++) {
		while (!drain(&samplers[i]))
			usleep(1000);
		ASSERT_EQ(0, ioctl(samplers[i].fd, PERF_EVENT_IOC_DISABLE, 0));
		kt_pattern_linger();
		ASSERT_EQ(0, ioctl(samplers[i].fd, PERF_EVENT_IOC_ENABLE, 0));
	}
}

static void sample_all(void)
{
	unsigned int i, n = kt_cpus() < CPUS ? kt_cpus() : CPUS;

	attr.size = sizeof(attr);
	for (i = 0; i < n; i++)
		open_sampler(&samplers[i], i);
	kt_guests_through(sample, kt_times(50));
	for (i = 0; i < n; i++)
		close(samplers[i].fd);
	kt_note("%llu samples", samples);
	EXPECT_GT(samples, 0ull);
}

KITE_TEST_TIMEOUT(by_a_timer, 300)
{
	attr = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 100000,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_CALLCHAIN |
			       PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = 0xff0fff, .sample_stack_user = 256,
	};
	sample_all();
}

/* By NMIs, where the CPU counts: the emulator's does not. */
KITE_TEST_TIMEOUT(by_a_counter, 300)
{
	attr = (struct perf_event_attr){
		.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES,
		.sample_period = 100000,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_CALLCHAIN,
	};
	sample_all();
}

KITE_TEST_TIMEOUT(by_tracepoint, 300)
{
	if (access(TRACING "sched/sched_switch/id", R_OK))
		SKIP("no tracepoints in this kernel");
	attr = (struct perf_event_attr){
		.type = PERF_TYPE_TRACEPOINT,
		.config = kt_read_number(TRACING "sched/sched_switch/id"),
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_RAW | PERF_SAMPLE_CALLCHAIN,
	};
	sample_all();
}
