// SPDX-License-Identifier: GPL-2.0-only
/* The run loop: a thread for each vCPU, and what it does on each exit. */
#include "machine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dump.h"
#include "lib/libkite.h"
#include "trace.h"

#define JOIN_SECONDS	10
#define NAME_LEN	16	/* of a thread, with its end */

static void exit_io(struct vcpu *v)
{
	const struct kite_exit_io *io = &v->run->io;
	struct machine *m = v->m;
	u8 *data = v->run->data;
	bool in = io->flags & KITE_IO_IN;
	bool claimed;
	u32 i;

	for (i = 0; i < io->count; i++, data += io->width) {
		claimed = in ? bus_in(&m->bus, io->port, io->width, data) :
			       bus_out(&m->bus, io->port, io->width, data);
		if (!claimed)
			trace_unclaimed(v, "io", io->port, io->width, !in, data);
	}
}

/* No device of ours has registers in memory; a PC bus reads all ones where nobody answers. */
static void exit_mmio(struct vcpu *v)
{
	const struct kite_exit_mmio *mmio = &v->run->mmio;

	v->m->unclaimed_mmio++;
	if (!mmio->is_write)
		memset(v->run->data, 0xff, mmio->width);
	trace_unclaimed(v, "mmio", mmio->gpa, mmio->width, mmio->is_write, v->run->data);
}

/* What the interrupt was may have changed since, but there is always a vector. */
static void exit_inta(struct vcpu *v)
{
	memset(v->run->data, 0, sizeof(u64));
	v->run->data[0] = pic_inta(&v->m->pic);
	/* The timer may have held back another one. */
	pit_update(&v->m->pit);
}

static void exit_again(struct vcpu *v)
{
	(void)v;
}

static void exit_shutdown(struct vcpu *v)
{
	machine_end(v->m, OUTCOME_TRIPLE_FAULT, 0);
}

static void exit_memory_fault(struct vcpu *v)
{
	const struct kite_exit_fault *f = &v->run->fault;

	if (!mem_ptr(&v->m->mem, f->gpa, 1)) {
		fprintf(stderr, "kitectl: vCPU %u: no memory at guest address 0x%llx\n", v->id,
			f->gpa);
		machine_end(v->m, OUTCOME_NO_MEMORY, 0);
		return;
	}
	fprintf(stderr, "kitectl: the host has no page for guest address 0x%llx: %s\n", f->gpa,
		strerror(f->error));
	machine_end(v->m, OUTCOME_HOST_ERROR, 0);
}

static void print_state(struct vcpu *v)
{
	struct kite_state state = { .groups = KITE_STATE_ALL };
	int ret = kite_get_state(v->fd, &state);

	fprintf(stderr, "vCPU %u ", v->id);
	if (ret)
		fprintf(stderr, "does not give its state: %s\n", strerror(-ret));
	else
		dump_state(stderr, &state);
}

static void exit_fail_entry(struct vcpu *v)
{
	dump_fail_entry(stderr, &v->run->fail_entry);
	print_state(v);
	machine_end(v->m, OUTCOME_FAIL_ENTRY, 0);
}

static void exit_internal(struct vcpu *v)
{
	dump_internal(stderr, &v->run->internal);
	print_state(v);
	machine_end(v->m, OUTCOME_INTERNAL, 0);
}

static void exit_unknown(struct vcpu *v)
{
	fprintf(stderr, "kitectl: the module gives exit reason %u, which it has no reason to\n",
		v->run->exit_reason);
	machine_end(v->m, OUTCOME_HOST_ERROR, 0);
}

/* KITE_EXIT_HLT is missing: with KITE_VM_IRQCHIP the kernel waits in HLT. */
static void (*const exit_fns[])(struct vcpu *v) = {
	[KITE_EXIT_IO]		 = exit_io,
	[KITE_EXIT_MMIO]	 = exit_mmio,
	[KITE_EXIT_SHUTDOWN]	 = exit_shutdown,
	[KITE_EXIT_KICK]	 = exit_again,
	[KITE_EXIT_MEMORY_FAULT] = exit_memory_fault,
	[KITE_EXIT_FAIL_ENTRY]	 = exit_fail_entry,
	[KITE_EXIT_INTERNAL]	 = exit_internal,
	[KITE_EXIT_TRACE]	 = exit_again,
	[KITE_EXIT_INTA]	 = exit_inta,
};

static void dispatch(struct vcpu *v)
{
	u32 reason = v->run->exit_reason;

	if (reason < ARRAY_SIZE(exit_fns) && exit_fns[reason])
		exit_fns[reason](v);
	else
		exit_unknown(v);
}

static void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	struct machine *m = v->m;
	char name[NAME_LEN];
	int ret;

	snprintf(name, sizeof(name), "kite-vcpu%u", v->id);
	pthread_setname_np(pthread_self(), name);
	while (!machine_stopped(m)) {
		ret = kite_run_vcpu(v->fd);
		pthread_mutex_lock(&m->lock);
		times_stage(m->cfg->times, STAGE_FIRST_EXIT);
		trace_drain(v);
		if (ret == 0) {
			dispatch(v);
		} else if (ret != -EINTR) {
			fprintf(stderr, "kitectl: KITE_VCPU_RUN: %s\n", strerror(-ret));
			machine_end(m, OUTCOME_HOST_ERROR, 0);
		}
		pthread_mutex_unlock(&m->lock);
	}
	return NULL;
}

int vcpus_start(struct machine *m)
{
	sigset_t all, old;
	u32 id;
	int ret = 0;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (id = 0; !ret && id < m->cfg->cpus; id++) {
		ret = -pthread_create(&m->vcpus[id].thread, NULL, vcpu_main, &m->vcpus[id]);
		m->vcpus[id].started = !ret;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

void vcpus_kick(struct machine *m)
{
	u32 id;
	int ret;

	for (id = 0; id < m->cfg->cpus; id++) {
		ret = kite_kick(m->vcpus[id].fd);
		if (ret) {
			fprintf(stderr, "kitectl: KITE_VCPU_KICK: %s\n", strerror(-ret));
			machine_end(m, OUTCOME_HOST_ERROR, 0);
		}
	}
}

static void join(struct vcpu *v, const struct timespec *until)
{
	if (pthread_timedjoin_np(v->thread, NULL, until) == ETIMEDOUT) {
		fprintf(stderr, "kitectl: vCPU %u does not come back from the kernel, see dmesg\n",
			v->id);
		exit(STATUS_HOST_ERROR);
	}
	v->started = false;
}

/*
 * A kick stays until KITE_VCPU_RUN has taken it, and one that comes too early for
 * the call leaves it to immediate_exit: one kick is enough. All are kicked before
 * the first is waited for, since those that still run take CPUs from the others.
 */
void vcpus_join(struct machine *m)
{
	struct timespec until;
	u32 id;

	for (id = 0; id < m->cfg->cpus; id++)
		__atomic_store_n(&m->vcpus[id].run->immediate_exit, 1, __ATOMIC_RELEASE);
	vcpus_kick(m);
	/* With the lock: a thread either waits for space already, or is yet to see the stop. */
	pthread_mutex_lock(&m->lock);
	pthread_cond_broadcast(&m->cfg->console->space);
	pthread_mutex_unlock(&m->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOIN_SECONDS;
	for (id = 0; id < m->cfg->cpus; id++)
		if (m->vcpus[id].started)
			join(&m->vcpus[id], &until);
}
