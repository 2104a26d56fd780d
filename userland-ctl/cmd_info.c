// SPDX-License-Identifier: GPL-2.0-only
/* kitectl info: what the loaded module offers. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "json.h"
#include "lib/libkite.h"
#include "opts.h"
#include "outcome.h"

static const char *set_json(void *ctx, const char *value)
{
	(void)value;
	*(bool *)ctx = true;
	return NULL;
}

static const struct opt opts[] = {
	{ "json", NULL, "print JSON", set_json },
};

static void print_info(const struct kite_info *info, bool as_json)
{
	const struct {
		const char *name;
		u64 value;
	} rows[] = {
		{ "api_version", info->api_version },
		{ "max_vcpus", info->max_vcpus },
		{ "max_slots", info->max_slots },
		{ "vcpu_mmap_size", info->vcpu_mmap_size },
		{ "trace_entries", info->trace_entries },
		{ "phys_bits", info->phys_bits },
		{ "tsc_khz", info->tsc_khz },
		{ "xsave_size", info->xsave_size },
		{ "xcr0", info->xcr0 },
	};
	struct json j = { .out = stdout };
	unsigned int i;

	if (as_json)
		json_open(&j, NULL, '{');
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (as_json)
			json_num(&j, rows[i].name, rows[i].value);
		else
			printf("%-16s %llu\n", rows[i].name, rows[i].value);
	}
	if (as_json) {
		json_close(&j, '}');
		json_end(&j);
	}
}

int cmd_info(int argc, char **argv)
{
	struct kite_info info;
	bool as_json = false;
	int dev, ret;

	ret = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &as_json);
	if (ret == OPTS_WRONG)
		return STATUS_USAGE;
	if (ret == OPTS_HELP) {
		printf("usage: kitectl info [OPTIONS]\n\n");
		opts_print(opts, ARRAY_SIZE(opts));
		return STATUS_OK;
	}
	dev = kite_open();
	ret = dev < 0 ? dev : kite_get_info(dev, &info);
	if (dev >= 0)
		close(dev);
	if (ret) {
		fprintf(stderr, "kitectl: %s: %s; \"kitectl check\" says more\n", KITE_DEVICE,
			strerror(-ret));
		return STATUS_HOST_ERROR;
	}
	print_info(&info, as_json);
	return STATUS_OK;
}
