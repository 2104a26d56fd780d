// SPDX-License-Identifier: GPL-2.0-only
/* The options of "kitectl run". */
#include "run.h"

#include <string.h>
#include <sys/mman.h>

#include "console.h"
#include "machine.h"
#include "opts.h"

#define DEFAULT_MEM		MIB(256)
#define FLAT_ADDR_REAL		0x7c00
#define FLAT_ADDR		MIB(1)
#define TIMEOUT_MAX		1000000000u
#define TSC_KHZ_MIN		1000u
#define TSC_KHZ_MAX		100000000u

static const struct boot_format flat_formats[] = {
	{ "real", NULL, NULL, flat_real_load },
	{ "protected", NULL, NULL, flat_protected_load },
	{ "long", NULL, NULL, flat_long_load },
};

static const char *set_kernel(void *ctx, const char *value)
{
	((struct run_options *)ctx)->kernel = value;
	return NULL;
}

static const char *set_initrd(void *ctx, const char *value)
{
	((struct run_options *)ctx)->initrd = value;
	return NULL;
}

static const char *set_module(void *ctx, const char *value)
{
	struct run_options *opt = ctx;

	/* One place is for the initrd. */
	if (opt->module_count == BOOT_MAX_MODULES - 1)
		return "too many modules";
	opt->modules[opt->module_count++] = value;
	return NULL;
}

static const char *set_append(void *ctx, const char *value)
{
	((struct run_options *)ctx)->append = value;
	return NULL;
}

static const char *set_mem(void *ctx, const char *value)
{
	struct run_options *opt = ctx;

	if (!parse_size(value, &opt->mem))
		return "not a size; use a number with K, M, G or T behind it";
	if (opt->mem % PAGE_SIZE)
		return "not a multiple of 4K";
	if (opt->mem < MEM_MIN)
		return "less than 2M";
	if (opt->mem > MEM_MAX)
		return "more than 1T";
	return NULL;
}

static const char *set_mem_backend(void *ctx, const char *value)
{
	struct run_options *opt = ctx;

	opt->mem_options.backend = mem_backend(value);
	return opt->mem_options.backend ? NULL : "use anon, memfd, hugetlb-2m or hugetlb-1g";
}

static const char *set_mem_path(void *ctx, const char *value)
{
	((struct run_options *)ctx)->mem_options.path = value;
	return *value ? NULL : "no file name";
}

static const char *set_mem_thp(void *ctx, const char *value)
{
	bool on = !strcmp(value, "on");

	((struct run_options *)ctx)->mem_options.thp = on ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
	return on || !strcmp(value, "off") ? NULL : "use on or off";
}

static const char *set_mem_merge(void *ctx, const char *value)
{
	(void)value;
	((struct run_options *)ctx)->mem_options.merge = true;
	return NULL;
}

static const char *set_prealloc(void *ctx, const char *value)
{
	(void)value;
	((struct run_options *)ctx)->mem_options.prealloc = true;
	return NULL;
}

static const char *set_cpus(void *ctx, const char *value)
{
	struct run_options *opt = ctx;
	u64 n;

	if (!parse_size(value, &n) || !n)
		return "not a number of vCPUs";
	if (n > MACHINE_MAX_CPUS)
		return "more than 64";
	opt->cpus = n;
	return NULL;
}

static const char *set_tsc_khz(void *ctx, const char *value)
{
	struct run_options *opt = ctx;
	u64 n;

	if (!parse_size(value, &n))
		return "not a number of kHz";
	if (n < TSC_KHZ_MIN || n > TSC_KHZ_MAX)
		return "not a frequency from 1 MHz to 100 GHz";
	opt->tsc_khz = n;
	return NULL;
}

static const char *set_no_pvclock(void *ctx, const char *value)
{
	(void)value;
	((struct run_options *)ctx)->no_pvclock = true;
	return NULL;
}

static const char *set_flat_mode(void *ctx, const char *value)
{
	struct run_options *opt = ctx;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flat_formats); i++) {
		if (!strcmp(value, flat_formats[i].name)) {
			opt->flat = &flat_formats[i];
			return NULL;
		}
	}
	return "not a mode; use real, protected or long";
}

