// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU's own verdict on VM entries with one wrong bit in one field, beside the one of
 * vmx/check.c, as text in /proc/kite_entry: a line for each entry that was tried,
 *
 *   GUEST FIELD VALUE RULE BROKEN-FIELD VERDICT
 *
 * FIELD and VALUE are what was wrong, in hexadecimal; RULE is the rule that the checker
 * says is broken, or 0, and VERDICT that of the CPU: "entered", "vmfail" with the
 * VM-instruction error, or "failed" with exit reason and qualification. "skipped" was not
 * tried, because no rule forbids it and the host would not like it: a CPU in shutdown or
 * waiting for SIPI does not come back, host state is loaded, addresses are written to.
 *
 * A VMCS of its own and pages of its own; the guest has no memory and exits at once.
 */
#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "../../vmx/bits.h"
#include "../../vmx/caps.h"
#include "../../vmx/insn.h"
#include "entry.h"

#define VMX_MSRS	17	/* that every CPU has on which Kite runs */
#define VMX_MSR_VMFUNC	17
#define HAS_VMFUNC	BIT_ULL(32 + 13)	/* of the secondary controls */
#define PROCBASED2	11
/* Of the encoding: bits 11:10 are the type; 64-bit control fields are addresses, mostly. */
#define FIELD_TYPE	GENMASK(11, 10)
#define FIELD_HOST	GENMASK(11, 10)
#define FIELD_KIND	GENMASK(14, 10)
#define FIELD_ADDRESS	BIT(13)

#define PIN_EXTERNAL_INTERRUPTS	BIT(0)
#define EXIT_ACK_INTERRUPT	BIT(15)

#define HALTED		1
#define SHUTDOWN	2
#define WAIT_FOR_SIPI	3

enum verdict { ENTERED, VMFAIL, FAILED, SKIPPED };

struct result {
	u64 value;
	u64 qualification;
	u32 rule;
	u32 broken_field;
	u32 reason;
	u32 field;
	u8 base;
	u8 verdict;
};

static struct entry_host host;
static struct result *results;
static unsigned int result_count;

static u64 read_field(u32 field)
{
	return vmread(field);
}

static struct vmx_check check = { .read = read_field, .msr = host.msr };

static bool harmless(u32 field)
{
	u32 activity = vmread(VMCS_GUEST_ACTIVITY_STATE), pin = vmread(VMCS_PIN_BASED_CONTROLS);

	/* An interrupt of the host must stay pending: neither guest nor exit may take it. */
	if ((vmread(VMCS_EXIT_CONTROLS) & EXIT_ACK_INTERRUPT) ||
	    (!(pin & PIN_EXTERNAL_INTERRUPTS) && vmread(VMCS_GUEST_RFLAGS) & X86_EFLAGS_IF))
		return false;
	/* The timer wakes it. */
	if (activity == HALTED && !(pin & PIN_PREEMPTION_TIMER))
		return false;
	return activity != SHUTDOWN && activity != WAIT_FOR_SIPI &&
	       (field & FIELD_TYPE) != FIELD_HOST && (field & FIELD_KIND) != FIELD_ADDRESS;
}

/* With VMX on. */
static void try_entry(struct result *r)
{
	struct vmx_broken broken = {};

	vmclear(&host.pa[PAGE_VMCS]);
	vmptrld(&host.pa[PAGE_VMCS]);
	entry_bases[r->base].write(&host);
	r->value ^= vmread(r->field);
	vmwrite(r->field, r->value);
	vmx_check(&check, &broken);
	r->rule = broken.rule;
	r->broken_field = broken.field;
	if (!r->rule && !harmless(r->field)) {
		r->verdict = SKIPPED;
	} else if (entry_try()) {
		r->verdict = VMFAIL;
		r->reason = vmread(VMCS_VM_INSTRUCTION_ERROR);
	} else {
		r->reason = vmread(VMCS_EXIT_REASON);
		r->qualification = vmread(VMCS_EXIT_QUALIFICATION);
		r->verdict = r->reason & REASON_ENTRY_FAILURE ? FAILED : ENTERED;
	}
}

