// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: what the host cannot give, for whatever reason and whatever the guest
 * wants it for, ends the run with KITE_EXIT_MEMORY_FAULT that tells address, access
 * and errno, as often as it is tried. Once user space has mended it the guest goes
 * on at the same instruction, and an event on its way is taken once.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"
#include "mapping.h"

#define GPA	0x40000000ull
#define SLOT	9
#define LEN	(16 * KT_PAGE)
#define AT	(KT_PAGE + 16)	/* what the guest touches, in the page that is refused */

#define READ	KITE_ACCESS_READ
#define WRITE	KITE_ACCESS_WRITE
#define EXEC	KITE_ACCESS_EXEC

KT_CODE(load, "", "mov (\\di), %eax", "");
KT_CODE64(store, "", "mov %eax, (%rdi)", "");
KT_CODE64(lock_add, "", "lock addl $1, (%rdi)", "");
KT_CODE64(call, "", "call *%rdi", "");

/* A way to refuse the second page of guest memory, and to give it again. */
struct refusal {
	struct kt_mapped (*make)(void);
	void (*take)(struct kt_mapped *m);
	void (*mend)(struct kt_mapped *m);
	u64 page;		/* bytes that are refused, from the beginning of a page */
	bool only_writes;
	u32 error;
};

static void expect_refusal(struct kt_vm *vm, u64 gpa, u32 access, u32 error)
{
	u64 rip = kt_rip(&vm->vcpu);
	unsigned int tries;

	for (tries = 0; tries < 2; tries++) {
		kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
		EXPECT_EQ(gpa, vm->vcpu.run->fault.gpa);
		/* A CPU may call read-modify-write a read, too. */
		EXPECT_EQ(access, vm->vcpu.run->fault.access & (access & WRITE ? ~READ : ~0u));
		EXPECT_EQ(error, vm->vcpu.run->fault.error);
		if (access != EXEC)
			EXPECT_EQ(rip, kt_rip(&vm->vcpu));
	}
}

static void refused_for(struct kt_vm *vm, struct kt_mapped *m, const struct refusal *how,
			const struct kt_code *code, u32 access)
{
	u64 at = how->page + AT % KT_PAGE;

	how->take(m);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + at);
	kt_set_reg(&vm->vcpu, KITE_RAX, 0x1234);
	kt_start(&vm->vcpu, code);
	if (!how->only_writes || (access & WRITE))
		expect_refusal(vm, GPA + at, access, how->error);
	how->mend(m);
	if (access == EXEC)
		m->mem[at] = 0xc3;	/* RET */
	if (access == READ)
		*(volatile u32 *)(m->mem + at) = 0x4321;
	kt_expect_done(&vm->vcpu);
	if (access == READ)
		EXPECT_EQ(0x4321u, (u32)kt_reg(&vm->vcpu, KITE_RAX));
	if (code == &store)
		EXPECT_EQ(0x1234u, *(volatile u32 *)(m->mem + at));
}

/* Before and after the guest has the page. */
static void refused(const struct refusal *how)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kt_mapped m = how->make();
	unsigned int round;

	vm_set_slot(vm->fd, SLOT, 0, GPA, 2 * how->page, m.mem);
	for (round = 0; round < 2; round++) {
		refused_for(vm, &m, how, &load, READ);
		refused_for(vm, &m, how, &store, WRITE);
		refused_for(vm, &m, how, &lock_add, WRITE);
		refused_for(vm, &m, how, &call, EXEC);
	}
}

