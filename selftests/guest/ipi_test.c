// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: an interprocessor interrupt reaches the vCPUs that its destination or
 * shorthand names, once each, and nobody else: in physical, logical flat, logical
 * cluster and x2APIC addressing, as a vector, with lowest priority and as an NMI.
 */
#include "apic.h"

#define VCPUS		8
#define FLUSH		0x30	/* below all others: what came before is taken before */
#define FIRST		0x40
#define ALL_OF_THEM	((1u << VCPUS) - 1)
#define OTHERS		(ALL_OF_THEM & ~1u)
#define NOBODY		0

/* One interrupt from vCPU 0: who gets it. */
struct row {
	u32 dest;
	u32 icr;
	u32 receivers;
	bool any_one;		/* of the receivers */
};

static const struct row *rows;
static u64 row_count;
static volatile u64 ready, over;
static volatile u32 got[64];		/* by row: a bit a vCPU */
static void (*set_up)(void);

static u64 taken(const struct row *r, u64 i, unsigned int vcpu)
{
	return kt_cpu[vcpu].taken[(r->icr & 0x700) == ICR_NMI ? 2 : FIRST + i];
}

/* Interrupts of all others that were sent before have been taken when this returns. */
static void flush(void)
{
	static u64 rounds;
	unsigned int n;

	rounds++;
	kt_ipi(0, ICR_ALL | ICR_ASSERT | FLUSH);
	for (n = 0; n < VCPUS; n++)
		kt_spin_until(&kt_cpu[n].taken[FLUSH], rounds);
}

static void send_rows(void)
{
	u64 before[VCPUS];
	unsigned int n;
	u64 i;

	for (i = 0; i < row_count; i++) {
		const struct row *r = &rows[i];

		for (n = 0; n < VCPUS; n++)
			before[n] = taken(r, i, n);
		kt_ipi(r->dest, r->icr | ICR_ASSERT | (FIRST + i));
		flush();
		/* An NMI is no vector: it may come after the flush. */
		for (n = 0; n < VCPUS; n++)
			if ((r->icr & 0x700) == ICR_NMI && r->receivers & 1u << n)
				kt_spin_until(&kt_cpu[n].taken[2], before[n] + 1);
		for (n = 0; n < VCPUS; n++) {
			KT_GUEST_ASSERT_EQ(1, taken(r, i, n) - before[n] <= 1);
			got[i] |= (u32)(taken(r, i, n) - before[n]) << n;
		}
	}
}

static void vcpu(u64 number)
{
	kt_apic_on();
	if (set_up)
		set_up();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	if (!number) {
		kt_spin_until(&ready, VCPUS);
		send_rows();
		over = 1;
		kt_ipi(0, ICR_OTHERS | ICR_ASSERT | FLUSH);
	} else {
		kt_halt_until(&over, 1);
	}
}

static void try(struct kt_smp *smp, const struct row *table, u64 count)
{
	u64 i;

	rows = table;
	row_count = count;
	kt_set_gate(smp->vm, 2, kt_count_nmi);
	kt_smp_run(smp, vcpu);
	for (i = 0; i < count; i++) {
		const struct row *r = &table[i];
		u32 one = got[i];

		if (r->any_one ? one & (one - 1) || !(one & r->receivers) : one != r->receivers)
			kt_failed(__FILE__, __LINE__, "dest 0x%x ICR 0x%x: want %s0x%x, got 0x%x",
				  r->dest, r->icr, r->any_one ? "one of " : "", r->receivers, one);
	}
}

#define TRY(smp, table) try(smp, table, ARRAY_SIZE(table))

static const struct row in_both_modes[] = {
	{ 0, 0, 1 },
	{ 1, 0, 1u << 1 },
	{ 5, 0, 1u << 5 },
	{ 7, ICR_LEVEL, 1u << 7 },		/* an edge all the same */
	{ VCPUS, 0, NOBODY },
	{ 0x7f, 0, NOBODY },
	{ 3, ICR_LOWEST, 1u << 3 },
	{ 6, ICR_NMI, 1u << 6 },
	{ VCPUS, ICR_NMI, NOBODY },
	{ 0, ICR_SELF, 1 },
	{ 5, ICR_SELF, 1 },			/* the destination does not matter */
	{ 0, ICR_ALL, ALL_OF_THEM },
	{ 0, ICR_OTHERS, OTHERS },
	{ 5, ICR_OTHERS, OTHERS },
	{ 0, ICR_OTHERS | ICR_NMI, OTHERS },
	{ 0, ICR_ALL | ICR_NMI, NOBODY },	/* the SDM has no such combination */
	{ 0, ICR_SELF | ICR_NMI, NOBODY },
};