static const char *set_flat_addr(void *ctx, const char *value)
{
	struct run_options *opt = ctx;

	opt->flat_addr_set = true;
	return parse_size(value, &opt->flat_addr) ? NULL : "not an address";
}

static const char *set_console(void *ctx, const char *value)
{
	((struct run_options *)ctx)->console = value;
	return *value ? NULL : "no file name";
}

static const char *set_escape(void *ctx, const char *value)
{
	struct run_options *opt = ctx;

	if (!strcmp(value, "none")) {
		opt->escape = ESCAPE_NONE;
		return NULL;
	}
	if (value[0] != '^' || value[1] < 'A' || value[1] > '_' || value[2])
		return "not a key; use ^A to ^Z, ^[, ^\\, ^], ^^, ^_ or none";
	opt->escape = value[1] & 0x1f;
	return NULL;
}

static const char *set_debugcon(void *ctx, const char *value)
{
	(void)value;
	((struct run_options *)ctx)->debugcon = true;
	return NULL;
}

static const char *set_on_reboot(void *ctx, const char *value)
{
	((struct run_options *)ctx)->reset_on_reboot = !strcmp(value, "reset");
	return !strcmp(value, "reset") || !strcmp(value, "exit") ? NULL : "use exit or reset";
}

static const char *set_timeout(void *ctx, const char *value)
{
	struct run_options *opt = ctx;
	u64 n;

	if (!parse_size(value, &n) || !n || n > TIMEOUT_MAX)
		return "not a number of seconds";
	opt->timeout = n;
	return NULL;
}

static const char *set_trace(void *ctx, const char *value)
{
	struct run_options *opt = ctx;

	opt->trace = true;
	opt->trace_file = value;
	return NULL;
}

static const char *set_stats(void *ctx, const char *value)
{
	(void)value;
	((struct run_options *)ctx)->stats = true;
	return NULL;
}

static const char *set_stats_json(void *ctx, const char *value)
{
	((struct run_options *)ctx)->stats_json = value;
	return NULL;
}

static const char *set_boot_times(void *ctx, const char *value)
{
	(void)value;
	((struct run_options *)ctx)->boot_times = true;
	return NULL;
}

static const char *set_mark(void *ctx, const char *value)
{
	struct run_options *opt = ctx;

	if (opt->mark_count == TIMES_MAX_MARKS)
		return "too many marks";
	if (!*value || strlen(value) > TIMES_MARK_LEN)
		return "empty or longer than 255 bytes";
	opt->marks[opt->mark_count++] = value;
	return NULL;
}

static const char *set_json(void *ctx, const char *value)
{
	(void)value;
	((struct run_options *)ctx)->json = true;
	return NULL;
}

static const char *set_user(void *ctx, const char *value)
{
	((struct run_options *)ctx)->confine.user = value;
	return *value ? NULL : "no user name";
}

static const char *set_no_confine(void *ctx, const char *value)
{
	(void)value;
	((struct run_options *)ctx)->confine.off = true;
	return NULL;
}

