// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: each group of the state is read back as it was written, a set of one
 * group leaves the others alone, and a set that is refused changes nothing at all.
 */
#include <stdlib.h>
#include <string.h>

#include "guest.h"

#define NOT_CANONICAL	0x0001000000000000ull

static struct kite_state before, after;

static void get(struct kt_vm *vm, struct kite_state *s)
{
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL, s);
	s->msrs.tsc = 0;	/* goes on by itself */
}

/* Write @s with @groups; the groups have to read back like that and the others as before. */
static void round_trip(struct kt_vm *vm, u32 groups, const struct kite_state *s)
{
	struct kite_state set = *s, want;

	get(vm, &want);
	if (groups & KITE_STATE_GPRS)
		want.gprs = s->gprs;
	if (groups & KITE_STATE_SEGS)
		want.segs = s->segs;
	if (groups & KITE_STATE_CRS)
		want.crs = s->crs;
	if (groups & KITE_STATE_DRS)
		want.drs = s->drs;
	if (groups & KITE_STATE_MSRS)
		want.msrs = s->msrs;
	if (groups & KITE_STATE_MTRRS)
		want.mtrrs = s->mtrrs;
	if (groups & KITE_STATE_EVENTS)
		want.events = s->events;
	want.msrs.tsc = 0;
	vcpu_set_state(vm->vcpu.fd, groups, &set);
	get(vm, &after);
	EXPECT_EQ(0, memcmp(&want.gprs, &after.gprs, sizeof(want.gprs)));
	EXPECT_EQ(0, memcmp(&want.segs, &after.segs, sizeof(want.segs)));
	EXPECT_EQ(0, memcmp(&want.crs, &after.crs, sizeof(want.crs)));
	EXPECT_EQ(0, memcmp(&want.drs, &after.drs, sizeof(want.drs)));
	EXPECT_EQ(0, memcmp(&want.msrs, &after.msrs, sizeof(want.msrs)));
	EXPECT_EQ(0, memcmp(&want.mtrrs, &after.mtrrs, sizeof(want.mtrrs)));
	EXPECT_EQ(0, memcmp(&want.events, &after.events, sizeof(want.events)));
}

KITE_TEST_MODES(as_it_is, KT_IN_ALL)
{
	u32 group;

	get(vm, &before);
	for (group = 1; group < KITE_STATE_ALL; group <<= 1)
		round_trip(vm, group, &before);
	round_trip(vm, KITE_STATE_ALL, &before);
}

KITE_TEST_MODES(gprs, KT_IN_ALL)
{
	unsigned int i;

	get(vm, &before);
	for (i = 0; i < KITE_GPR_COUNT; i++)
		before.gprs.gpr[i] = 0x0123456789abcdef * (i + 1);
	before.gprs.rip = 0x1234;
	before.gprs.rflags = 0xcd7 | 2;
	round_trip(vm, KITE_STATE_GPRS, &before);
}

KITE_TEST_MODES(segs, KT_IN_ALL)
{
	unsigned int i;

	get(vm, &before);
	for (i = 0; i < KITE_SEG_COUNT; i++)
		before.segs.seg[i] = (struct kite_segment){
			.base = 0x1000 * i, .limit = 0xfffff + i, .ar = 0x93 + 0x10 * (i & 1),
			.selector = 8 * i,
		};
	before.segs.seg[KITE_GS].base = 0xffff800000001000;
	before.segs.seg[KITE_FS].ar = KITE_SEG_UNUSABLE;
	before.segs.gdtr = (struct kite_dtable){ .base = 0x7000, .limit = 0x7f };
	before.segs.idtr = (struct kite_dtable){ .base = 0xffff800000002000, .limit = 0x1ff };
	round_trip(vm, KITE_STATE_SEGS, &before);
}

KITE_TEST_IRQCHIP(crs, KT_IN_ALL)
{
	get(vm, &before);
	before.crs.cr2 = 0x123456789abcdef0;
	before.crs.cr8 = 9;
	before.crs.cr0 ^= BIT(3) | BIT(18);	/* TS, AM */
	before.crs.cr4 ^= BIT(2) | BIT(7);	/* TSD, PGE */
	before.crs.xcr0 = vm->info.xcr0;
	before.crs.apic_base = 0xfec80900;
	round_trip(vm, KITE_STATE_CRS, &before);
}

