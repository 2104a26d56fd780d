// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: an access that KITE_VM_SET_PERM does not allow ends KITE_VCPU_RUN with
 * KITE_EXIT_PROTECTION and has had no effect; once it is allowed the guest goes on
 * with the same instruction, or with the same event.
 */
#include <string.h>
#include <sys/mman.h>

#include "guest.h"

#define GPA	0xa000000ul	/* a slot of the test's own */
#define SLOT	5
#define LEN	(64 * KT_PAGE)
#define LOW	0xd000ul	/* where real mode reaches */
#define NMI	2

#define READ	KITE_ACCESS_READ
#define WRITE	KITE_ACCESS_WRITE
#define EXEC	KITE_ACCESS_EXEC
#define ALL	(READ | WRITE | EXEC)
#define GVA	KITE_PROTECTION_GVA
#define WALK	KITE_PROTECTION_WALK

#define RET	0xc3

KT_CODE(load, "", "mov (\\di), %eax", "");
KT_CODE(store, "", "mov %eax, (\\di)", "");
KT_CODE(call, "", "call *\\di", "");
KT_CODE(lock_add, "", "lock addl $1, (\\di)", "");
KT_CODE(fill, "cld", "rep stosb", "");
KT_CODE(spin, "", "nop", "");
KT_CODE(undefined, "", "ud2", "");
KT_CODE(int_n, "", "int $0x77", "");
KT_CODE32(load_cr3, "", "mov %eax, %cr3", "");

static u8 *add_slot(struct kt_vm *vm)
{
	u8 *mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	return mem;
}

static const struct kite_exit_protection *expect_protection(struct kt_vm *vm, u64 gpa, u64 gva,
							    u32 access, u32 perm, u32 flags)
{
	const struct kite_exit_protection *p = &vm->vcpu.run->protection;

	kt_expect_exit(&vm->vcpu, KITE_EXIT_PROTECTION);
	EXPECT_EQ(gpa, p->gpa);
	EXPECT_EQ(gva, p->gva);
	EXPECT_EQ(access, p->access & access);
	EXPECT_NE(0u, p->access & ~perm);
	EXPECT_EQ(perm, p->perm);
	EXPECT_EQ(flags, p->flags);
	EXPECT_EQ(0u, p->reserved);
	return p;
}

static bool cpu_has_exec_only(struct kt_vm *vm)
{
	struct kite_vmx_msrs msrs = { .size = sizeof(msrs) };

	ASSERT_EQ(0, __kt_ioctl(vm->dev, KITE_GET_VMX_MSRS, &msrs));
	return msrs.msr[0x48c - KITE_VMX_MSR_BASE] & 1;
}

static const u32 perms[] = { 0, READ, READ | WRITE, READ | EXEC, EXEC, ALL };

static const struct access {
	u32 bit;
	const struct kt_code *code;
} accesses[] = {
	{ READ, &load }, { WRITE, &store }, { EXEC, &call },
};

/* One access, with @perm at @gpa; the guest's address of it is @gva. */
static void try_access(struct kt_vm *vm, const struct access *a, u32 perm, u64 gpa, u64 gva,
		       volatile u32 *mem)
{
	*mem = RET | 0xabcd00;
	vm_set_perm(vm->fd, perm, gpa & ~(KT_PAGE - 1), KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, gva);
	kt_set_reg(&vm->vcpu, KITE_RAX, RET);
	kt_start(&vm->vcpu, a->code);
	if (!(a->bit & perm)) {
		expect_protection(vm, gpa, gva, a->bit, perm, GVA);
		EXPECT_EQ(a->bit == EXEC ? gva : kt_code_at(vm, a->code), kt_rip(&vm->vcpu));
		EXPECT_EQ(RET | 0xabcd00u, *mem);
		/* As often as it is tried. */
		expect_protection(vm, gpa, gva, a->bit, perm, GVA);
		vm_set_perm(vm->fd, ALL, gpa & ~(KT_PAGE - 1), KT_PAGE);
	}
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(a->bit == WRITE ? RET : RET | 0xabcd00u, *mem);
	EXPECT_EQ(a->bit == READ ? RET | 0xabcd00u : RET, (u32)kt_reg(&vm->vcpu, KITE_RAX));
}

