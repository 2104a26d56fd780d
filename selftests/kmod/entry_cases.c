// SPDX-License-Identifier: GPL-2.0-only
/* Guests that can be entered, and what is made wrong in them. */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/special_insns.h>

#include "../../vmx/bits.h"
#include "../../vmx/caps.h"
#include "../../vmx/tss.h"
#include "entry.h"

/* The capability MSRs by their distance from IA32_VMX_BASIC. */
enum { PROCBASED2 = 11, TRUE_PIN = 13, TRUE_PROC = 14, TRUE_EXIT = 15, TRUE_ENTRY = 16 };

/* Controls that vmx/caps.h has no name for. */
#define PIN_WANTED	(BIT(0) | BIT(3) | BIT(5) | PIN_PREEMPTION_TIMER)
#define PROC_WANTED	(BIT(7) | BIT(15) | PROC_CR8_LOAD | PROC_CR8_STORE | PROC_TPR_SHADOW | \
			 BIT(24) | BIT(25) | PROC_MTF | BIT(28) | BIT(31))
#define PROC2_EPT	BIT(1)
#define PROC2_UNRESTRICTED	BIT(7)
/* EPT, VPID, unrestricted guest, VM functions, VMCS shadowing, PML, #VE, TSC scaling. */
#define PROC2_WANTED	(PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED | BIT(13) | BIT(14) | \
			 PROC2_PML | BIT(18) | PROC2_TSC_SCALING)
#define EXIT_WANTED	(BIT(2) | BIT(9) | GENMASK(21, 18))
#define ENTRY_WANTED	(BIT(2) | ENTRY_IA32E_GUEST | BIT(14) | BIT(15))
#define TIMER		10000

#define FLAT_DATA	0xc093
#define CODE_64		0xa09b
#define CODE_32		0xc09b
#define V86		0xf3
#define IN_EVERY	0xffffffff

static u32 controls(u64 msr, u32 wanted)
{
	return ((u32)msr | wanted) & (msr >> 32);
}

