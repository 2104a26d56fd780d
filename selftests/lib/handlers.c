// SPDX-License-Identifier: GPL-2.0-only
#include "handlers.h"

#include <string.h>

#include "guest.h"

/*
 * #DF #TS #NP #SS #GP #PF #AC; no guest has CET, and with it #CP. SDM, chapter "Interrupt
 * and Exception Handling".
 */
#define ERROR_VECTORS	0x27d00
#define STRING(x)	STRING_(x)
#define STRING_(x)	#x

_Static_assert(ERROR_VECTORS == (BIT(8) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14) |
				 BIT(17)), "vectors with an error code");

/* A stub tells the host, which knows the vector from RIP, and returns. */
asm(".macro stub\n"
    ".balign 8\n"
    "out %al, $0xe3\n"
    ".endm\n"
    ".macro stubs drop:vararg\n"
    "vector = 0\n"
    ".rept 32\n"
    "stub\n"
    ".if (" STRING(ERROR_VECTORS) " >> vector) & 1\n"
    "\\drop\n"
    ".endif\n"
    "iret_insn\n"
    "vector = vector + 1\n"
    ".endr\n"
    ".rept 224\n"
    "stub\n"
    "iret_insn\n"
    ".endr\n"
    ".endm\n"
    ".pushsection guest16, \"ax\"\n"
    ".code16\n"
    ".macro iret_insn\niretw\n.endm\n"
    ".globl kt_stubs16\n.balign 8\nkt_stubs16:\nstubs nop\n"
    ".purgem iret_insn\n"
    ".popsection\n"
    ".pushsection guest32, \"ax\"\n"
    ".code32\n"
    ".macro iret_insn\niretl\n.endm\n"
    ".globl kt_stubs32\n.balign 8\nkt_stubs32:\nstubs add $4, %esp\n"
    ".purgem iret_insn\n"
    ".code64\n"
    ".macro iret_insn\niretq\n.endm\n"
    ".globl kt_stubs64\n.balign 8\nkt_stubs64:\nstubs add $8, %rsp\n"
    ".purgem iret_insn\n"
    ".globl kt_return64\nkt_return64:\n" KT_DONE "jmp kt_return64\n"
    ".popsection\n");

volatile u64 kt_counted __attribute__((used));

/* The local APIC is in xAPIC mode. */
asm(".pushsection guest32, \"ax\"\n.code64\n.balign 16\n"
    ".globl kt_counting_handler\n"
    "kt_counting_handler:\n"
    "push %rax\n"
    "incq kt_counted(%rip)\n"
    "mov $0xfee000b0, %eax\n"
    "movl $0, (%rax)\n"
    "pop %rax\n"
    "iretq\n"
    ".popsection\n");

u64 kt_addr16(const u8 *symbol)
{
	return KT_TEXT16 + (symbol - __start_guest16);
}

u64 kt_stubs(const struct kt_vm *vm)
{
	if (vm->mode == KT_REAL16)
		return kt_addr16(kt_stubs16);
	return (u64)(vm->mode == KT_LONG64 ? kt_stubs64 : kt_stubs32);
}

bool kt_vector_has_error(u8 vector)
{
	return vector < 32 && (ERROR_VECTORS & BIT(vector));
}

static void set_gate(struct kt_vm *vm, enum kt_mode mode, u8 vector, u64 addr)
{
	u64 gate = (addr & 0xffff) | 0x8e0000000000 | (addr & 0xffff0000) << 32;

	if (mode == KT_REAL16) {
		kt_put(vm, u32, KT_IDT + 4 * vector, addr);
	} else if (mode == KT_LONG64) {
		kt_put(vm, u64, KT_IDT + 16 * vector, gate | KT_CS64 << 16);
		kt_put(vm, u64, KT_IDT + 16 * vector + 8, addr >> 32);
	} else {
		kt_put(vm, u64, KT_IDT + 8 * vector, gate | KT_CS32 << 16);
	}
}

void kt_set_gate(struct kt_vm *vm, u8 vector, const void *handler)
{
	set_gate(vm, vm->mode, vector,
		 vm->mode == KT_REAL16 ? kt_addr16(handler) : (unsigned long)handler);
}

void kt_install_handlers(struct kt_vm *vm, enum kt_mode mode)
{
	size_t len = __stop_guest16 - __start_guest16;
	unsigned int i;

	ASSERT_TRUE(len < KT_STACK16 - KT_TEXT16 - 1024);
	memcpy(kt_ptr(vm, KT_TEXT16), __start_guest16, len);
	for (i = 0; i < 256; i++)
		set_gate(vm, mode, i, kt_stubs(vm) + KT_STUB_SIZE * i);
}
