// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the host suspends with guests running: to RAM, where all CPUs lose their
 * state and the time-stamp counters may begin anew, and to idle. Afterwards the guests
 * go on, unharmed, and their time-stamp counters have not gone back.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apic.h"
#include "guests.h"
#include "hostevent.h"

#define STATE	"/sys/power/state"

static bool offers(const char *file, const char *word)
{
	char text[64] = "";
	FILE *f = fopen(file, "r");

	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return strstr(text, word);
}

static volatile u64 stop, went_back, looks;

static void look_at_the_time(u64 unused)
{
	u64 last = 0, now;

	(void)unused;
	while (!stop) {
		now = kt_rdtsc();
		went_back += now < last;
		last = now;
		looks++;
	}
}

static void to_ram(u64 unused)
{
	u64 before;

	(void)unused;
	if (!kt_write_file(STATE, "mem"))
		FAIL("suspend: errno %d", errno);
	before = looks;
	while (looks == before)
		usleep(1000);
}

KITE_TEST_TIMEOUT(to_ram_and_back, 300)
{
	struct kt_vm *vm;
	struct kt_runner r;

	if (!offers(STATE, "mem") || !offers("/sys/power/mem_sleep", "[deep]"))
		SKIP("this machine or its kernel cannot suspend to RAM");
	vm = kt_vm_new(KT_LONG64);
	kt_call(&vm->vcpu, look_at_the_time, 0);
	kt_runner_start(&r, &vm->vcpu);
	kt_guests_through_but(to_ram, kt_times(3), KT_DEBUG_REGISTERS);
	stop = 1;
	kt_runner_finish(&r);
	EXPECT_EQ(0ull, went_back);
}

static void to_idle(u64 unused)
{
	unsigned int ms = 50;

	(void)unused;
	kt_wake_after_ms(ms);
	/* Freezing all processes may take longer: then what should end the sleep prevents it. */
	while (!kt_write_file(STATE, "freeze")) {
		if (errno != EBUSY || ms > 5000)
			FAIL("suspend: errno %d", errno);
		ms *= 2;
		kt_wake_after_ms(ms);
	}
}

KITE_TEST_TIMEOUT(to_idle_and_back, 300)
{
	if (!offers(STATE, "freeze"))
		SKIP("this kernel cannot suspend to idle");
	kt_hostevent_load();
	kt_guests_through(to_idle, kt_times(5));
	kt_hostevent_unload();
}
