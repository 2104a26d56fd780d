/* SPDX-License-Identifier: GPL-2.0-only */
# What the guests share. Everything here assembles in 16-, 32- and 64-bit code; in
# real mode DS has to be 0.

	.set SERIAL, 0x3f8
	.set DEBUG_EXIT, 0xf4
	.set ACPI_SLEEP, 0x600
	.set ACPI_S5, 5 << 2 | 0x20

	.macro outb port, value
	mov	$\port, %dx
	mov	$\value, %al
	out	%al, %dx
	.endm

# Print one line on the serial console. Changes RAX, RDX and RSI.
	.macro say text
	mov	$.Ltext\@, %esi
	mov	$SERIAL, %dx
.Lnext\@:
	lodsb
	test	%al, %al
	jz	.Ldone\@
	out	%al, %dx
	jmp	.Lnext\@
.Ltext\@:
	.asciz	"\text\n"
.Ldone\@:
	.endm

# MOV leaves the flags alone: AL names the check for failed().
	.macro expect name, want, what
	cmp	\want, \what
	mov	$\name, %al
	jne	failed
	.endm

# Where expect goes: says which check it was and leaves with status 3.
	.macro define_failed
failed:
	cld
	mov	$SERIAL, %dx
	out	%al, %dx
	say	": this check failed"
	outb	DEBUG_EXIT, 1
0:
	hlt
	jmp	0b
	.endm

	.macro power_off
	outb	ACPI_SLEEP, ACPI_S5
0:
	hlt
	jmp	0b
	.endm
