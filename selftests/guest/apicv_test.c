// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: what the CPU can do for the local APIC it does, without exits, unless a
 * module parameter forbids it; and the guest cannot tell. The module parameters tell
 * what is in use.
 */
#include <stdio.h>

#include "apic.h"

#define N		50
#define VECTOR		0x51
#define PIN		5

/* Exit reasons. */
enum {
	INTERRUPT_WINDOW = 7, CR_ACCESS = 28, RDMSR = 31, WRMSR = 32, BELOW_THRESHOLD = 43,
	APIC_ACCESS = 44, VIRTUAL_EOI = 45, EPT_VIOLATION = 48, APIC_WRITE = 56,
};

static bool in_use(const char *help)
{
	char path[80], value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/kite/parameters/%s", help);
	f = fopen(path, "r");
	if (!f || fread(&value, 1, 1, f) != 1)
		FAIL("%s cannot be read", path);
	fclose(f);
	return value == 'Y';
}

#define TPR_SHADOW	in_use("tpr_shadow")
#define ACCESS		in_use("apic_access")
#define REGISTERS	in_use("apic_register")
#define INTERRUPTS	in_use("virtual_interrupts")
#define MSRS		in_use("x2apic_msrs")

KITE_TEST(what_needs_the_tpr_shadow_is_off_without_it)
{
	if (TPR_SHADOW)
		SKIP("the TPR shadow is on");
	EXPECT_TRUE(!REGISTERS);
	EXPECT_TRUE(!INTERRUPTS);
	EXPECT_TRUE(!MSRS);
}

/* Run @fn; what happens between its first two syncs is counted. */
static struct kite_stats exits_of(struct kt_smp *smp, void (*fn)(u64))
{
	struct kite_stats before, after;
	unsigned int i;

	kt_smp_call(smp, 0, fn, N);
	kt_expect_sync(&smp->vcpu[0], 1);
	vcpu_get_stats(smp->vcpu[0].fd, &before);
	kt_expect_sync(&smp->vcpu[0], 2);
	vcpu_get_stats(smp->vcpu[0].fd, &after);
	kt_expect_done(&smp->vcpu[0]);
	for (i = 0; i < KITE_STATS_EXITS; i++)
		after.exits[i] -= before.exits[i];
	return after;
}

/* @count exits for @reason, and for no other that a LAPIC has. */
static void expect_exits(const struct kite_stats *s, u32 reason, u64 count)
{
	static const u32 reasons[] = {
		CR_ACCESS, RDMSR, WRMSR, BELOW_THRESHOLD, APIC_ACCESS, VIRTUAL_EOI, APIC_WRITE,
		EPT_VIOLATION,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		u64 want = reasons[i] == reason ? count : 0;
		/* The host may take a page of the program away at any time. */
		u64 most = reasons[i] == EPT_VIOLATION ? want + N / 2 : want;

		if (s->exits[reasons[i]] < want || s->exits[reasons[i]] > most)
			kt_failed(__FILE__, __LINE__, "exit reason %u: want %llu, got %llu",
				  reasons[i], want, (u64)s->exits[reasons[i]]);
	}
}

/* The reason for which an access in xAPIC mode exits that the CPU cannot finish. */
static u32 xapic_exit(bool write)
{
	if (!ACCESS)
		return EPT_VIOLATION;
	return write && REGISTERS ? APIC_WRITE : APIC_ACCESS;
}

static void self_ipis(u64 n)
{
	u64 i;

	kt_apic_on();
	kt_sync(1);
	for (i = 0; i < n; i++) {
		kt_self_ipi(VECTOR);
		kt_window();
	}
	kt_sync(2);
}

KITE_TEST_SMP(self_ipi_and_eoi, 1)
{
	struct kite_stats s = exits_of(smp, self_ipis);

	EXPECT_EQ(N, kt_cpu[0].taken[VECTOR]);
	if (kt_cpu[0].x2apic)
		expect_exits(&s, WRMSR, INTERRUPTS && MSRS ? 0 : 2 * N);
	else
		expect_exits(&s, xapic_exit(true), INTERRUPTS && ACCESS ? 0 : 2 * N);
	/* IF is 0 when it is sent: what the CPU does not deliver waits for a window. */
	EXPECT_EQ(INTERRUPTS ? 0 : N, s.exits[INTERRUPT_WINDOW]);
}

