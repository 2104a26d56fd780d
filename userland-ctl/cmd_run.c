// SPDX-License-Identifier: GPL-2.0-only
/* kitectl run: boot a guest and serve it until it ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acpi.h"
#include "cmd.h"
#include "confine.h"
#include "console.h"
#include "events.h"
#include "file.h"
#include "firmware.h"
#include "lib/libkite.h"
#include "machine.h"
#include "opts.h"
#include "run.h"
#include "stats.h"

struct session {
	struct run_options opt;
	struct machine_config cfg;
	struct console console;
	struct events events;
	struct times times;
	FILE *stats_json;	/* NULL: not asked for */
	int kernel;
	int modules[BOOT_MAX_MODULES];
	unsigned int module_count;
	unsigned int reboots;
};

static bool complain(const char *what, int err)
{
	fprintf(stderr, "kitectl: %s: %s\n", what, strerror(-err));
	return false;
}

static bool open_image(const char *path, int *fd)
{
	*fd = file_open(path);
	return *fd >= 0 || complain(path, *fd);
}

/* "FILE ARGS" of --module. */
static bool open_module(struct session *s, const char *option)
{
	char *path = strndup(option, strcspn(option, " "));
	bool done = path ? open_image(path, &s->modules[s->module_count]) :
			   complain("--module", -ENOMEM);

	s->module_count += done;
	free(path);
	return done;
}

/* What is read anew for each life of the VM stays open, since later there is no way to. */
static bool open_inputs(struct session *s)
{
	const struct run_options *opt = &s->opt;
	unsigned int i;
	int ret;

	if (!open_image(opt->kernel, &s->kernel))
		return false;
	if (opt->initrd && !open_image(opt->initrd, &s->modules[s->module_count++]))
		return false;
	for (i = 0; i < opt->module_count; i++)
		if (!open_module(s, opt->modules[i]))
			return false;
	s->cfg.dev = machine_open();
	if (s->cfg.dev < 0)
		return false;
	ret = mem_open(&s->cfg.mem_options);
	return !ret || complain("--mem-path", ret);
}

static int read_image(int fd, struct blob *blob, const char *name)
{
	int ret = file_load(fd, blob);

	if (ret)
		complain(name, ret);
	return ret;
}

/* A Multiboot module's command line is all of "FILE ARGS". */
static int read_images(const struct session *s, struct boot_request *req)
{
	const struct run_options *opt = &s->opt;
	const char *name;
	unsigned int i;
	int ret = read_image(s->kernel, &req->kernel, opt->kernel);

	for (i = 0; !ret && i < s->module_count; i++) {
		name = opt->initrd ? (i ? opt->modules[i - 1] : opt->initrd) : opt->modules[i];
		ret = read_image(s->modules[i], &req->modules[i].file, name);
		req->modules[i].cmdline = name;
		req->module_count += !ret;
	}
	return ret;
}

static void free_files(struct boot_request *req)
{
	unsigned int i;

	for (i = 0; i < req->module_count; i++)
		file_free(&req->modules[i].file);
	file_free(&req->kernel);
}

static int load_image(const struct run_options *opt, struct boot_request *req,
		      const struct mem *mem, struct boot_entry *entry)
{
	const struct boot_format *format = opt->flat ? opt->flat : boot_detect(req);
	int ret = format ? format->load(req, mem, entry) : -EINVAL;

	if (ret)
		fprintf(stderr, "kitectl: %s: %s\n", opt->kernel, req->why);
	return ret;
}

static int load(struct session *s, struct machine *m, struct boot_entry *entry)
{
	struct boot_request req = {
		.cmdline = s->opt.append,
		.flat_addr = s->opt.flat_addr,
	};
	int ret;

	firmware_build(&m->mem);
	req.rsdp = acpi_build(&m->mem, s->opt.cpus);
	if (!req.rsdp) {
		fprintf(stderr, "kitectl: the ACPI tables do not fit into the BIOS area\n");
		return -ENOSPC;
	}
	ret = read_images(s, &req);
	if (!ret)
		ret = load_image(&s->opt, &req, &m->mem, entry);
	free_files(&req);
	return ret;
}

/* Only vCPU 0 starts; the others wait for its SIPI. */
static int set_entry(struct machine *m, const struct boot_entry *entry)
{
	struct kite_state state = { .groups = KITE_STATE_GPRS | KITE_STATE_SEGS | KITE_STATE_CRS };
	struct kite_lapic lapic;
	int ret = kite_get_state(m->vcpus[0].fd, &state);

	if (!ret) {
		cpu_state(&state, entry);
		ret = kite_set_state(m->vcpus[0].fd, &state);
	}
	if (!ret)
		ret = kite_get_lapic(m->vcpus[0].fd, &lapic);
	if (!ret) {
		firmware_lapic(&lapic);
		ret = kite_set_lapic(m->vcpus[0].fd, &lapic);
	}
	if (ret)
		fprintf(stderr, "kitectl: initial state of vCPU 0: %s\n", strerror(-ret));
	return ret;
}

static void report_stats(struct session *s, struct machine *m)
{
	struct stats stats;
	int ret;

	if (!s->opt.stats && !s->stats_json)
		return;
	ret = stats_read(m, &stats);
	if (ret) {
		fprintf(stderr, "kitectl: KITE_VCPU_GET_STATS: %s\n", strerror(-ret));
		return;
	}
	if (s->opt.stats)
		stats_print(m, &stats, stderr);
	if (s->stats_json)
		stats_print_json(m, &stats, s->stats_json);
}

