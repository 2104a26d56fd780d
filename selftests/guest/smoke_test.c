// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a guest runs in real mode, protected mode with and without paging,
 * PAE paging and long mode; it can call the host and take an exception.
 */
#include "guest.h"

KT_CODE(add, "", "add $2, %eax", KT_SYNC);

KITE_TEST_MODES(computes, KT_IN_ALL)
{
	kt_set_reg(&vm->vcpu, KITE_RAX, 40);
	kt_start(&vm->vcpu, &add);
	kt_expect_sync(&vm->vcpu, 42);
	kt_expect_done(&vm->vcpu);
}

KT_CODE(undefined, "", "ud2", "");

KITE_TEST_MODES(takes_an_exception, KT_IN_ALL)
{
	struct kt_event e = kt_run_fault(&vm->vcpu, &undefined, KT_UD, 0);

	EXPECT_EQ(2ull, e.rflags & 2);
	kt_event_set_rip(&vm->vcpu, &e, kt_code_next(vm, &undefined));
	kt_expect_done(&vm->vcpu);
}

static volatile u64 shared;

static void add_to_shared(u64 n)
{
	kt_sync(shared);
	shared += n;
}

KITE_TEST_MODES(calls_a_c_function, KT_IN_64)
{
	shared = 5;
	kt_call(&vm->vcpu, add_to_shared, 7);
	kt_expect_sync(&vm->vcpu, 5);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(12ull, shared);
}