static void cr8s(u64 n)
{
	u64 i;

	kt_apic_on();
	kt_sync(1);
	for (i = 0; i < n; i++) {
		kt_cr8(i % 16);
		KT_GUEST_ASSERT_EQ(i % 16, kt_read_cr8());
	}
	kt_sync(2);
	KT_GUEST_ASSERT_EQ((n - 1) % 16 << 4, kt_apic_read(APIC_TPR));
	KT_GUEST_ASSERT_EQ((n - 1) % 16 << 4, kt_apic_read(APIC_PPR));
}

KITE_TEST_SMP(cr8, 1)
{
	struct kite_stats s = exits_of(smp, cr8s);

	expect_exits(&s, CR_ACCESS, TPR_SHADOW ? 0 : 2 * N);
}

static void task_priorities(u64 n)
{
	u64 i;

	kt_apic_on();
	kt_sync(1);
	for (i = 0; i < n; i++) {
		kt_apic_write(APIC_TPR, i);
		KT_GUEST_ASSERT_EQ(i, kt_apic_read(APIC_TPR));
	}
	kt_sync(2);
	KT_GUEST_ASSERT_EQ((n - 1) >> 4, kt_read_cr8());
}

KITE_TEST_SMP(task_priority, 1)
{
	struct kite_stats s = exits_of(smp, task_priorities);

	if (kt_cpu[0].x2apic) {
		EXPECT_EQ(MSRS ? 0 : N, s.exits[RDMSR]);
		EXPECT_EQ(MSRS ? 0 : N, s.exits[WRMSR]);
	} else if (TPR_SHADOW && ACCESS) {
		expect_exits(&s, APIC_ACCESS, 0);
	} else {
		expect_exits(&s, xapic_exit(false), 2 * N);
	}
}

static void reads(u64 n)
{
	u64 i;

	kt_apic_on();
	kt_sync(1);
	for (i = 0; i < n; i++)
		KT_GUEST_ASSERT_EQ(SVR_ON, kt_apic_read(APIC_SVR));
	kt_sync(2);
}

KITE_TEST_SMP(register_reads, 1)
{
	struct kite_stats s = exits_of(smp, reads);

	if (kt_cpu[0].x2apic)
		expect_exits(&s, RDMSR, REGISTERS && MSRS ? 0 : N);
	else
		expect_exits(&s, xapic_exit(false), REGISTERS && ACCESS ? 0 : N);
}

static void ppr_reads(u64 n)
{
	u64 i;

	kt_apic_on();
	kt_sync(1);
	for (i = 0; i < n; i++)
		kt_apic_read(APIC_PPR);
	kt_sync(2);
}

KITE_TEST_SMP(processor_priority_reads, 1)
{
	struct kite_stats s = exits_of(smp, ppr_reads);

	/* The CPU keeps it up to date only if it delivers interrupts. */
	if (kt_cpu[0].x2apic)
		expect_exits(&s, RDMSR, REGISTERS && INTERRUPTS && MSRS ? 0 : N);
	else
		expect_exits(&s, xapic_exit(false), N);
}

static void count_reads(u64 n)
{
	u32 last = ~0u, count;
	u64 i;

	kt_apic_on();
	kt_apic_write(APIC_LVTT, LVT_MASKED | VECTOR);
	kt_apic_write(APIC_TDCR, TDCR_1);
	kt_apic_write(APIC_TMICT, last);
	kt_sync(1);
	for (i = 0; i < n; i++, last = count) {
		count = kt_apic_read(APIC_TMCCT);
		KT_GUEST_ASSERT_EQ(1, count && count <= last);
	}
	kt_sync(2);
}

