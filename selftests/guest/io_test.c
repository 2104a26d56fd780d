// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: every form of IN, OUT, INS and OUTS reaches user space with the right
 * port, width, count and data, and what user space answers is in the registers
 * and in memory as the SDM says.
 */
#include <string.h>

#include "guest.h"

#define PORT	0x2f8

#define IN	KITE_IO_IN

KT_CODE(out8, "", "out %al, %dx", "");
KT_CODE(out16, "", "out %ax, %dx", "");
KT_CODE(out32, "", "out %eax, %dx", "");
KT_CODE(out_imm, "", "out %al, $0x80", "");
KT_CODE(in8, "", "in %dx, %al", "");
KT_CODE(in16, "", "in %dx, %ax", "");
KT_CODE(in32, "", "in %dx, %eax", "");
KT_CODE(in_imm, "", "in $0x81, %eax", "");

static void out(struct kt_vm *vm, const struct kt_code *code, u8 width)
{
	u32 mask = width == 4 ? ~0u : (1u << (8 * width)) - 1, data;

	kt_set_reg(&vm->vcpu, KITE_RAX, 0xa1b2c3d4);
	kt_set_reg(&vm->vcpu, KITE_RDX, PORT);
	kt_start(&vm->vcpu, code);
	kt_expect_io(&vm->vcpu, PORT, width, 0, 1);
	memcpy(&data, vm->vcpu.run->data, sizeof(data));
	EXPECT_EQ(0xa1b2c3d4 & mask, data & mask);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(out_gives_port_width_and_data, KT_IN_ALL)
{
	out(vm, &out8, 1);
	out(vm, &out16, 2);
	out(vm, &out32, 4);
	kt_start(&vm->vcpu, &out_imm);
	kt_expect_io(&vm->vcpu, 0x80, 1, 0, 1);
	kt_expect_done(&vm->vcpu);
}

static void in(struct kt_vm *vm, const struct kt_code *code, u8 width, u64 want)
{
	u32 data = 0x55667788;

	kt_set_reg(&vm->vcpu, KITE_RAX, 0x1122334499aabbcc);
	kt_set_reg(&vm->vcpu, KITE_RDX, PORT);
	kt_start(&vm->vcpu, code);
	kt_expect_io(&vm->vcpu, PORT, width, IN, 1);
	memcpy(vm->vcpu.run->data, &data, sizeof(data));
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(want, kt_reg(&vm->vcpu, KITE_RAX));
}

/* AL and AX leave the rest of RAX alone; EAX clears the upper half. */
KITE_TEST_MODES(in_completes_al_ax_eax, KT_IN_64)
{
	in(vm, &in8, 1, 0x1122334499aabb88);
	in(vm, &in16, 2, 0x1122334499aa7788);
	in(vm, &in32, 4, 0x55667788);
}

KITE_TEST_MODES(in_completes_in_every_mode, KT_IN_ALL & ~KT_IN_64)
{
	static const struct { const struct kt_code *code; u8 width; u32 want; } rows[] = {
		{ &in8, 1, 0x99aabb88 }, { &in16, 2, 0x99aa7788 }, { &in32, 4, 0x55667788 },
	};
	u32 data = 0x55667788;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		kt_set_reg(&vm->vcpu, KITE_RAX, 0x99aabbcc);
		kt_set_reg(&vm->vcpu, KITE_RDX, PORT);
		kt_start(&vm->vcpu, rows[i].code);
		kt_expect_io(&vm->vcpu, PORT, rows[i].width, IN, 1);
		memcpy(vm->vcpu.run->data, &data, sizeof(data));
		kt_expect_done(&vm->vcpu);
		EXPECT_EQ(rows[i].want, (u32)kt_reg(&vm->vcpu, KITE_RAX));
	}
}

KITE_TEST_MODES(immediate_port, KT_IN_ALL)
{
	kt_start(&vm->vcpu, &in_imm);
	kt_expect_io(&vm->vcpu, 0x81, 4, IN, 1);
	kt_expect_done(&vm->vcpu);
}

/* User space may come back without having seen the exit: the read is still to be finished. */
KITE_TEST_MODES(setting_registers_drops_a_waiting_read, KT_IN_64)
{
	kt_set_reg(&vm->vcpu, KITE_RDX, PORT);
	kt_start(&vm->vcpu, &in32);
	kt_expect_io(&vm->vcpu, PORT, 4, IN, 1);
	memset(vm->vcpu.run->data, 0xff, 4);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x1234);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x1234ull, kt_reg(&vm->vcpu, KITE_RAX));
}

KITE_TEST_MODES(immediate_exit_finishes_a_waiting_read, KT_IN_64)
{
	kt_set_reg(&vm->vcpu, KITE_RDX, PORT);
	kt_start(&vm->vcpu, &in32);
	kt_expect_io(&vm->vcpu, PORT, 4, IN, 1);
	memset(vm->vcpu.run->data, 0x5a, 4);
	vm->vcpu.run->immediate_exit = 1;
	kt_expect_exit(&vm->vcpu, KITE_EXIT_KICK);
	EXPECT_EQ(0x5a5a5a5aull, kt_reg(&vm->vcpu, KITE_RAX));
	vm->vcpu.run->immediate_exit = 0;
	kt_expect_done(&vm->vcpu);
}

/* Ring 3 with IOPL 0 and without a permission bitmap. */
KITE_TEST_MODES(port_access_without_privilege_faults, KT_IN_64)
{
	struct kite_state s;

	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	s.segs.seg[KITE_CS].selector = KT_USER_CS64;
	s.segs.seg[KITE_CS].ar = 0xa0fb;
	s.segs.seg[KITE_SS].selector = KT_USER_DS;
	s.segs.seg[KITE_SS].ar = 0xc0f3;
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	kt_set_reg(&vm->vcpu, KITE_RDX, PORT);
	kt_run_fault(&vm->vcpu, &out8, KT_GP, 0);
}
