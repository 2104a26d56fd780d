/* SPDX-License-Identifier: GPL-2.0-only */
# Flat guest in real mode: segments, far calls, the interrupt table, string moves, 32-bit
# registers, addresses that wrap at 64 KiB.
	.include "macros.S"

	.code16
	.globl	_start
_start:
	ljmp	$0, $1f
1:
	mov	%cs, %bx
	expect	'a', $0, %bx
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x7000, %sp
	cld

	# A segment register moves its base by 16 bytes.
	mov	$0x1234, %ax
	mov	%ax, %es
	movl	$0x600df00d, %es:0x10
	mov	$0x1235, %ax
	mov	%ax, %es
	mov	%es:0, %ebx
	expect	'b', $0x600df00d, %ebx

	# Interrupts by the table at 0.
	movw	$handler, 0x80 * 4
	movw	$0, 0x80 * 4 + 2
	xor	%cx, %cx
	int	$0x80
	int	$0x80
	expect	'c', $2, %cx
	expect	'd', $0x7000, %sp

	# Division by zero is vector 0 and returns to the instruction itself.
	movw	$divide, 0
	movw	$0, 2
	xor	%dx, %dx
	xor	%bx, %bx
	mov	$6, %ax
	div	%bx
	expect	'e', $2, %bx

	lcall	$0x7c0, $far_sub - 0x7c00
	expect	'f', $0x7c0, %bx

	# A string move through two segments.
	mov	$0x2000, %ax
	mov	%ax, %es
	mov	$_start, %si
	xor	%di, %di
	mov	$256, %cx
	rep movsb
	expect	'g', $256, %di
	mov	$_start, %si
	xor	%di, %di
	mov	$256, %cx
	repe cmpsb
	mov	$'h', %al
	jne	failed

	mov	$0x12345678, %ecx
	ror	$16, %ecx
	expect	'i', $0x56781234, %ecx

	say	"real: ok"
	power_off

handler:
	inc	%cx
	iret

divide:
	mov	$2, %bx
	iret

far_sub:
	mov	%cs, %bx
	lret

	define_failed