static void write_controls(const struct entry_host *h)
{
	static const u32 ones[] = { VMCS_IO_BITMAP_A, VMCS_IO_BITMAP_B, VMCS_MSR_BITMAP,
				    VMCS_VMREAD_BITMAP, VMCS_VMWRITE_BITMAP };
	static const u32 sink[] = { VMCS_APIC_ACCESS_ADDRESS, VMCS_EPTP_LIST_ADDRESS,
				    VMCS_VE_INFORMATION_ADDRESS, VMCS_PML_ADDRESS,
				    VMCS_POSTED_INTERRUPT_DESCRIPTOR };
	static const u32 areas[] = { VMCS_EXIT_MSR_STORE_ADDR, VMCS_EXIT_MSR_LOAD_ADDR,
				     VMCS_ENTRY_MSR_LOAD_ADDR };
	static const u32 counts[] = { VMCS_EXIT_MSR_STORE_COUNT, VMCS_EXIT_MSR_LOAD_COUNT,
				      VMCS_ENTRY_MSR_LOAD_COUNT };
	static const u32 zero[] = { VMCS_CR3_TARGET_COUNT, VMCS_TPR_THRESHOLD,
				    VMCS_ENTRY_INTERRUPTION_INFO, VMCS_ENTRY_EXCEPTION_ERROR_CODE,
				    VMCS_ENTRY_INSTRUCTION_LENGTH, VMCS_VM_FUNCTION_CONTROLS,
				    VMCS_CR0_READ_SHADOW, VMCS_CR4_READ_SHADOW, VMCS_TSC_OFFSET,
				    VMCS_POSTED_INTERRUPT_VECTOR, VMCS_GUEST_PML_INDEX,
				    VMCS_GUEST_INTERRUPT_STATUS };
	unsigned int i;

	vmwrite(VMCS_PIN_BASED_CONTROLS, controls(h->msr[TRUE_PIN], PIN_WANTED));
	vmwrite(VMCS_PROC_BASED_CONTROLS, controls(h->msr[TRUE_PROC], PROC_WANTED));
	vmwrite(VMCS_SECONDARY_PROC_BASED_CONTROLS, controls(h->msr[PROCBASED2], PROC2_WANTED));
	vmwrite(VMCS_EXIT_CONTROLS, controls(h->msr[TRUE_EXIT], EXIT_WANTED));
	vmwrite(VMCS_ENTRY_CONTROLS, controls(h->msr[TRUE_ENTRY], ENTRY_WANTED));
	vmwrite(VMCS_EXCEPTION_BITMAP, ~0u);
	vmwrite(VMCS_PF_ERROR_CODE_MASK, 0);
	vmwrite(VMCS_PF_ERROR_CODE_MATCH, 0);
	vmwrite(VMCS_CR0_GUEST_HOST_MASK, ~0ull);
	vmwrite(VMCS_CR4_GUEST_HOST_MASK, ~0ull);
	for (i = 0; i < ARRAY_SIZE(ones); i++)
		vmwrite(ones[i], h->pa[PAGE_ONES]);
	for (i = 0; i < ARRAY_SIZE(sink); i++)
		vmwrite(sink[i], h->pa[PAGE_SINK]);
	for (i = 0; i < ARRAY_SIZE(areas); i++) {
		vmwrite(areas[i], h->pa[PAGE_MSRS] + 16 * i);
		vmwrite(counts[i], 1);
	}
	for (i = 0; i < ARRAY_SIZE(zero); i++)
		vmwrite(zero[i], 0);
	vmwrite(VMCS_VIRTUAL_APIC_ADDRESS, h->pa[PAGE_APIC]);
	/* Write-back, four levels. */
	vmwrite(VMCS_EPT_POINTER, h->pa[PAGE_EMPTY] | 0x1e);
	vmwrite(VMCS_VPID, 1);
	vmwrite(VMCS_TSC_MULTIPLIER, BIT_ULL(48));
	vmwrite(VMCS_PREEMPTION_TIMER, TIMER);
	vmwrite(VMCS_LINK_POINTER, ~0ull);
}

static void write_host(const struct entry_host *h)
{
	struct desc_ptr gdt, idt;
	const u64 *tss;
	u16 tr;

	native_store_gdt(&gdt);
	store_idt(&idt);
	store_tr(tr);
	tss = (void *)(gdt.address + (tr & ~7));
	vmwrite(VMCS_HOST_CR0, read_cr0());
	vmwrite(VMCS_HOST_CR3, __read_cr3());
	vmwrite(VMCS_HOST_CR4, __read_cr4() | X86_CR4_VMXE);
	vmwrite(VMCS_HOST_CS_SELECTOR, __KERNEL_CS);
	vmwrite(VMCS_HOST_SS_SELECTOR, __KERNEL_DS);
	vmwrite(VMCS_HOST_DS_SELECTOR, 0);
	vmwrite(VMCS_HOST_ES_SELECTOR, 0);
	vmwrite(VMCS_HOST_FS_SELECTOR, 0);
	vmwrite(VMCS_HOST_GS_SELECTOR, 0);
	vmwrite(VMCS_HOST_TR_SELECTOR, tr);
	vmwrite(VMCS_HOST_FS_BASE, entry_rdmsr(MSR_FS_BASE));
	vmwrite(VMCS_HOST_GS_BASE, entry_rdmsr(MSR_GS_BASE));
	vmwrite(VMCS_HOST_TR_BASE, vmx_tss_base(tss[0], tss[1]));
	vmwrite(VMCS_HOST_GDTR_BASE, gdt.address);
	vmwrite(VMCS_HOST_IDTR_BASE, idt.address);
	vmwrite(VMCS_HOST_IA32_SYSENTER_CS, entry_rdmsr(MSR_IA32_SYSENTER_CS));
	vmwrite(VMCS_HOST_IA32_SYSENTER_ESP, entry_rdmsr(MSR_IA32_SYSENTER_ESP));
	vmwrite(VMCS_HOST_IA32_SYSENTER_EIP, entry_rdmsr(MSR_IA32_SYSENTER_EIP));
	vmwrite(VMCS_HOST_IA32_PAT, entry_rdmsr(MSR_IA32_CR_PAT));
	vmwrite(VMCS_HOST_IA32_EFER, entry_rdmsr(MSR_EFER));
	vmwrite(VMCS_HOST_IA32_PERF_GLOBAL_CTRL, 0);
	vmwrite(VMCS_HOST_RIP, (unsigned long)entry_exit_point);
}

