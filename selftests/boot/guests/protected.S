/* SPDX-License-Identifier: GPL-2.0-only */
# Flat guest in protected mode: its own GDT and IDT, exceptions with error codes, paging
# with 4 MiB pages, a page fault.
	.include "macros.S"

	.set CODE, 8
	.set DATA, 16
	.set PAGE_DIR, 0x200000
	.set HOLE, 0x40000000		# not mapped by the page directory

	.code32
	.globl	_start
_start:
	cld
	mov	%cr0, %ebx
	and	$0x80000001, %ebx
	expect	'a', $1, %ebx

	lgdt	gdtr
	ljmp	$CODE, $1f
1:
	mov	$DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
	mov	$0x90000, %esp
	mov	%cs, %ebx
	expect	'b', $CODE, %ebx
	lidt	idtr

	xor	%ecx, %ecx
	int	$0x20
	expect	'c', $1, %ecx

	# A selector beyond the GDT: #GP with the selector as error code.
	mov	$0x50, %eax
	xor	%ecx, %ecx
	mov	%eax, %fs
	expect	'd', $0x50, %ecx

	# Identity map of the first 4 MiB, in one page.
	movl	$0x83, PAGE_DIR
	mov	$PAGE_DIR + 4, %edi
	mov	$1023, %ecx
	xor	%eax, %eax
	rep stosl
	mov	%cr4, %eax
	or	$0x10, %eax
	mov	%eax, %cr4
	mov	$PAGE_DIR, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	movl	$0x5eed, 0x300000
	mov	0x300000, %ebx
	expect	'e', $0x5eed, %ebx

	xor	%ecx, %ecx
	mov	HOLE, %eax
	mov	%cr2, %ebx
	expect	'f', $HOLE, %ebx
	expect	'g', $0, %ecx
	mov	$1, %ecx
	movl	$0, HOLE + 0x1234
	mov	%cr2, %ebx
	expect	'h', $HOLE+0x1234, %ebx
	expect	'i', $2, %ecx		# a write, not present

	# Without paging again.
	mov	%cr0, %eax
	and	$0x7fffffff, %eax
	mov	%eax, %cr0
	mov	0x300000, %ebx
	expect	'j', $0x5eed, %ebx

	say	"protected: ok"
	power_off

int20:
	inc	%ecx
	iretl

# Returns behind the two bytes of MOV to FS.
gp:
	pop	%ecx
	addl	$2, (%esp)
	iretl

# MOV from HOLE to EAX has five bytes, the store of an immediate ten.
pf:
	push	%eax
	mov	8(%esp), %eax
	cmpb	$0xa1, (%eax)
	mov	$5, %eax
	je	1f
	mov	$10, %eax
1:
	add	%eax, 8(%esp)
	pop	%eax
	pop	%ecx
	iretl

	define_failed

	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9a000000ffff
	.quad	0x00cf92000000ffff
gdtr:
	.word	. - gdt - 1
	.long	gdt

	.macro gate handler
	.word	(\handler - _start) & 0xffff, CODE, 0x8e00, 0x10
	.endm

# The guest is linked at 1 MiB and is shorter than 64 KiB.
	.balign	8
idt:
	.rept	13
	.quad	0
	.endr
	gate	gp
	gate	pf
	.rept	17
	.quad	0
	.endr
	gate	int20
idtr:
	.word	. - idt - 1
	.long	idt
