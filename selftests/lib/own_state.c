// SPDX-License-Identifier: GPL-2.0-only
#include "own_state.h"

/* XSAVE image, SDM volume 1, "Managing State Using the XSAVE Feature Set". */
#define FCW		0
#define MXCSR		24
#define ST		32
#define XMM		160
#define XSTATE_BV	512
#define YMM_HIGH	576
#define AVX		BIT(2)
#define X87_AND_SSE	3

#define OSXSAVE		BIT(18)		/* CR4 */
#define RDTSCP		BIT(27)		/* CPUID.80000001H:EDX */

/* Of CR0 and CR4, what changes nothing for this guest: MP, EM is 0, NE; TSD, PCE. */
#define CR0_FREE	(BIT(1) | BIT(5))
#define CR4_FREE	(BIT(2) | BIT(8))

static const struct {
	const char *name;
	u32 msr;
	u64 fixed;
	u64 free;		/* bits that may have any value */
} msrs[] = {
	{ "IA32_SYSENTER_CS", 0x174, 0, 0xfff8 },
	{ "IA32_SYSENTER_ESP", 0x175, 0xffff800000000000, 0x7fffffffffff },
	{ "IA32_SYSENTER_EIP", 0x176, 0xffff800000000000, 0x7fffffffffff },
	{ "IA32_PAT", 0x277, 0x0004000400040006, 0x0101010101010100 },
	{ "IA32_EFER", 0xc0000080, 0xd00, BIT(0) },
	{ "IA32_STAR", 0xc0000081, 0, 0xffffffff00000000 },
	{ "IA32_LSTAR", 0xc0000082, 0xffff800000000000, 0x7fffffffffff },
	{ "IA32_FMASK", 0xc0000084, 0, 0x3fffff },
	{ "IA32_FS_BASE", 0xc0000100, 0, 0x7fffffffffff },
	{ "IA32_GS_BASE", 0xc0000101, 0, 0x7fffffffffff },
	{ "IA32_KERNEL_GS_BASE", 0xc0000102, 0xffff800000000000, 0x7fffffffffff },
	{ "IA32_TSC_AUX", 0xc0000103, 0, 0xffffffff },
};

/*
 * void leave(struct kt_own_regs *in, struct kt_own_regs *out, u64 spins): load all of
 * @in, turn @spins times, say SYNC, store all in @out.
 */
asm(".pushsection .text\n"
    "own_state_leave:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "push %rsi\n"
    "mov %rdx, %rcx\n"
    "mov $-1, %eax\n"
    "mov %eax, %edx\n"
    "xrstor64 128(%rdi)\n"
    "i = 0\n"
    ".irp reg, rax, none, rdx, rbx, rbp, rsi, none, r8, r9, r10, r11, r12, r13, r14, r15\n"
    ".ifnc \\reg, none\n"
    "mov i(%rdi), %\\reg\n"
    ".endif\n"
    "i = i + 8\n"
    ".endr\n"
    "1: dec %rcx\n"
    "jnz 1b\n"
    "pushq 120(%rdi)\n"
    "mov 8(%rdi), %rcx\n"
    "mov 48(%rdi), %rdi\n"
    "popf\n"
    "out %al, $0xe0\n"
    "pushf\n"
    "push %rdi\n"
    "mov 16(%rsp), %rdi\n"
    "i = 0\n"
    ".irp reg, rax, rcx, rdx, rbx, rbp, rsi, none, r8, r9, r10, r11, r12, r13, r14, r15\n"
    ".ifnc \\reg, none\n"
    "mov %\\reg, i(%rdi)\n"
    ".endif\n"
    "i = i + 8\n"
    ".endr\n"
    "popq 48(%rdi)\n"
    "popq 120(%rdi)\n"
    "cld\n"
    "mov $-1, %eax\n"
    "mov %eax, %edx\n"
    "xsave64 128(%rdi)\n"
    "pop %rsi\n"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "ret\n"
    ".popsection\n");