KITE_TEST_SMP(physical, VCPUS)
{
	TRY(smp, in_both_modes);
}

KITE_TEST(xapic_broadcast)
{
	static const struct row table[] = {
		{ 0xff, 0, ALL_OF_THEM },
		{ 0xff, ICR_NMI, ALL_OF_THEM },
		{ 0xff, ICR_LOGICAL, ALL_OF_THEM },
	};

	TRY(kt_smp_new(VCPUS, false), table);
}

static void flat(void)
{
	kt_apic_write(APIC_DFR, ~0u);
	kt_apic_write(APIC_LDR, 1u << (24 + kt_me()->number));
}

KITE_TEST(xapic_logical_flat)
{
	static const struct row table[] = {
		{ 1u << 0, ICR_LOGICAL, 1u << 0 },
		{ 1u << 4, ICR_LOGICAL, 1u << 4 },
		{ 0x81, ICR_LOGICAL, 0x81 },
		{ 0x7e, ICR_LOGICAL, 0x7e },
		{ 0xff, ICR_LOGICAL, ALL_OF_THEM },
		{ 0, ICR_LOGICAL, NOBODY },
		{ 0x0c, ICR_LOGICAL | ICR_NMI, 0x0c },
		{ 0x3c, ICR_LOGICAL | ICR_LOWEST, 0x3c, true },
		{ 0xff, ICR_LOGICAL | ICR_LOWEST, ALL_OF_THEM, true },
		{ 0x10, ICR_LOGICAL | ICR_LOWEST, 0x10, true },
		{ 0, ICR_LOGICAL | ICR_LOWEST, NOBODY },
		{ 2, 0, 1u << 2 },		/* physical stays as it was */
	};

	set_up = flat;
	TRY(kt_smp_new(VCPUS, false), table);
}

/* Two share a bit, and one has none. */
static void shared_bits(void)
{
	static const u8 ldr[VCPUS] = { 0x01, 0x02, 0x02, 0x06, 0x08, 0, 0x80, 0x80 };

	kt_apic_write(APIC_DFR, ~0u);
	kt_apic_write(APIC_LDR, (u32)ldr[kt_me()->number] << 24);
}

KITE_TEST(xapic_logical_flat_with_shared_bits)
{
	static const struct row table[] = {
		{ 0x02, ICR_LOGICAL, 0x0e },
		{ 0x04, ICR_LOGICAL, 0x08 },
		{ 0x80, ICR_LOGICAL, 0xc0 },
		{ 0xdf, ICR_LOGICAL, 0xdf },
		{ 0x02, ICR_LOGICAL | ICR_LOWEST, 0x0e, true },
		{ 5, 0, 1u << 5 },
	};

	set_up = shared_bits;
	TRY(kt_smp_new(VCPUS, false), table);
}

/* Three in cluster 0, two in cluster 1, three in cluster 14. */
static void cluster(void)
{
	static const u8 ldr[VCPUS] = { 0x01, 0x02, 0x04, 0x11, 0x12, 0xe1, 0xe2, 0xe8 };

	kt_apic_write(APIC_DFR, 0x0fffffff);
	kt_apic_write(APIC_LDR, (u32)ldr[kt_me()->number] << 24);
}

KITE_TEST(xapic_logical_cluster)
{
	static const struct row table[] = {
		{ 0x01, ICR_LOGICAL, 1u << 0 },
		{ 0x02, ICR_LOGICAL, 1u << 1 },
		{ 0x06, ICR_LOGICAL, 0x06 },
		{ 0x0f, ICR_LOGICAL, 0x07 },
		{ 0x13, ICR_LOGICAL, 0x18 },
		{ 0x14, ICR_LOGICAL, NOBODY },
		{ 0xef, ICR_LOGICAL, 0xe0 },
		{ 0xe8, ICR_LOGICAL, 0x80 },
		{ 0x2f, ICR_LOGICAL, NOBODY },
		{ 0xff, ICR_LOGICAL, ALL_OF_THEM },
		{ 0xef, ICR_LOGICAL | ICR_NMI, 0xe0 },
		{ 0xef, ICR_LOGICAL | ICR_LOWEST, 0xe0, true },
		{ 0x13, ICR_LOGICAL | ICR_LOWEST, 0x18, true },
	};

	set_up = cluster;
	TRY(kt_smp_new(VCPUS, false), table);
}