KITE_TEST_SMP(the_current_count_always_exits, 1)
{
	struct kite_stats s = exits_of(smp, count_reads);

	expect_exits(&s, kt_cpu[0].x2apic ? RDMSR : xapic_exit(false), N);
}

static void lvt_writes(u64 n)
{
	u64 i;

	kt_apic_on();
	kt_sync(1);
	for (i = 0; i < n; i++)
		kt_apic_write(APIC_LVTERR, VECTOR + i);
	kt_sync(2);
	KT_GUEST_ASSERT_EQ(VECTOR + n - 1, kt_apic_read(APIC_LVTERR));
}

KITE_TEST_SMP(register_writes, 1)
{
	struct kite_stats s = exits_of(smp, lvt_writes);

	expect_exits(&s, kt_cpu[0].x2apic ? WRMSR : xapic_exit(true), N);
}

/* What TPR holds back comes when it is lowered far enough, and not before. */
static void lower_tpr(u64 n)
{
	u64 tpr;

	(void)n;
	kt_apic_on();
	kt_cr8(15);
	kt_self_ipi(VECTOR);
	kt_sync(1);
	asm volatile("sti" : : : "memory");
	for (tpr = 14; tpr >= VECTOR >> 4; tpr--) {
		kt_cr8(tpr);
		KT_GUEST_ASSERT_EQ(0, kt_me()->taken[VECTOR]);
	}
	kt_cr8(tpr);
	asm volatile("nop\n cli" : : : "memory");
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[VECTOR]);
	kt_sync(2);
}

KITE_TEST_SMP(tpr_threshold, 1)
{
	struct kite_stats s = exits_of(smp, lower_tpr);

	EXPECT_EQ(TPR_SHADOW && !INTERRUPTS ? 1 : 0, s.exits[BELOW_THRESHOLD]);
}

/* Only the EOI of a level-triggered interrupt is the I/O APIC's business. */
static void from_pin(u64 trigger)
{
	kt_apic_on();
	kt_me()->no_eoi = 1;
	kt_ioapic_route(PIN, 0, VECTOR | trigger);
	kt_sync(1);
	kt_window();
	KT_GUEST_ASSERT_EQ(1, kt_me()->taken[VECTOR]);
	kt_apic_write(APIC_EOI, 0);
	kt_sync(2);
	kt_window();
	KT_GUEST_ASSERT_EQ(trigger ? 2 : 1, kt_me()->taken[VECTOR]);
	kt_apic_write(APIC_EOI, 0);
	kt_sync(3);
}

static void try_pin(struct kt_smp *smp, bool level)
{
	struct kt_vcpu *vcpu = &smp->vcpu[0];
	struct kite_ioapic ioapic;
	struct kite_stats s;
	bool cpu_ends = INTERRUPTS && (kt_cpu[0].x2apic ? MSRS : ACCESS);

	kt_smp_call(smp, 0, from_pin, level ? ICR_LEVEL : 0);
	kt_expect_sync(vcpu, 1);
	vm_irq_line(smp->vm->fd, PIN, 1);
	kt_expect_sync(vcpu, 2);
	/* A level that stays is there again. */
	vm_get_ioapic(smp->vm->fd, &ioapic);
	EXPECT_EQ(level ? BIT(14) : 0, ioapic.redir[PIN] & BIT(14));
	vm_irq_line(smp->vm->fd, PIN, 0);
	kt_expect_sync(vcpu, 3);
	vm_get_ioapic(smp->vm->fd, &ioapic);
	EXPECT_EQ(0, ioapic.redir[PIN] & BIT(14));
	kt_expect_done(vcpu);
	vcpu_get_stats(vcpu->fd, &s);
	EXPECT_EQ(level && cpu_ends ? 2 : 0, s.exits[VIRTUAL_EOI]);
}

KITE_TEST_SMP(eoi_of_a_level, 1)
{
	try_pin(smp, true);
}

KITE_TEST_SMP(eoi_of_an_edge, 1)
{
	try_pin(smp, false);
}
