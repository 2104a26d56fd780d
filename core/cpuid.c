// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPUID policy: a table of what is kept of the host's bits and what is set
 * regardless. What is not in the table is 0, so a feature that nobody thought of
 * is hidden. Bits by name in SDM volume 2, instruction CPUID.
 */
#include "cpuid.h"

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <asm/processor.h>

#include "../irq/lapic.h"
#include "compat.h"
#include "pvclock.h"
#include "vm.h"

enum { EAX, EBX, ECX, EDX };

#define ANY_SUBLEAF	0xff
#define MAX_BASIC	0x16
#define MAX_EXTENDED	0x80000008
#define HYPERVISOR_LEAF	0x40000000
#define HYPERVISOR_TIMING	(HYPERVISOR_LEAF + 0x10)
#define PVCLOCK_LEAF	(HYPERVISOR_LEAF + 0x100)

struct policy {
	u32 leaf;
	u8 subleaf;		/* ANY_SUBLEAF: the leaf has none */
	u8 reg;
	u32 keep;
	u32 force;
};

#define ALL		0xffffffffu
#define B(n)		BIT(n)

static const struct policy policies[] = {
	/* Vendor; family, model, stepping. EBX of leaf 1 is made for each vCPU. */
	{ 0x00, ANY_SUBLEAF, EBX, ALL, 0 },
	{ 0x00, ANY_SUBLEAF, ECX, ALL, 0 },
	{ 0x00, ANY_SUBLEAF, EDX, ALL, 0 },
	{ 0x01, ANY_SUBLEAF, EAX, ALL, 0 },
	{ 0x01, ANY_SUBLEAF, EBX, GENMASK(15, 8), 0 },
	/*
	 * SSE3 PCLMULQDQ SSSE3 FMA CMPXCHG16B PCID SSE4.1 SSE4.2 MOVBE POPCNT
	 * AES XSAVE AVX F16C RDRAND; x2APIC, TSC deadline and "hypervisor" always.
	 * Hidden: MONITOR, VMX, SMX, PDCM and what belongs to power and debugging.
	 */
	{ 0x01, ANY_SUBLEAF, ECX,
	  B(0) | B(1) | B(9) | B(12) | B(13) | B(17) | B(19) | B(20) | B(22) | B(23) |
	  B(25) | B(26) | B(28) | B(29) | B(30), B(21) | B(24) | B(31) },
	/* All but PSN, DS, ACPI, HTT (made for each vCPU), TM and PBE. */
	{ 0x01, ANY_SUBLEAF, EDX, GENMASK(9, 0) | GENMASK(17, 11) | B(19) | GENMASK(27, 23), B(9) },
	{ 0x02, ANY_SUBLEAF, EAX, ALL, 0 },
	{ 0x02, ANY_SUBLEAF, EBX, ALL, 0 },
	{ 0x02, ANY_SUBLEAF, ECX, ALL, 0 },
	{ 0x02, ANY_SUBLEAF, EDX, ALL, 0 },
	/* Caches, without the numbers of threads and cores that share them. */
	{ 0x04, 0, EAX, GENMASK(13, 0), 0 }, { 0x04, 0, EBX, ALL, 0 },
	{ 0x04, 0, ECX, ALL, 0 }, { 0x04, 0, EDX, ALL, 0 },
	{ 0x04, 1, EAX, GENMASK(13, 0), 0 }, { 0x04, 1, EBX, ALL, 0 },
	{ 0x04, 1, ECX, ALL, 0 }, { 0x04, 1, EDX, ALL, 0 },
	{ 0x04, 2, EAX, GENMASK(13, 0), 0 }, { 0x04, 2, EBX, ALL, 0 },
	{ 0x04, 2, ECX, ALL, 0 }, { 0x04, 2, EDX, ALL, 0 },
	{ 0x04, 3, EAX, GENMASK(13, 0), 0 }, { 0x04, 3, EBX, ALL, 0 },
	{ 0x04, 3, ECX, ALL, 0 }, { 0x04, 3, EDX, ALL, 0 },
	/* The APIC timer goes on in every sleep state: there are none. */
	{ 0x06, ANY_SUBLEAF, EAX, 0, B(2) },
	/*
	 * FSGSBASE TSC_ADJUST BMI1 AVX2 FDP_EXCPTN_ONLY SMEP BMI2 ERMS INVPCID
	 * FCS/FDS-deprecation AVX512F DQ RDSEED ADX SMAP IFMA CLFLUSHOPT CLWB CD
	 * SHA BW VL. Hidden: SGX, TSX, MPX, PT, RDT.
	 */
	{ 0x07, 0, EBX,
	  B(0) | B(3) | B(5) | B(6) | B(7) | B(8) | B(9) | B(10) | B(13) | B(16) | B(17) |
	  B(18) | B(19) | B(20) | B(21) | B(23) | B(24) | B(28) | B(29) | B(30) | B(31), B(1) },
	/*
	 * VBMI UMIP VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ RDPID.
	 * Hidden: PKU, CET, LA57.
	 */
	{ 0x07, 0, ECX,
	  B(1) | B(2) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14) | B(22), 0 },
	/* 4VNNIW 4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE FP16, IBRS/IBPB STIBP SSBD. */
	{ 0x07, 0, EDX,
	  B(2) | B(3) | B(4) | B(8) | B(10) | B(14) | B(23) | B(26) | B(27) | B(31), 0 },
	/* AVX-VNNI, AVX512-BF16, fast zero-length and short string operations. */
	{ 0x07, 1, EAX, B(4) | B(5) | B(10) | B(11) | B(12), 0 },
	/* XSAVEOPT XSAVEC XGETBV(1) XSAVES; the rest of leaf 0DH is made below. */
	{ 0x0d, 1, EAX, GENMASK(3, 0), 0 },
	/* LAHF LZCNT PREFETCHW; SYSCALL NX 1-GByte pages RDTSCP LM. */
	{ 0x80000001, ANY_SUBLEAF, ECX, B(0) | B(5) | B(8), 0 },
	{ 0x80000001, ANY_SUBLEAF, EDX, B(11) | B(20) | B(26) | B(27) | B(29), 0 },
	{ 0x80000002, ANY_SUBLEAF, EAX, ALL, 0 }, { 0x80000002, ANY_SUBLEAF, EBX, ALL, 0 },
	{ 0x80000002, ANY_SUBLEAF, ECX, ALL, 0 }, { 0x80000002, ANY_SUBLEAF, EDX, ALL, 0 },
	{ 0x80000003, ANY_SUBLEAF, EAX, ALL, 0 }, { 0x80000003, ANY_SUBLEAF, EBX, ALL, 0 },
	{ 0x80000003, ANY_SUBLEAF, ECX, ALL, 0 }, { 0x80000003, ANY_SUBLEAF, EDX, ALL, 0 },
	{ 0x80000004, ANY_SUBLEAF, EAX, ALL, 0 }, { 0x80000004, ANY_SUBLEAF, EBX, ALL, 0 },
	{ 0x80000004, ANY_SUBLEAF, ECX, ALL, 0 }, { 0x80000004, ANY_SUBLEAF, EDX, ALL, 0 },
	{ 0x80000006, ANY_SUBLEAF, ECX, ALL, 0 },
	{ 0x80000007, ANY_SUBLEAF, EDX, B(8), 0 },	/* invariant TSC */
};

