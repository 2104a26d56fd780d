/* SPDX-License-Identifier: GPL-2.0-only */
# Flat guest in long mode: 64-bit registers and addresses, its own IDT, exceptions, SSE,
# segment bases by MSR.
	.include "macros.S"

	.set IA32_EFER, 0xc0000080
	.set EFER_LMA, 1 << 10
	.set IA32_GS_BASE, 0xc0000101
	.set CODE, 0x10			# what kitectl starts the guest with

	.code64
	.globl	_start
_start:
	cld
	mov	$IA32_EFER, %ecx
	rdmsr
	and	$EFER_LMA, %eax
	expect	'a', $EFER_LMA, %eax

	movabs	$0x0123456789abcdef, %r8
	mov	%r8, %r15
	bswap	%r15
	movabs	$0xefcdab8967452301, %r9
	expect	'b', %r9, %r15

	lidt	idtr
	xor	%ebx, %ebx
	int3
	expect	'c', $1, %ebx
	ud2
	expect	'd', $7, %ebx

	# A store that is not canonical: #GP with error code 0.
	movabs	$0x8000000000000000, %r10
	mov	%rax, (%r10)
	expect	'e', $0, %r11

	mov	%cr4, %rax
	or	$0x600, %eax
	mov	%rax, %cr4
	movq	%r8, %xmm7
	movq	%r9, %xmm8
	pxor	%xmm7, %xmm8
	movq	%xmm8, %rax
	xor	%r8, %rax
	expect	'f', %r9, %rax
	mov	%cr4, %rax

	mov	$IA32_GS_BASE, %ecx
	mov	$data, %eax
	xor	%edx, %edx
	wrmsr
	mov	%gs:8, %rbx
	movabs	$0x600df00dcafe1234, %r9
	expect	'g', %r9, %rbx

	say	"long: ok"
	power_off

bp:
	mov	$1, %ebx
	iretq

ud:
	add	$6, %ebx
	addq	$2, (%rsp)
	iretq

# Returns behind the three bytes of the store.
gp:
	pop	%r11
	addq	$3, (%rsp)
	iretq

	define_failed

	.balign	16
data:
	.quad	0
	.quad	0x600df00dcafe1234

	.macro gate handler
	.word	(\handler - _start) & 0xffff, CODE, 0x8e00, 0x10
	.quad	0
	.endm

	.macro no_gate count
	.rept	\count
	.quad	0, 0
	.endr
	.endm

# The guest is linked at 1 MiB and is shorter than 64 KiB.
	.balign	16
idt:
	no_gate	3
	gate	bp
	no_gate	2
	gate	ud
	no_gate	6
	gate	gp
idtr:
	.word	. - idt - 1
	.quad	idt
