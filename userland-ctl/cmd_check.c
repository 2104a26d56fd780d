// SPDX-License-Identifier: GPL-2.0-only
/* kitectl check: can this host run Kite? */
#include <stdio.h>

#include "check.h"
#include "cmd.h"
#include "json.h"
#include "opts.h"
#include "outcome.h"

static const char * const status_words[] = {
	[CHECK_OK] = "ok",
	[CHECK_NOTE] = "note",
	[CHECK_WITHOUT] = "without",
	[CHECK_UNKNOWN] = "unknown",
	[CHECK_MISSING] = "missing",
};

static const struct {
	const char *word;
	const char *text;
} verdicts[] = {
	[CHECK_CAN] = { "can", "This host can run Kite." },
	[CHECK_CANNOT] = { "cannot", "This host cannot run Kite; see what is missing above." },
	[CHECK_NOT_PERMITTED] = {
		"unknown", "Not known whether this host can run Kite; see what is unknown above.",
	},
};

static const char *set_json(void *ctx, const char *value)
{
	(void)value;
	*(bool *)ctx = true;
	return NULL;
}

static const struct opt opts[] = {
	{ "json", NULL, "print JSON", set_json },
};

static void print_item(void *ctx, const struct check_item *item)
{
	(void)ctx;
	printf("%-8s ", status_words[item->status]);
	if (item->bit < 0)
		printf("%s: %s\n", item->name, item->text);
	else
		printf("%s.%d %s (%s): %s\n", item->group, item->bit, item->name,
		       item->required ? "required" : "optional", item->text);
}

static void print_item_json(void *ctx, const struct check_item *item)
{
	struct json *j = ctx;

	json_open(j, NULL, '{');
	json_str(j, "status", status_words[item->status]);
	json_str(j, "group", item->group);
	if (item->bit >= 0) {
		json_num(j, "bit", item->bit);
		json_bool(j, "required", item->required);
	}
	json_str(j, "name", item->name);
	json_str(j, "text", item->text);
	json_close(j, '}');
}

static enum check_verdict print_json(const struct host *host)
{
	struct json j = { .out = stdout };
	enum check_verdict verdict;

	json_open(&j, NULL, '{');
	json_open(&j, "items", '[');
	verdict = check_host(host, print_item_json, &j);
	json_close(&j, ']');
	json_str(&j, "verdict", verdicts[verdict].word);
	json_close(&j, '}');
	json_end(&j);
	return verdict;
}

static void print_help(void)
{
	printf("usage: kitectl check [OPTIONS]\n\n");
	opts_print(opts, ARRAY_SIZE(opts));
	printf("\nexit status:\n"
	       "  %-4d the host can run Kite\n"
	       "  %-4d it cannot\n"
	       "  %-4d unknown, because something may not be read\n"
	       "  %-4d wrong usage\n",
	       CHECK_CAN, CHECK_CANNOT, CHECK_NOT_PERMITTED, STATUS_USAGE);
}

int cmd_check(int argc, char **argv)
{
	enum check_verdict verdict;
	bool as_json = false;
	struct host host;
	int ret;

	ret = opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &as_json);
	if (ret == OPTS_WRONG)
		return STATUS_USAGE;
	if (ret == OPTS_HELP) {
		print_help();
		return STATUS_OK;
	}
	host_read(&host);
	if (as_json)
		return print_json(&host);
	verdict = check_host(&host, print_item, NULL);
	printf("%s\n", verdicts[verdict].text);
	return verdict;
}
