// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other hypervisors, known by the names of their modules. While there is none, Kite tells
 * the kernel how to turn VMX off in a crash, and may keep VMX on (resident.c).
 *
 * An NMI that stops a CPU for a crash kernel may find it in a window, with VMX on: INIT
 * would be blocked there, and the crash kernel could not start that CPU; or, if that CPU
 * crashed itself, not even begin. The kernel has one place for who turns VMX off then,
 * and kvm_intel, which does the same for any VMX it finds on, takes it when it comes.
 */
#include "others.h"

#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <asm/reboot.h>

#include "insn.h"
#include "resident.h"

/* Protects the next ones. */
static DEFINE_MUTEX(lock);
static bool heeded;		/* from load to unload */
static bool alone;

static struct other {
	const char *name;
	const char *user_of;	/* the module that this one cannot do without */
	bool present;
} others[] = {
	{ "kvm_intel", "kvm" },
	{ "vboxdrv" },
	{ "vmmon" },
};

/* This CPU does not come back to what it did, a window perhaps. */
static void emergency_off(void)
{
	u64 cr4 = __read_cr4();

	if (!(cr4 & X86_CR4_VMXE))
		return;
	vmxoff();
	asm volatile("mov %0, %%cr4" : : "r"(cr4 & ~X86_CR4_VMXE) : "memory");
}

/* @heeded or @others changed. */
static void settle(void)
{
	bool now = heeded;
	unsigned int i;

	lockdep_assert_held(&lock);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		now &= !others[i].present;
	if (now == alone)
		return;
	alone = now;
	if (now)
		cpu_emergency_register_virt_callback(emergency_off);
	vmx_resident_allow(now);
	if (!now)
		cpu_emergency_unregister_virt_callback(emergency_off);
}

/* COMING is before the module's first instruction; GOING comes after a failed load, too. */
static int module_changes(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *mod = data;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (strcmp(mod->name, others[i].name))
			continue;
		mutex_lock(&lock);
		others[i].present = state != MODULE_STATE_GOING;
		settle();
		mutex_unlock(&lock);
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_nb = { .notifier_call = module_changes };

static struct kobject *find_module_kobject(const char *name)
{
	return kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);
}

/*
 * Those that were there first, also as a part of the kernel. One whose COMING was too early
 * for us may have no kobject yet; but it holds the module that it uses since before.
 */
static bool is_there(const struct other *other)
{
	struct kobject *found = find_module_kobject(other->name);
	struct module *used;
	bool there = found;

	kobject_put(found);
	if (there || !other->user_of)
		return there;
	found = find_module_kobject(other->user_of);
	if (!found)
		return false;
	used = container_of(found, struct module_kobject, kobj)->mod;
	there = used && module_refcount(used) > 0;
	kobject_put(found);
	return there;
}

int __init vmx_others_init(void)
{
	int ret = register_module_notifier(&module_nb);
	unsigned int i;

	if (ret)
		return ret;
	mutex_lock(&lock);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		others[i].present |= is_there(&others[i]);
	heeded = true;
	settle();
	mutex_unlock(&lock);
	return 0;
}

void vmx_others_exit(void)
{
	mutex_lock(&lock);
	heeded = false;
	settle();
	mutex_unlock(&lock);
	/* Last: one that comes until now finds the kernel's place for its callback free. */
	unregister_module_notifier(&module_nb);
}