KITE_TEST_MODES(drs, KT_IN_ALL)
{
	get(vm, &before);
	before.drs = (struct kite_drs){
		.dr = { 0x1111, 0x2222, 0x3333, 0x4444 }, .dr6 = 0xffff4ff5, .dr7 = 0x33370755,
	};
	round_trip(vm, KITE_STATE_DRS, &before);
}

KITE_TEST_MODES(msrs, KT_IN_ALL)
{
	get(vm, &before);
	before.msrs = (struct kite_msrs){
		.star = 0x0023001000000000, .lstar = 0xffffffff81000000,
		.cstar = 0xffffffff81001000, .fmask = 0x47700,
		.kernel_gs_base = 0xffff888000000000, .sysenter_cs = 0x10,
		.sysenter_esp = 0xfffffe0000001000, .sysenter_eip = 0xffffffff81002000,
		.pat = 0x0407050600070106, .misc_enable = before.msrs.misc_enable,
		.spec_ctrl = before.msrs.spec_ctrl, .tsc_adjust = 0x1234567890,
		.tsc_aux = 0x5a5a, .tsc_deadline = before.msrs.tsc_deadline,
	};
	round_trip(vm, KITE_STATE_MSRS, &before);
}

KITE_TEST_MODES(tsc_goes_on_from_what_was_set, KT_IN_64)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	s.msrs.tsc = 0x1000000000000000;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_MSRS, &s);
	EXPECT_GE(s.msrs.tsc, 0x1000000000000000ull);
	/* A minute at most. */
	EXPECT_GE(60000ull * vm->info.tsc_khz, s.msrs.tsc - 0x1000000000000000);
}

KITE_TEST_MODES(mtrrs, KT_IN_64)
{
	unsigned int i;

	get(vm, &before);
	before.mtrrs.def_type = 0xc06;
	for (i = 0; i < KITE_MTRR_FIXED; i++)
		before.mtrrs.fixed[i] = 0x0606060606060606 - i % 2 * 0x0200000000000000;
	for (i = 0; i < KITE_MTRR_VARIABLE; i++) {
		before.mtrrs.var[2 * i] = (u64)i << 28 | 6;
		before.mtrrs.var[2 * i + 1] = 0xff0000000 | BIT(11);
	}
	round_trip(vm, KITE_STATE_MTRRS, &before);
}

KITE_TEST_MODES(events, KT_IN_64)
{
	u32 activity;

	get(vm, &before);
	before.events = (struct kite_events){
		.pending = KITE_EVENT_EXCEPTION | KITE_EVENT_ERROR_CODE | KITE_EVENT_NMI,
		.exception = KT_GP, .error_code = 0x18, .blocking = KITE_BLOCKING_NMI,
	};
	round_trip(vm, KITE_STATE_EVENTS, &before);
	before.events = (struct kite_events){
		.pending = KITE_EVENT_EXCEPTION, .exception = KT_UD,
		.blocking = KITE_BLOCKING_STI, .pending_debug = BIT(14),
	};
	round_trip(vm, KITE_STATE_EVENTS, &before);
	before.events = (struct kite_events){
		.pending = KITE_EVENT_INTERRUPT | KITE_EVENT_EXTINT | KITE_EVENT_NMI,
		.intr_type = KITE_INTR_EXTERNAL, .intr_vector = 0x51,
	};
	round_trip(vm, KITE_STATE_EVENTS, &before);
	before.events = (struct kite_events){
		.pending = KITE_EVENT_INTERRUPT, .intr_type = KITE_INTR_SOFTWARE_EXCEPTION,
		.intr_vector = 3, .intr_len = 1,
	};
	round_trip(vm, KITE_STATE_EVENTS, &before);
	for (activity = 0; activity <= KITE_ACTIVITY_WAIT_FOR_SIPI; activity++) {
		before.events = (struct kite_events){ .activity = activity };
		round_trip(vm, KITE_STATE_EVENTS, &before);
	}
}

KT_CODE64(nothing, "", "nop", "");

