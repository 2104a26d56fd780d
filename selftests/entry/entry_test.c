// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a state that only the CPU can find wrong ends the run with
 * KITE_EXIT_FAIL_ENTRY and hurts nobody: the vCPU runs once it is put right. The
 * emulator reports each of these entries; run with --expect-entry-failures.
 */
#include "guest.h"

#define INVALID_GUEST_STATE	0x80000021u

KT_CODE(nop, "", "nop", "");

static void fails(struct kt_vm *vm)
{
	kt_expect_exit(&vm->vcpu, KITE_EXIT_FAIL_ENTRY);
	EXPECT_EQ(INVALID_GUEST_STATE, vm->vcpu.run->fail_entry.exit_reason);
	EXPECT_EQ(0u, vm->vcpu.run->fail_entry.instruction_error);
	EXPECT_EQ(kt_code_start(vm, &nop), kt_rip(&vm->vcpu));
}

struct bad {
	const char *name;
	u32 group;
	void (*spoil)(struct kite_state *s);
};

static void readonly_data_in_cs(struct kite_state *s)
{
	s->segs.seg[KITE_CS].ar = 0xc091;
}

static void available_tss(struct kite_state *s)
{
	s->segs.seg[KITE_TR].ar = 0x89;
}

static void cs_of_both_sizes(struct kite_state *s)
{
	s->segs.seg[KITE_CS].ar |= 0x6000;
}

static void absent_ss(struct kite_state *s)
{
	s->segs.seg[KITE_SS].ar &= ~0x80u;
}

static void limit_without_granularity(struct kite_state *s)
{
	s->segs.seg[KITE_DS].ar |= 0x8000;
	s->segs.seg[KITE_DS].limit = 0x1234;
}

static void virtual_8086(struct kite_state *s)
{
	s->gprs.rflags |= 1 << 17;
}

static void sti_without_if(struct kite_state *s)
{
	s->events.blocking = KITE_BLOCKING_STI;
}

static const struct bad bad[] = {
	{ "read-only data segment in CS", KITE_STATE_SEGS, readonly_data_in_cs },
	{ "available TSS in TR", KITE_STATE_SEGS, available_tss },
	{ "L and D in CS", KITE_STATE_SEGS, cs_of_both_sizes },
	{ "SS not present", KITE_STATE_SEGS, absent_ss },
	{ "limit and granularity", KITE_STATE_SEGS, limit_without_granularity },
	{ "virtual-8086 in long mode", KITE_STATE_GPRS, virtual_8086 },
	{ "STI blocking without IF", KITE_STATE_EVENTS, sti_without_if },
};

KITE_TEST_MODES(invalid_guest_state, KT_IN_64)
{
	struct kite_state good, s;
	unsigned int i;

	kt_start(&vm->vcpu, &nop);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL, &good);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		kt_note("%s", bad[i].name);
		s = good;
		bad[i].spoil(&s);
		vcpu_set_state(vm->vcpu.fd, bad[i].group, &s);
		fails(vm);
		/* As often as it is tried. */
		fails(vm);
		vcpu_set_state(vm->vcpu.fd, KITE_STATE_ALL, &good);
		kt_expect_done(&vm->vcpu);
		vcpu_set_state(vm->vcpu.fd, KITE_STATE_ALL, &good);
	}
}

/* The pointers of PAE paging are loaded from memory that user space has filled. */
KITE_TEST_MODES(reserved_bits_in_pae_pointers, KT_IN(KT_PAE))
{
	kt_start(&vm->vcpu, &nop);
	kt_put(vm, u64, KT_PDPT + 8, kt_get(vm, u64, KT_PDPT + 8) | 2);
	kt_flush(&vm->vcpu);
	fails(vm);
	kt_put(vm, u64, KT_PDPT + 8, kt_get(vm, u64, KT_PDPT + 8) & ~2ull);
	kt_flush(&vm->vcpu);
	kt_expect_done(&vm->vcpu);
}

/* No slot has the pointers: they read as ones. */
KITE_TEST_MODES(pae_pointers_in_a_hole, KT_IN(KT_PAE))
{
	struct kite_state s;

	kt_start(&vm->vcpu, &nop);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	s.crs.cr3 = KT_HOLE;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	fails(vm);
	s.crs.cr3 = KT_PDPT;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	kt_expect_done(&vm->vcpu);
}

/* An event that goes with a failed entry is not lost. */
KITE_TEST_MODES(pending_event_survives_a_failed_entry, KT_IN_64)
{
	struct kite_state good, s;

	kt_start(&vm->vcpu, &nop);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS | KITE_STATE_EVENTS, &good);
	s = good;
	s.events.pending = KITE_EVENT_NMI;
	available_tss(&s);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS | KITE_STATE_EVENTS, &s);
	fails(vm);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &good);
	kt_expect_event(&vm->vcpu, 2);
	kt_expect_done(&vm->vcpu);
}
