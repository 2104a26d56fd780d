// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pure: capability MSRs in, control words out. SDM, appendix "VMX Capability
 * Reporting Facility".
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "caps.h"

/* The MSRs by their distance from IA32_VMX_BASIC. */
enum {
	BASIC = 0, MISC = 5, CR0_FIXED0 = 6, CR0_FIXED1 = 7, CR4_FIXED0 = 8, CR4_FIXED1 = 9,
	PROCBASED2 = 11, EPT_VPID = 12, TRUE_PIN = 13, TRUE_PROC = 14, TRUE_EXIT = 15,
	TRUE_ENTRY = 16,
};

#define BASIC_TRUE_CONTROLS	BIT_ULL(55)
#define BASIC_MEMORY_TYPE	GENMASK_ULL(53, 50)
#define MEMORY_TYPE_WB		(6ull << 50)

/* On only while a guest needs them: not in the words that are always on. */
#define PROC_DYNAMIC	(PROC_INTERRUPT_WINDOW | PROC_NMI_WINDOW | PROC_MTF | PROC_TPR_SHADOW)
#define PROC2_DYNAMIC	(PROC2_APIC_ACCESSES | PROC2_X2APIC | PROC2_APIC_REGISTERS | \
			 PROC2_VIRTUAL_INTERRUPTS | PROC2_PML)
#define ENTRY_DYNAMIC	ENTRY_IA32E_GUEST

enum need { optional, required };

struct control {
	u8 word;
	u8 bit;
	u8 need;
	const char *name;
	const char *why;
};

static const struct control controls[] = {
#define CONTROL(word, bit, need, name, why) { VMX_WORD_##word, bit, need, name, why },
#define EPT_CAP(bit, need, name, why)
#include "controls.def"
#undef CONTROL
#undef EPT_CAP
};

static const struct control ept_caps[] = {
#define CONTROL(word, bit, need, name, why)
#define EPT_CAP(bit, need, name, why) { 0, bit, need, name, why },
#include "controls.def"
#undef CONTROL
#undef EPT_CAP
};

static const u8 word_msr[VMX_WORD_COUNT] = {
	[VMX_WORD_PIN] = TRUE_PIN, [VMX_WORD_PROC] = TRUE_PROC, [VMX_WORD_PROC2] = PROCBASED2,
	[VMX_WORD_EXIT] = TRUE_EXIT, [VMX_WORD_ENTRY] = TRUE_ENTRY,
};

static const u32 word_dynamic[VMX_WORD_COUNT] = {
	[VMX_WORD_PROC] = PROC_DYNAMIC, [VMX_WORD_PROC2] = PROC2_DYNAMIC,
	[VMX_WORD_ENTRY] = ENTRY_DYNAMIC,
};

static bool basic_valid(u64 basic, void (*missing)(const char *name, const char *why))
{
	bool ok = true;

	if (!(basic & BASIC_TRUE_CONTROLS)) {
		missing("IA32_VMX_TRUE_*_CTLS", "the first VMX CPUs cannot switch controls off");
		ok = false;
	}
	if ((basic & BASIC_MEMORY_TYPE) != MEMORY_TYPE_WB) {
		missing("write-back VMCS memory type", "the VMCS lies in ordinary memory");
		ok = false;
	}
	return ok;
}

bool vmx_caps_from_msrs(struct vmx_caps *caps, const u64 *msr,
			void (*missing)(const char *name, const char *why))
{
	bool ok = basic_valid(msr[BASIC], missing);
	unsigned int i;

	caps->revision = msr[BASIC] & GENMASK(30, 0);
	for (i = 0; i < VMX_WORD_COUNT; i++) {
		/* Low half: bits that must be 1; high half: bits that may be. */
		caps->word[i] = (u32)msr[word_msr[i]];
		caps->allowed1[i] = msr[word_msr[i]] >> 32;
	}
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		const struct control *c = &controls[i];

		if (caps->allowed1[c->word] & BIT(c->bit)) {
			caps->word[c->word] |= BIT(c->bit) & ~word_dynamic[c->word];
		} else if (c->need == required) {
			missing(c->name, c->why);
			ok = false;
		}
	}
	caps->misc = msr[MISC];
	caps->ept_vpid = msr[EPT_VPID];
	for (i = 0; i < ARRAY_SIZE(ept_caps); i++) {
		if (!(caps->ept_vpid & BIT_ULL(ept_caps[i].bit)) && ept_caps[i].need == required) {
			missing(ept_caps[i].name, ept_caps[i].why);
			ok = false;
		}
	}
	caps->cr0_fixed0 = msr[CR0_FIXED0];
	caps->cr0_fixed1 = msr[CR0_FIXED1];
	caps->cr4_fixed0 = msr[CR4_FIXED0];
	caps->cr4_fixed1 = msr[CR4_FIXED1];
	return ok;
}