#define BASIC_LEAVES	(MAX_BASIC + 1)
#define SUBLEAVES	4
#define EXTENDED_LEAVES	(MAX_EXTENDED - 0x80000000 + 1)
#define XSAVE_SUBLEAVES	64

/* The host's answers after the policy; written by kite_cpuid_init() only. */
static u32 basic[BASIC_LEAVES][SUBLEAVES][4];
static u32 extended[EXTENDED_LEAVES][4];
static struct { u32 size, offset, flags; } xsave_part[XSAVE_SUBLEAVES];
static u64 xcr0_mask;

/* Where the answer to @leaf is kept; NULL: there is none. */
static u32 *slot_of(u32 leaf, u32 subleaf, bool has_subleaf)
{
	if (leaf < BASIC_LEAVES) {
		leaf = array_index_nospec(leaf, BASIC_LEAVES);
		if (!has_subleaf)
			return basic[leaf][0];
		if (subleaf >= SUBLEAVES)
			return NULL;
		return basic[leaf][array_index_nospec(subleaf, SUBLEAVES)];
	}
	leaf -= 0x80000000;
	if (leaf < EXTENDED_LEAVES)
		return extended[array_index_nospec(leaf, EXTENDED_LEAVES)];
	return NULL;
}

static void apply_policy(const struct policy *p)
{
	bool has_subleaf = p->subleaf != ANY_SUBLEAF;
	u32 *out = slot_of(p->leaf, p->subleaf, has_subleaf);
	u32 host[4] = {};
	u32 limit = cpuid_eax(p->leaf & 0x80000000);

	if (p->leaf <= limit)
		cpuid_count(p->leaf, has_subleaf ? p->subleaf : 0,
			    &host[EAX], &host[EBX], &host[ECX], &host[EDX]);
	out[p->reg] = (host[p->reg] & p->keep) | p->force;
}

