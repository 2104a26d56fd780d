// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: CPUID shows Kite's signature and only features that a guest can use;
 * bits that mirror a control register follow it. Bits by name in SDM volume 2,
 * instruction CPUID.
 */
#include <string.h>

#include "guest.h"

struct regs {
	u32 a, b, c, d;
};

KT_CODE(cpuid, "", "cpuid", "");

/* By the instruction, in the guest. */
static struct regs guest_cpuid(struct kt_vm *vm, u32 leaf, u32 subleaf)
{
	struct kite_state s;

	kt_set_reg(&vm->vcpu, KITE_RAX, leaf);
	kt_set_reg(&vm->vcpu, KITE_RCX, subleaf);
	kt_run_done(&vm->vcpu, &cpuid);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_GPRS, &s);
	EXPECT_EQ(0ull, (s.gprs.gpr[KITE_RAX] | s.gprs.gpr[KITE_RBX] | s.gprs.gpr[KITE_RCX] |
			 s.gprs.gpr[KITE_RDX]) >> 32);
	return (struct regs){ s.gprs.gpr[KITE_RAX], s.gprs.gpr[KITE_RBX], s.gprs.gpr[KITE_RCX],
			      s.gprs.gpr[KITE_RDX] };
}

static struct regs host_cpuid(u32 leaf, u32 subleaf)
{
	struct regs r;

	asm volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
		     : "a"(leaf), "c"(subleaf));
	return r;
}

KITE_TEST_MODES(signature, KT_IN_ALL)
{
	struct regs r = guest_cpuid(vm, 0x40000000, 0);
	char text[13] = "";

	EXPECT_EQ(0x40000010u, r.a);
	memcpy(text, &r.b, 12);
	EXPECT_TRUE(!strcmp(text, "KiteKiteKite"));
	EXPECT_EQ(1u, guest_cpuid(vm, 1, 0).c >> 31);
}

KITE_TEST_MODES(other_hypervisor_leaves_are_zero, KT_IN_64)
{
	u32 leaf;

	for (leaf = 0x40000001; leaf <= 0x400001ff; leaf += 0x3f) {
		struct regs r = guest_cpuid(vm, leaf, 0);

		EXPECT_EQ(0u, r.a | r.b | r.c | r.d);
	}
	EXPECT_EQ(0u, guest_cpuid(vm, 0x40000100, 0).a);
	EXPECT_EQ(0u, guest_cpuid(vm, 0x40000101, 0).a);
}

KITE_TEST_MODES(vendor_is_the_hosts, KT_IN_64)
{
	struct regs guest = guest_cpuid(vm, 0, 0), host = host_cpuid(0, 0);

	EXPECT_EQ(host.b, guest.b);
	EXPECT_EQ(host.c, guest.c);
	EXPECT_EQ(host.d, guest.d);
	EXPECT_EQ(host_cpuid(1, 0).a, guest_cpuid(vm, 1, 0).a);
}

/* What must be hidden, whatever the host has. */
static const struct hidden {
	u32 leaf, subleaf;
	char reg;
	u8 bit;
	const char *name;
} hidden[] = {
	{ 1, 0, 'c', 2, "DTES64" }, { 1, 0, 'c', 3, "MONITOR" }, { 1, 0, 'c', 4, "DS-CPL" },
	{ 1, 0, 'c', 5, "VMX" }, { 1, 0, 'c', 6, "SMX" }, { 1, 0, 'c', 7, "EIST" },
	{ 1, 0, 'c', 8, "TM2" }, { 1, 0, 'c', 15, "PDCM" }, { 1, 0, 'd', 18, "PSN" },
	{ 1, 0, 'd', 21, "DS" }, { 1, 0, 'd', 22, "ACPI" }, { 1, 0, 'd', 28, "HTT" },
	{ 1, 0, 'd', 29, "TM" },
	{ 7, 0, 'b', 2, "SGX" }, { 7, 0, 'b', 4, "HLE" }, { 7, 0, 'b', 11, "RTM" },
	{ 7, 0, 'b', 12, "RDT-M" }, { 7, 0, 'b', 14, "MPX" }, { 7, 0, 'b', 15, "RDT-A" },
	{ 7, 0, 'b', 25, "PT" },
	{ 7, 0, 'c', 3, "PKU" }, { 7, 0, 'c', 5, "WAITPKG" }, { 7, 0, 'c', 7, "CET-SS" },
	{ 7, 0, 'c', 16, "LA57" }, { 7, 0, 'c', 30, "SGX-LC" },
	{ 7, 0, 'd', 20, "CET-IBT" }, { 7, 0, 'd', 29, "ARCH_CAPABILITIES" },
};

static u32 pick(const struct regs *r, char reg)
{
	switch (reg) {
	case 'a':
		return r->a;
	case 'b':
		return r->b;
	case 'c':
		return r->c;
	default:
		return r->d;
	}
}

KITE_TEST_MODES(features_that_guests_cannot_use_are_hidden, KT_IN_64)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		const struct hidden *h = &hidden[i];
		struct regs r = guest_cpuid(vm, h->leaf, h->subleaf);

		if (pick(&r, h->reg) & BIT(h->bit))
			kt_failed(__FILE__, __LINE__, "%s is not hidden", h->name);
	}
}