/* What was set is delivered, with RIP as it is: also #BP and #OF, without an instruction here. */
KITE_TEST_MODES(exceptions_are_delivered, KT_IN_64)
{
	static const u8 vectors[] = { 0, 1, 3, 4, 5, KT_UD, KT_GP, 16, 18 };
	struct kt_event e;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		kt_start(&vm->vcpu, &nothing);
		get(vm, &before);
		before.events = (struct kite_events){
			.pending = KITE_EVENT_EXCEPTION, .exception = vectors[i],
		};
		if (vectors[i] == KT_GP) {
			before.events.pending |= KITE_EVENT_ERROR_CODE;
			before.events.error_code = 0x18;
		}
		round_trip(vm, KITE_STATE_EVENTS, &before);
		e = kt_expect_event(&vm->vcpu, vectors[i]);
		EXPECT_EQ(kt_code_at(vm, &nothing), e.rip);
		EXPECT_EQ(vectors[i] == KT_GP ? 0x18u : 0u, e.error);
		kt_expect_done(&vm->vcpu);
	}
}

/* One member of the state and values it must not have. */
#define BAD(group, member, ...)								\
	{ #member, KITE_STATE_##group, offsetof(struct kite_state, member),		\
	  sizeof(((struct kite_state *)0)->member), { __VA_ARGS__ } }

static const struct bad {
	const char *member;
	u32 group;
	u32 at, len;
	u64 value[6];		/* 0 ends */
} bads[] = {
	BAD(GPRS, gprs.rip, NOT_CANONICAL, 0x8000000000000000),
	BAD(GPRS, gprs.rflags, BIT(3) | 2, BIT(5) | 2, BIT(15) | 2, BIT(22) | 2, BIT(32) | 2,
	    BIT(0)),
	BAD(SEGS, segs.seg[KITE_CS].ar, 0x9b | BIT(8), 0x9b | BIT(11), 0x9b | BIT(17),
	    0x9b | BIT(31)),
	BAD(SEGS, segs.seg[KITE_TR].ar, 0x8b | BIT(9), 0x8b | BIT(20)),
	BAD(SEGS, segs.seg[KITE_GS].base, NOT_CANONICAL),
	BAD(SEGS, segs.seg[KITE_TR].base, NOT_CANONICAL),
	BAD(SEGS, segs.seg[KITE_ES].reserved[0], 1),
	BAD(SEGS, segs.seg[KITE_TR].reserved[2], 0x8000),
	BAD(SEGS, segs.gdtr.base, NOT_CANONICAL),
	BAD(SEGS, segs.idtr.base, NOT_CANONICAL),
	BAD(SEGS, segs.gdtr.reserved[1], 1),
	BAD(SEGS, segs.idtr.reserved[2], 1),
	BAD(CRS, crs.cr0, BIT(31), BIT(0) | BIT(31) | BIT(32), BIT(0) | BIT(29), BIT(6), BIT(63),
	    BIT(19)),
	BAD(CRS, crs.cr3, BIT(46), BIT(51), BIT(63)),
	BAD(CRS, crs.cr4, BIT(13) | BIT(5), BIT(14) | BIT(5), BIT(31) | BIT(5), BIT(63) | BIT(5),
	    BIT(12) | BIT(5), BIT(22) | BIT(5)),
	BAD(CRS, crs.cr8, 16, BIT(32), ~0ull),
	BAD(CRS, crs.xcr0, 2, 5, 1 | BIT(3), 1 | BIT(5), BIT(63) | 1, 1 | BIT(9)),
	BAD(CRS, crs.efer, BIT(1), BIT(12), BIT(63), BIT(9)),
	BAD(CRS, crs.apic_base, 0xfee00400, 0xfee00901, 0xfee00800 | BIT(60), 0xfee00a00),
	BAD(DRS, drs.dr6, 0xffff1ff0, BIT(32) | 0xffff0ff0, 0xffff0fe0, 0xfffe0ff0, 1),
	BAD(DRS, drs.dr7, BIT(32) | 0x400, BIT(14) | 0x400, BIT(12) | 0x400, 1, BIT(63) | 0x400),
	BAD(MSRS, msrs.lstar, NOT_CANONICAL),
	BAD(MSRS, msrs.cstar, NOT_CANONICAL),
	BAD(MSRS, msrs.kernel_gs_base, NOT_CANONICAL),
	BAD(MSRS, msrs.sysenter_esp, NOT_CANONICAL),
	BAD(MSRS, msrs.sysenter_eip, NOT_CANONICAL),
	BAD(MSRS, msrs.sysenter_cs, BIT(32)),
	BAD(MSRS, msrs.fmask, BIT(32)),
	BAD(MSRS, msrs.tsc_aux, BIT(32)),
	BAD(MSRS, msrs.pat, 2, 0x0300, 0x08, BIT(63)),
	BAD(MSRS, msrs.spec_ctrl, BIT(3), BIT(63)),
	BAD(MSRS, msrs.xss, 1, BIT(8)),
	BAD(MTRRS, mtrrs.def_type, 2, BIT(12), BIT(9), 7),
	BAD(MTRRS, mtrrs.fixed[0], 2, 0x0300, 0x0700000000000000),
	BAD(MTRRS, mtrrs.fixed[10], 2, 0x08),
	BAD(MTRRS, mtrrs.var[0], 2, BIT(8), BIT(60)),
	BAD(MTRRS, mtrrs.var[15], 1, BIT(10), BIT(60)),
	BAD(EVENTS, events.pending, BIT(5), BIT(31), KITE_EVENT_ERROR_CODE,
	    KITE_EVENT_EXCEPTION | KITE_EVENT_INTERRUPT),
	BAD(EVENTS, events.blocking, BIT(2), BIT(4), KITE_BLOCKING_STI | KITE_BLOCKING_MOV_SS,
	    BIT(31)),
	BAD(EVENTS, events.activity, 3, ~0u),
	BAD(EVENTS, events.reserved, 1),
	BAD(EVENTS, events.pending_debug, BIT(4), BIT(13), BIT(63), BIT(15)),
};