/* All bits of a field, on this CPU, which is as it was afterwards. */
static int try_field(unsigned int base, const struct entry_field *f)
{
	struct desc_ptr gdt, idt;
	unsigned long cr4;
	unsigned int bit;
	u64 debugctl, dr7;

	local_irq_disable();
	cr4 = __read_cr4();
	native_store_gdt(&gdt);
	store_idt(&idt);
	dr7 = host_dr(7);
	debugctl = entry_rdmsr(MSR_IA32_DEBUGCTLMSR);
	asm volatile("mov %0, %%cr4" : : "r"(cr4 | X86_CR4_VMXE) : "memory");
	if ((cr4 & X86_CR4_VMXE) || !vmxon(&host.pa[PAGE_VMXON])) {
		asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
		local_irq_enable();
		return -EBUSY;
	}
	for (bit = 0; bit < 64; bit++) {
		if (!(f->flips & BIT_ULL(bit)))
			continue;
		results[result_count] = (struct result){
			.base = base, .field = f->field, .value = BIT_ULL(bit),
		};
		try_entry(&results[result_count++]);
	}
	vmclear(&host.pa[PAGE_VMCS]);
	vmxoff();
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
	native_load_gdt(&gdt);
	load_idt(&idt);
	invalidate_tss_limit();
	native_set_debugreg(7, dr7);
	entry_wrmsr(MSR_IA32_DEBUGCTLMSR, debugctl);
	local_irq_enable();
	return 0;
}

static int try_all(void)
{
	unsigned int base, field;
	int ret = 0;

	/* One CPU: its logs are in the order of the results. */
	migrate_disable();
	for (base = 0; !ret && base < entry_base_count; base++)
		for (field = 0; !ret && field < entry_field_count; field++)
			ret = try_field(base, &entry_fields[field]);
	migrate_enable();
	return ret;
}

static int show(struct seq_file *m, void *v)
{
	static const char * const verdicts[] = { "entered", "vmfail", "failed", "skipped" };
	unsigned int i;

	for (i = 0; i < result_count; i++) {
		const struct result *r = &results[i];

		seq_printf(m, "%s %04x %llx %u %04x %s %u %llx\n", entry_bases[r->base].name,
			   r->field, r->value, r->rule, r->broken_field, verdicts[r->verdict],
			   (u16)r->reason, r->qualification);
	}
	return 0;
}

static void free_all(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		free_page((unsigned long)host.page[i]);
	vfree(results);
}

static int alloc_all(void)
{
	unsigned int i, cases = 0;

	for (i = 0; i < entry_field_count; i++)
		cases += hweight64(entry_fields[i].flips);
	results = vzalloc(array_size(cases * entry_base_count, sizeof(*results)));
	for (i = 0; i < PAGES; i++) {
		host.page[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!host.page[i] || !results)
			return -ENOMEM;
		host.pa[i] = __pa(host.page[i]);
	}
	return 0;
}

/* What is loaded is what is there; stored is one that can be read. */
static void fill_pages(void)
{
	u32 *msrs = host.page[PAGE_MSRS];
	unsigned int i;
	u64 pat;

	pat = entry_rdmsr(MSR_IA32_CR_PAT);
	for (i = 0; i < 3; i++) {
		msrs[4 * i] = MSR_IA32_CR_PAT;
		memcpy(&msrs[4 * i + 2], &pat, sizeof(pat));
	}
	memset(host.page[PAGE_ONES], 0xff, PAGE_SIZE);
	*(u32 *)host.page[PAGE_VMXON] = host.msr[0] & GENMASK(30, 0);
	*(u32 *)host.page[PAGE_VMCS] = host.msr[0] & GENMASK(30, 0);
}

static int __init entry_init(void)
{
	unsigned int i;
	int ret;

	if (!boot_cpu_has(X86_FEATURE_VMX))
		return -EOPNOTSUPP;
	for (i = 0; i < VMX_MSRS; i++)
		host.msr[i] = entry_rdmsr(MSR_IA32_VMX_BASIC + i);
	if (host.msr[PROCBASED2] & HAS_VMFUNC)
		host.msr[VMX_MSR_VMFUNC] = entry_rdmsr(MSR_IA32_VMX_BASIC + VMX_MSR_VMFUNC);
	ret = alloc_all();
	if (!ret) {
		check.vmcs_pa = host.pa[PAGE_VMCS];
		check.phys_bits = boot_cpu_data.x86_phys_bits;
		check.linear_bits = boot_cpu_data.x86_virt_bits;
		check.has_rtm = boot_cpu_has(X86_FEATURE_RTM);
		check.has_sgx = boot_cpu_has(X86_FEATURE_SGX);
		fill_pages();
		ret = try_all();
	}
	if (!ret && !proc_create_single("kite_entry", 0400, NULL, show))
		ret = -ENOMEM;
	if (ret)
		free_all();
	return ret;
}

static void __exit entry_exit(void)
{
	remove_proc_entry("kite_entry", NULL);
	free_all();
}

module_init(entry_init);
module_exit(entry_exit);
MODULE_DESCRIPTION("VM entries with one wrong field, for tests of Kite");
MODULE_LICENSE("GPL");
