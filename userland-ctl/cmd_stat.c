// SPDX-License-Identifier: GPL-2.0-only
/* kitectl stat: the VMs of this host, and what each has and costs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "json.h"
#include "opts.h"
#include "outcome.h"
#include "vms.h"

#define STATUS_NONE	1	/* no VM */

struct config {
	pid_t pid;
	bool json;
	u64 interval;
};

static const char *set_json(void *ctx, const char *value)
{
	(void)value;
	((struct config *)ctx)->json = true;
	return NULL;
}

static const char *set_interval(void *ctx, const char *value)
{
	struct config *cfg = ctx;

	if (!parse_size(value, &cfg->interval) || !cfg->interval || cfg->interval > 86400)
		return "give seconds, 1 to 86400";
	return NULL;
}

static const char *set_pid(void *ctx, const char *value)
{
	struct config *cfg = ctx;
	u64 pid;

	if (!parse_size(value, &pid) || !pid || pid > 0x7fffffff)
		return "is no process number";
	cfg->pid = pid;
	return NULL;
}

static const struct opt opts[] = {
	{ NULL, "PID", "only the VMs of this process", set_pid },
	{ "interval", "SECONDS", "repeat until no VM is left, with counts for each interval",
	  set_interval },
	{ "json", NULL, "print JSON, a line each time", set_json },
};

/* Bytes in the largest unit that leaves three digits or more. */
static const char *human(u64 bytes, char text[24])
{
	static const char units[] = "KMGT";
	unsigned int i = 0;

	bytes = (bytes + 1023) >> 10;
	while (bytes >= 10240 && units[i + 1]) {
		bytes >>= 10;
		i++;
	}
	snprintf(text, 24, "%llu%c", bytes, units[i]);
	return text;
}

static const struct vm_seen *find(const struct vms *vms, u64 number)
{
	unsigned int i;

	for (i = 0; i < vms->count; i++)
		if (vms->vm[i].value[VM_NUMBER] == number)
			return &vms->vm[i];
	return NULL;
}

/* Since @old, if the VM was there; vCPUs that were closed take their counts with them. */
static u64 since(const struct vms *old, const struct vm_seen *vm, enum vm_value i)
{
	const struct vm_seen *before = find(old, vm->value[VM_NUMBER]);
	u64 was = before ? before->value[i] : 0;

	return vm->value[i] >= was ? vm->value[i] - was : 0;
}

static void print_table(const struct vms *vms, const struct vms *old)
{
	char memory[24], tables[24], overhead[24];
	unsigned int i;

	printf("%5s %7s %-15s %5s %5s %8s %8s %8s %12s %10s\n", "VM", "PID", "COMMAND", "VCPUS",
	       "SLOTS", "MEMORY", "TABLES", "OVERHEAD", "ENTRIES", "FAULTS");
	for (i = 0; i < vms->count; i++) {
		const struct vm_seen *vm = &vms->vm[i];

		printf("%5llu %7d %-15s %5llu %5llu %8s %8s %8s %12llu %10llu\n",
		       vm->value[VM_NUMBER], vm->pid, vm->command, vm->value[VM_VCPUS],
		       vm->value[VM_SLOTS], human(vm->value[VM_MEMORY], memory),
		       human(vm->value[VM_TABLES], tables),
		       human(vm->value[VM_OVERHEAD], overhead), since(old, vm, VM_ENTRIES),
		       since(old, vm, VM_FAULTS));
	}
}

static void print_json(const struct vms *vms, const struct vms *old)
{
	struct json j = { .out = stdout };
	enum vm_value value;
	unsigned int i;

	json_open(&j, NULL, '[');
	for (i = 0; i < vms->count; i++) {
		const struct vm_seen *vm = &vms->vm[i];

		json_open(&j, NULL, '{');
		json_num(&j, "pid", vm->pid);
		json_str(&j, "command", vm->command);
		for (value = 0; value < VM_VALUES; value++)
			json_num(&j, vm_value_names[value], value < VM_ENTRIES ?
				 vm->value[value] : since(old, vm, value));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_end(&j);
}

static bool is_gone(int err)
{
	return err == -ENOENT || err == -ESRCH;
}

/* Why there is nothing to print. */
static int explain(const struct config *cfg, const struct vms *vms, int err)
{
	if (cfg->json && !err)
		printf("[]\n");
	fprintf(stderr, "kitectl: ");
	if (cfg->pid && is_gone(err))
		fprintf(stderr, "there is no process %d\n", cfg->pid);
	else if (cfg->pid && (err == -EACCES || err == -EPERM))
		fprintf(stderr, "process %d belongs to somebody else; root may look at it\n",
			cfg->pid);
	else if (err == -EPROTO)
		fprintf(stderr, "kite.ko is older than kitectl: its VMs say too little\n");
	else if (err)
		fprintf(stderr, "/proc: %s\n", strerror(-err));
	else if (cfg->pid)
		fprintf(stderr, "process %d has no VM of Kite\n", cfg->pid);
	else
		fprintf(stderr, "no VM of Kite is running%s\n", vms->denied ?
			", as far as you may see; root sees all" : "");
	return err ? STATUS_HOST_ERROR : STATUS_NONE;
}

static int show(const struct config *cfg)
{
	void (*print)(const struct vms *, const struct vms *) =
		cfg->json ? print_json : print_table;
	struct vms vms, old = { 0 };
	bool again = false;
	int ret;

	for (;;) {
		ret = vms_find("/proc", cfg->pid, &vms);
		if (ret || !vms.count)
			break;
		print(&vms, &old);
		fflush(stdout);
		vms_free(&old);
		old = vms;
		if (!cfg->interval)
			break;
		again = true;
		nanosleep(&(struct timespec){ .tv_sec = cfg->interval }, NULL);
	}
	/* Those that were watched have ended, or the only look has found some. */
	if (again ? !ret || is_gone(ret) : !ret && vms.count)
		ret = STATUS_OK;
	else
		ret = explain(cfg, &vms, ret);
	if (vms.vm != old.vm)
		vms_free(&vms);
	vms_free(&old);
	return ret;
}

int cmd_stat(int argc, char **argv)
{
	struct config cfg = { 0 };

	switch (opts_parse(opts, ARRAY_SIZE(opts), argc, argv, &cfg)) {
	case OPTS_WRONG:
		return STATUS_USAGE;
	case OPTS_HELP:
		printf("usage: kitectl stat [PID] [OPTIONS]\n\n");
		opts_print(opts, ARRAY_SIZE(opts));
		return STATUS_OK;
	default:
		return show(&cfg);
	}
}