static void try_all(struct kt_vm *vm, u64 gpa, u64 gva, void *mem)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(perms); i++) {
		if (perms[i] == EXEC && !cpu_has_exec_only(vm)) {
			EXPECT_EQ(-EOPNOTSUPP, _vm_set_perm(vm->fd, EXEC, GPA, KT_PAGE));
			continue;
		}
		for (j = 0; j < ARRAY_SIZE(accesses); j++)
			try_access(vm, &accesses[j], perms[i], gpa, gva, mem);
	}
}

KITE_TEST_MODES(each_access_with_each_permission, KT_IN_ALL)
{
	if (vm->mode == KT_REAL16)
		try_all(vm, LOW + 0x120, LOW + 0x120, kt_ptr(vm, LOW + 0x120));
	else
		try_all(vm, GPA + 0x120, GPA + 0x120, add_slot(vm) + 0x120);
}

KITE_TEST_MODES(linear_address_is_not_the_physical_one, KT_IN_PAGED)
{
	u8 *mem = add_slot(vm);

	kt_pte_change(vm, KT_SCRATCH, ~0ull, GPA | KT_PTE_P | KT_PTE_W | KT_PTE_U);
	try_all(vm, GPA + 0xabc, KT_SCRATCH + 0xabc, mem + 0xabc);
}

KITE_TEST_MODES(atomic_operation, KT_IN_PROTECTED)
{
	volatile u32 *mem = (u32 *)add_slot(vm);

	*mem = 41;
	vm_set_perm(vm->fd, READ, GPA, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_start(&vm->vcpu, &lock_add);
	expect_protection(vm, GPA, GPA, WRITE, READ, GVA);
	EXPECT_EQ(41u, *mem);
	vm_set_perm(vm->fd, READ | WRITE, GPA, KT_PAGE);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(42u, *mem);
}

/* The part before the protected page is done, and not done again. */
KITE_TEST_MODES(string_store_into_a_protected_page, KT_IN_PROTECTED)
{
	u8 *mem = add_slot(vm);
	u32 i;

	vm_set_perm(vm->fd, READ, GPA + KT_PAGE, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + KT_PAGE - 100);
	kt_set_reg(&vm->vcpu, KITE_RCX, 200);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x77);
	kt_start(&vm->vcpu, &fill);
	expect_protection(vm, GPA + KT_PAGE, GPA + KT_PAGE, WRITE, READ, GVA);
	EXPECT_EQ(100ull, kt_reg(&vm->vcpu, KITE_RCX));
	EXPECT_EQ(0u, mem[KT_PAGE]);
	mem[KT_PAGE - 1] = 0;
	vm_set_perm(vm->fd, ALL, GPA + KT_PAGE, KT_PAGE);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0u, mem[KT_PAGE - 1]);
	for (i = 0; i < 100; i++)
		EXPECT_EQ(0x77u, mem[KT_PAGE + i]);
	EXPECT_EQ(0u, mem[KT_PAGE + 100]);
}

KITE_TEST_MODES(instruction_reaches_into_a_protected_page, KT_IN_PROTECTED)
{
	static const u8 mov_eax_imm32[] = { 0xb8, 0x78, 0x56, 0x34, 0x12, RET };
	u8 *mem = add_slot(vm);

	memcpy(mem + KT_PAGE - 2, mov_eax_imm32, sizeof(mov_eax_imm32));
	vm_set_perm(vm->fd, READ | WRITE, GPA + KT_PAGE, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + KT_PAGE - 2);
	kt_start(&vm->vcpu, &call);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_PROTECTION);
	/* Where in the page the CPU fetched is its own affair. */
	EXPECT_EQ(GPA + KT_PAGE, vm->vcpu.run->protection.gpa & ~(KT_PAGE - 1));
	EXPECT_EQ(EXEC, vm->vcpu.run->protection.access);
	EXPECT_EQ(GPA + KT_PAGE - 2, kt_rip(&vm->vcpu));
	vm_set_perm(vm->fd, READ | EXEC, GPA + KT_PAGE, KT_PAGE);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x12345678u, (u32)kt_reg(&vm->vcpu, KITE_RAX));
}

