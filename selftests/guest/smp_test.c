// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a guest starts its other vCPUs by INIT and SIPI, as often as it likes, and
 * they run at the same time as the first; more vCPUs than CPUs all get their turn.
 */
#include <sched.h>

#include "apic.h"

static volatile u64 met;

static void ap(u64 number)
{
	KT_GUEST_ASSERT_EQ(number, kt_me()->number);
	kt_apic_on();
	__atomic_fetch_add(&met, 1, __ATOMIC_SEQ_CST);
}

static void boot_one(u64 number)
{
	u64 before = met;

	kt_ipi(number, ICR_INIT | ICR_ASSERT);
	kt_ipi(number, ICR_SIPI | ICR_ASSERT | KT_SIPI_VECTOR);
	/* The second one finds the vCPU started, or still waiting: it does no harm. */
	kt_ipi(number, ICR_SIPI | ICR_ASSERT | KT_SIPI_VECTOR);
	kt_spin_until(&met, before + 1);
}

static void boot_each(u64 count)
{
	u64 i;

	kt_apic_on();
	for (i = 1; i < count; i++)
		boot_one(i);
	KT_GUEST_ASSERT_EQ(count - 1, met);
}

static void start_all(struct kt_smp *smp, void (*boot)(u64))
{
	unsigned int i;

	for (i = 1; i < smp->count; i++)
		kt_smp_call_by_sipi(i, ap, i);
	kt_smp_call(smp, 0, boot, smp->count);
	kt_smp_start(smp);
	kt_smp_finish(smp);
	for (i = 1; i < smp->count; i++)
		EXPECT_EQ(1ull, kt_cpu[i].starts);
}

KITE_TEST_SMP(each_is_started_by_its_id, 8)
{
	start_all(smp, boot_each);
}

static void boot_together(u64 count)
{
	kt_apic_on();
	kt_ipi(0, ICR_OTHERS | ICR_INIT | ICR_ASSERT);
	kt_ipi(0, ICR_OTHERS | ICR_SIPI | ICR_ASSERT | KT_SIPI_VECTOR);
	kt_ipi(0, ICR_OTHERS | ICR_SIPI | ICR_ASSERT | KT_SIPI_VECTOR);
	kt_spin_until(&met, count - 1);
}

KITE_TEST_SMP(all_are_started_at_once, 8)
{
	start_all(smp, boot_together);
}

KITE_TEST_SMP(sixty_four_vcpus, KT_SMP_MAX)
{
	start_all(smp, boot_together);
}