static void init_xsave(u64 xcr0)
{
	unsigned int i;
	u32 unused;

	xcr0_mask = xcr0;
	for (i = 2; i < XSAVE_SUBLEAVES; i++)
		if (xcr0 & BIT_ULL(i))
			cpuid_count(0xd, i, &xsave_part[i].size, &xsave_part[i].offset,
				    &xsave_part[i].flags, &unused);
}

/* Instructions whose registers a guest cannot enable. */
static void hide_vectors(u64 xcr0)
{
	if (!(xcr0 & BIT_ULL(2))) {
		basic[1][0][ECX] &= ~(B(12) | B(28) | B(29));	/* FMA AVX F16C */
		basic[7][0][EBX] &= ~B(5);			/* AVX2 */
		basic[7][0][ECX] &= ~(B(9) | B(10));		/* VAES VPCLMULQDQ */
		basic[7][1][EAX] &= ~B(4);			/* AVX-VNNI */
	}
	if (!(xcr0 & BIT_ULL(7))) {
		basic[7][0][EBX] &= ~(B(16) | B(17) | B(21) | B(28) | B(30) | B(31));
		basic[7][0][ECX] &= ~(B(1) | B(6) | B(11) | B(12) | B(14));
		basic[7][0][EDX] &= ~(B(2) | B(3) | B(8) | B(23));
		basic[7][1][EAX] &= ~B(5);
	}
}

void kite_cpuid_init(const struct kite_cpuid_caps *caps)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		apply_policy(&policies[i]);
	basic[0][0][EAX] = MAX_BASIC;
	/* Leaf 2: AL is the number of CPUID calls; on all CPUs of interest it is 1. */
	basic[7][0][EAX] = 1;
	extended[0][EAX] = MAX_EXTENDED;
	extended[8][EAX] = caps->phys_bits | (48 << 8);
	if (!caps->rdtscp) {
		extended[1][EDX] &= ~B(27);
		basic[7][0][ECX] &= ~B(22);
	}
	/* The kernel clears its own bits for microcode that cannot be trusted with these. */
	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		basic[7][0][EDX] &= ~(B(26) | B(27) | B(31));
	if (!boot_cpu_has(X86_FEATURE_IBPB))
		basic[7][0][EDX] &= ~B(26);
	if (!caps->invpcid)
		basic[7][0][EBX] &= ~B(10);
	if (!caps->xsaves)
		basic[0xd][1][EAX] &= ~B(3);
	hide_vectors(caps->xcr0);
	init_xsave(caps->xcr0);
}

u32 kite_cpuid_word(u32 leaf, unsigned int reg)
{
	return slot_of(leaf, 0, true)[reg];
}

u32 kite_xsave_size(u64 xcr0)
{
	u32 size = 512 + 64;
	unsigned int i;

	for (i = 2; i < XSAVE_SUBLEAVES; i++)
		if (xcr0 & BIT_ULL(i))
			size = max(size, xsave_part[i].offset + xsave_part[i].size);
	return size;
}

/* The compacted format: each component right behind the last, some aligned to 64. */
static u32 compacted_size(u64 xcr0)
{
	u32 size = 512 + 64;
	unsigned int i;

	for (i = 2; i < XSAVE_SUBLEAVES; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		if (xsave_part[i].flags & B(1))
			size = ALIGN(size, 64);
		size += xsave_part[i].size;
	}
	return size;
}

static void leaf_xsave(const struct kite_vcpu *v, u32 subleaf, u32 regs[4])
{
	if (subleaf == 0) {
		regs[EAX] = xcr0_mask;
		regs[EBX] = kite_xsave_size(v->xcr0);
		regs[ECX] = kite_xsave_size(xcr0_mask);
		regs[EDX] = xcr0_mask >> 32;
	} else if (subleaf == 1) {
		regs[EBX] = regs[EAX] & B(1) ? compacted_size(v->xcr0) : 0;
	} else if (subleaf < XSAVE_SUBLEAVES) {
		subleaf = array_index_nospec(subleaf, XSAVE_SUBLEAVES);
		regs[EAX] = xsave_part[subleaf].size;
		regs[EBX] = xsave_part[subleaf].offset;
		regs[ECX] = xsave_part[subleaf].flags & B(1);
	}
}

