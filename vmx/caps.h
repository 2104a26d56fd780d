/* SPDX-License-Identifier: GPL-2.0-only */
/* What the CPUs of this host can do, read once when the module is loaded. */
#ifndef KITE_VMX_CAPS_H
#define KITE_VMX_CAPS_H

#include <linux/bits.h>
#include <linux/types.h>

/* Words of controls, the first argument of CONTROL() in controls.def. */
enum vmx_word {
	VMX_WORD_PIN,
	VMX_WORD_PROC,
	VMX_WORD_PROC2,
	VMX_WORD_EXIT,
	VMX_WORD_ENTRY,
	VMX_WORD_COUNT
};

/* Bits of the words that code names; all of them are in controls.def. */
#define PIN_PREEMPTION_TIMER		BIT(6)
#define PROC_INTERRUPT_WINDOW		BIT(2)
#define PROC_CR8_LOAD			BIT(19)
#define PROC_CR8_STORE			BIT(20)
#define PROC_TPR_SHADOW			BIT(21)
#define PROC_NMI_WINDOW			BIT(22)
#define PROC_MTF			BIT(27)
#define PROC2_APIC_ACCESSES		BIT(0)
#define PROC2_RDTSCP			BIT(3)
#define PROC2_X2APIC			BIT(4)
#define PROC2_VPID			BIT(5)
#define PROC2_APIC_REGISTERS		BIT(8)
#define PROC2_VIRTUAL_INTERRUPTS	BIT(9)
#define PROC2_PAUSE_LOOP		BIT(10)
#define PROC2_INVPCID			BIT(12)
#define PROC2_PML			BIT(17)
#define PROC2_XSAVES			BIT(20)
#define PROC2_TSC_SCALING		BIT(25)
#define EXIT_LOAD_PERF_GLOBAL_CTRL	BIT(12)
#define ENTRY_IA32E_GUEST		BIT(9)
#define ENTRY_LOAD_PERF_GLOBAL_CTRL	BIT(13)

/* IA32_VMX_EPT_VPID_CAP. */
#define EPT_CAP_EXEC_ONLY		BIT_ULL(0)
#define EPT_CAP_2MB			BIT_ULL(16)
#define EPT_CAP_1GB			BIT_ULL(17)
#define EPT_CAP_AD			BIT_ULL(21)

#define VMX_MISC_TIMER_RATE		GENMASK(4, 0)
#define VMX_MISC_PT			BIT(14)	/* Intel PT can trace in VMX operation */

/*
 * @word: controls that are on whenever a guest runs: all that controls.def
 *	  lists and the CPU has, but for those that depend on the guest's state
 * @allowed1: bits that may be 1
 * @cr0_fixed0, ...: bits that must be 1 (fixed0) and may be 1 (fixed1) in VMX operation
 */
struct vmx_caps {
	u32 revision;
	u32 word[VMX_WORD_COUNT];
	u32 allowed1[VMX_WORD_COUNT];
	u64 misc;
	u64 ept_vpid;
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
};

extern struct vmx_caps vmx_caps;

static inline bool vmx_has(enum vmx_word word, u32 bit)
{
	return vmx_caps.allowed1[word] & bit;
}

/*
 * Fill @caps from the capability MSRs, @msr[n] being 480H + n. Calls @missing for
 * each required control that is not there. True if none is missing.
 */
bool vmx_caps_from_msrs(struct vmx_caps *caps, const u64 *msr,
			void (*missing)(const char *name, const char *why));

#endif
