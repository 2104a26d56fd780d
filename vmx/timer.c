// SPDX-License-Identifier: GPL-2.0-only
/* The guest's time in hardware: the time-stamp counter and the VMX-preemption timer. */
#include <linux/kernel.h>
#include <linux/moduleparam.h>

#include "../core/backend.h"
#include "../core/compat.h"
#include "../core/timer.h"
#include "../core/vm.h"
#include "caps.h"
#include "exit.h"

/* Ticks that a guest has at least, however short its period is: a VM entry takes some of them. */
#define TIMER_NEAR	2048
/* More than a window lasts: the host's tick ends it before. */
#define TIMER_FAR	U32_MAX

static bool tsc_scaling __ro_after_init = true;
module_param(tsc_scaling, bool, 0444);
MODULE_PARM_DESC(tsc_scaling, "guests' TSCs have frequencies of their own where the CPU can scale");

static bool preemption_timer __ro_after_init = true;
module_param(preemption_timer, bool, 0444);
MODULE_PARM_DESC(preemption_timer, "APIC timers of running vCPUs use the VMX-preemption timer");

/*
 * CPUs whose timer does not count at the rate that it tells, by their specification
 * updates (AAX65, AAT59, AAU65 and others): signatures of CPUID leaf 1.
 */
static const u32 broken_timers[] = { 0x20652, 0x20655, 0x206e6, 0x306a8 };

#define SIGNATURE	(GENMASK(27, 16) | GENMASK(13, 0))

static bool timer_is_broken(void)
{
	u32 i, cpu = cpuid_eax(1) & SIGNATURE;

	for (i = 0; i < ARRAY_SIZE(broken_timers); i++)
		if (cpu == broken_timers[i])
			return true;
	return false;
}

void vmx_timer_init(void)
{
	preemption_timer &= !timer_is_broken();
	if (!tsc_scaling)
		vmx_caps.word[VMX_WORD_PROC2] &= ~PROC2_TSC_SCALING;
	if (!preemption_timer)
		vmx_caps.word[VMX_WORD_PIN] &= ~PIN_PREEMPTION_TIMER;
}

bool kite_hw_has_tsc_scaling(void)
{
	return vmx_caps.word[VMX_WORD_PROC2] & PROC2_TSC_SCALING;
}

bool kite_hw_has_timer(void)
{
	return vmx_caps.word[VMX_WORD_PIN] & PIN_PREEMPTION_TIMER;
}

static void write_timer(struct vmx_vcpu *x, u32 value)
{
	x->timer_armed = value != TIMER_FAR;
	vmwrite(VMCS_PREEMPTION_TIMER, value);
}

void vmx_timer_setup(struct vmx_vcpu *x, u32 *proc2)
{
	u64 ratio = x->core.vm->clock.ratio;

	if (ratio)
		vmwrite(VMCS_TSC_MULTIPLIER, ratio);
	else
		*proc2 &= ~PROC2_TSC_SCALING;
	if (kite_hw_has_timer())
		write_timer(x, TIMER_FAR);
}

/*
 * The timer counts down from the field's value in each run of the guest, at the rate of
 * the host's TSC, whose bit VMX_MISC_TIMER_RATE drives it. So while a timer is armed the
 * value is another one at each entry; else the field stays as it is.
 */
void vmx_timer_before_entry(struct vmx_vcpu *x)
{
	struct kite_vcpu *v = &x->core;
	u32 rate = vmx_caps.misc & VMX_MISC_TIMER_RATE;
	s64 ticks = v->timer_due - rdtsc();

	if (v->timer_due && ticks <= 0) {
		kite_timer_expire(v);
		ticks = v->timer_due - rdtsc();
	}
	if (!v->timer_due) {
		write_timer(x, TIMER_FAR);
		return;
	}
	ticks = max_t(s64, ticks, TIMER_NEAR);
	/* Rounded up: an exit that comes too early is for nothing. */
	write_timer(x, min_t(u64, (ticks >> rate) + 1, TIMER_FAR));
}

/* What is due is found before the next entry. */
int vmx_exit_timer(struct vmx_vcpu *x)
{
	return KITE_RESUME;
}