/* One package of cores without threads. */
static void leaf_topology(const struct kite_vcpu *v, u32 subleaf, u32 regs[4])
{
	static const u32 level_type[] = { 1, 2 };	/* SMT, core */

	regs[ECX] = subleaf & 0xff;
	regs[EDX] = v->id;
	if (subleaf >= ARRAY_SIZE(level_type))
		return;
	regs[EAX] = subleaf ? fls(KITE_MAX_VCPUS - 1) : 0;
	regs[EBX] = subleaf ? hweight64(READ_ONCE(v->vm->vcpu_mask)) : 1;
	regs[ECX] |= level_type[subleaf] << 8;
}

static void leaf_features(const struct kite_vcpu *v, u64 cr4, u32 regs[4])
{
	u32 count = hweight64(READ_ONCE(v->vm->vcpu_mask));

	regs[EBX] |= v->id << 24;
	if (count > 1) {
		regs[EBX] |= min(roundup_pow_of_two(count), 255ul) << 16;
		regs[EDX] |= B(28);		/* HTT */
	}
	if (cr4 & X86_CR4_OSXSAVE)
		regs[ECX] |= B(27);
	if (!v->irqchip) {
		regs[ECX] &= ~(B(21) | B(24));	/* x2APIC, TSC deadline */
		regs[EDX] &= ~B(9);		/* APIC */
	}
	/* IA32_APIC_BASE.EN is mirrored. */
	if (!(v->lapic.base & LAPIC_BASE_EN))
		regs[EDX] &= ~B(9);
}

/* TSC and APIC timer: the guest need not measure them. */
static void leaf_tsc(const struct kite_vcpu *v, u32 regs[4])
{
	regs[EAX] = 1;
	regs[EBX] = 1 << LAPIC_TIMER_SHIFT;
	regs[ECX] = (u64)v->vm->clock.khz * 1000 >> LAPIC_TIMER_SHIFT;
}

static void leaf_frequency(const struct kite_vcpu *v, u32 regs[4])
{
	u32 khz = v->vm->clock.khz;

	regs[EAX] = khz / 1000;
	regs[EBX] = khz / 1000;
	regs[ECX] = (khz >> LAPIC_TIMER_SHIFT) / 1000;
}

/* Kite's own leaves, and 100H behind them those of the paravirtual clock. */
static void leaf_hypervisor(const struct kite_vcpu *v, u32 leaf, u32 regs[4])
{
	static const char own[12] = "KiteKiteKite", pvclock[12] = "KVMKVMKVM";

	if (leaf == HYPERVISOR_LEAF) {
		regs[EAX] = HYPERVISOR_TIMING;
		memcpy(&regs[EBX], own, sizeof(own));
	} else if (leaf == HYPERVISOR_TIMING) {
		regs[EAX] = v->vm->clock.khz;
		regs[EBX] = v->vm->clock.khz >> LAPIC_TIMER_SHIFT;
	} else if (!(v->vm->flags & KITE_VM_PVCLOCK)) {
		return;
	} else if (leaf == PVCLOCK_LEAF) {
		regs[EAX] = PVCLOCK_LEAF + 1;
		memcpy(&regs[EBX], pvclock, sizeof(pvclock));
	} else if (leaf == PVCLOCK_LEAF + 1) {
		regs[EAX] = kite_pvclock_features();
	}
}

static bool has_subleaves(u32 leaf)
{
	return leaf == 0x04 || leaf == 0x07 || leaf == 0x0d;
}

void kite_cpuid(const struct kite_vcpu *v, u32 leaf, u32 subleaf, u64 cr4, u32 regs[4])
{
	const u32 *known;

	memset(regs, 0, 4 * sizeof(regs[0]));
	if (leaf - HYPERVISOR_LEAF < 0x200) {
		leaf_hypervisor(v, leaf, regs);
		return;
	}
	/* A leaf beyond both ranges answers as the highest basic one. */
	if (leaf > MAX_BASIC && leaf - 0x80000000 >= EXTENDED_LEAVES)
		leaf = MAX_BASIC;
	known = slot_of(leaf, subleaf, has_subleaves(leaf));
	if (known)
		memcpy(regs, known, 4 * sizeof(regs[0]));
	switch (leaf) {
	case KITE_CPUID_SHOWS_CR4:
		leaf_features(v, cr4, regs);
		break;
	case 0x0b:
		leaf_topology(v, subleaf, regs);
		break;
	case 0x0d:
		leaf_xsave(v, subleaf, regs);
		break;
	case 0x15:
		leaf_tsc(v, regs);
		break;
	case 0x16:
		leaf_frequency(v, regs);
		break;
	}
}
