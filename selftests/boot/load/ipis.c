// SPDX-License-Identifier: GPL-2.0-only
/*
 * membarrier() interrupts every other CPU that runs a thread of the caller and
 * waits for its answer: a lost interrupt is a hang. A CPU is left out while it
 * happens to run something else, so its count may be lower than that of the calls.
 */
#include "load.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool stop;
static int spinning;

static void *spin(void *cpu)
{
	pin((int)(long)cpu);
	__atomic_add_fetch(&spinning, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		__builtin_ia32_pause();
	return NULL;
}

static void membarrier(int cmd)
{
	if (syscall(__NR_membarrier, cmd, 0, 0))
		fail("ipis: membarrier");
}

void ipis(unsigned long calls)
{
	unsigned long n, before[MAX_CPUS];
	pthread_t threads[MAX_CPUS];
	long i;

	if (cpus == 1)
		return;
	membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	for (i = 0; i < cpus; i++)
		if (pthread_create(&threads[i], NULL, spin, (void *)i))
			fail("ipis: no thread");
	pin(0);
	while (__atomic_load_n(&spinning, __ATOMIC_RELAXED) < cpus)
		usleep(1000);
	interrupts("CAL", before);
	for (i = 0; i < cpus; i++) {
		pin(i);
		for (n = 0; n < calls; n++)
			membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	}
	printf("load: ipis: %lu calls on each CPU\n", calls);
	interrupts_since("CAL", before, calls * (cpus - 1) / 2);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < cpus; i++)
		pthread_join(threads[i], NULL);
}