#define REFUSAL_TEST(name, ...)							\
	static const struct refusal refused_##name = { __VA_ARGS__ };		\
	KITE_TEST(name) { refused(&refused_##name); }				\
	static const struct refusal refused_##name

static struct kt_mapped make_anonymous(void)
{
	return kt_map_kind("anonymous", LEN);
}

static void map_again(struct kt_mapped *m)
{
	ASSERT_TRUE(mmap(m->mem + KT_PAGE, KT_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
}

static void unmap(struct kt_mapped *m)
{
	ASSERT_EQ(0, munmap(m->mem + KT_PAGE, KT_PAGE));
}

REFUSAL_TEST(unmapped, make_anonymous, unmap, map_again, KT_PAGE, false, EFAULT);

static void protect(struct kt_mapped *m)
{
	ASSERT_EQ(0, mprotect(m->mem + KT_PAGE, KT_PAGE, PROT_NONE));
}

static void unprotect(struct kt_mapped *m)
{
	ASSERT_EQ(0, mprotect(m->mem + KT_PAGE, KT_PAGE, PROT_READ | PROT_WRITE));
}

REFUSAL_TEST(no_access, make_anonymous, protect, unprotect, KT_PAGE, false, EFAULT);

static void write_protect(struct kt_mapped *m)
{
	/* Code for the test of execution, which goes on without an exit. */
	m->mem[AT] = 0xc3;
	ASSERT_EQ(0, mprotect(m->mem + KT_PAGE, KT_PAGE, PROT_READ));
}

REFUSAL_TEST(no_write_access, make_anonymous, write_protect, unprotect, KT_PAGE, true, EFAULT);

static struct kt_mapped make_memfd(void)
{
	return kt_map_kind("memfd", LEN);
}

static struct kt_mapped make_file(void)
{
	return kt_map_kind("file", LEN);
}

static void shorten(struct kt_mapped *m)
{
	ASSERT_EQ(0, ftruncate(m->fd, KT_PAGE));
}

static void lengthen(struct kt_mapped *m)
{
	ASSERT_EQ(0, ftruncate(m->fd, LEN));
}

REFUSAL_TEST(beyond_the_end_of_a_memfd, make_memfd, shorten, lengthen, KT_PAGE, false, EFAULT);

REFUSAL_TEST(beyond_the_end_of_a_file, make_file, shorten, lengthen, KT_PAGE, false, EFAULT);

static struct kt_mapped make_hugetlb(void)
{
	return kt_map_kind("hugetlb_2m_memfd", 2 * KT_2M);
}

static void shorten_hugetlb(struct kt_mapped *m)
{
	ASSERT_EQ(0, ftruncate(m->fd, KT_2M));
}

static void lengthen_hugetlb(struct kt_mapped *m)
{
	ASSERT_EQ(0, ftruncate(m->fd, 2 * KT_2M));
}

REFUSAL_TEST(beyond_the_end_of_hugetlb, make_hugetlb, shorten_hugetlb, lengthen_hugetlb, KT_2M,
	     false, EFAULT);

/* Pages that nobody has reserved: the host runs out of them. */
static struct kt_mapped make_unreserved(void)
{
	struct kt_mapped m = kt_map_kind("hugetlb_2m", 2 * KT_2M);

	ASSERT_TRUE(mmap(m.mem, 2 * KT_2M, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_HUGETLB | MAP_NORESERVE | MAP_FIXED, -1, 0) == m.mem);
	m.mem[0] = 1;
	return m;
}

static void take_huge_page(struct kt_mapped *m)
{
	ASSERT_EQ(0, madvise(m->mem + KT_2M, KT_2M, MADV_DONTNEED));
	kt_set_huge_pages(KT_2M, 1);
}

static void give_huge_page(struct kt_mapped *m)
{
	(void)m;
	kt_set_huge_pages(KT_2M, 2);
}

REFUSAL_TEST(no_huge_page_left, make_unreserved, take_huge_page, give_huge_page, KT_2M, false,
	     EFAULT);

static int uffd;

/* Missing pages are not waited for: they raise SIGBUS. */
static struct kt_mapped make_userfault(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_SIGBUS };
	struct kt_mapped m = make_anonymous();
	struct uffdio_register reg = {
		.range = { (u64)m.mem, LEN }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		SKIP("no userfaultfd with SIGBUS: errno %d", errno);
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_REGISTER, &reg));
	return m;
}

static void drop(struct kt_mapped *m)
{
	ASSERT_EQ(0, madvise(m->mem + KT_PAGE, KT_PAGE, MADV_DONTNEED));
}

static void zero_page(struct kt_mapped *m)
{
	struct uffdio_zeropage zero = { .range = { (u64)m->mem + KT_PAGE, KT_PAGE } };

	ASSERT_EQ(0, ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
}

REFUSAL_TEST(userfaultfd_by_signal, make_userfault, drop, zero_page, KT_PAGE, false, EFAULT);

static void on_poison(int signo)
{
	(void)signo;
}

/* Newer kernels (seen: 6.12, 7.2) send who poisons memory the signal of who touches it. */
static void poison(struct kt_mapped *m)
{
	int ret;

	m->mem[AT] = 1;
	signal(SIGBUS, on_poison);
	ret = madvise(m->mem + KT_PAGE, KT_PAGE, MADV_HWPOISON);
	signal(SIGBUS, SIG_DFL);
	if (ret)
		SKIP("no MADV_HWPOISON: errno %d", errno);
}

REFUSAL_TEST(poisoned_by_hardware, make_anonymous, poison, map_again, KT_PAGE, false, EHWPOISON);

/* The page at @gpa of the VM's low memory. */
static void forbid(struct kt_vm *vm, u64 gpa, int prot)
{
	ASSERT_EQ(0, mprotect(kt_ptr(vm, gpa & ~(KT_PAGE - 1)), KT_PAGE, prot));
}

static void expect_refusal_in(struct kt_vm *vm, u64 page, u32 access)
{
	kt_expect_exit(&vm->vcpu, KITE_EXIT_MEMORY_FAULT);
	EXPECT_EQ(page, vm->vcpu.run->fault.gpa & ~(KT_PAGE - 1));
	EXPECT_EQ(access, vm->vcpu.run->fault.access & access);
	EXPECT_EQ((u32)EFAULT, vm->vcpu.run->fault.error);
}

KT_CODE(invalid, "", "ud2", "");
KT_CODE(software, "", "int $0x21", "");
KT_CODE(nothing, "", "nop", "");
KT_CODE(load_segment, "mov %ds, %eax", "mov %eax, %es", "");

/* What the CPU reads or writes while it delivers an event. */
static const struct { u64 page; int prot; u32 access; } delivery[] = {
	{ KT_IDT, PROT_NONE, READ },
	{ KT_GDT, PROT_NONE, READ },
	{ KT_STACK - KT_PAGE, PROT_NONE, WRITE },
	{ KT_STACK - KT_PAGE, PROT_READ, WRITE },
};

static void delivered_once(struct kt_vm *vm, const struct kt_code *code, u8 vector, u64 rip)
{
	struct kt_event e;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(delivery); i++) {
		kt_start(&vm->vcpu, code);
		kt_set_reg(&vm->vcpu, KITE_RSP, KT_STACK - 64);
		forbid(vm, delivery[i].page, delivery[i].prot);
		expect_refusal_in(vm, delivery[i].page, delivery[i].access);
		expect_refusal_in(vm, delivery[i].page, delivery[i].access);
		forbid(vm, delivery[i].page, PROT_READ | PROT_WRITE);
		e = kt_expect_event(&vm->vcpu, vector);
		EXPECT_EQ(rip, e.rip);
	}
}

KITE_TEST_MODES(exception_on_its_way, KT_IN_PROTECTED)
{
	delivered_once(vm, &invalid, KT_UD, kt_code_at(vm, &invalid));
}

KITE_TEST_MODES(software_interrupt_on_its_way, KT_IN_PROTECTED)
{
	delivered_once(vm, &software, 0x21, kt_code_next(vm, &software));
}

KITE_TEST_MODES(nmi_on_its_way, KT_IN_PROTECTED)
{
	struct kt_event e;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(delivery); i++) {
		kt_start(&vm->vcpu, &nothing);
		kt_set_reg(&vm->vcpu, KITE_RSP, KT_STACK - 64);
		forbid(vm, delivery[i].page, delivery[i].prot);
		vcpu_nmi(vm->vcpu.fd);
		expect_refusal_in(vm, delivery[i].page, delivery[i].access);
		expect_refusal_in(vm, delivery[i].page, delivery[i].access);
		forbid(vm, delivery[i].page, PROT_READ | PROT_WRITE);
		e = kt_expect_event(&vm->vcpu, 2);
		EXPECT_EQ(kt_code_start(vm, &nothing), e.rip);
		/* Taken, and not pending any more; NMIs are let in again. */
		kt_event_set_rip(&vm->vcpu, &e, kt_code_start(vm, &nothing));
		kt_expect_done(&vm->vcpu);
	}
}

KITE_TEST_MODES(segment_descriptor, KT_IN_PROTECTED)
{
	kt_start(&vm->vcpu, &load_segment);
	forbid(vm, KT_GDT, PROT_NONE);
	expect_refusal_in(vm, KT_GDT, READ);
	forbid(vm, KT_GDT, PROT_READ | PROT_WRITE);
	kt_expect_done(&vm->vcpu);
}

/* Each table of the walk, the top one first. */
KITE_TEST_MODES(page_tables, KT_IN_PAGED)
{
	static const u64 tables[] = { KT_TABLES, KT_PDPT, KT_PD, KT_PT };
	unsigned int i;

	kt_set_reg(&vm->vcpu, KITE_RDI, KT_SCRATCH);
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		if (vm->mode != KT_LONG64 && tables[i] != KT_PT)
			continue;
		kt_flush(&vm->vcpu);
		kt_start(&vm->vcpu, &load);
		forbid(vm, tables[i], PROT_NONE);
		expect_refusal_in(vm, tables[i], READ);
		forbid(vm, tables[i], PROT_READ | PROT_WRITE);
		kt_expect_done(&vm->vcpu);
	}
}
