// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: an exception while another is being delivered makes a double fault, or is
 * delivered after it, or shuts the vCPU down, as in the SDM's table "Conditions for
 * Generating a Double Fault"; the same whether the CPU or KITE_VCPU_INJECT finds it.
 */
#include "guest.h"

enum class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static const struct {
	u8 vector;
	enum class class;
} exceptions[] = {
	{ 0, CONTRIBUTORY }, { 1, BENIGN }, { 3, BENIGN }, { 4, BENIGN }, { 5, BENIGN },
	{ KT_UD, BENIGN }, { 7, BENIGN }, { KT_DF, DOUBLE_FAULT }, { 10, CONTRIBUTORY },
	{ 11, CONTRIBUTORY }, { 12, CONTRIBUTORY }, { KT_GP, CONTRIBUTORY },
	{ KT_PF, PAGE_FAULT }, { 16, BENIGN }, { 17, BENIGN }, { 18, BENIGN }, { 19, BENIGN },
};

/* What comes of a second exception, by the classes of the first and the second. */
enum outcome { SECOND, PROMOTED, SHUTDOWN };

static const enum outcome outcomes[4][4] = {
	[BENIGN]	= { SECOND, SECOND, SECOND, SECOND },
	[CONTRIBUTORY]	= { SECOND, PROMOTED, SECOND, SECOND },
	[PAGE_FAULT]	= { SECOND, PROMOTED, PROMOTED, SECOND },
	[DOUBLE_FAULT]	= { SECOND, SHUTDOWN, SHUTDOWN, SHUTDOWN },
};

KT_CODE64(spin, "", "nop\nnop", "");

static bool has_error(u8 vector)
{
	return 0x27d00 >> vector & 1;
}

static int inject(struct kt_vm *vm, u8 vector)
{
	struct kite_inject in = {
		.type = KITE_INTR_EXCEPTION, .vector = vector,
		.error_code = has_error(vector) && vector != KT_DF && vector != 17 ? 0x10 : 0,
	};

	return _vcpu_inject(vm->vcpu.fd, &in);
}

static void expect_outcome(struct kt_vm *vm, enum outcome outcome, u8 second)
{
	if (outcome == SHUTDOWN) {
		kt_expect_exit(&vm->vcpu, KITE_EXIT_SHUTDOWN);
		return;
	}
	kt_expect_event(&vm->vcpu, outcome == PROMOTED ? KT_DF : second);
}

/* The gate of the first one is missing, which is #GP. */
static void without_gate(struct kt_vm *vm, u8 vector)
{
	kt_put(vm, u64, KT_IDT + 16 * vector, 0);
}

/* The first one has a stack that is not there, which is #PF. */
static void without_stack(struct kt_vm *vm, u8 vector)
{
	kt_put(vm, u8, KT_IDT + 16 * vector + 4, 2);
	kt_put(vm, u64, KT_TSS + 44, KT_SCRATCH + KT_PAGE);
	kt_pte_change(vm, KT_SCRATCH, KT_PTE_P, 0);
}

static void found_by_the_cpu(unsigned int i, void (*break_it)(struct kt_vm *vm, u8 vector),
			     u8 second, enum class class)
{
	u8 first = exceptions[i].vector;
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	break_it(vm, first);
	kt_start(&vm->vcpu, &spin);
	ASSERT_EQ(0, inject(vm, first));
	expect_outcome(vm, outcomes[exceptions[i].class][class], second);
}

KITE_TEST(contributory_while_delivering)
{
	unsigned int i;

	/* #GP itself has no gate when it comes first: then #GP cannot be its outcome either. */
	for (i = 0; i < ARRAY_SIZE(exceptions); i++)
		found_by_the_cpu(i, without_gate, KT_GP, CONTRIBUTORY);
}

KITE_TEST(page_fault_while_delivering)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exceptions); i++)
		found_by_the_cpu(i, without_stack, KT_PF, PAGE_FAULT);
}

/* KITE_VCPU_INJECT does not shut down: it refuses what would. */
KITE_TEST_MODES(every_pair_by_inject, KT_IN_64)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(exceptions); i++) {
		for (j = 0; j < ARRAY_SIZE(exceptions); j++) {
			enum outcome outcome = outcomes[exceptions[i].class][exceptions[j].class];
			bool refused = exceptions[i].class == DOUBLE_FAULT;
			int ret;

			kt_start(&vm->vcpu, &spin);
			ASSERT_EQ(0, inject(vm, exceptions[i].vector));
			ret = inject(vm, exceptions[j].vector);
			if (ret != (refused ? -EBUSY : 0))
				FAIL("%u on %u: %d", exceptions[j].vector, exceptions[i].vector,
				     ret);
			expect_outcome(vm, refused ? SECOND : outcome,
				       refused ? KT_DF : exceptions[j].vector);
			kt_set_reg(&vm->vcpu, KITE_RSP, KT_STACK);
		}
	}
}
