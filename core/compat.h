/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels Kite supports. Nothing else in the tree
 * tests for a kernel version or symbol.
 */
#ifndef KITE_CORE_COMPAT_H
#define KITE_CORE_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/mmu_notifier.h>
#include <linux/thread_info.h>
#include <asm/cpufeatures.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/tsc.h>
#ifdef HAVE_ASM_CPUID_API
#include <asm/cpuid/api.h>
#endif

/* 6.13 brought lazy preemption; before, there is no such flag. */
#ifndef _TIF_NEED_RESCHED_LAZY
#define _TIF_NEED_RESCHED_LAZY	0
#endif

/* How long a thread was runnable and did not run. */
#ifdef CONFIG_SCHED_INFO
#define KITE_HAVE_STEAL		true
#define kite_run_delay()	(current->sched_info.run_delay)
#else
#define KITE_HAVE_STEAL		false
#define kite_run_delay()	0ull
#endif

/* Kernels without the branch-history mitigation have no such feature. */
#ifdef X86_FEATURE_CLEAR_BHB_VMEXIT
#define KITE_CLEAR_BHB_VMEXIT	boot_cpu_has(X86_FEATURE_CLEAR_BHB_VMEXIT)
#elif defined(X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT)
#define KITE_CLEAR_BHB_VMEXIT	boot_cpu_has(X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT)
#else
#define KITE_CLEAR_BHB_VMEXIT	false
#endif

#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
#define KITE_IBPB_EXIT_TO_USER	boot_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER)
#define kite_set_ibpb_exit_to_user()	this_cpu_write(x86_ibpb_exit_to_user, true)
#else
#define KITE_IBPB_EXIT_TO_USER	false
#define kite_set_ibpb_exit_to_user()	do { } while (0)
#endif

#ifdef X86_FEATURE_CLEAR_CPU_BUF_VM
#define KITE_CLEAR_CPU_BUF_VM	boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF_VM)
#else
#define KITE_CLEAR_CPU_BUF_VM	false
#endif

/* 7.x renamed rdmsrl() and its family. */
#ifndef rdmsrq
#define rdmsrq			rdmsrl
#define wrmsrq			wrmsrl
#define rdmsrq_safe		rdmsrl_safe
#define wrmsrq_safe		wrmsrl_safe
#endif

/* Later kernels do not make a page usable that is unmapped to see who uses it, unless asked. */
#ifdef HAVE_FOLL_HONOR_NUMA_FAULT
#define KITE_FOLL_NUMA	FOLL_HONOR_NUMA_FAULT
#else
#define KITE_FOLL_NUMA	0
#endif

/* int, or bool in later kernels. */
#define kite_young_t	typeof(((struct mmu_notifier_ops *)0)->test_young(NULL, NULL, 0))

/* Where only KVM may give the CPU to a certain task, anybody gets it. */
#ifdef HAVE_SYM_yield_to
#define kite_yield_to(task)	yield_to(task, true)
#else
#define kite_yield_to(task)	({ schedule(); 1; })
#endif

/* Where it is a function of its own, it still takes a count. */
#ifdef HAVE_SYM_eventfd_signal
#define kite_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#else
#define kite_eventfd_signal(ctx)	eventfd_signal(ctx)
#endif

#ifndef HAVE_SYM_hrtimer_setup
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

/*
 * A machine check while the guest ran, as if it had come in user mode: the host
 * may lose the process, not itself. Some kernels do not export their handler; the
 * IDT, where there is one, leads to it all the same, as from the kernel.
 */
#ifdef HAVE_SYM_do_machine_check
static inline void kite_host_machine_check(bool fred)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
}
#else
static inline void kite_host_machine_check(bool fred)
{
	if (!fred)
		asm volatile("int $18" : : : "memory");
}
#endif

/* Dropped from later kernels, where the feature is only whether the CPU has it. */
#ifndef X86_FEATURE_USE_IBPB
#define X86_FEATURE_USE_IBPB	X86_FEATURE_IBPB
#endif

#endif