static void write_segment(unsigned int seg, u16 selector, u64 base, u32 limit, u32 rights)
{
	vmwrite(VMCS_GUEST_ES_SELECTOR + 2 * seg, selector);
	vmwrite(VMCS_GUEST_ES_BASE + 2 * seg, base);
	vmwrite(VMCS_GUEST_ES_LIMIT + 2 * seg, limit);
	vmwrite(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * seg, rights);
}

enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

/* A 64-bit guest. Any event it takes faults, because its IDT is empty, and exits. */
static void write_long(const struct entry_host *h)
{
	static const u32 zero[] = {
		VMCS_GUEST_GDTR_BASE, VMCS_GUEST_GDTR_LIMIT, VMCS_GUEST_IDTR_BASE,
		VMCS_GUEST_IDTR_LIMIT, VMCS_GUEST_IA32_DEBUGCTL, VMCS_GUEST_IA32_SYSENTER_CS,
		VMCS_GUEST_IA32_SYSENTER_ESP, VMCS_GUEST_IA32_SYSENTER_EIP,
		VMCS_GUEST_INTERRUPTIBILITY_STATE, VMCS_GUEST_ACTIVITY_STATE,
		VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, VMCS_GUEST_IA32_PERF_GLOBAL_CTRL,
		VMCS_GUEST_PDPTE0, VMCS_GUEST_PDPTE1, VMCS_GUEST_PDPTE2, VMCS_GUEST_PDPTE3,
		VMCS_GUEST_IA32_BNDCFGS, VMCS_GUEST_RSP,
	};
	unsigned int i;

	write_controls(h);
	write_host(h);
	for (i = 0; i < ARRAY_SIZE(zero); i++)
		vmwrite(zero[i], 0);
	for (i = ES; i <= GS; i++)
		write_segment(i, i == CS ? 8 : 16, 0, ~0u, i == CS ? CODE_64 : FLAT_DATA);
	write_segment(LDTR, 24, 0, 0xffff, 0x82);
	write_segment(TR, 32, 0, 0x67, 0x8b);
	vmwrite(VMCS_GUEST_CR0, read_cr0());
	vmwrite(VMCS_GUEST_CR3, __read_cr3());
	vmwrite(VMCS_GUEST_CR4, __read_cr4() | X86_CR4_VMXE);
	vmwrite(VMCS_GUEST_DR7, 0x400);
	vmwrite(VMCS_GUEST_RIP, (unsigned long)entry_guest);
	vmwrite(VMCS_GUEST_RFLAGS, BIT(1));
	vmwrite(VMCS_GUEST_IA32_EFER, entry_rdmsr(MSR_EFER));
	vmwrite(VMCS_GUEST_IA32_PAT, entry_rdmsr(MSR_IA32_CR_PAT));
}

static void without(u32 field, u64 bits)
{
	vmwrite(field, vmread(field) & ~bits);
}

static void write_restricted(const struct entry_host *h)
{
	write_long(h);
	without(VMCS_SECONDARY_PROC_BASED_CONTROLS, PROC2_UNRESTRICTED);
}

