// SPDX-License-Identifier: GPL-2.0-only
#include "guests.h"

#include <unistd.h>

#include "hoststate.h"
#include "pattern_guest.h"

/* As many CPUs as the test host can have. */
#define MAX_CPUS	8
/* Until guests that do not go on any more are given up; the machine may be slow. */
#define PATIENCE_S	120

static struct {
	struct kt_checker checker;
	struct kt_runner runner;
} guests[MAX_CPUS];
static unsigned int count;

void kt_guests_start(void)
{
	unsigned int i;

	count = kt_cpus() < MAX_CPUS ? kt_cpus() : MAX_CPUS;
	kt_pattern_start(KT_PATTERN_LOGGED, KT_KEEPS);
	for (i = 0; i < count; i++) {
		struct kt_vm *vm = kt_vm_new(KT_LONG64);

		guests[i].checker.rounds = ~0ull;
		kt_call(&vm->vcpu, kt_check, (u64)&guests[i].checker);
		kt_runner_start(&guests[i].runner, &vm->vcpu);
		kt_pin(guests[i].runner.tid, i);
	}
	kt_guests_pass();
}

static void expect_unharmed(unsigned int i)
{
	const struct kt_checker *c = &guests[i].checker;

	if (c->bad_registers || c->bad_memory)
		FAIL("guest %u: %llu wrong registers, %llu wrong words", i, c->bad_registers,
		     c->bad_memory);
}

/* The host's time may jump under the test: count sleeps instead of reading a clock. */
static void wait_beyond(const volatile u64 *counter, u64 value, const char *what, unsigned int i)
{
	u64 tries;

	for (tries = 0; *counter <= value; tries++) {
		if (tries == PATIENCE_S * 1000)
			FAIL("%s %u does not go on", what, i);
		usleep(1000);
	}
}

void kt_guests_pass(void)
{
	u64 done[MAX_CPUS], visits[KT_PATTERN_VCPUS];
	unsigned int i;

	for (i = 0; i < count; i++)
		done[i] = guests[i].checker.done;
	for (i = 0; i < KT_PATTERN_VCPUS; i++)
		visits[i] = kt_pattern.visits[i];
	/* The round and the visit under way had begun before. */
	for (i = 0; i < count; i++) {
		wait_beyond(&guests[i].checker.done, done[i] + 1, "guest", i);
		expect_unharmed(i);
	}
	for (i = 0; i < KT_PATTERN_VCPUS; i++)
		wait_beyond(&kt_pattern.visits[i], visits[i] + 1, "vCPU", i);
	kt_pattern_check();
}

void kt_guests_finish(void)
{
	unsigned int i;
	u64 done = 0;

	for (i = 0; i < count; i++) {
		guests[i].checker.stop = 1;
		kt_runner_finish(&guests[i].runner);
		expect_unharmed(i);
		done += guests[i].checker.done;
	}
	kt_pattern_finish();
	kt_note("guests: %llu looks at the registers, %llu visits of pages", done,
		kt_pattern_visits());
}

pid_t kt_guests_tid(unsigned int cpu)
{
	return guests[cpu].runner.tid;
}

void kt_guests_through_but(void (*event)(u64 round), u64 rounds, const char *changes)
{
	static struct kt_hoststate before;
	u64 round;

	kt_hoststate_read(&before);
	if (changes)
		kt_hoststate_forget(&before, changes);
	kt_guests_start();
	for (round = 0; round < rounds; round++) {
		event(round);
		kt_guests_pass();
	}
	kt_guests_finish();
	kt_hoststate_expect(&before);
	kt_note("%llu rounds", rounds);
}

void kt_guests_through(void (*event)(u64 round), u64 rounds)
{
	kt_guests_through_but(event, rounds, NULL);
}