static const struct opt opts[] = {
	{ "kernel", "FILE", "the guest: bzImage, PVH or Multiboot image, flat binary", set_kernel },
	{ "initrd", "FILE", "initial RAM disk; the first module of a Multiboot kernel",
	  set_initrd },
	{ "module", "'FILE ARGS'", "a boot module and its command line; may be repeated",
	  set_module },
	{ "append", "STRING", "command line of the kernel", set_append },
	{ "mem", "SIZE", "memory, with K, M, G or T behind it; 2M to 1T, default 256M", set_mem },
	{ "mem-backend", "KIND", "its origin: anon (default), memfd, hugetlb-2m, hugetlb-1g",
	  set_mem_backend },
	{ "mem-path", "PATH", "it is that file, which is emptied, or a file in that directory",
	  set_mem_path },
	{ "mem-thp", "WHEN", "transparent large pages: on or off; default as the host likes",
	  set_mem_thp },
	{ "mem-merge", NULL, "let the host merge equal pages (KSM)", set_mem_merge },
	{ "prealloc", NULL, "have all memory before the guest starts", set_prealloc },
	{ "cpus", "N", "vCPUs, each a thread; 1 to 64, default 1", set_cpus },
	{ "tsc-khz", "N", "frequency of the time-stamp counter; default that of the host",
	  set_tsc_khz },
	{ "no-pvclock", NULL, "no paravirtual clock and steal time", set_no_pvclock },
	{ "flat-mode", "MODE", "the file is a flat binary: real, protected or long",
	  set_flat_mode },
	{ "flat-addr", "ADDR", "where it goes and starts; default 0x7c00 in real mode, else 1M",
	  set_flat_addr },
	{ "console", "WHERE", "serial console: stdio, none, or a file for output only",
	  set_console },
	{ "escape", "KEY", "escape key on a terminal, default ^]; none for no such key",
	  set_escape },
	{ "debugcon", NULL, "debug console at port 0xe9", set_debugcon },
	{ "on-reboot", "ACTION", "exit (default), or reset to boot again from the files",
	  set_on_reboot },
	{ "user", "USER", "who kitectl becomes when root has started it; default nobody",
	  set_user },
	{ "no-confine", NULL, "keep all privileges and system calls, to debug kitectl",
	  set_no_confine },
	{ "timeout", "SECONDS", "stop the VM when it has run that long", set_timeout },
	{ "trace", "[=FILE]", "print every VM exit, on standard error or to a file", set_trace },
	{ "stats", NULL, "at the end print VM exits by reason on standard error", set_stats },
	{ "stats-json", "FILE", "write them as JSON", set_stats_json },
	{ "boot-times", NULL, "at the end print on standard error when each stage was reached",
	  set_boot_times },
	{ "mark", "STRING", "one more stage: STRING on the console; may be repeated", set_mark },
	{ "json", NULL, "print --boot-times as JSON", set_json },
};

static const char *mem_contradiction(const struct run_options *opt)
{
	const struct mem_options *mem = &opt->mem_options;

	if (mem->path && mem->backend)
		return "--mem-path with --mem-backend";
	if (mem->backend && opt->mem % mem->backend->page)
		return "--mem is not a multiple of the page size of --mem-backend";
	if (mem->merge && (mem->path || (mem->backend && mem->backend->memfd >= 0)))
		return "--mem-merge is for anonymous memory only";
	return NULL;
}

static const char *contradiction(const struct run_options *opt)
{
	if (!opt->kernel)
		return "--kernel FILE is missing";
	if (opt->flat_addr_set && !opt->flat)
		return "--flat-addr without --flat-mode";
	if (opt->flat && (opt->initrd || opt->module_count || *opt->append))
		return "a flat binary takes no --initrd, --module or --append";
	if (opt->json && !opt->boot_times)
		return "--json without --boot-times";
	if (opt->mark_count && !opt->boot_times)
		return "--mark without --boot-times";
	if (opt->confine.user && opt->confine.off)
		return "--user with --no-confine";
	return mem_contradiction(opt);
}

int run_options_parse(struct run_options *opt, int argc, char **argv)
{
	const char *wrong;
	int ret;

	*opt = (struct run_options){
		.append = "",
		.mem = DEFAULT_MEM,
		.mem_options.fd = -1,
		.cpus = 1,
		.console = "stdio",
		.escape = ESCAPE_DEFAULT,
	};
	ret = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, opt);
	if (ret != OPTS_OK)
		return ret;
	wrong = contradiction(opt);
	if (wrong) {
		fprintf(stderr, "kitectl: %s\n", wrong);
		return OPTS_WRONG;
	}
	if (!opt->flat_addr_set)
		opt->flat_addr = opt->flat == &flat_formats[0] ? FLAT_ADDR_REAL : FLAT_ADDR;
	return OPTS_OK;
}

void run_options_help(void)
{
	unsigned int i;

	printf("usage: kitectl run --kernel FILE [OPTIONS]\n\n");
	opts_print(opts, ARRAY_SIZE(opts));
	printf("\nexit status:\n");
	for (i = OUTCOME_POWER_OFF; i < OUTCOME_COUNT; i++) {
		if (i == OUTCOME_DEBUG_EXIT)
			printf("  %-4s %s, (VALUE << 1) | 1\n", "odd", outcome_rows[i].text);
		else
			printf("  %-4d %s\n", outcome_rows[i].status, outcome_rows[i].text);
	}
	printf("  %-4d %s\n", STATUS_USAGE, "wrong usage");
}
