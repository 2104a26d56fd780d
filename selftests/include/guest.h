/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest code and what it says to the host. KT_CODE() assembles one text for 16,
 * 32 and 64 bits; in it \ax, \cx, \dx, \bx, \si, \di, \sp and \bp stand for the
 * widest registers and \m for 16, 32 or 64. Functions in C run in long mode.
 */
#ifndef KT_GUEST_H
#define KT_GUEST_H

#include "vm.h"

/* Ports of the guest's calls: OUT %al, $port. */
#define KT_PORT_SYNC	0xe0	/* a value in rAX */
#define KT_PORT_ASSERT	0xe1	/* RDI: text, RSI: line, RDX: value */
#define KT_PORT_DONE	0xe2
#define KT_PORT_EVENT	0xe3	/* an exception or interrupt, from its handler */

/* In assembly. */
#define KT_SYNC		"out %al, $0xe0\n"
#define KT_DONE		"out %al, $0xe2\n"

struct kt_code {
	const u8 *start[3];	/* for 16, 32, 64 bits; NULL: none */
	const u8 *at[3];	/* the instruction under test */
	const u8 *next[3];	/* the one after it */
};

#define KT_WIDTHS_32	"%eax, %ecx, %edx, %ebx, %esi, %edi, %esp, %ebp"
#define KT_WIDTHS_64	"%rax, %rcx, %rdx, %rbx, %rsi, %rdi, %rsp, %rbp"

#define KT_MACRO(name, before, insn, after)					\
	".macro " #name "_body m, ax, cx, dx, bx, si, di, sp, bp\n"		\
	before "\n" #name "_\\m\\()_at:\n" insn "\n" #name "_\\m\\()_next:\n" after "\n" \
	KT_DONE "jmp .-2\n.endm\n"

#define KT_EMIT(name, section, bits, regs)					\
	".pushsection " section ", \"ax\"\n.code" #bits "\n.balign 16\n"		\
	#name "_" #bits ":\n" #name "_body " #bits ", " regs "\n.code64\n.popsection\n"

#define KT_SYMBOLS(name, bits)							\
	extern const u8 name##_##bits[], name##_##bits##_at[], name##_##bits##_next[]

