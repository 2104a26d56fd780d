// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checks of a VM entry, as the CPU makes them, to say in words what it only
 * says with a number. SDM, chapter "VM Entries". Pure: it is tested on any host.
 */
#include "check.h"

#include <linux/bits.h>
#include <linux/kernel.h>

#include "../uapi/kite.h"
#include "bits.h"
#include "caps.h"
#include "fields.h"

/* The capability MSRs by their distance from IA32_VMX_BASIC. */
enum {
	BASIC = 0, MISC = 5, CR0_FIXED0 = 6, CR0_FIXED1 = 7, CR4_FIXED0 = 8, CR4_FIXED1 = 9,
	PROCBASED2 = 11, EPT_VPID = 12, TRUE_PIN = 13, TRUE_PROC = 14, TRUE_EXIT = 15,
	TRUE_ENTRY = 16, VMFUNC = 17,
};

#define BASIC_ANY_ERROR_CODE		BIT_ULL(56)
#define MISC_LENGTH_0			BIT(30)

/* Controls that the rules name and Kite does not use by name. */
#define PIN_EXTERNAL_INTERRUPTS		BIT(0)
#define PIN_NMI_EXITING			BIT(3)
#define PIN_VIRTUAL_NMIS		BIT(5)
#define PIN_POSTED_INTERRUPTS		BIT(7)
#define PROC_IO_BITMAPS			BIT(25)
#define PROC_MSR_BITMAPS		BIT(28)
#define PROC_SECONDARY			BIT(31)
#define PROC2_EPT			BIT(1)
#define PROC2_UNRESTRICTED		BIT(7)
#define PROC2_VM_FUNCTIONS		BIT(13)
#define PROC2_VMCS_SHADOWING		BIT(14)
#define PROC2_EPT_VIOLATION_VE		BIT(18)
#define PROC2_MODE_BASED_EXECUTE	BIT(22)
#define PROC2_SUB_PAGES			BIT(23)
#define EXIT_HOST_64			BIT(9)
#define EXIT_ACK_INTERRUPT		BIT(15)
#define EXIT_LOAD_PAT			BIT(19)
#define EXIT_LOAD_EFER			BIT(21)
#define EXIT_SAVE_PREEMPTION_TIMER	BIT(22)
#define ENTRY_LOAD_DEBUG		BIT(2)
#define ENTRY_TO_SMM			BIT(10)
#define ENTRY_DEACTIVATE_DUAL_MONITOR	BIT(11)
#define ENTRY_LOAD_PAT			BIT(14)
#define ENTRY_LOAD_EFER			BIT(15)
#define ENTRY_LOAD_BNDCFGS		BIT(16)
#define NEEDS_TPR_SHADOW	(PROC2_X2APIC | PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS)
#define NEEDS_EPT		(PROC2_UNRESTRICTED | PROC2_PML | PROC2_MODE_BASED_EXECUTE | \
				 PROC2_SUB_PAGES)
#define EPTP_AD			BIT(6)
#define EPTP_RESERVED		GENMASK(11, 7)
#define VMFUNC_EPTP_SWITCHING	BIT(0)

#define PERF_CAPABILITIES_METRICS	BIT(15)
#define PERF_GLOBAL_METRICS		BIT_ULL(48)

#define CR0_PE			BIT(0)
#define CR0_WP			BIT(16)
#define CR0_NW			BIT(29)
#define CR0_CD			BIT(30)
#define CR0_PG			BIT(31)
#define CR4_PAE			BIT(5)
#define CR4_PCIDE		BIT(17)
#define CR4_CET			BIT(23)
#define EFER_LM_ENABLE		BIT(8)
#define EFER_LM_ACTIVE		BIT(10)
#define EFER_DEFINED		(BIT_ULL(0) | EFER_LM_ENABLE | EFER_LM_ACTIVE | BIT(11))
#define DEBUGCTL_BTF		BIT(1)
#define DEBUGCTL_DEFINED	(GENMASK_ULL(15, 6) | GENMASK_ULL(2, 0))
#define RFLAGS_TF		BIT(8)
#define RFLAGS_IF		BIT(9)
#define RFLAGS_VM		BIT(17)
#define RFLAGS_RESERVED		(GENMASK_ULL(63, 22) | BIT(15) | BIT(5) | BIT(3))
#define PENDING_DEBUG		((u64)(DEBUG_B0_B3 | PENDING_DEBUG_ENABLED | DEBUG_BS))
#define PDPTE_P			BIT(0)