static void write_legacy(const struct entry_host *h)
{
	write_long(h);
	without(VMCS_ENTRY_CONTROLS, ENTRY_IA32E_GUEST);
	without(VMCS_GUEST_IA32_EFER, EFER_LMA | EFER_LME);
	without(VMCS_GUEST_CR4, X86_CR4_PCIDE);
	vmwrite(VMCS_GUEST_CR3, h->pa[PAGE_EMPTY]);
	vmwrite(VMCS_GUEST_RIP, 0x1000);
	write_segment(CS, 8, 0, ~0u, CODE_32);
}

/* Every pointer is present, so that all its reserved bits count. */
static void write_pae(const struct entry_host *h)
{
	write_legacy(h);
	vmwrite(VMCS_GUEST_PDPTE0, h->pa[PAGE_EMPTY] | 1);
	vmwrite(VMCS_GUEST_PDPTE1, h->pa[PAGE_EMPTY] | 1);
	vmwrite(VMCS_GUEST_PDPTE2, h->pa[PAGE_EMPTY] | 1);
	vmwrite(VMCS_GUEST_PDPTE3, h->pa[PAGE_EMPTY] | 1);
}

static void write_v86(const struct entry_host *h)
{
	unsigned int i;

	write_legacy(h);
	without(VMCS_SECONDARY_PROC_BASED_CONTROLS, PROC2_UNRESTRICTED);
	vmwrite(VMCS_GUEST_RFLAGS, BIT(17) | BIT(1));
	for (i = ES; i <= GS; i++)
		write_segment(i, 0x100, 0x1000, 0xffff, V86);
}

static void write_real(const struct entry_host *h)
{
	unsigned int i;

	write_legacy(h);
	without(VMCS_GUEST_CR0, X86_CR0_PG | X86_CR0_PE);
	for (i = ES; i <= GS; i++)
		write_segment(i, 0x100, 0x1000, 0xffff, 0x93);
}

static void write_user(const struct entry_host *h)
{
	unsigned int i;

	write_restricted(h);
	for (i = ES; i <= GS; i++)
		write_segment(i, i == CS ? 11 : 19, 0, ~0u, (i == CS ? CODE_64 : FLAT_DATA) | 0x60);
}

static void write_unusable(const struct entry_host *h)
{
	write_long(h);
	write_segment(ES, 0, 0, 0, SEG_AR_UNUSABLE);
	write_segment(SS, 0, 0, 0, SEG_AR_UNUSABLE);
	write_segment(DS, 0, 0, 0, SEG_AR_UNUSABLE);
	write_segment(FS, 0, 0, 0, SEG_AR_UNUSABLE);
	write_segment(GS, 0, 0, 0, SEG_AR_UNUSABLE);
	write_segment(LDTR, 0, 0, 0, SEG_AR_UNUSABLE);
}

static void write_event(const struct entry_host *h, u8 type, u32 vector)
{
	write_long(h);
	vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, INTR_VALID | (u32)type << INTR_TYPE_SHIFT | vector);
	vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, 2);
}

static void write_interrupt(const struct entry_host *h)
{
	write_event(h, INTR_TYPE_EXTERNAL, 0x30);
	vmwrite(VMCS_GUEST_RFLAGS, BIT(9) | BIT(1));
}

static void write_nmi(const struct entry_host *h)
{
	write_event(h, INTR_TYPE_NMI, 2);
}

static void write_page_fault(const struct entry_host *h)
{
	write_event(h, INTR_TYPE_HARD_EXCEPTION, INTR_ERROR_CODE | 14);
}

static void write_soft(const struct entry_host *h)
{
	write_event(h, INTR_TYPE_SOFT_INTERRUPT, 0x80);
}

/* The trap that goes with a single step under blocking by MOV SS. */
static void write_blocked(const struct entry_host *h)
{
	write_long(h);
	vmwrite(VMCS_GUEST_RFLAGS, BIT(9) | BIT(8) | BIT(1));
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY_STATE, BLOCKING_MOV_SS);
	vmwrite(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, DEBUG_BS);
}

