// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of each mode and its tables in guest memory. SDM volume 3, chapters
 * "Protected-Mode Memory Management" and "Paging".
 */
#include <string.h>

#include "handlers.h"
#include "vm.h"

const char *const kt_mode_names[KT_MODES] = { "real16", "prot32", "paged32", "pae", "long64" };

#define CR0_PE		BIT(0)
#define CR0_MP		BIT(1)
#define CR0_ET		BIT(4)
#define CR0_NE		BIT(5)
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_OSFXSR	BIT(9)
#define CR4_OSXMMEXCPT	BIT(10)
#define EFER_SCE	BIT(0)
#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define EFER_NXE	BIT(11)

#define CR0_PROTECTED	(CR0_PE | CR0_MP | CR0_ET | CR0_NE)
#define CR0_PAGED	(CR0_PROTECTED | CR0_WP | CR0_PG)
#define CR4_SSE		(CR4_OSFXSR | CR4_OSXMMEXCPT)
#define EFER_LONG	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/* Access rights as in the VMCS. */
#define AR_CODE16	0x009b
#define AR_CODE32	0xc09b
#define AR_CODE64	0xa09b
#define AR_DATA16	0x0093
#define AR_DATA32	0xc093
#define AR_BUSY_TSS	0x008b

#define PTE_FLAGS	(KT_PTE_P | KT_PTE_W | KT_PTE_U)
#define PTE_LARGE	BIT(7)

static const struct mode {
	u64 cr0, cr3, cr4, efer;
	u16 cs, cs_ar, ds, ds_ar;
} modes[KT_MODES] = {
	[KT_REAL16]  = { CR0_ET, 0, CR4_SSE, 0, 0, AR_CODE16, 0, AR_DATA16 },
	[KT_PROT32]  = { CR0_PROTECTED, 0, CR4_SSE, 0, KT_CS32, AR_CODE32, KT_DS, AR_DATA32 },
	[KT_PAGED32] = { CR0_PAGED, KT_TABLES, CR4_SSE | CR4_PSE, 0,
			 KT_CS32, AR_CODE32, KT_DS, AR_DATA32 },
	[KT_PAE]     = { CR0_PAGED, KT_PDPT, CR4_SSE | CR4_PAE, EFER_NXE,
			 KT_CS32, AR_CODE32, KT_DS, AR_DATA32 },
	[KT_LONG64]  = { CR0_PAGED, KT_TABLES, CR4_SSE | CR4_PAE, EFER_LONG,
			 KT_CS64, AR_CODE64, KT_DS, AR_DATA32 },
};

/* Two levels: the first 4 MiB in 4-KByte pages, all else in 4-MByte pages. */
static void tables_2level(struct kt_vm *vm)
{
	u32 i;

	for (i = 0; i < 1024; i++) {
		kt_put(vm, u32, KT_PT + 4 * i, i << 12 | PTE_FLAGS);
		kt_put(vm, u32, KT_TABLES + 4 * i, i << 22 | PTE_FLAGS | PTE_LARGE);
	}
	kt_put(vm, u32, KT_TABLES, KT_PT | PTE_FLAGS);
}

/* 4 GiB: the first 2 MiB in 4-KByte pages, all else in 2-MByte pages. */
static void tables_pae(struct kt_vm *vm, u64 pdpte_flags)
{
	u64 i;

	for (i = 0; i < 512; i++)
		kt_put(vm, u64, KT_PT + 8 * i, i << 12 | PTE_FLAGS);
	for (i = 0; i < 4 * 512; i++)
		kt_put(vm, u64, KT_PD + 8 * i, i << 21 | PTE_FLAGS | PTE_LARGE);
	kt_put(vm, u64, KT_PD, KT_PT | PTE_FLAGS);
	for (i = 0; i < 4; i++)
		kt_put(vm, u64, KT_PDPT + 8 * i, (KT_PD + (i << 12)) | pdpte_flags);
	kt_put(vm, u64, KT_TABLES, KT_PDPT | PTE_FLAGS);
}

static void tables(struct kt_vm *vm, enum kt_mode mode)
{
	if (mode == KT_PAGED32)
		tables_2level(vm);
	else if (mode == KT_PAE)
		tables_pae(vm, KT_PTE_P);
	else if (mode == KT_LONG64)
		tables_pae(vm, PTE_FLAGS);
}