KITE_TEST(x2apic_destinations)
{
	static const struct row table[] = {
		{ 0xff, 0, NOBODY },			/* an ID like others */
		{ 0x101, 0, NOBODY },			/* 32 bits count */
		{ 0xffffffff, 0, ALL_OF_THEM },
		{ 0xffffffff, ICR_NMI, ALL_OF_THEM },
		{ 1u << 0, ICR_LOGICAL, 1u << 0 },
		{ 1u << 6, ICR_LOGICAL, 1u << 6 },
		{ 0xa5, ICR_LOGICAL, 0xa5 },
		{ 0xffff, ICR_LOGICAL, ALL_OF_THEM },
		{ 0x1ffff, ICR_LOGICAL, NOBODY },	/* cluster 1 is empty */
		{ 0xff00, ICR_LOGICAL, NOBODY },
		{ 0xffffffff, ICR_LOGICAL, ALL_OF_THEM },
		{ 0x3c, ICR_LOGICAL | ICR_NMI, 0x3c },
		{ 0x3c, ICR_LOGICAL | ICR_LOWEST, 0x3c, true },
	};

	TRY(kt_smp_new(VCPUS, true), table);
}

/* Logical IDs of x2APICs in the second cluster: vCPUs from 16 on. */
static void far_vcpu(u64 number)
{
	kt_apic_on();
	KT_GUEST_ASSERT_EQ(number / 16 << 16 | 1u << number % 16, kt_apic_read(APIC_LDR));
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	if (!number) {
		kt_spin_until(&ready, 18);
		kt_ipi(0x10002, ICR_LOGICAL | ICR_ASSERT | FIRST);
		kt_spin_until(&kt_cpu[17].taken[FIRST], 1);
		kt_ipi(0x1ffff, ICR_LOGICAL | ICR_ASSERT | FLUSH);
	} else if (number >= 16) {
		kt_halt_until(&kt_me()->taken[FLUSH], 1);
	}
}

KITE_TEST(x2apic_second_cluster)
{
	kt_smp_run(kt_smp_new(18, true), far_vcpu);
	EXPECT_EQ(1ull, kt_cpu[17].taken[FIRST]);
	EXPECT_EQ(0ull, kt_cpu[16].taken[FIRST]);
	EXPECT_EQ(0ull, kt_cpu[1].taken[FIRST]);
}

static void self_ipis(u64 unused)
{
	u64 i;

	(void)unused;
	kt_apic_on();
	for (i = KT_COUNTED; i < 256; i++) {
		kt_apic_write(APIC_SELF, i);
		kt_spin_until(&kt_me()->taken[i], 1);
	}
}

KITE_TEST(x2apic_self_ipi_register)
{
	unsigned int i;

	kt_smp_run(kt_smp_new(1, true), self_ipis);
	for (i = KT_COUNTED; i < 256; i++)
		EXPECT_EQ(1ull, kt_cpu[0].taken[i]);
}

/* A software-disabled APIC takes no vector; NMIs get through. */
static void disabled(u64 number)
{
	kt_apic_on();
	if (number == 1)
		kt_apic_write(APIC_SVR, 0xff);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	if (number == 1) {
		kt_spin_until(&kt_me()->taken[2], 1);
		kt_apic_write(APIC_SVR, SVR_ON);
		kt_window();
		return;
	}
	kt_spin_until(&ready, 2);
	kt_ipi(1, ICR_ASSERT | FIRST);
	kt_ipi(1, ICR_ASSERT | ICR_NMI);
}

KITE_TEST_SMP(a_disabled_apic_takes_nmis_only, 2)
{
	kt_set_gate(smp->vm, 2, kt_count_nmi);
	kt_smp_run(smp, disabled);
	EXPECT_EQ(1ull, kt_cpu[1].taken[2]);
	EXPECT_EQ(0ull, kt_cpu[1].taken[FIRST]);
}
