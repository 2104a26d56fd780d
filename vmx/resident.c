// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resident mode: a CPU on which a window was opened keeps VMX on, and the VMCS of the
 * last vCPU active, so that the next window of that vCPU has nothing to turn on or load.
 *
 * At most one VMCS is active on a CPU. Who moves to another CPU has it cleared there
 * first. All that is said of a CPU here is changed on that CPU with interrupts off.
 *
 * VMX on is in others' way, so it goes off: on a CPU that goes down, in a suspend, before
 * another kernel is started, when the host crashes, and everywhere as soon as a module
 * that wants VMX for itself is loaded, before that module's first instruction.
 */
#include "resident.h"

#include <linux/cpuhotplug.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/cpufeature.h>
#include <asm/reboot.h>
#include <asm/tlbflush.h>

#include "caps.h"
#include "vcpu.h"

/* Protects the next ones; not taken where a window is opened. */
static DEFINE_MUTEX(lock);
static bool wanted;		/* the module parameter */
static bool possible;		/* on this CPU model, and not rebooting; false when unloaded */
static int hotplug_state;

static struct other {
	const char *name;
	bool present;
} others[] = { { "kvm_intel" }, { "vboxdrv" }, { "vmmon" } };

bool vmx_resident_allowed;	/* written under @lock */
DEFINE_PER_CPU(struct vmx_resident, vmx_resident);

/* After it the vCPU may open a window elsewhere. */
static void clear_active(void)
{
	struct vmx_vcpu *x = this_cpu_read(vmx_resident.active);

	if (!x)
		return;
	vmclear(&x->vmcs_pa);
	this_cpu_write(vmx_resident.active, NULL);
	/* After VMCLEAR: who reads -1 may load it elsewhere. */
	smp_store_release(&x->active_cpu, -1);
}

static void turn_off(void *unused)
{
	if (!this_cpu_read(vmx_resident.on))
		return;
	clear_active();
	vmxoff();
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	this_cpu_write(vmx_resident.on, false);
}

bool vmx_resident_begin(const u64 *pa)
{
	if (!this_cpu_read(vmx_resident.online))
		return false;
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	if (!vmxon(pa)) {
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		return false;
	}
	this_cpu_write(vmx_resident.on, true);
	return true;
}

void vmx_resident_make_room(void)
{
	clear_active();
}

void vmx_resident_keep(struct vmx_vcpu *x)
{
	this_cpu_write(vmx_resident.active, x);
	x->active_cpu = smp_processor_id();
}

static void release_here(void *arg)
{
	if (this_cpu_read(vmx_resident.active) == arg)
		clear_active();
}

void vmx_resident_release(struct vmx_vcpu *x)
{
	/* What it was released by has written the VMCS back. */
	int cpu = smp_load_acquire(&x->active_cpu);

	/* A CPU that went down meanwhile has cleared it. */
	if (cpu >= 0)
		smp_call_function_single(cpu, release_here, x, true);
}

/*
 * The host crashes or restarts at once: another kernel needs the CPU as it was. In an NMI
 * handler, perhaps, and perhaps in the middle of a window.
 */
static void emergency_off(void)
{
	u64 cr4 = __read_cr4();

	if (!(cr4 & X86_CR4_VMXE))
		return;
	vmxoff();
	asm volatile("mov %0, %%cr4" : : "r"(cr4 & ~X86_CR4_VMXE) : "memory");
}

/* @wanted, @possible or @others changed. */
static void settle(void)
{
	bool now = wanted && possible;
	unsigned int i;

	lockdep_assert_held(&lock);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		now &= !others[i].present;
	if (now == vmx_resident_allowed)
		return;
	/* The kernel has one place for it, which kvm_intel takes when it comes. */
	if (now)
		cpu_emergency_register_virt_callback(emergency_off);
	WRITE_ONCE(vmx_resident_allowed, now);
	if (now)
		return;
	on_each_cpu(turn_off, NULL, true);
	cpu_emergency_unregister_virt_callback(emergency_off);
}

static int set_wanted(const char *val, const struct kernel_param *kp)
{
	int ret;

	mutex_lock(&lock);
	ret = param_set_bool(val, kp);
	if (!ret)
		settle();
	mutex_unlock(&lock);
	return ret;
}

static const struct kernel_param_ops wanted_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_wanted,
	.get = param_get_bool,
};
module_param_cb(resident, &wanted_ops, &wanted, 0644);
MODULE_PARM_DESC(resident,
		 "keep VMX on between windows while no other hypervisor is loaded (default off)");

/* GOING comes after a failed load, too. */
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

/* Those that were there first, also as a part of the kernel. */
static void __init find_others(void)
{
	struct kobject *found;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		found = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, others[i].name);
		others[i].present |= !!found;
		kobject_put(found);
	}
}

static void set_possible(bool value)
{
	mutex_lock(&lock);
	possible = value;
	settle();
	mutex_unlock(&lock);
}

static int host_reboots(struct notifier_block *nb, unsigned long action, void *data)
{
	set_possible(false);
	return NOTIFY_DONE;
}

static int cpu_comes(unsigned int cpu)
{
	this_cpu_write(vmx_resident.online, true);
	return 0;
}

static int cpu_goes(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_write(vmx_resident.online, false);
	turn_off(NULL);
	local_irq_restore(flags);
	return 0;
}

/* The last CPU; those before went down. It is as after a reset when it comes back. */
static int host_suspends(void)
{
	turn_off(NULL);
	return 0;
}

static struct notifier_block module_nb = { .notifier_call = module_changes };
static struct notifier_block reboot_nb = { .notifier_call = host_reboots };
static struct syscore_ops suspend_ops = { .suspend = host_suspends };

int __init vmx_resident_init(void)
{
	int ret;

	ret = register_module_notifier(&module_nb);
	if (ret)
		return ret;
	mutex_lock(&lock);
	find_others();
	mutex_unlock(&lock);
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "virt/kite:resident", cpu_comes, cpu_goes);
	if (ret < 0)
		goto no_hotplug;
	hotplug_state = ret;
	ret = register_reboot_notifier(&reboot_nb);
	if (ret)
		goto no_reboot;
	register_syscore_ops(&suspend_ops);
	/* Where Intel PT cannot trace through VMX operation, VMX on would be in its way. */
	set_possible(!boot_cpu_has(X86_FEATURE_INTEL_PT) || (vmx_caps.misc & VMX_MISC_PT));
	return 0;
no_reboot:
	cpuhp_remove_state(hotplug_state);
no_hotplug:
	unregister_module_notifier(&module_nb);
	return ret;
}

void vmx_resident_exit(void)
{
	set_possible(false);
	unregister_syscore_ops(&suspend_ops);
	unregister_reboot_notifier(&reboot_nb);
	cpuhp_remove_state(hotplug_state);
	unregister_module_notifier(&module_nb);
}