#define RPL			GENMASK(1, 0)
#define TI			BIT(2)
#define TI_RPL			GENMASK(2, 0)
#define CODE_AND_DATA		GENMASK(KITE_GS, KITE_ES)
#define DATA			(BIT(KITE_ES) | BIT(KITE_DS) | BIT(KITE_FS) | BIT(KITE_GS))

enum { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_FOR_SIPI };

/* Low half: bits that must be 1; high half: bits that may be. */
static bool allowed(u64 msr, u32 controls)
{
	return !((u32)msr & ~controls) && !(controls & ~(u32)(msr >> 32));
}

static bool fixed(u64 value, u64 ones, u64 zeros)
{
	return !(ones & ~value) && !(value & ~zeros);
}

static bool is_physical(const struct vmx_check *c, u64 address, unsigned int zero_bits)
{
	return !(address >> c->phys_bits) && !(address & (BIT_ULL(zero_bits) - 1));
}

static bool is_page(const struct vmx_check *c, u64 address)
{
	return is_physical(c, address, 12);
}

static bool is_msr_area(const struct vmx_check *c, u64 address, u32 count)
{
	return !count || (is_physical(c, address, 4) &&
			  is_physical(c, address + 16ull * count - 1, 0));
}

static bool canonical(const struct vmx_check *c, u64 address)
{
	unsigned int n = 64 - c->linear_bits;

	return (u64)((s64)(address << n) >> n) == address;
}

/* Uncacheable 0 and write-back 6, each with a bit of IA32_VMX_EPT_VPID_CAP. */
static bool ept_memory_type(const struct vmx_check *c, u64 eptp)
{
	u64 type = eptp & 7;

	return !type ? c->msr[EPT_VPID] & BIT(8) : type == 6 && c->msr[EPT_VPID] & BIT(14);
}

static bool ept_walk_length(const struct vmx_check *c, u64 eptp)
{
	u64 levels = (eptp >> 3 & 7) + 1;

	return levels == 4 ? c->msr[EPT_VPID] & BIT(6) : levels == 5 && c->msr[EPT_VPID] & BIT(7);
}

static bool vector_fits(u8 type, u8 vector)
{
	if (type == INTR_TYPE_NMI)
		return vector == 2;
	if (type == INTR_TYPE_HARD_EXCEPTION)
		return vector < 32;
	return type != INTR_TYPE_OTHER || !vector;
}

/* #DF, #TS, #NP, #SS, #GP, #PF and #AC; newer CPUs leave it to the hypervisor. */
static bool error_code_fits(const struct vmx_check *c, u32 event, bool pushes)
{
	const u32 with_error = BIT(8) | GENMASK(14, 10) | BIT(17);
	u8 vector = event & INTR_VECTOR;
	bool exception = (event & INTR_TYPE) >> INTR_TYPE_SHIFT == INTR_TYPE_HARD_EXCEPTION;

	if (!pushes || !exception)
		return !(event & INTR_ERROR_CODE);
	if (c->msr[BASIC] & BASIC_ANY_ERROR_CODE)
		return true;
	return !(event & INTR_ERROR_CODE) == !(vector < 32 && with_error & BIT(vector));
}

static bool length_fits(const struct vmx_check *c, u32 length)
{
	return length <= 15 && (length || c->msr[MISC] & MISC_LENGTH_0);
}