static void try_bad(struct kt_vm *vm, const struct bad *bad, u64 value, u32 groups)
{
	struct kite_state s;
	int ret;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL, &s);
	/* The other groups differ, too: they must not be taken over either. */
	s.gprs.gpr[KITE_RBX] ^= 0x5555;
	s.segs.seg[KITE_DS].limit ^= 0x5555;
	s.crs.cr2 ^= 0x5555;
	s.drs.dr[0] ^= 0x5555;
	s.msrs.star ^= 0x5555;
	s.mtrrs.var[2] ^= 0x5000;
	s.events.pending ^= KITE_EVENT_NMI;
	memcpy((u8 *)&s + bad->at, &value, bad->len);
	ret = _vcpu_set_state(vm->vcpu.fd, groups, &s);
	if (ret != -EINVAL)
		kt_failed(__FILE__, __LINE__, "%s = 0x%llx: %d, want %d", bad->member, value, ret,
			  -EINVAL);
	get(vm, &after);
	if (memcmp(&before, &after, sizeof(before)))
		kt_failed(__FILE__, __LINE__, "%s = 0x%llx: the state has changed", bad->member,
			  value);
}

KITE_TEST_IRQCHIP(refused_members, KT_IN(KT_REAL16) | KT_IN_64)
{
	unsigned int i, n;

	get(vm, &before);
	for (i = 0; i < ARRAY_SIZE(bads); i++)
		for (n = 0; n < ARRAY_SIZE(bads[i].value) && bads[i].value[n]; n++) {
			try_bad(vm, &bads[i], bads[i].value[n], bads[i].group);
			try_bad(vm, &bads[i], bads[i].value[n], KITE_STATE_ALL);
		}
}

/* The members agree with one another. */
static void refuse_crs(struct kt_vm *vm, u64 cr0, u64 cr4, u64 efer)
{
	struct kite_state s;

	get(vm, &before);
	s = before;
	s.crs.cr0 = cr0;
	s.crs.cr4 = cr4;
	s.crs.efer = efer;
	EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, KITE_STATE_CRS, &s));
	get(vm, &after);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

