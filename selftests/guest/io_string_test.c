// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: INS and OUTS, with and without REP, in either direction and with any
 * address size, move exactly the elements that the SDM says, in chunks that end
 * at pages, and fault where a MOV would.
 */
#include <string.h>

#include "guest.h"

#define PORT	0x1f0
#define INS	(KITE_IO_IN | KITE_IO_STRING)
#define OUTS	KITE_IO_STRING

/* In reach of 16-bit addresses, and on a page that can be unmapped. */
#define LOW	0x3000ul
#define BUF	KT_SCRATCH

KT_CODE(insb, "", "insb", "");
KT_CODE(insw, "", "insw", "");
KT_CODE(insl, "", "insl", "");
KT_CODE(outsb, "", "outsb", "");
KT_CODE(outsl, "", "outsl", "");
KT_CODE(rep_insw, "", "rep insw", "");
KT_CODE(rep_insl, "", "rep insl", "");
KT_CODE(rep_outsb, "", "rep outsb", "");
KT_CODE(rep_outsw, "", "rep outsw", "");

static u64 buffer(const struct kt_vm *vm)
{
	return vm->mode == KT_REAL16 ? LOW : BUF;
}

static void start(struct kt_vm *vm, const struct kt_code *code, u64 index, u64 count)
{
	kt_set_reg(&vm->vcpu, KITE_RDX, PORT);
	kt_set_reg(&vm->vcpu, KITE_RSI, index);
	kt_set_reg(&vm->vcpu, KITE_RDI, index);
	kt_set_reg(&vm->vcpu, KITE_RCX, count);
	kt_start(&vm->vcpu, code);
}

KITE_TEST_MODES(ins_stores_one_element, KT_IN_ALL)
{
	static const struct { const struct kt_code *code; u8 width; } rows[] = {
		{ &insb, 1 }, { &insw, 2 }, { &insl, 4 },
	};
	u64 buf = buffer(vm), data = 0x8877665544332211;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		kt_put(vm, u64, buf, ~0ull);
		start(vm, rows[i].code, buf, 77);
		kt_expect_io(&vm->vcpu, PORT, rows[i].width, INS, 1);
		memcpy(vm->vcpu.run->data, &data, sizeof(data));
		kt_expect_done(&vm->vcpu);
		EXPECT_EQ(data | ~0ull << (8 * rows[i].width), kt_get(vm, u64, buf));
		EXPECT_EQ(buf + rows[i].width, kt_reg(&vm->vcpu, KITE_RDI));
		EXPECT_EQ(77ull, kt_reg(&vm->vcpu, KITE_RCX));
	}
}

KITE_TEST_MODES(outs_gives_one_element, KT_IN_ALL)
{
	u64 buf = buffer(vm);

	kt_put(vm, u32, buf, 0x44332211);
	start(vm, &outsb, buf, 77);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 1);
	EXPECT_EQ(0x11, vm->vcpu.run->data[0]);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(buf + 1, kt_reg(&vm->vcpu, KITE_RSI));
	start(vm, &outsl, buf, 77);
	kt_expect_io(&vm->vcpu, PORT, 4, OUTS, 1);
	EXPECT_EQ(0x44332211u, *(u32 *)vm->vcpu.run->data);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(buf + 4, kt_reg(&vm->vcpu, KITE_RSI));
}