_Static_assert(offsetof(struct kt_own_regs, rflags) == 120, "as the assembly has it");
_Static_assert(offsetof(struct kt_own_regs, xsave) == 128, "as the assembly has it");

void own_state_leave(struct kt_own_regs *in, struct kt_own_regs *out, u64 spins);

/* Any 64 bits, the same each time for the same two numbers (splitmix64). */
static u64 value(const struct kt_own_state *s, u64 number)
{
	u64 x = s->seed * 0x10001 + number * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void expect(struct kt_own_state *s, const char *what, u64 wanted, u64 got)
{
	if (wanted == got || s->wrong++)
		return;
	s->what = what;
	s->wanted = wanted;
	s->got = got;
}

#define READ(reg)	({ u64 v_; asm volatile("mov %%" #reg ", %0" : "=r"(v_)); v_; })
#define WRITE(reg, v)	asm volatile("mov %0, %%" #reg : : "r"((u64)(v)) : "memory")

static u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static u32 cpuid(u32 leaf, bool edx)
{
	u32 a = leaf, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "+c"(c), "=d"(d) : : "ebx");
	return edx ? d : c;
}

static u64 xcr0(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (u64)hi << 32 | lo;
}

struct own_values {
	u64 cr0, cr2, cr3, cr4, xcr0;
	u64 dr[4], dr6, dr7;
	u64 msr[ARRAY_SIZE(msrs)];
	bool rdtscp;
};

static bool has(const struct own_values *v, u32 msr)
{
	return msr != 0xc0000103 || v->rdtscp;
}

/*
 * Half of the guests watch a word that nobody writes, so that the debug registers
 * are in the CPU; the others have their values only.
 */
static void choose_debug_registers(struct kt_own_state *s, struct own_values *v)
{
	static u64 watched[4];
	u64 i;

	for (i = 0; i < 4; i++)
		v->dr[i] = s->seed & 2 ? (u64)&watched[i] : value(s, 100 + i) >> 17;
	v->dr6 = 0xffff0ff0 | (value(s, 110) & 0xe00f);
	v->dr7 = 0x400 | (s->seed & 2 ? 0xdddd00aa : value(s, 111) & 0xff000000);
}

static void choose(struct kt_own_state *s, struct own_values *v)
{
	u64 i;

	v->rdtscp = cpuid(0x80000001, true) & RDTSCP;
	v->cr0 = (READ(cr0) & ~CR0_FREE) | (value(s, 90) & CR0_FREE);
	v->cr2 = value(s, 91);
	v->cr3 = READ(cr3);
	v->cr4 = (READ(cr4) & ~CR4_FREE) | OSXSAVE | (value(s, 92) & CR4_FREE);
	v->xcr0 = X87_AND_SSE | (cpuid(1, false) >> 28 & s->seed & 1 ? AVX : 0);
	choose_debug_registers(s, v);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		v->msr[i] = msrs[i].fixed | (value(s, 120 + i) & msrs[i].free);
}

static void give(const struct own_values *v)
{
	u64 i;

	WRITE(cr0, v->cr0);
	WRITE(cr2, v->cr2);
	WRITE(cr4, v->cr4);
	asm volatile("xsetbv" : : "c"(0), "a"((u32)v->xcr0), "d"(0));
	WRITE(dr0, v->dr[0]);
	WRITE(dr1, v->dr[1]);
	WRITE(dr2, v->dr[2]);
	WRITE(dr3, v->dr[3]);
	WRITE(dr6, v->dr6);
	WRITE(dr7, v->dr7);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (has(v, msrs[i].msr))
			wrmsr(msrs[i].msr, v->msr[i]);
}

