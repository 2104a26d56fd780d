// SPDX-License-Identifier: GPL-2.0-only
/* The registers of vCPU 0 for each mode a guest can start in. */
#include "boot/boot.h"

#include <string.h>

#define CR0_PE		BIT_ULL(0)
#define CR0_ET		BIT_ULL(4)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define EFER_LME	BIT_ULL(8)
#define EFER_LMA	BIT_ULL(10)
#define RFLAGS_FIXED	BIT_ULL(1)

#define AR_CODE_REAL	0x009b
#define AR_DATA_REAL	0x0093
#define AR_CODE32	0xc09b
#define AR_CODE64	0xa09b
#define AR_DATA		0xc093
#define AR_TSS_BUSY	0x008b
#define AR_LDT		0x0082
#define GDT_LIMIT	(BOOT_TSS_SEL + 16 - 1)

static void set_seg(struct kite_segment *seg, u16 selector, u64 base, u32 limit, u32 ar)
{
	*seg = (struct kite_segment){
		.base = base, .limit = limit, .ar = ar, .selector = selector,
	};
}

static void set_data_segs(struct kite_segs *segs, u16 selector, u32 limit, u32 ar)
{
	static const enum kite_seg data[] = { KITE_ES, KITE_SS, KITE_DS, KITE_FS, KITE_GS };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(data); i++)
		set_seg(&segs->seg[data[i]], selector, 0, limit, ar);
}

/* Real mode: code runs at a segment, all others are 0; the stack ends at BOOT_STACK. */
static void real_mode(struct kite_state *state, const struct boot_entry *entry)
{
	u16 cs = (entry->rip >> 4) & 0xffff;
	u16 ss = (BOOT_STACK >> 4) & 0xf000;

	set_data_segs(&state->segs, 0, 0xffff, AR_DATA_REAL);
	set_seg(&state->segs.seg[KITE_CS], cs, (u64)cs << 4, 0xffff, AR_CODE_REAL);
	set_seg(&state->segs.seg[KITE_SS], ss, (u64)ss << 4, 0xffff, AR_DATA_REAL);
	state->segs.gdtr = (struct kite_dtable){ .limit = 0xffff };
	state->segs.idtr = (struct kite_dtable){ .limit = 0x3ff };
	state->gprs.rip = entry->rip & 0xf;
	state->gprs.gpr[KITE_RSP] = BOOT_STACK - ((u64)ss << 4);
	state->crs.cr0 = CR0_ET;
	state->crs.cr3 = 0;
	state->crs.cr4 = 0;
	state->crs.efer = 0;
}

/* Flat segments over 4 GiB, with the descriptors of boot_tables(). */
static void flat_segments(struct kite_state *state, u32 code_ar)
{
	set_data_segs(&state->segs, BOOT_DATA_SEL, 0xffffffff, AR_DATA);
	set_seg(&state->segs.seg[KITE_CS], BOOT_CODE_SEL, 0, 0xffffffff, code_ar);
	state->segs.gdtr = (struct kite_dtable){ .base = BOOT_GDT, .limit = GDT_LIMIT };
	/* An exception before the guest has a table of its own is a triple fault. */
	state->segs.idtr = (struct kite_dtable){ .limit = 0 };
}

static void protected_mode(struct kite_state *state, const struct boot_entry *entry)
{
	flat_segments(state, AR_CODE32);
	state->gprs.rip = entry->rip;
	state->gprs.gpr[KITE_RSP] = BOOT_STACK;
	state->crs.cr0 = CR0_PE | CR0_ET;
	state->crs.cr3 = 0;
	state->crs.cr4 = 0;
	state->crs.efer = 0;
}

static void long_mode(struct kite_state *state, const struct boot_entry *entry)
{
	flat_segments(state, AR_CODE64);
	state->gprs.rip = entry->rip;
	state->gprs.gpr[KITE_RSP] = BOOT_STACK;
	state->crs.cr0 = CR0_PE | CR0_ET | CR0_PG;
	state->crs.cr3 = BOOT_PML4;
	state->crs.cr4 = CR4_PAE;
	state->crs.efer = EFER_LME | EFER_LMA;
}

static void (*const mode_fns[])(struct kite_state *state, const struct boot_entry *entry) = {
	[CPU_REAL]	= real_mode,
	[CPU_PROTECTED]	= protected_mode,
	[CPU_LONG]	= long_mode,
};

void cpu_state(struct kite_state *state, const struct boot_entry *entry)
{
	memset(&state->gprs, 0, sizeof(state->gprs));
	state->gprs.rflags = RFLAGS_FIXED;
	state->gprs.gpr[KITE_RAX] = entry->rax;
	state->gprs.gpr[KITE_RBX] = entry->rbx;
	state->gprs.gpr[KITE_RSI] = entry->rsi;
	set_seg(&state->segs.seg[KITE_TR], entry->mode == CPU_REAL ? 0 : BOOT_TSS_SEL, 0, 0x67,
		AR_TSS_BUSY);
	set_seg(&state->segs.seg[KITE_LDTR], 0, 0, 0, AR_LDT | KITE_SEG_UNUSABLE);
	mode_fns[entry->mode](state, entry);
}