/* Run @before, then @insn, which the test looks at, then @after; then DONE. */
#define KT_CODE(name, before, insn, after)					\
	asm(KT_MACRO(name, before, insn, after)					\
	    KT_EMIT(name, "guest16", 16, KT_WIDTHS_32)				\
	    KT_EMIT(name, "guest32", 32, KT_WIDTHS_32)				\
	    KT_EMIT(name, "guest32", 64, KT_WIDTHS_64));			\
	KT_SYMBOLS(name, 16); KT_SYMBOLS(name, 32); KT_SYMBOLS(name, 64);	\
	static const struct kt_code name = {					\
		{ name##_16, name##_32, name##_64 },				\
		{ name##_16_at, name##_32_at, name##_64_at },			\
		{ name##_16_next, name##_32_next, name##_64_next },		\
	}

/* The same for one width, 16, 32 or 64. */
#define KT_CODE_ONE(name, bits, index, section, regs, before, insn, after)	\
	asm(KT_MACRO(name, before, insn, after) KT_EMIT(name, section, bits, regs)); \
	KT_SYMBOLS(name, bits);							\
	static const struct kt_code name = {					\
		{ [index] = name##_##bits }, { [index] = name##_##bits##_at },	\
		{ [index] = name##_##bits##_next },				\
	}

#define KT_CODE16(name, before, insn, after)					\
	KT_CODE_ONE(name, 16, 0, "guest16", KT_WIDTHS_32, before, insn, after)
#define KT_CODE32(name, before, insn, after)					\
	KT_CODE_ONE(name, 32, 1, "guest32", KT_WIDTHS_32, before, insn, after)
#define KT_CODE64(name, before, insn, after)					\
	KT_CODE_ONE(name, 64, 2, "guest32", KT_WIDTHS_64, before, insn, after)

/* Guest-linear addresses of the code for the VM's mode. */
u64 kt_code_start(const struct kt_vm *vm, const struct kt_code *code);
u64 kt_code_at(const struct kt_vm *vm, const struct kt_code *code);
u64 kt_code_next(const struct kt_vm *vm, const struct kt_code *code);

/* Let the vCPU start with @code, or with the C function @fn (long mode) and its argument. */
void kt_start(struct kt_vcpu *vcpu, const struct kt_code *code);
void kt_call(struct kt_vcpu *vcpu, void (*fn)(u64), u64 arg);

/* What the guest said, from kt_run(). */
enum kt_said {
	KT_SAID_EXIT,		/* nothing: see run->exit_reason */
	KT_SAID_SYNC,
	KT_SAID_ASSERT,
	KT_SAID_DONE,
	KT_SAID_EVENT,
};

struct kt_event {
	u8 vector;
	bool has_error;
	u32 error;
	u64 rip;
	u64 cs;
	u64 rflags;
	u64 sp;			/* in the handler, of the frame without error code */
};

struct kt_result {
	enum kt_said said;
	u64 value;		/* KT_SAID_SYNC */
	struct kt_event event;
};

/* Enter the guest until an exit to user space, whatever it is. */
struct kt_result kt_run(struct kt_vcpu *vcpu);
/* The meaning of the exit that has come. */
struct kt_result kt_what_it_said(struct kt_vcpu *vcpu);
/* The guest did something else than @expected: tell what, and end the test. */
void kt_surprise(struct kt_vcpu *vcpu, const struct kt_result *result, const char *expected)
	__attribute__((noreturn));

/* The guest must say this next; else the test ends, telling what it did instead. */
void kt_expect_sync(struct kt_vcpu *vcpu, u64 value);
void kt_expect_done(struct kt_vcpu *vcpu);
struct kt_event kt_expect_event(struct kt_vcpu *vcpu, u8 vector);
void kt_expect_exit(struct kt_vcpu *vcpu, enum kite_exit_reason reason);
/* A port access; the data are in run->data. */
void kt_expect_io(struct kt_vcpu *vcpu, u16 port, u8 width, u8 flags, u32 count);
void kt_expect_mmio(struct kt_vcpu *vcpu, u64 gpa, u32 width, bool write);
/*
 * The guest must take a fault at the instruction under test, with this error code where
 * one is pushed.
 */
struct kt_event kt_expect_fault(struct kt_vcpu *vcpu, const struct kt_code *code, u8 vector,
				u32 error);
/* Start and expect kt_expect_done(), or a fault at the instruction under test. */
void kt_run_done(struct kt_vcpu *vcpu, const struct kt_code *code);
struct kt_event kt_run_fault(struct kt_vcpu *vcpu, const struct kt_code *code, u8 vector,
			     u32 error);

/* Let the handler return elsewhere, or with other flags. */
void kt_event_set_rip(struct kt_vcpu *vcpu, const struct kt_event *event, u64 rip);
void kt_event_set_rflags(struct kt_vcpu *vcpu, const struct kt_event *event, u64 rflags);
/* Have @handler, code of the image, called for @vector with interrupts off. */
void kt_set_gate(struct kt_vm *vm, u8 vector, const void *handler);

/*
 * A handler for kt_set_gate() in long mode that counts in kt_counted and signals end of
 * interrupt to an xAPIC; the host does not hear of it.
 */
extern const u8 kt_counting_handler[];
extern volatile u64 kt_counted;

#define KT_UD	6
#define KT_DF	8
#define KT_GP	13
#define KT_PF	14

/* For functions that run in the guest. */
static inline void kt_sync(u64 value)
{
	asm volatile("out %%al, $0xe0" : : "a"(value) : "memory");
}

static inline void kt_done(void)
{
	asm volatile("out %%al, $0xe2" : : : "memory");
}

#define KT_GUEST_ASSERT_EQ(want, got) do {					\
	u64 want_ = (want), got_ = (got);					\
										\
	if (want_ != got_)							\
		asm volatile("out %%al, $0xe1" : : "D"(#want " == " #got), "S"(__LINE__), \
			     "d"(got_), "c"(want_) : "memory");			\
} while (0)

#endif
