/* SPDX-License-Identifier: GPL-2.0-only */
# Flat guest in protected mode that says "ready" and ends in the way that the symbol
# given to the assembler names. With the symbol ap, it is vCPU 2 of four that does so:
# vCPU 0 spins with interrupts off, vCPU 1 halts for ever, vCPU 3 never gets its SIPI.
	.include "macros.S"

	.set NOWHERE, 0xd0000000	# between memory and the APICs

	.code32
	.globl	_start
_start:
	cld
	.ifdef ap
	.include "ap.S"
	.endif
	say	"ready"

	.ifdef power_off_port
	power_off
	.endif

	.ifdef reset_cf9
	outb	0xcf9, 2
	outb	0xcf9, 6
	.endif

	.ifdef reset_i8042
	outb	0x64, 0xfe
	.endif

	.ifdef reset_i8042_output
	outb	0x64, 0xd1
	outb	0x60, 0xfe
	.endif

	.ifdef reset_port92
	outb	0x92, 1
	.endif

	.ifdef debug_exit
	outb	DEBUG_EXIT, 0x15
	.endif

	.ifdef triple_fault
	lidt	no_idt
	ud2
	.endif

	.ifdef spin
	cli
0:
	jmp	0b
	.endif

	# Every second pass leaves the guest, so that a signal meets both cases.
	.ifdef spin_io
	cli
0:
	outb	0x80, 0
	mov	$1000, %ecx
1:
	loop	1b
	jmp	0b
	.endif

	.ifdef halt
	cli
	hlt
	.endif

	# A PC answers reads of nothing with all ones and drops writes.
	.ifdef unmapped
	mov	NOWHERE, %ebx
	expect	'a', $0xffffffff, %ebx
	movl	$0x12345678, NOWHERE
	mov	NOWHERE, %ebx
	expect	'b', $0xffffffff, %ebx
	movzbl	NOWHERE + 1, %ebx
	expect	'c', $0xff, %ebx
	mov	$NOWHERE + 0x10000, %esi
	mov	$buffer, %edi
	mov	$3, %ecx
	rep movsl
	mov	buffer + 8, %ebx
	expect	'd', $0xffffffff, %ebx
	say	"unmapped: ok"
	power_off
	.endif

	.ifdef unmapped_exec
	mov	$NOWHERE, %eax
	jmp	*%eax
	.endif

	.ifdef unmapped_walk
	mov	$NOWHERE, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	.endif

	.ifdef unmapped_insn
	cmpxchg8b NOWHERE
	.endif
0:
	hlt
	jmp	0b

no_idt:
	.word	0
	.long	0
buffer:
	.long	0, 0, 0

	define_failed