static void report(struct session *s, struct machine *m)
{
	report_stats(s, m);
	if (s->opt.boot_times && s->opt.json)
		times_print_json(&s->times, m->info.tsc_khz, stderr);
	else if (s->opt.boot_times)
		times_print(&s->times, stderr);
	if (m->why != OUTCOME_POWER_OFF && m->why != OUTCOME_DEBUG_EXIT)
		fprintf(stderr, "kitectl: %s\n", outcome_rows[m->why].text);
}

static int run_machine(struct session *s, struct machine *m)
{
	struct boot_entry entry;
	int ret;

	times_stage(&s->times, STAGE_CREATE);
	ret = load(s, m, &entry);
	if (!ret)
		ret = set_entry(m, &entry);
	if (ret)
		return ret;
	times_stage(&s->times, STAGE_LOAD);
	ret = vcpus_start(m);
	if (ret) {
		fprintf(stderr, "kitectl: vCPU thread: %s\n", strerror(-ret));
		machine_end(m, OUTCOME_HOST_ERROR, 0);
	}
	events_loop(&s->events, m);
	vcpus_join(m);
	times_stage(&s->times, STAGE_END);
	console_flush(&s->console);
	report(s, m);
	return 0;
}

/* One life of the VM. Sets *@again when it is to be booted anew; returns an exit status. */
static int run_once(struct session *s, bool *again)
{
	struct machine m;
	int status = STATUS_HOST_ERROR;

	*again = false;
	times_start(&s->times);
	if (machine_create(&m, &s->cfg))
		return status;
	if (!run_machine(s, &m)) {
		status = m.status;
		*again = m.why == OUTCOME_RESET && s->opt.reset_on_reboot;
	}
	machine_destroy(&m);
	return status;
}

static int run_all(struct session *s)
{
	bool again;
	int status;

	do {
		status = run_once(s, &again);
		if (again)
			fprintf(stderr, "kitectl: reboot %u\n", ++s->reboots);
	} while (again);
	return status;
}

/* Returns false, having said why, when a file that was asked for cannot be written. */
static bool open_output(const char *path, FILE **out)
{
	*out = fopen(path, "we");
	if (!*out)
		fprintf(stderr, "kitectl: %s: %s\n", path, strerror(errno));
	return *out;
}

/* Files that cannot be written are found out before the guest runs. */
static bool open_outputs(struct session *s)
{
	if (s->opt.trace && !s->opt.trace_file)
		s->cfg.trace = stderr;
	if (s->opt.trace_file && !open_output(s->opt.trace_file, &s->cfg.trace))
		return false;
	return !s->opt.stats_json || open_output(s->opt.stats_json, &s->stats_json);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void close_outputs(struct session *s)
{
	if (s->cfg.trace && s->cfg.trace != stderr)
		fclose(s->cfg.trace);
	if (s->stats_json)
		fclose(s->stats_json);
}

static void close_inputs(struct session *s)
{
	unsigned int i;

	for (i = 0; i < s->module_count; i++)
		close_fd(s->modules[i]);
	close_fd(s->kernel);
	close_fd(s->cfg.dev);
	mem_close(&s->cfg.mem_options);
}

static int with_console(struct session *s)
{
	int status = STATUS_HOST_ERROR;
	int ret = console_open(&s->console, s->opt.console, s->opt.escape);

	if (ret) {
		fprintf(stderr, "kitectl: console %s: %s\n", s->opt.console, strerror(-ret));
		return status;
	}
	if (s->console.raw && s->opt.escape != ESCAPE_NONE)
		console_help(&s->console);
	if (confine(&s->opt.confine))
		status = run_all(s);
	console_close(&s->console);
	return status;
}

static int with_events(struct session *s)
{
	int status = STATUS_HOST_ERROR;
	int ret = events_open(&s->events, &s->console, s->opt.timeout, s->opt.trace);

	if (ret) {
		fprintf(stderr, "kitectl: events: %s\n", strerror(-ret));
		return status;
	}
	s->kernel = -1;
	s->cfg = (struct machine_config){
		.dev = -1,
		.mem = s->opt.mem,
		.mem_options = s->opt.mem_options,
		.cpus = s->opt.cpus,
		.tsc_khz = s->opt.tsc_khz,
		.pvclock = !s->opt.no_pvclock,
		.debugcon = s->opt.debugcon,
		.console = &s->console,
		.times = &s->times,
		.wake = s->events.wake,
	};
	memcpy(s->times.marks, s->opt.marks, sizeof(s->opt.marks));
	s->times.mark_count = s->opt.mark_count;
	if (open_outputs(s) && open_inputs(s))
		status = with_console(s);
	close_inputs(s);
	close_outputs(s);
	events_close(&s->events);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct session s = { 0 };
	int ret = run_options_parse(&s.opt, argc, argv);

	if (ret == OPTS_WRONG) {
		fprintf(stderr, "see \"kitectl run --help\"\n");
		return STATUS_USAGE;
	}
	if (ret == OPTS_HELP) {
		run_options_help();
		return STATUS_OK;
	}
	return with_events(&s);
}