static void write_halted(const struct entry_host *h)
{
	write_long(h);
	vmwrite(VMCS_GUEST_ACTIVITY_STATE, 1);
	vmwrite(VMCS_GUEST_RFLAGS, BIT(9) | BIT(1));
}

static void write_virtual_apic(const struct entry_host *h)
{
	u64 had;

	write_long(h);
	had = vmread(VMCS_SECONDARY_PROC_BASED_CONTROLS);
	vmwrite(VMCS_SECONDARY_PROC_BASED_CONTROLS,
		had | ((PROC2_X2APIC | PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS) &
		       h->msr[PROCBASED2] >> 32));
}

const struct entry_base entry_bases[] = {
	{ "long", write_long }, { "restricted", write_restricted }, { "pae", write_pae },
	{ "v86", write_v86 }, { "real", write_real }, { "user", write_user },
	{ "unusable", write_unusable }, { "interrupt", write_interrupt }, { "nmi", write_nmi },
	{ "page_fault", write_page_fault }, { "soft", write_soft }, { "blocked", write_blocked },
	{ "halted", write_halted }, { "virtual_apic", write_virtual_apic },
};

const unsigned int entry_base_count = ARRAY_SIZE(entry_bases);

#define ALL		~0ull
/* Of an address: it is not tried where it is aligned and exists. */
#define PAGE_BITS	(GENMASK_ULL(63, 46) | GENMASK_ULL(11, 0))
#define AREA_BITS	(GENMASK_ULL(63, 46) | GENMASK_ULL(3, 0))
/* Of a base of the host: one that is canonical is not tried. */
#define BASE_BITS	GENMASK_ULL(63, 47)
#define SELECTOR_BITS	GENMASK_ULL(2, 0)
#define PAT_BITS	0xf8f8f8f8f8f8f8f8ull
#define SEGMENT(seg)							\
	{ VMCS_GUEST_##seg##_SELECTOR, GENMASK(15, 0) },		\
	{ VMCS_GUEST_##seg##_BASE, ALL },				\
	{ VMCS_GUEST_##seg##_LIMIT, GENMASK(31, 0) },			\
	{ VMCS_GUEST_##seg##_ACCESS_RIGHTS, GENMASK(31, 0) }

const struct entry_field entry_fields[] = {
	{ VMCS_PIN_BASED_CONTROLS, IN_EVERY }, { VMCS_PROC_BASED_CONTROLS, IN_EVERY },
	{ VMCS_SECONDARY_PROC_BASED_CONTROLS, IN_EVERY }, { VMCS_EXIT_CONTROLS, IN_EVERY },
	{ VMCS_ENTRY_CONTROLS, IN_EVERY }, { VMCS_CR3_TARGET_COUNT, IN_EVERY },
	{ VMCS_IO_BITMAP_A, PAGE_BITS }, { VMCS_IO_BITMAP_B, PAGE_BITS },
	{ VMCS_MSR_BITMAP, PAGE_BITS }, { VMCS_VIRTUAL_APIC_ADDRESS, PAGE_BITS },
	{ VMCS_APIC_ACCESS_ADDRESS, PAGE_BITS }, { VMCS_TPR_THRESHOLD, IN_EVERY },
	{ VMCS_EPT_POINTER, PAGE_BITS }, { VMCS_VPID, GENMASK(15, 0) },
	{ VMCS_PML_ADDRESS, PAGE_BITS }, { VMCS_VM_FUNCTION_CONTROLS, ALL },
	{ VMCS_VMREAD_BITMAP, PAGE_BITS }, { VMCS_VMWRITE_BITMAP, PAGE_BITS },
	{ VMCS_VE_INFORMATION_ADDRESS, PAGE_BITS }, { VMCS_TSC_MULTIPLIER, ALL },
	{ VMCS_EXIT_MSR_STORE_ADDR, AREA_BITS }, { VMCS_EXIT_MSR_LOAD_ADDR, AREA_BITS },
	{ VMCS_ENTRY_MSR_LOAD_ADDR, AREA_BITS }, { VMCS_ENTRY_INTERRUPTION_INFO, IN_EVERY },
	{ VMCS_ENTRY_EXCEPTION_ERROR_CODE, IN_EVERY }, { VMCS_ENTRY_INSTRUCTION_LENGTH, IN_EVERY },

	{ VMCS_HOST_CR0, GENMASK_ULL(63, 31) | X86_CR0_NE | X86_CR0_PE },
	{ VMCS_HOST_CR3, GENMASK_ULL(63, 46) },
	{ VMCS_HOST_CR4, GENMASK_ULL(63, 23) | X86_CR4_VMXE | X86_CR4_PAE },
	{ VMCS_HOST_ES_SELECTOR, SELECTOR_BITS }, { VMCS_HOST_CS_SELECTOR, SELECTOR_BITS | BIT(4) },
	{ VMCS_HOST_SS_SELECTOR, SELECTOR_BITS }, { VMCS_HOST_DS_SELECTOR, SELECTOR_BITS },
	{ VMCS_HOST_FS_SELECTOR, SELECTOR_BITS }, { VMCS_HOST_GS_SELECTOR, SELECTOR_BITS },
	{ VMCS_HOST_TR_SELECTOR, SELECTOR_BITS | BIT(6) },
	{ VMCS_HOST_FS_BASE, BASE_BITS }, { VMCS_HOST_GS_BASE, BASE_BITS },
	{ VMCS_HOST_TR_BASE, BASE_BITS }, { VMCS_HOST_GDTR_BASE, BASE_BITS },
	{ VMCS_HOST_IDTR_BASE, BASE_BITS }, { VMCS_HOST_IA32_SYSENTER_ESP, BASE_BITS },
	{ VMCS_HOST_IA32_SYSENTER_EIP, BASE_BITS }, { VMCS_HOST_RIP, BASE_BITS },
	{ VMCS_HOST_IA32_PAT, PAT_BITS },
	{ VMCS_HOST_IA32_EFER, ~(u64)(EFER_SCE | EFER_NX) },

	{ VMCS_GUEST_CR0, ALL }, { VMCS_GUEST_CR3, ALL }, { VMCS_GUEST_CR4, ALL },
	{ VMCS_GUEST_DR7, ALL }, { VMCS_GUEST_IA32_DEBUGCTL, ALL },
	{ VMCS_GUEST_IA32_SYSENTER_ESP, ALL }, { VMCS_GUEST_IA32_SYSENTER_EIP, ALL },
	{ VMCS_GUEST_IA32_PAT, ALL }, { VMCS_GUEST_IA32_EFER, ALL },
	SEGMENT(ES), SEGMENT(CS), SEGMENT(SS), SEGMENT(DS), SEGMENT(FS), SEGMENT(GS),
	SEGMENT(LDTR), SEGMENT(TR),
	{ VMCS_GUEST_GDTR_BASE, ALL }, { VMCS_GUEST_GDTR_LIMIT, IN_EVERY },
	{ VMCS_GUEST_IDTR_BASE, ALL }, { VMCS_GUEST_IDTR_LIMIT, IN_EVERY },
	{ VMCS_GUEST_RIP, GENMASK_ULL(63, 32) }, { VMCS_GUEST_RFLAGS, ALL },
	{ VMCS_GUEST_ACTIVITY_STATE, IN_EVERY }, { VMCS_GUEST_INTERRUPTIBILITY_STATE, IN_EVERY },
	{ VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, ALL }, { VMCS_LINK_POINTER, ALL },
	{ VMCS_GUEST_PDPTE0, ALL }, { VMCS_GUEST_PDPTE1, ALL }, { VMCS_GUEST_PDPTE2, ALL },
	{ VMCS_GUEST_PDPTE3, ALL },
};

const unsigned int entry_field_count = ARRAY_SIZE(entry_fields);
