// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the host's tracers look at all functions, and at Kite's own, while guests
 * run: by ftrace and by kprobes, also in the middle of a VMX window. What enters the
 * guest cannot be probed: there the CPU has registers of the guest, and a single step
 * over VMLAUNCH would not end.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guests.h"

#define TRACING		"/sys/kernel/tracing/"
#define PROBES		TRACING "kprobe_events"
#define SWITCH		TRACING "events/kt/enable"
#define FUNCTIONS	2000
#define BUFFER_KB	"64"	/* as text it takes its time */
#define AT_ONCE		4
#define ALWAYS		"vmx_window_open"	/* at each entry */

#define ENTERS		"vmx_enter"

static u64 functions[FUNCTIONS], enters;
static unsigned int count;

static void needs(const char *file)
{
	if (access(file, W_OK))
		SKIP("this kernel has no %s", file);
}

static void must_write(const char *file, const char *text)
{
	if (!kt_write_file(file, text))
		FAIL("%s: errno %d for %s", file, errno, text);
}

/* Addresses of the module's functions. */
static void find_functions(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[256], name[128], module[64], type;
	u64 at;

	ASSERT_TRUE(f);
	while (count < FUNCTIONS && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %127s [%63[^]]", &at, &type, name, module) != 4 ||
		    strcmp(module, "kite") || (type != 't' && type != 'T') ||
		    !strncmp(name, "__pfx_", 6))
			continue;
		functions[count++] = at;
		if (!strcmp(name, ENTERS))
			enters = at;
	}
	fclose(f);
	ASSERT_TRUE(count);
}

static bool define_probe(unsigned int number, u64 at)
{
	char text[64];

	snprintf(text, sizeof(text), "p:kt/p%u 0x%llx", number, at);
	return kt_write_file(PROBES, text);
}

static void remove_probes(void)
{
	int fd = open(PROBES, O_WRONLY | O_TRUNC);

	ASSERT_TRUE(fd >= 0);
	close(fd);
}

static u64 probe_hits(void)
{
	FILE *f = fopen(TRACING "kprobe_profile", "r");
	u64 hit, missed, sum = 0;
	char line[256];

	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %*s %llu %llu", &hit, &missed) == 2)
			sum += hit;
	fclose(f);
	return sum;
}

static u64 defined, refused, hit;

/*
 * The function that opens a window, and some at random, each at its beginning and behind
 * the five bytes of ftrace.
 */
static void probe(u64 unused)
{
	unsigned int i, n = 0;

	(void)unused;
	must_write(PROBES, "p:kt/always " ALWAYS);
	for (i = 0; i < AT_ONCE; i++) {
		u64 at = functions[kt_random() % count];

		if (define_probe(n, at))
			n++;
		else
			refused++;
		/* Refused where that is no boundary of instructions. */
		n += define_probe(n, at + 5);
	}
	defined += n + 1;
	must_write(SWITCH, "1");
	kt_guests_pass();
	hit += probe_hits();
	must_write(SWITCH, "0");
	remove_probes();
}

KITE_TEST_TIMEOUT(kprobes_in_kite, 600)
{
	needs(PROBES);
	find_functions();
	kt_guests_through(probe, kt_times(1));
	kt_note("%llu probes in %u functions, %llu of functions refused, hit %llu times", defined,
		count, refused, hit);
	EXPECT_GT(hit, 0ull);
}

KITE_TEST(what_enters_the_guest_is_not_probed)
{
	FILE *f = fopen("/sys/kernel/debug/kprobes/blacklist", "r");
	bool listed = false;
	u64 start, end;
	char line[256];

	if (!f)
		SKIP("this kernel does not tell what must not be probed");
	find_functions();
	ASSERT_TRUE(enters);
	/* Not by name: padding before it may get that of another function. */
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "0x%llx-0x%llx", &start, &end) == 2 && start <= enters &&
		    enters < end)
			listed = true;
	fclose(f);
	EXPECT_TRUE(listed);
}

static u64 traced;

/* Lines of the ring buffers that tell of the function that opens a window. */
static u64 lines_of_kite(void)
{
	FILE *f = fopen(TRACING "trace", "r");
	char line[512];
	u64 n = 0;

	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, ALWAYS))
			n++;
	fclose(f);
	return n;
}

static void trace(u64 unused)
{
	(void)unused;
	must_write(TRACING "current_tracer", "function");
	kt_guests_pass();
	must_write(TRACING "tracing_on", "0");
	traced += lines_of_kite();
	must_write(TRACING "current_tracer", "nop");
	must_write(TRACING "tracing_on", "1");
}

KITE_TEST_TIMEOUT(all_functions_are_traced, 600)
{
	needs(TRACING "set_ftrace_filter");
	must_write(TRACING "buffer_size_kb", BUFFER_KB);
	kt_guests_through(trace, kt_times(1));
	EXPECT_GT(traced, 0ull);
	kt_note("%llu windows in the trace", traced);
}