static void gdt(struct kt_vm *vm, enum kt_mode mode)
{
	static const u64 entries[] = {
		[KT_CS32 / 8] = 0x00cf9b000000ffff,
		[KT_DS / 8] = 0x00cf93000000ffff,
		[KT_CS64 / 8] = 0x00af9b000000ffff,
		[KT_USER_CS32 / 8] = 0x00cffb000000ffff,
		[KT_USER_DS / 8] = 0x00cff3000000ffff,
		[KT_USER_CS64 / 8] = 0x00affb000000ffff,
		[KT_TR / 8] = 0x00008b0000000067 | (u64)KT_TSS << 16,
		[KT_CS16 / 8] = 0x00009b000000ffff,
		[KT_DS16 / 8] = 0x000093000000ffff,
	};

	memcpy(kt_ptr(vm, KT_GDT), entries, sizeof(entries));
	/* No I/O permission bitmap: it would begin behind the limit. */
	kt_put(vm, u16, KT_TSS + 102, 0x68);
	if (mode == KT_LONG64) {
		kt_put(vm, u64, KT_TSS + 4, KT_STACK_RING0);
		kt_put(vm, u64, KT_TSS + 36, KT_STACK_IST1);
	} else {
		kt_put(vm, u32, KT_TSS + 4, KT_STACK_RING0);
		kt_put(vm, u32, KT_TSS + 8, KT_DS);
	}
}

static void segments(struct kite_segs *s, const struct mode *m, enum kt_mode mode)
{
	u32 limit = mode == KT_REAL16 ? 0xffff : 0xffffffff;
	unsigned int i;

	for (i = KITE_ES; i <= KITE_GS; i++)
		s->seg[i] = (struct kite_segment){
			.selector = m->ds, .limit = limit, .ar = m->ds_ar,
		};
	s->seg[KITE_CS] = (struct kite_segment){
		.selector = m->cs, .limit = limit, .ar = m->cs_ar,
	};
	s->seg[KITE_LDTR] = (struct kite_segment){ .ar = KITE_SEG_UNUSABLE };
	s->seg[KITE_TR] = (struct kite_segment){
		.selector = KT_TR, .base = KT_TSS, .limit = 0x67, .ar = AR_BUSY_TSS,
	};
	s->gdtr = (struct kite_dtable){ .base = KT_GDT, .limit = 0xfff };
	s->idtr = (struct kite_dtable){ .base = KT_IDT, .limit = 0xfff };
}

void kt_mode_state(enum kt_mode mode, struct kite_state *s)
{
	const struct mode *m = &modes[mode];

	segments(&s->segs, m, mode);
	s->crs.cr0 = m->cr0;
	s->crs.cr3 = m->cr3;
	s->crs.cr4 = m->cr4;
	s->crs.efer = m->efer;
	s->gprs.rflags = 2;
	s->gprs.gpr[KITE_RSP] = mode == KT_REAL16 ? KT_STACK16 : KT_STACK;
	s->events.activity = KITE_ACTIVITY_ACTIVE;
}

void kt_vcpu_enter_mode(struct kt_vcpu *vcpu, enum kt_mode mode)
{
	u32 groups = KITE_STATE_GPRS | KITE_STATE_SEGS | KITE_STATE_CRS | KITE_STATE_EVENTS;
	struct kite_state s;

	vcpu_get_state(vcpu->fd, groups, &s);
	kt_mode_state(mode, &s);
	vcpu_set_state(vcpu->fd, groups, &s);
}

void kt_vm_set_mode(struct kt_vm *vm, enum kt_mode mode)
{
	vm->mode = mode;
	tables(vm, mode);
	gdt(vm, mode);
	kt_install_handlers(vm, mode);
}

void kt_vcpu_set_mode(struct kt_vcpu *vcpu, enum kt_mode mode)
{
	kt_vm_set_mode(vcpu->vm, mode);
	kt_vcpu_enter_mode(vcpu, mode);
}

void kt_flush(struct kt_vcpu *vcpu)
{
	struct kite_state s;

	vcpu_get_state(vcpu->fd, KITE_STATE_CRS, &s);
	vcpu_set_state(vcpu->fd, KITE_STATE_CRS, &s);
}

static void change(struct kt_vm *vm, u64 table, u64 index, u64 clear, u64 set)
{
	if (vm->mode == KT_PAGED32) {
		u32 *entry = kt_ptr(vm, table + 4 * index);

		*entry = (*entry & ~clear) | set;
	} else {
		u64 *entry = kt_ptr(vm, table + 8 * index);

		*entry = (*entry & ~clear) | set;
	}
	kt_flush(&vm->vcpu);
}

void kt_pte_change(struct kt_vm *vm, u64 gva, u64 clear, u64 set)
{
	ASSERT_TRUE(gva < 0x200000);
	change(vm, KT_PT, gva >> 12, clear, set);
}

void kt_pde_change(struct kt_vm *vm, u64 gva, u64 clear, u64 set)
{
	if (vm->mode == KT_PAGED32)
		change(vm, KT_TABLES, gva >> 22, clear, set);
	else
		change(vm, KT_PD, gva >> 21, clear, set);
}
