// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of the host's CPUs that VMs must leave as it is, as text in
 * /proc/hoststate: lines "cpuN NAME VALUE", or "cpuN task.NAME VALUE" for what
 * belongs to the task that reads, which goes from CPU to CPU for that. What one
 * process reads before and after VMs ran has to be the same.
 *
 * Not here: what changes by itself (CR2, time, counters, the PCID in CR3), and
 * the limit of the task register, which no instruction tells.
 */
#include <linux/cpu.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/special_insns.h>

#include "../../vmx/insn.h"

#define CR3_PCID_AND_FLAGS	0xfffull

static const struct {
	const char *name;
	u32 msr;
} msrs[] = {
	{ "apic_base", MSR_IA32_APICBASE },
	{ "arch_capabilities", MSR_IA32_ARCH_CAPABILITIES },
	{ "bndcfgs", MSR_IA32_BNDCFGS },
	{ "cstar", MSR_CSTAR },
	{ "debugctl", MSR_IA32_DEBUGCTLMSR },
	{ "efer", MSR_EFER },
	{ "feature_control", MSR_IA32_FEAT_CTL },
	{ "fixed_ctr_ctrl", MSR_CORE_PERF_FIXED_CTR_CTRL },
	{ "gs_base", MSR_GS_BASE },
	{ "lstar", MSR_LSTAR },
	{ "mcg_ctl", MSR_IA32_MCG_CTL },
	{ "mcg_status", MSR_IA32_MCG_STATUS },
	{ "misc_enable", MSR_IA32_MISC_ENABLE },
	{ "misc_features", MSR_MISC_FEATURES_ENABLES },
	{ "mtrr_def_type", MSR_MTRRdefType },
	{ "pat", MSR_IA32_CR_PAT },
	{ "pebs_enable", MSR_IA32_PEBS_ENABLE },
	{ "perf_global_ctrl", MSR_CORE_PERF_GLOBAL_CTRL },
	{ "rtit_ctl", MSR_IA32_RTIT_CTL },
	{ "spec_ctrl", MSR_IA32_SPEC_CTRL },
	{ "star", MSR_STAR },
	{ "syscall_mask", MSR_SYSCALL_MASK },
	{ "sysenter_cs", MSR_IA32_SYSENTER_CS },
	{ "sysenter_eip", MSR_IA32_SYSENTER_EIP },
	{ "sysenter_esp", MSR_IA32_SYSENTER_ESP },
	{ "test_ctrl", MSR_TEST_CTRL },
	{ "tsc_adjust", MSR_IA32_TSC_ADJUST },
	{ "tsc_aux", MSR_TSC_AUX },
	{ "tsx_ctrl", MSR_IA32_TSX_CTRL },
	{ "xss", MSR_IA32_XSS },
	{ "task.fs_base", MSR_FS_BASE },
	{ "task.kernel_gs_base", MSR_KERNEL_GS_BASE },
	{ "task.xfd", MSR_IA32_XFD },
	{ "task.xfd_err", MSR_IA32_XFD_ERR },
};

static void tell(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, "cpu%u %s %llx\n", smp_processor_id(), name, value);
}

/* False where the CPU does not have it. The kernel's own functions for this have several names. */
static bool read_msr(u32 msr, u64 *value)
{
	u32 lo, hi, ok = 0;

	asm volatile("1: rdmsr\n\t"
		     "movl $1, %2\n"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "=a"(lo), "=d"(hi), "+r"(ok) : "c"(msr));
	*value = (u64)hi << 32 | lo;
	return ok;
}

static void tell_msrs(struct seq_file *m)
{
	u64 value;
	int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (read_msr(msrs[i].msr, &value))
			tell(m, msrs[i].name, value);
}

static void tell_control_registers(struct seq_file *m)
{
	u64 cr4, cr8;
	u32 lo, hi;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %%cr8, %0" : "=r"(cr8));
	tell(m, "cr0", read_cr0());
	/* Apart: Kite may be told to keep VMX on. */
	tell(m, "cr4", cr4 & ~X86_CR4_VMXE);
	tell(m, "vmxe", cr4 & X86_CR4_VMXE);
	tell(m, "cr8", cr8);
	tell(m, "task.cr3", __read_cr3() & ~CR3_PCID_AND_FLAGS);
	if (cr4 & X86_CR4_OSXSAVE) {
		asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		tell(m, "xcr0", (u64)hi << 32 | lo);
	}
}

static void tell_debug_registers(struct seq_file *m)
{
	tell(m, "task.dr0", host_dr(0));
	tell(m, "task.dr1", host_dr(1));
	tell(m, "task.dr2", host_dr(2));
	tell(m, "task.dr3", host_dr(3));
	tell(m, "task.dr6", host_dr(6));
	tell(m, "task.dr7", host_dr(7));
}

/*
 * The contents as well: an instruction that loads TR marks it there, for one. KVM leaves
 * the largest limit behind; the kernel's tables have @len bytes.
 */
static void tell_table(struct seq_file *m, const char *base, const char *limit, const char *hash,
		       const struct desc_ptr *table, u32 len)
{
	tell(m, base, table->address);
	tell(m, limit, table->size);
	tell(m, hash, jhash((void *)table->address, min(table->size + 1u, len), 0));
}

static void tell_descriptors(struct seq_file *m)
{
	struct desc_ptr gdt, idt;
	u16 sel;

	native_store_gdt(&gdt);
	store_idt(&idt);
	tell_table(m, "gdt_base", "gdt_limit", "task.gdt_hash", &gdt, GDT_SIZE);
	tell_table(m, "idt_base", "idt_limit", "idt_hash", &idt, IDT_ENTRIES * sizeof(gate_desc));
	asm volatile("str %w0" : "=r"(sel));
	tell(m, "tr", sel);
	asm volatile("sldt %w0" : "=r"(sel));
	tell(m, "task.ldt", sel);
}

#define TELL_SEGMENT(m, name)	({ u16 sel; savesegment(name, sel); tell(m, "task." #name, sel); })

static void tell_segments(struct seq_file *m)
{
	TELL_SEGMENT(m, ds);
	TELL_SEGMENT(m, es);
	TELL_SEGMENT(m, fs);
	TELL_SEGMENT(m, gs);
}

static int show(struct seq_file *m, void *unused)
{
	struct cpumask *allowed;
	unsigned int cpu;

	allowed = kmemdup(current->cpus_ptr, cpumask_size(), GFP_KERNEL);
	if (!allowed)
		return -ENOMEM;
	for_each_online_cpu(cpu) {
		/* One that went offline, or that this task may not use, is left out. */
		if (set_cpus_allowed_ptr(current, cpumask_of(cpu)))
			continue;
		if (get_cpu() == cpu) {
			tell_control_registers(m);
			tell_debug_registers(m);
			tell_descriptors(m);
			tell_segments(m);
			tell_msrs(m);
		}
		put_cpu();
	}
	set_cpus_allowed_ptr(current, allowed);
	kfree(allowed);
	return 0;
}

static int __init hoststate_init(void)
{
	return proc_create_single("hoststate", 0400, NULL, show) ? 0 : -ENOMEM;
}

static void __exit hoststate_exit(void)
{
	remove_proc_entry("hoststate", NULL);
}

module_init(hoststate_init);
module_exit(hoststate_exit);
MODULE_DESCRIPTION("State of the host's CPUs, for Kite's tests");
MODULE_LICENSE("GPL");