KITE_TEST_MODES(rep_with_count_zero_does_nothing, KT_IN_ALL)
{
	u64 buf = buffer(vm);

	start(vm, &rep_insw, buf, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(buf, kt_reg(&vm->vcpu, KITE_RDI));
	start(vm, &rep_outsb, buf, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(buf, kt_reg(&vm->vcpu, KITE_RSI));
}

/* @count elements of @width bytes out of the page, starting @before bytes in front of its end. */
static void rep_outs_over_a_page(struct kt_vm *vm, const struct kt_code *code, u8 width,
				 u64 first, u64 count)
{
	u64 sent = 0, i;

	for (i = 0; i < count * width; i++)
		kt_put(vm, u8, first + i, i * 7);
	start(vm, code, first, count);
	while (sent < count) {
		struct kite_run *run = vm->vcpu.run;
		u64 room = (KT_PAGE - (first + sent * width) % KT_PAGE) / width;

		kt_expect_exit(&vm->vcpu, KITE_EXIT_IO);
		ASSERT_EQ(OUTS, run->io.flags);
		ASSERT_NE(0u, run->io.count);
		ASSERT_GE(room, run->io.count);
		for (i = 0; i < run->io.count * width; i++)
			ASSERT_EQ((u8)((sent * width + i) * 7), run->data[i]);
		sent += run->io.count;
		EXPECT_EQ(count - sent, kt_reg(&vm->vcpu, KITE_RCX));
	}
	EXPECT_EQ(count, sent);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(first + count * width, kt_reg(&vm->vcpu, KITE_RSI));
}

KITE_TEST_MODES(rep_outs_crosses_pages_in_chunks, KT_IN_PROTECTED)
{
	rep_outs_over_a_page(vm, &rep_outsw, 2, BUF + KT_PAGE - 10, 3000);
	rep_outs_over_a_page(vm, &rep_outsb, 1, BUF + 5, 5000);
}

KITE_TEST_MODES(rep_ins_fills_memory_in_chunks, KT_IN_PROTECTED)
{
	u64 first = BUF + KT_PAGE - 8, count = 1500, got = 0, i;

	start(vm, &rep_insl, first, count);
	while (got < count) {
		struct kite_run *run = vm->vcpu.run;

		kt_expect_exit(&vm->vcpu, KITE_EXIT_IO);
		ASSERT_EQ(INS, run->io.flags);
		for (i = 0; i < run->io.count; i++)
			((u32 *)run->data)[i] = 3 * (got + i);
		got += run->io.count;
	}
	EXPECT_EQ(count, got);
	kt_expect_done(&vm->vcpu);
	for (i = 0; i < count; i++)
		ASSERT_EQ((u32)(3 * i), kt_get(vm, u32, first + 4 * i));
	EXPECT_EQ(0u, kt_get(vm, u32, first + 4 * count));
}

/* With DF set the elements go down; each is an exit of its own. */
KITE_TEST_MODES(direction_flag_goes_down, KT_IN_ALL)
{
	u64 buf = buffer(vm);
	unsigned int i;

	kt_put(vm, u32, buf, 0x33332222);
	kt_put(vm, u32, buf - 4, 0x11110000);
	kt_set_rflags(&vm->vcpu, 2 | BIT(10));
	start(vm, &rep_outsw, buf + 2, 4);
	for (i = 0; i < 4; i++) {
		kt_expect_io(&vm->vcpu, PORT, 2, OUTS, 1);
		EXPECT_EQ(0x1111 * (3 - i), *(u16 *)vm->vcpu.run->data);
	}
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(buf - 6, kt_reg(&vm->vcpu, KITE_RSI));
	EXPECT_EQ(0ull, kt_reg(&vm->vcpu, KITE_RCX));
}

KITE_TEST_MODES(ins_with_direction_flag_stores_downwards, KT_IN_ALL)
{
	u64 buf = buffer(vm);
	unsigned int i;

	kt_set_rflags(&vm->vcpu, 2 | BIT(10));
	start(vm, &rep_insw, buf + 4, 3);
	for (i = 0; i < 3; i++) {
		kt_expect_io(&vm->vcpu, PORT, 2, INS, 1);
		*(u16 *)vm->vcpu.run->data = 0x1111 * (i + 1);
	}
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x111122223333ull, kt_get(vm, u64, buf) & 0xffffffffffff);
	EXPECT_EQ(buf - 2, kt_reg(&vm->vcpu, KITE_RDI));
}

KT_CODE32(addr16_outsb, "", "addr16 rep outsb", "");
KT_CODE64(addr32_outsb, "", "addr32 rep outsb", "");
KT_CODE16(addr32_in_real_mode, "", "addr32 rep outsb", "");

/* 16 bits of address: RSI and RCX count and wrap in their low half. */
KITE_TEST_MODES(address_size_16, KT_IN(KT_PROT32) | KT_IN(KT_PAGED32) | KT_IN(KT_PAE))
{
	kt_put(vm, u8, 0xffff, 0xaa);
	kt_put(vm, u8, 0, 0xbb);
	start(vm, &addr16_outsb, 0x1ffff, 0x50002);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 1);
	EXPECT_EQ(0xaa, vm->vcpu.run->data[0]);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 1);
	EXPECT_EQ(0xbb, vm->vcpu.run->data[0]);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x10001u, (u32)kt_reg(&vm->vcpu, KITE_RSI));
	EXPECT_EQ(0x50000u, (u32)kt_reg(&vm->vcpu, KITE_RCX));
}

/* 32 bits in 64-bit mode: the upper halves do not count and are cleared. */
KITE_TEST_MODES(address_size_32, KT_IN_64)
{
	kt_put(vm, u8, BUF, 0xcc);
	start(vm, &addr32_outsb, BUF | 0xabcd00000000, 0x100000001);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 1);
	EXPECT_EQ(0xcc, vm->vcpu.run->data[0]);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(BUF + 1, kt_reg(&vm->vcpu, KITE_RSI));
	EXPECT_EQ(0ull, kt_reg(&vm->vcpu, KITE_RCX));
}

KITE_TEST_MODES(address_size_32_in_real_mode, KT_IN(KT_REAL16))
{
	start(vm, &addr32_in_real_mode, LOW, 2);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 2);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(LOW + 2, kt_reg(&vm->vcpu, KITE_RSI));
}

KT_CODE(outsb_es, "", "outsb %es:(\\si), %dx", "");

KITE_TEST_MODES(segment_override, KT_IN_ALL & ~KT_IN_64)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_ES].base = 0x100;
	s.segs.seg[KITE_ES].selector = 0x10;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_put(vm, u8, LOW + 0x100, 0x5e);
	start(vm, &outsb_es, LOW, 1);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 1);
	EXPECT_EQ(0x5e, vm->vcpu.run->data[0]);
	kt_expect_done(&vm->vcpu);
}

