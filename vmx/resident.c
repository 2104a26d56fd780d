// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resident mode: a CPU on which a window was opened keeps VMX on, and the VMCS of the
 * last vCPU active, so that the next window of that vCPU has nothing to turn on or load.
 *
 * At most one VMCS is active on a CPU. Who moves to another CPU has it cleared there
 * first. All that is said of a CPU here is changed on that CPU with interrupts off.
 *
 * VMX on is in others' way, so it goes off: on a CPU that goes down, in a suspend, before
 * another kernel is started, in a crash, and everywhere as soon as a module that wants VMX
 * for itself is loaded (others.c), before that module's first instruction.
 */
#include "resident.h"

#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/cpufeature.h>
#include <asm/tlbflush.h>

#include "caps.h"
#include "vcpu.h"

/* Protects the next ones; not taken where a window is opened. */
static DEFINE_MUTEX(lock);
static bool wanted;		/* the module parameter */
static bool possible;		/* on this CPU model, and not rebooting; false when unloaded */
static bool alone;		/* no other hypervisor is loaded */
static int hotplug_state;

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

/* @wanted, @possible or @alone changed. */
static void settle(void)
{
	bool now = wanted && possible && alone;

	lockdep_assert_held(&lock);
	if (now == vmx_resident_allowed)
		return;
	WRITE_ONCE(vmx_resident_allowed, now);
	if (!now)
		on_each_cpu(turn_off, NULL, true);
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

void vmx_resident_allow(bool value)
{
	mutex_lock(&lock);
	alone = value;
	settle();
	mutex_unlock(&lock);
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

static struct notifier_block reboot_nb = { .notifier_call = host_reboots };
static struct syscore_ops suspend_ops = { .suspend = host_suspends };

int __init vmx_resident_init(void)
{
	int ret;

	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "virt/kite:resident", cpu_comes, cpu_goes);
	if (ret < 0)
		return ret;
	hotplug_state = ret;
	ret = register_reboot_notifier(&reboot_nb);
	if (ret) {
		cpuhp_remove_state(hotplug_state);
		return ret;
	}
	register_syscore_ops(&suspend_ops);
	/* Where Intel PT cannot trace through VMX operation, VMX on would be in its way. */
	set_possible(!boot_cpu_has(X86_FEATURE_INTEL_PT) || (vmx_caps.misc & VMX_MISC_PT));
	return 0;
}

void vmx_resident_exit(void)
{
	set_possible(false);
	unregister_syscore_ops(&suspend_ops);
	unregister_reboot_notifier(&reboot_nb);
	cpuhp_remove_state(hotplug_state);
}