static void find(struct kt_own_state *s, const struct own_values *v)
{
	u64 i;

	expect(s, "CR0", v->cr0, READ(cr0));
	expect(s, "CR2", v->cr2, READ(cr2));
	expect(s, "CR3", v->cr3, READ(cr3));
	expect(s, "CR4", v->cr4, READ(cr4));
	expect(s, "XCR0", v->xcr0, xcr0());
	expect(s, "DR0", v->dr[0], READ(dr0));
	expect(s, "DR1", v->dr[1], READ(dr1));
	expect(s, "DR2", v->dr[2], READ(dr2));
	expect(s, "DR3", v->dr[3], READ(dr3));
	expect(s, "DR6", v->dr6, READ(dr6));
	expect(s, "DR7", v->dr7, READ(dr7));
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (has(v, msrs[i].msr))
			expect(s, msrs[i].name, v->msr[i], rdmsr(msrs[i].msr));
}

static u64 *word(struct kt_own_regs *r, u64 offset)
{
	return (u64 *)(r->xsave + offset);
}

/* The x87 registers get numbers whose top bit is set, as those of real ones are. */
static void choose_registers(struct kt_own_state *s, u64 xcr0)
{
	struct kt_own_regs *r = &s->in;
	u64 i, n = s->rounds * 100;

	for (i = 0; i < KT_OWN_GPRS; i++)
		r->gpr[i] = value(s, n + i);
	r->rflags = 2 | (value(s, n + 20) & 0xcd5);	/* CF PF AF ZF SF DF OF */
	*word(r, FCW) = 0xff0000037f;	/* no register is empty */
	*word(r, MXCSR) = 0x1f80;
	for (i = 0; i < 8; i++) {
		*word(r, ST + 16 * i) = value(s, n + 30 + i) | BIT(63);
		*word(r, ST + 16 * i + 8) = 0x3fff;
	}
	for (i = 0; i < 32; i++)
		*word(r, XMM + 8 * i) = value(s, n + 40 + i);
	for (i = 0; i < 32; i++)
		*word(r, YMM_HIGH + 8 * i) = value(s, n + 72 + i % 16) + i;
	*word(r, XSTATE_BV) = xcr0;
}

static void find_registers(struct kt_own_state *s, u64 xcr0)
{
	struct kt_own_regs *in = &s->in, *out = &s->out;
	u64 i;

	for (i = 0; i < KT_OWN_GPRS; i++)
		expect(s, "a general-purpose register", in->gpr[i], out->gpr[i]);
	expect(s, "RFLAGS", in->rflags, out->rflags);
	for (i = 0; i < 8; i++)
		expect(s, "an x87 register", *word(in, ST + 16 * i), *word(out, ST + 16 * i));
	for (i = 0; i < 32; i++)
		expect(s, "XMM", *word(in, XMM + 8 * i), *word(out, XMM + 8 * i));
	for (i = 0; xcr0 & AVX && i < 32; i++)
		expect(s, "YMM", *word(in, YMM_HIGH + 8 * i), *word(out, YMM_HIGH + 8 * i));
}

/* Four pages in a round; a new VM has zeros. */
static void visit_memory(struct kt_own_state *s)
{
	u64 i, page;
	volatile u64 *at;

	for (i = 0; i < 4; i++) {
		page = value(s, s->rounds * 100 + 95 + i) % KT_OWN_PAGES;
		at = (u64 *)(KT_SCRATCH + page * KT_PAGE + page * 8);
		expect(s, "memory", s->pages[page], *at);
		*at = s->pages[page] = value(s, s->rounds) | 1;
	}
}

void kt_own_state(u64 arg)
{
	struct kt_own_state *s = (struct kt_own_state *)arg;
	struct own_values v;

	choose(s, &v);
	give(&v);
	for (;;) {
		choose_registers(s, v.xcr0);
		own_state_leave(&s->in, &s->out, s->spins + 1);
		find_registers(s, v.xcr0);
		find(s, &v);
		visit_memory(s);
		s->rounds++;
	}
}
