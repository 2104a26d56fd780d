/* SPDX-License-Identifier: GPL-2.0-only */
/* What CPUID tells a guest. */
#ifndef KITE_CORE_CPUID_H
#define KITE_CORE_CPUID_H

#include <linux/types.h>

struct kite_vcpu;

/* What the back end can and cannot do, for the features that depend on it. */
struct kite_cpuid_caps {
	bool rdtscp;		/* RDTSCP and RDPID */
	bool invpcid;
	bool xsaves;
	u64 xcr0;		/* bits a guest may set in XCR0 */
	u32 phys_bits;
};

/* Work out the policy for this host once. */
void kite_cpuid_init(const struct kite_cpuid_caps *caps);

/* The one leaf with a bit that mirrors CR4. */
#define KITE_CPUID_SHOWS_CR4	0x01

/* One CPUID: @regs holds EAX, EBX, ECX, EDX after it. @cr4 is the guest's, for that leaf. */
void kite_cpuid(const struct kite_vcpu *v, u32 leaf, u32 subleaf, u64 cr4, u32 regs[4]);

/* The feature word of @leaf (subleaf 0) as guests see it, without what depends on the vCPU. */
u32 kite_cpuid_word(u32 leaf, unsigned int reg);

/* Bytes of an XSAVE image in standard format for the components in @xcr0. */
u32 kite_xsave_size(u64 xcr0);

#endif