KITE_TEST_MODES(leaves_of_hidden_features_are_zero, KT_IN_64)
{
	/* MONITOR, PMU, RDT, SGX, PT. */
	static const u32 leaves[] = { 0x05, 0x0a, 0x0f, 0x10, 0x12, 0x14 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		struct regs r = guest_cpuid(vm, leaves[i], 0);

		EXPECT_EQ(0u, r.a | r.b | r.c | r.d);
	}
}

/* No bit may be there that the CPU does not have, but for those that Kite makes. */
KITE_TEST_MODES(nothing_is_invented, KT_IN_64)
{
	struct regs guest = guest_cpuid(vm, 7, 0), host = host_cpuid(7, 0);

	EXPECT_EQ(0u, guest.b & ~(host.b | 2));		/* TSC_ADJUST */
	EXPECT_EQ(0u, guest.c & ~host.c);
	EXPECT_EQ(0u, guest.d & ~host.d);
	guest = guest_cpuid(vm, 1, 0);
	host = host_cpuid(1, 0);
	EXPECT_EQ(0u, guest.c & ~(host.c | 1u << 31 | 1u << 24 | 1u << 21));
	EXPECT_EQ(0u, guest.d & ~host.d);
}

KITE_TEST_MODES(osxsave_mirrors_cr4, KT_IN_64)
{
	struct kite_state s;

	EXPECT_EQ(0ull, guest_cpuid(vm, 1, 0).c & BIT(27));
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr4 |= BIT(18);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(BIT(27), guest_cpuid(vm, 1, 0).c & BIT(27));
}

KITE_TEST_IRQCHIP(apic_bit_mirrors_apic_base, KT_IN_64)
{
	struct kite_state s;

	EXPECT_EQ(BIT(9), guest_cpuid(vm, 1, 0).d & BIT(9));
	EXPECT_EQ(BIT(21) | BIT(24), guest_cpuid(vm, 1, 0).c & (BIT(21) | BIT(24)));
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.apic_base &= ~BIT(11);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(0ull, guest_cpuid(vm, 1, 0).d & BIT(9));
}

KITE_TEST_MODES(without_irqchip_there_is_no_apic, KT_IN_64)
{
	EXPECT_EQ(0ull, guest_cpuid(vm, 1, 0).d & BIT(9));
	EXPECT_EQ(0ull, guest_cpuid(vm, 1, 0).c & (BIT(21) | BIT(24)));
}

KITE_TEST_MODES(xsave_leaf_follows_xcr0, KT_IN_64)
{
	struct regs r = guest_cpuid(vm, 0xd, 0);
	struct kite_state s;

	EXPECT_EQ(vm->info.xcr0, r.a | (u64)r.d << 32);
	EXPECT_EQ(576u, r.b);
	EXPECT_EQ(vm->info.xsave_size, r.c);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.xcr0 = vm->info.xcr0;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	r = guest_cpuid(vm, 0xd, 0);
	EXPECT_EQ(r.c, r.b);
}

KITE_TEST_MODES(xsave_components_have_the_hosts_layout, KT_IN_64)
{
	unsigned int i;

	for (i = 2; i < 63; i++) {
		struct regs guest = guest_cpuid(vm, 0xd, i), host = host_cpuid(0xd, i);

		if (vm->info.xcr0 & BIT(i)) {
			EXPECT_EQ(host.a, guest.a);
			EXPECT_EQ(host.b, guest.b);
		} else {
			EXPECT_EQ(0u, guest.a | guest.b | guest.c | guest.d);
		}
	}
}

/* Above the highest basic leaf and outside the extended ones: the highest basic leaf. */
KITE_TEST_MODES(out_of_range_leaves_answer_as_the_last, KT_IN_64)
{
	static const u32 leaves[] = { 0x1000, 0x3fffffff, 0x7fffffff, 0xffffffff };
	u32 max = guest_cpuid(vm, 0, 0).a;
	struct regs last = guest_cpuid(vm, max, 0);
	unsigned int i;

	EXPECT_NE(0u, last.a | last.b | last.c | last.d);
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		struct regs r = guest_cpuid(vm, leaves[i], 0);

		EXPECT_TRUE(!memcmp(&last, &r, sizeof(r)));
	}
	EXPECT_EQ(0x80000008u, guest_cpuid(vm, 0x80000000, 0).a);
	EXPECT_EQ(vm->info.phys_bits, guest_cpuid(vm, 0x80000008, 0).a & 0xff);
}

KITE_TEST_MODES(tsc_leaf_gives_the_frequency, KT_IN_64)
{
	struct regs r = guest_cpuid(vm, 0x15, 0);
	u64 hz = (u64)r.c * r.b / r.a, khz = vm->info.tsc_khz;

	EXPECT_GE(hz / 1000, khz - 1);
	EXPECT_GE(khz + 1, hz / 1000);
}

KITE_TEST_MODES(ioctl_and_instruction_agree, KT_IN_64)
{
	static const u32 leaves[] = {
		0, 1, 4, 7, 0xb, 0xd, 0x15, 0x40000000, 0x80000001, 0x80000008,
	};
	struct kite_cpuid c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		struct regs r = guest_cpuid(vm, leaves[i], 1);

		vcpu_get_cpuid(vm->vcpu.fd, leaves[i], 1, &c);
		EXPECT_EQ(c.eax, r.a);
		EXPECT_EQ(c.ebx, r.b);
		EXPECT_EQ(c.ecx, r.c);
		EXPECT_EQ(c.edx, r.d);
	}
}