bool vmx_pat_valid(u64 pat)
{
	unsigned int i;

	/* Types 0, 1, 4 to 7; SDM, chapter "Memory Cache Control". */
	for (i = 0; i < 64; i += 8) {
		u8 type = pat >> i;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

/* SDM, chapter "Performance Monitoring". */
u64 vmx_perf_defined(u32 eax, u32 ecx, u32 edx, u64 capabilities)
{
	u64 general = BIT_ULL((eax >> 8) & 0xff) - 1;
	u64 fixed = ecx | (BIT_ULL(edx & 0x1f) - 1);
	u64 metrics = capabilities & PERF_CAPABILITIES_METRICS ? PERF_GLOBAL_METRICS : 0;

	return general | fixed << 32 | metrics;
}

static u32 access_rights(const struct vmx_check *c, unsigned int seg)
{
	return c->read(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * seg);
}

static bool usable(const struct vmx_check *c, unsigned int seg)
{
	return !(access_rights(c, seg) & SEG_AR_UNUSABLE);
}

/* CS and TR are checked as if they were always usable. */
static bool loaded(const struct vmx_check *c, unsigned int seg)
{
	return seg == KITE_CS || seg == KITE_TR || usable(c, seg);
}

static u8 dpl(const struct vmx_check *c, unsigned int seg)
{
	return (access_rights(c, seg) & SEG_AR_DPL) >> SEG_AR_DPL_SHIFT;
}

static bool cs_dpl_fits(u8 type, u8 cs_dpl, u8 ss_dpl)
{
	if (type == 3)
		return !cs_dpl;
	/* Conforming code keeps the privilege level of its caller. */
	return type & 4 ? cs_dpl <= ss_dpl : cs_dpl == ss_dpl;
}

static bool granularity_fits(u32 limit, u32 rights)
{
	return rights & SEG_AR_G ? (limit & 0xfff) == 0xfff : !(limit >> 20);
}

static bool activity_takes(u32 activity, u8 type, u8 vector)
{
	bool exception = type == INTR_TYPE_HARD_EXCEPTION;

	switch (activity) {
	case ACTIVITY_ACTIVE:
		return true;
	case ACTIVITY_HLT:
		return type == INTR_TYPE_EXTERNAL || type == INTR_TYPE_NMI ||
		       type == INTR_TYPE_OTHER || (exception && (vector == 1 || vector == 18));
	case ACTIVITY_SHUTDOWN:
		return type == INTR_TYPE_NMI || (exception && vector == 18);
	default:
		return false;
	}
}

static bool pdpte_valid(const struct vmx_check *c, u64 pdpte)
{
	return !(pdpte & PDPTE_P) ||
	       (!(pdpte & (GENMASK(8, 5) | GENMASK(2, 1))) && is_physical(c, pdpte, 0));
}

static bool breaks(const struct vmx_check *c, struct vmx_broken *broken, u32 rule, u32 field,
		   const char *text)
{
	*broken = (struct vmx_broken){
		.rule = rule, .field = field, .value = c->read(field), .text = text,
	};
	return false;
}

#define F(field)	(c->read(VMCS_##field))
#define S(part)		(c->read(VMCS_GUEST_ES_##part + 2 * n))

bool vmx_check(const struct vmx_check *c, struct vmx_broken *broken)
{
	u32 pin = F(PIN_BASED_CONTROLS), proc = F(PROC_BASED_CONTROLS);
	u32 proc2 = proc & PROC_SECONDARY ? F(SECONDARY_PROC_BASED_CONTROLS) : 0;
	u32 exit = F(EXIT_CONTROLS), entry = F(ENTRY_CONTROLS);
	u32 event = F(ENTRY_INTERRUPTION_INFO), blocking = F(GUEST_INTERRUPTIBILITY_STATE);
	u32 activity = F(GUEST_ACTIVITY_STATE);
	u8 type = (event & INTR_TYPE) >> INTR_TYPE_SHIFT;
	u8 cs_type = access_rights(c, KITE_CS) & SEG_AR_TYPE;
	bool interrupt = event & INTR_VALID && type == INTR_TYPE_EXTERNAL;
	bool nmi = event & INTR_VALID && type == INTR_TYPE_NMI;
	bool host64 = exit & EXIT_HOST_64, ia32e = entry & ENTRY_IA32E_GUEST;
	bool unrestricted = proc2 & PROC2_UNRESTRICTED, v86 = F(GUEST_RFLAGS) & RFLAGS_VM;
	bool pae = !ia32e && F(GUEST_CR0) & CR0_PG && F(GUEST_CR4) & CR4_PAE;
	unsigned int n;

#define SECTION(hundred, title)
#define WHEN(condition)		if (condition) {
#define END_WHEN		}
#define RULE(number, field, text, condition)						\
	if (!(condition))								\
		return breaks(c, broken, number, VMCS_##field, text);
#define SEGMENTS(number, part, set, text, condition)					\
	for (n = KITE_ES; n < KITE_SEG_COUNT; n++)					\
		if ((set) & BIT(n) && !(condition))					\
			return breaks(c, broken, number, VMCS_GUEST_ES_##part + 2 * n, text);
#include "rules.def"
	return true;
}