KITE_TEST_MODES(refused_control_registers, KT_IN_64)
{
	const u64 pe = BIT(0), pg = BIT(31), nw = BIT(29), pae = BIT(5), pcide = BIT(17);
	const u64 lme = BIT(8), lma = BIT(10);

	refuse_crs(vm, pg, pae, 0);
	refuse_crs(vm, pe | nw, 0, 0);
	refuse_crs(vm, pe | pg, pae, lme);		/* LMA is missing */
	refuse_crs(vm, pe, pae, lme | lma);		/* without paging */
	refuse_crs(vm, pe | pg, pae, lma);
	refuse_crs(vm, pe | pg, 0, lme | lma);		/* without PAE */
	refuse_crs(vm, pe | pg, pae | pcide, 0);	/* PCIDE outside long mode */
}

KITE_TEST_MODES(refused_exceptions, KT_IN_64)
{
	struct kite_state s;
	u32 vector;

	for (vector = 0; vector < 40; vector++) {
		get(vm, &s);
		s.events.pending = KITE_EVENT_EXCEPTION;
		s.events.exception = vector;
		if (vector == 2 || vector > 31)
			EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s));
		else
			vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	}
	get(vm, &s);
	s.events.pending = KITE_EVENT_EXCEPTION;
	s.events.exception = 0x100;
	EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s));
}

KITE_TEST_MODES(refused_groups, KT_IN_64)
{
	struct kite_state s;

	EXPECT_EQ(-EINVAL, _vcpu_get_state(vm->vcpu.fd, 0, &s));
	EXPECT_EQ(-EINVAL, _vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL + 1, &s));
	EXPECT_EQ(-EINVAL, _vcpu_get_state(vm->vcpu.fd, BIT(31) | 1, &s));
	get(vm, &s);
	EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, 0, &s));
	EXPECT_EQ(-EINVAL, _vcpu_set_state(vm->vcpu.fd, KITE_STATE_ALL + 1, &s));
}

/* Groups that were not asked for come back as zeroes. */
KITE_TEST_MODES(only_what_was_asked_for, KT_IN_64)
{
	static struct kite_state s, zero;

	memset(&s, 0xa5, sizeof(s));
	s = (struct kite_state){ .size = sizeof(s), .groups = KITE_STATE_DRS };
	memset(&s.gprs, 0xa5, sizeof(s.gprs));
	ASSERT_EQ(0, __kt_ioctl(vm->vcpu.fd, KITE_VCPU_GET_STATE, &s));
	EXPECT_EQ(0, memcmp(&s.gprs, &zero.gprs, sizeof(s.gprs)));
	EXPECT_EQ(0, memcmp(&s.segs, &zero.segs, sizeof(s.segs)));
	EXPECT_EQ(0x400ull, s.drs.dr7);
}

/* SDM, chapter "Processor Management and Initialization", table of states after power-up. */
KITE_TEST(after_power_up)
{
	int dev = dev_open(), vm = dev_create_vm(dev, KITE_VM_IRQCHIP);
	struct kite_state *s = &before;
	u32 id;

	for (id = 0; id < 2; id++) {
		vcpu_get_state(vm_create_vcpu(vm, id), KITE_STATE_ALL, s);
		EXPECT_EQ(0xfff0ull, s->gprs.rip);
		EXPECT_EQ(2ull, s->gprs.rflags);
		EXPECT_EQ(0ull, s->gprs.gpr[KITE_RAX]);
		EXPECT_NE(0ull, s->gprs.gpr[KITE_RDX]);
		EXPECT_EQ(0xf000, s->segs.seg[KITE_CS].selector);
		EXPECT_EQ(0xffff0000ull, s->segs.seg[KITE_CS].base);
		EXPECT_EQ(0xffffu, s->segs.seg[KITE_CS].limit);
		EXPECT_EQ(0x60000010ull, s->crs.cr0);
		EXPECT_EQ(0ull, s->crs.cr4);
		EXPECT_EQ(0ull, s->crs.efer);
		EXPECT_EQ(1ull, s->crs.xcr0);
		EXPECT_EQ(id ? 0xfee00800ull : 0xfee00900ull, s->crs.apic_base);
		EXPECT_EQ(0xffff0ff0ull, s->drs.dr6);
		EXPECT_EQ(0x400ull, s->drs.dr7);
		EXPECT_EQ(0x0007040600070406ull, s->msrs.pat);
		EXPECT_EQ(id ? (u32)KITE_ACTIVITY_WAIT_FOR_SIPI : (u32)KITE_ACTIVITY_ACTIVE,
			  s->events.activity);
	}
}