/* Where the entry of @gva is in the tables of 4-KByte pages. */
static u64 pte_gpa(struct kt_vm *vm, u64 gva)
{
	return KT_PT + (gva >> 12) * (vm->mode == KT_PAGED32 ? 4 : 8);
}

/* With accessed and dirty flags in EPT a walk counts as a write, else as a read. */
KITE_TEST_MODES(page_table_page, KT_IN_PAGED)
{
	kt_put(vm, u32, KT_SCRATCH + 8, 0x1234);
	vm_set_perm(vm->fd, 0, KT_PT, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH + 8);
	kt_start(&vm->vcpu, &load);
	expect_protection(vm, pte_gpa(vm, KT_SCRATCH), KT_SCRATCH + 8, READ, 0, GVA | WALK);
	EXPECT_EQ(kt_code_at(vm, &load), kt_rip(&vm->vcpu));
	vm_set_perm(vm->fd, ALL, KT_PT, KT_PAGE);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0x1234u, (u32)kt_reg(&vm->vcpu, KITE_RAX));
}

/* The CPU sets the accessed and dirty flags of the guest's tables, and they are writes. */
KITE_TEST_MODES(flags_in_a_write_protected_page_table, KT_IN_64)
{
	u64 pte = pte_gpa(vm, KT_SCRATCH), before;

	kt_pte_change(vm, KT_SCRATCH, BIT(5) | BIT(6), 0);
	before = kt_get(vm, u64, pte);
	vm_set_perm(vm->fd, READ, KT_PT, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH);
	kt_start(&vm->vcpu, &store);
	expect_protection(vm, pte, KT_SCRATCH, WRITE, READ, GVA | WALK);
	EXPECT_EQ(before, kt_get(vm, u64, pte));
	vm_set_perm(vm->fd, READ | WRITE, KT_PT, KT_PAGE);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(before | BIT(5) | BIT(6), kt_get(vm, u64, pte));
}

/* MOV to CR3 reads page-directory pointers (PAE): no linear address has to do with it. */
KITE_TEST_MODES(page_directory_pointers, KT_IN(KT_PAE))
{
	vm_set_perm(vm->fd, 0, KT_PDPT, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RAX, KT_PDPT);
	kt_start(&vm->vcpu, &load_cr3);
	expect_protection(vm, KT_PDPT, 0, READ, 0, WALK);
	EXPECT_EQ(kt_code_at(vm, &load_cr3), kt_rip(&vm->vcpu));
	vm_set_perm(vm->fd, ALL, KT_PDPT, KT_PAGE);
	kt_expect_done(&vm->vcpu);
}

/* Let the next push onto the stack find its page protected. */
static u64 protected_stack(struct kt_vm *vm, const struct kt_code *code)
{
	u64 page = vm->mode == KT_REAL16 ? LOW : KT_SCRATCH + 0x10000;

	kt_set_reg(&vm->vcpu, KITE_RSP, page + KT_PAGE);
	vm_set_perm(vm->fd, READ, page, KT_PAGE);
	kt_start(&vm->vcpu, code);
	return page;
}

/* The event waits for the page @at, and is delivered once. */
static struct kt_event delivered_later(struct kt_vm *vm, u64 at, u32 access, u32 perm, u8 vector)
{
	const struct kite_exit_protection *p = &vm->vcpu.run->protection;

	kt_expect_exit(&vm->vcpu, KITE_EXIT_PROTECTION);
	EXPECT_EQ(at, p->gpa & ~(KT_PAGE - 1));
	EXPECT_EQ(p->gpa, p->gva);
	EXPECT_EQ(access, p->access & access);
	EXPECT_EQ((u32)GVA, p->flags);
	EXPECT_EQ(perm, p->perm);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_PROTECTION);
	vm_set_perm(vm->fd, ALL, at, KT_PAGE);
	return kt_expect_event(&vm->vcpu, vector);
}

KITE_TEST_MODES(exception_with_a_protected_stack, KT_IN_ALL)
{
	u64 stack = protected_stack(vm, &undefined);
	struct kt_event e = delivered_later(vm, stack, WRITE, READ, KT_UD);

	EXPECT_EQ(kt_code_at(vm, &undefined), e.rip);
}

