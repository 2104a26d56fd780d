// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a state that only the CPU can find wrong ends the run with
 * KITE_EXIT_FAIL_ENTRY and hurts nobody: the vCPU runs once it is put right. The record
 * names what is wrong, and KITE_VCPU_CHECK_ENTRY does before, changing nothing. The
 * emulator reports each of these entries; run with --expect-entry-failures.
 */
#include <string.h>

#include "guest.h"
#include "vmx/fields.h"

#define INVALID_GUEST_STATE	0x80000021u

KT_CODE(nop, "", "nop", "");

static void expect_broken(u32 rule, u32 field, const struct kite_broken_rule *broken)
{
	EXPECT_EQ(rule, broken->rule);
	EXPECT_EQ(field, broken->field);
	EXPECT_EQ(!rule, !*broken->text);
}

static struct kite_broken_rule fails_on_request(struct kt_vm *vm, u32 rule, u32 field)
{
	struct kite_state before, after;
	struct kite_broken_rule broken;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL & ~KITE_STATE_MSRS, &before);
	vcpu_check_entry(vm->vcpu.fd, &broken);
	expect_broken(rule, field, &broken);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL & ~KITE_STATE_MSRS, &after);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	return broken;
}

static void fails(struct kt_vm *vm, u32 rule, u32 field)
{
	const struct kite_broken_rule *record = &vm->vcpu.run->fail_entry.broken;
	struct kite_broken_rule broken = fails_on_request(vm, rule, field);

	kt_expect_exit(&vm->vcpu, KITE_EXIT_FAIL_ENTRY);
	EXPECT_EQ(INVALID_GUEST_STATE, vm->vcpu.run->fail_entry.exit_reason);
	EXPECT_EQ(0u, vm->vcpu.run->fail_entry.instruction_error);
	EXPECT_EQ(kt_code_start(vm, &nop), kt_rip(&vm->vcpu));
	expect_broken(rule, field, record);
	EXPECT_EQ(broken.value, record->value);
	EXPECT_EQ(0, strcmp(broken.text, record->text));
}

static void enters(struct kt_vm *vm)
{
	struct kite_broken_rule broken;

	vcpu_check_entry(vm->vcpu.fd, &broken);
	expect_broken(0, 0, &broken);
}

struct bad {
	const char *name;
	u32 rule;
	u32 field;
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
	{ "read-only data segment in CS", 610, VMCS_GUEST_CS_ACCESS_RIGHTS, KITE_STATE_SEGS,
	  readonly_data_in_cs },
	{ "available TSS in TR", 630, VMCS_GUEST_TR_ACCESS_RIGHTS, KITE_STATE_SEGS, available_tss },
	{ "L and D in CS", 621, VMCS_GUEST_CS_ACCESS_RIGHTS, KITE_STATE_SEGS, cs_of_both_sizes },
	{ "SS not present", 619, VMCS_GUEST_SS_ACCESS_RIGHTS, KITE_STATE_SEGS, absent_ss },
	{ "limit and granularity", 622, VMCS_GUEST_DS_ACCESS_RIGHTS, KITE_STATE_SEGS,
	  limit_without_granularity },
	{ "virtual-8086 in long mode", 603, VMCS_GUEST_ES_BASE, KITE_STATE_GPRS, virtual_8086 },
	{ "STI blocking without IF", 906, VMCS_GUEST_INTERRUPTIBILITY_STATE, KITE_STATE_EVENTS,
	  sti_without_if },
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
		fails(vm, bad[i].rule, bad[i].field);
		/* As often as it is tried. */
		fails(vm, bad[i].rule, bad[i].field);
		vcpu_set_state(vm->vcpu.fd, KITE_STATE_ALL, &good);
		enters(vm);
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
	fails(vm, 1001, VMCS_GUEST_PDPTE1);
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
	fails(vm, 1000, VMCS_GUEST_PDPTE0);
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
	fails(vm, 630, VMCS_GUEST_TR_ACCESS_RIGHTS);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &good);
	enters(vm);
	kt_expect_event(&vm->vcpu, 2);
	kt_expect_done(&vm->vcpu);
}

/* #DB by user space under blocking by MOV SS: what the check does for it is undone. */
KITE_TEST_MODES(check_of_an_exception_leaves_no_trace, KT_IN_64)
{
	struct kite_state good, s;

	kt_start(&vm->vcpu, &nop);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL, &good);
	s = good;
	s.events.pending = KITE_EVENT_EXCEPTION;
	s.events.exception = 1;
	s.events.blocking = KITE_BLOCKING_MOV_SS;
	s.gprs.rflags |= 1 << 8;
	available_tss(&s);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_GPRS | KITE_STATE_SEGS | KITE_STATE_EVENTS, &s);
	fails_on_request(vm, 630, VMCS_GUEST_TR_ACCESS_RIGHTS);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &good);
	enters(vm);
	kt_expect_event(&vm->vcpu, 1);
}