static u64 cr2(struct kt_vm *vm)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	return s.crs.cr2;
}

KITE_TEST_MODES(ins_to_a_missing_page_faults, KT_IN_PAGED)
{
	kt_pte_change(vm, BUF, KT_PTE_P, 0);
	start(vm, &insb, BUF + 8, 1);
	kt_expect_fault(&vm->vcpu, &insb, KT_PF, 2);
	EXPECT_EQ(BUF + 8, cr2(vm));
	kt_pte_change(vm, BUF, 0, KT_PTE_P);
	kt_expect_io(&vm->vcpu, PORT, 1, INS, 1);
	vm->vcpu.run->data[0] = 0x42;
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x42, kt_get(vm, u8, BUF + 8));
}

KITE_TEST_MODES(ins_to_a_readonly_page_faults, KT_IN_PAGED)
{
	kt_pte_change(vm, BUF, KT_PTE_W, 0);
	start(vm, &insb, BUF, 1);
	kt_expect_fault(&vm->vcpu, &insb, KT_PF, 3);
	EXPECT_EQ(BUF, cr2(vm));
}

KITE_TEST_MODES(outs_from_a_missing_page_faults, KT_IN_PAGED)
{
	kt_pte_change(vm, BUF + KT_PAGE, KT_PTE_P, 0);
	start(vm, &rep_outsb, BUF + KT_PAGE - 2, 4);
	/* What lies in front of the hole comes first. */
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 2);
	kt_expect_fault(&vm->vcpu, &rep_outsb, KT_PF, 0);
	EXPECT_EQ(BUF + KT_PAGE, cr2(vm));
	EXPECT_EQ(2ull, kt_reg(&vm->vcpu, KITE_RCX));
	kt_pte_change(vm, BUF + KT_PAGE, 0, KT_PTE_P);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 2);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(ins_beyond_the_segment_limit_faults, KT_IN(KT_PROT32) | KT_IN(KT_REAL16))
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_ES].limit = 0x2fff;
	s.segs.seg[KITE_ES].ar &= ~0x8000;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	start(vm, &insb, 0x3000, 1);
	kt_expect_fault(&vm->vcpu, &insb, KT_GP, 0);
}

KT_CODE(outsb_ss, "", "outsb %ss:(\\si), %dx", "");

KITE_TEST_MODES(outs_beyond_the_stack_segment_faults, KT_IN(KT_PROT32))
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_SS].limit = 0x2ffff;
	s.segs.seg[KITE_SS].ar &= ~0x8000;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	start(vm, &outsb_ss, 0x30000, 1);
	kt_expect_fault(&vm->vcpu, &outsb_ss, 12, 0);
}

/* The elements in front of the limit go out, the one behind it faults. */
KITE_TEST_MODES(rep_outs_stops_at_the_limit, KT_IN(KT_PROT32) | KT_IN(KT_REAL16))
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_DS].limit = 0x3004;
	s.segs.seg[KITE_DS].ar &= ~0x8000;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	start(vm, &rep_outsw, 0x3000, 5);
	kt_expect_io(&vm->vcpu, PORT, 2, OUTS, 2);
	kt_expect_fault(&vm->vcpu, &rep_outsw, KT_GP, 0);
	EXPECT_EQ(3ull, kt_reg(&vm->vcpu, KITE_RCX));
	EXPECT_EQ(0x3004ull, kt_reg(&vm->vcpu, KITE_RSI));
}

KITE_TEST_MODES(expand_down_segment, KT_IN(KT_PROT32))
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_DS].limit = 0x2fff;
	s.segs.seg[KITE_DS].ar = 0x4097;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	start(vm, &outsb, 0x3000, 1);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 1);
	kt_expect_done(&vm->vcpu);
	start(vm, &outsb, 0x2fff, 1);
	kt_expect_fault(&vm->vcpu, &outsb, KT_GP, 0);
}

KITE_TEST_MODES(noncanonical_address_faults, KT_IN_64)
{
	start(vm, &outsb, 0x0000800000000000, 1);
	kt_expect_fault(&vm->vcpu, &outsb, KT_GP, 0);
	start(vm, &rep_insw, 0xfffe000000000000, 2);
	kt_expect_fault(&vm->vcpu, &rep_insw, KT_GP, 0);
}

/* The offset wraps at 64 KiB where the linear address does not. */
KITE_TEST_MODES(offset_wraps_within_a_page, KT_IN(KT_REAL16))
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_DS].base = 0x100;
	s.segs.seg[KITE_DS].selector = 0x10;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_put(vm, u8, 0x100ff, 0xaa);
	kt_put(vm, u8, 0x100, 0xbb);
	start(vm, &rep_outsb, 0xffff, 2);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 1);
	EXPECT_EQ(0xaa, vm->vcpu.run->data[0]);
	kt_expect_io(&vm->vcpu, PORT, 1, OUTS, 1);
	EXPECT_EQ(0xbb, vm->vcpu.run->data[0]);
	kt_expect_done(&vm->vcpu);
}