KITE_TEST_MODES(software_interrupt_with_a_protected_stack, KT_IN_ALL)
{
	u64 stack = protected_stack(vm, &int_n);
	struct kt_event e = delivered_later(vm, stack, WRITE, READ, 0x77);

	EXPECT_EQ(kt_code_next(vm, &int_n), e.rip);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(nmi_with_a_protected_stack, KT_IN_ALL)
{
	u64 stack = protected_stack(vm, &spin);
	struct kite_state s;
	struct kt_event e;

	vcpu_nmi(vm->vcpu.fd);
	e = delivered_later(vm, stack, WRITE, READ, NMI);
	EXPECT_EQ(kt_code_at(vm, &spin), e.rip);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	EXPECT_EQ(KITE_BLOCKING_NMI, s.events.blocking);
	EXPECT_EQ(0u, s.events.pending);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(exception_with_a_protected_idt, KT_IN_ALL)
{
	vm_set_perm(vm->fd, 0, KT_IDT, KT_PAGE);
	kt_start(&vm->vcpu, &undefined);
	EXPECT_EQ(kt_code_at(vm, &undefined),
		  delivered_later(vm, KT_IDT, READ, 0, KT_UD).rip);
}

/* What waits can be seen, and taken along to another VM. */
KITE_TEST_MODES(interrupted_event_is_in_the_state, KT_IN_PROTECTED)
{
	u64 stack = protected_stack(vm, &int_n);
	struct kite_state s;

	kt_expect_exit(&vm->vcpu, KITE_EXIT_PROTECTION);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	EXPECT_EQ((u32)KITE_EVENT_INTERRUPT, s.events.pending);
	EXPECT_EQ(0x77u, s.events.intr_vector);
	EXPECT_EQ(KITE_INTR_SOFTWARE, s.events.intr_type);
	EXPECT_EQ(2u, s.events.intr_len);
	vcpu_set_state(vm->vcpu.fd, KITE_STATE_EVENTS, &s);
	vm_set_perm(vm->fd, ALL, stack, KT_PAGE);
	EXPECT_EQ(kt_code_next(vm, &int_n), kt_expect_event(&vm->vcpu, 0x77).rip);
	kt_expect_done(&vm->vcpu);
}

/* Permissions belong to addresses, not to what is there. */
KITE_TEST_MODES(permissions_stay_when_slots_come_and_go, KT_IN_64)
{
	u8 *mem;

	vm_set_perm(vm->fd, READ, GPA, KT_PAGE);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_start(&vm->vcpu, &store);
	kt_expect_mmio(&vm->vcpu, GPA, 4, true);
	kt_expect_done(&vm->vcpu);
	mem = add_slot(vm);
	kt_start(&vm->vcpu, &store);
	expect_protection(vm, GPA, GPA, WRITE, READ, GVA);
	vm_set_slot(vm->fd, SLOT, 0, 0, 0, NULL);
	kt_expect_mmio(&vm->vcpu, GPA, 4, true);
	kt_expect_done(&vm->vcpu);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, mem);
	kt_start(&vm->vcpu, &store);
	expect_protection(vm, GPA, GPA, WRITE, READ, GVA);
	/* It is asked before the rule of the slot. */
	vm_set_slot(vm->fd, SLOT, KITE_SLOT_READONLY, GPA, LEN, mem);
	expect_protection(vm, GPA, GPA, WRITE, READ, GVA);
	vm_set_perm(vm->fd, ALL, GPA, KT_PAGE);
	kt_expect_mmio(&vm->vcpu, GPA, 4, true);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0u, *(volatile u32 *)mem);
}

/* The host need not have the page to say no. */
KITE_TEST_MODES(protected_page_that_the_host_cannot_give, KT_IN_64)
{
	u8 *mem = add_slot(vm);

	ASSERT_EQ(0, mprotect(mem, LEN, PROT_NONE));
	vm_set_perm(vm->fd, READ, GPA, LEN);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA);
	kt_start(&vm->vcpu, &store);
	expect_protection(vm, GPA, GPA, WRITE, READ, GVA);
	vm_set_perm(vm->fd, ALL, GPA, LEN);
	kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
	ASSERT_EQ(0, mprotect(mem, LEN, PROT_READ | PROT_WRITE));
	kt_expect_done(&vm->vcpu);
}
