// SPDX-License-Identifier: GPL-2.0-only
/* Names of VM-exit reasons, VM-instruction errors, VM-entry checks and Kite's own errors. */
#include "names.h"

#include "uapi/kite.h"
#include "vmx/fields.h"

/* SDM, appendix "VMX Basic Exit Reasons". */
static const char * const exit_reasons[] = {
	[0] = "Exception or non-maskable interrupt",
	[1] = "External interrupt",
	[2] = "Triple fault",
	[3] = "INIT signal",
	[4] = "Start-up IPI",
	[5] = "I/O SMI",
	[6] = "Other SMI",
	[7] = "Interrupt window",
	[8] = "NMI window",
	[9] = "Task switch",
	[10] = "CPUID",
	[11] = "GETSEC",
	[12] = "HLT",
	[13] = "INVD",
	[14] = "INVLPG",
	[15] = "RDPMC",
	[16] = "RDTSC",
	[17] = "RSM",
	[18] = "VMCALL",
	[19] = "VMCLEAR",
	[20] = "VMLAUNCH",
	[21] = "VMPTRLD",
	[22] = "VMPTRST",
	[23] = "VMREAD",
	[24] = "VMRESUME",
	[25] = "VMWRITE",
	[26] = "VMXOFF",
	[27] = "VMXON",
	[28] = "Control-register accesses",
	[29] = "MOV DR",
	[30] = "I/O instruction",
	[31] = "RDMSR",
	[32] = "WRMSR",
	[33] = "VM-entry failure due to invalid guest state",
	[34] = "VM-entry failure due to MSR loading",
	[36] = "MWAIT",
	[37] = "Monitor trap flag",
	[39] = "MONITOR",
	[40] = "PAUSE",
	[41] = "VM-entry failure due to machine-check event",
	[43] = "TPR below threshold",
	[44] = "APIC access",
	[45] = "Virtualized EOI",
	[46] = "Access to GDTR or IDTR",
	[47] = "Access to LDTR or TR",
	[48] = "EPT violation",
	[49] = "EPT misconfiguration",
	[50] = "INVEPT",
	[51] = "RDTSCP",
	[52] = "VMX-preemption timer expired",
	[53] = "INVVPID",
	[54] = "WBINVD or WBNOINVD",
	[55] = "XSETBV",
	[56] = "APIC write",
	[57] = "RDRAND",
	[58] = "INVPCID",
	[59] = "VMFUNC",
	[60] = "ENCLS",
	[61] = "RDSEED",
	[62] = "Page-modification log full",
	[63] = "XSAVES",
	[64] = "XRSTORS",
	[65] = "PCONFIG",
	[66] = "SPP-related event",
	[67] = "UMWAIT",
	[68] = "TPAUSE",
	[69] = "LOADIWKEY",
	[70] = "ENCLV",
	[72] = "ENQCMD PASID translation failure",
	[73] = "ENQCMDS PASID translation failure",
	[74] = "Bus lock",
	[75] = "Instruction timeout",
	[76] = "SEAMCALL",
	[77] = "TDCALL",
	[78] = "RDMSRLIST",
	[79] = "WRMSRLIST",
};

/* SDM, chapter "VMX Instruction Reference", section "VM Instruction Error Numbers". */
static const char * const instruction_errors[] = {
	[1] = "VMCALL executed in VMX root operation",
	[2] = "VMCLEAR with invalid physical address",
	[3] = "VMCLEAR with VMXON pointer",
	[4] = "VMLAUNCH with non-clear VMCS",
	[5] = "VMRESUME with non-launched VMCS",
	[6] = "VMRESUME after VMXOFF",
	[7] = "VM entry with invalid control field(s)",
	[8] = "VM entry with invalid host-state field(s)",
	[9] = "VMPTRLD with invalid physical address",
	[10] = "VMPTRLD with VMXON pointer",
	[11] = "VMPTRLD with incorrect VMCS revision identifier",
	[12] = "VMREAD/VMWRITE from/to unsupported VMCS component",
	[13] = "VMWRITE to read-only VMCS component",
	[15] = "VMXON executed in VMX root operation",
	[16] = "VM entry with invalid executive-VMCS pointer",
	[17] = "VM entry with non-launched executive VMCS",
	[18] = "VM entry with executive-VMCS pointer not VMXON pointer",
	[19] = "VMCALL with non-clear VMCS",
	[20] = "VMCALL with invalid VM-exit control fields",
	[22] = "VMCALL with incorrect MSEG revision identifier",
	[23] = "VMXOFF under dual-monitor treatment",
	[24] = "VMCALL with invalid SMM-monitor features",
	[25] = "VM entry with invalid VM-execution control fields in executive VMCS",
	[26] = "VM entry with events blocked by MOV SS",
	[28] = "Invalid operand to INVEPT/INVVPID",
};

static const char * const internal_errors[] = {
	[KITE_INTERNAL_UNEXPECTED_EXIT] = "a VM exit that no control of Kite asks for",
	[KITE_INTERNAL_INSN] = "MMIO by an instruction that Kite does not decode",
	[KITE_INTERNAL_FETCH] = "the bytes of an MMIO instruction cannot be read",
	[KITE_INTERNAL_TASK_SWITCH] = "hardware task switch, which Kite does not do",
	[KITE_INTERNAL_DELIVERY] = "an exit that cannot be finished while delivering an event",
	[KITE_INTERNAL_NO_RECORD] = "a handler left no record, a bug of Kite",
	[KITE_INTERNAL_WINDOW] = "VMX cannot be used on this CPU now",
};

/* Sections of the SDM, chapter "VM Entries". */
static const char * const rule_sections[] = {
#define SECTION(hundred, title) [hundred] = title,
#define WHEN(condition)
#define END_WHEN
#define RULE(number, field, text, condition)
#define SEGMENTS(number, part, set, text, condition)
#include "vmx/rules.def"
#undef SECTION
#undef RULE
#undef SEGMENTS
};

/* The fields that a rule is about, some more than once. */
static const struct {
	u32 encoding;
	const char *name;
} rule_fields[] = {
#define SECTION(hundred, title)
#define FIELD(name) { VMCS_##name, #name },
#define RULE(number, field, text, condition) FIELD(field)
#define SEGMENTS(number, part, set, text, condition)				\
	FIELD(GUEST_ES_##part) FIELD(GUEST_CS_##part) FIELD(GUEST_SS_##part)	\
	FIELD(GUEST_DS_##part) FIELD(GUEST_FS_##part) FIELD(GUEST_GS_##part)	\
	FIELD(GUEST_LDTR_##part) FIELD(GUEST_TR_##part)
#include "vmx/rules.def"
};

static const char *look_up(const char * const *names, unsigned int count, u32 i)
{
	return i < count && names[i] ? names[i] : "unknown";
}

const char *name_exit_reason(u32 reason)
{
	return look_up(exit_reasons, ARRAY_SIZE(exit_reasons), reason & VM_EXIT_REASON_MASK);
}

const char *name_instruction_error(u32 error)
{
	return look_up(instruction_errors, ARRAY_SIZE(instruction_errors), error);
}

const char *name_rule_section(u32 rule)
{
	return look_up(rule_sections, ARRAY_SIZE(rule_sections), rule / 100);
}

const char *name_rule_field(u32 encoding)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rule_fields); i++)
		if (rule_fields[i].encoding == encoding)
			return rule_fields[i].name;
	return "unknown";
}

const char *name_internal_error(u32 code)
{
	return look_up(internal_errors, ARRAY_SIZE(internal_errors), code);
}
