/* SPDX-License-Identifier: GPL-2.0-only */
# PVH guest: checks the start information.
	.include "macros.S"

	.code32
	.globl	_start
_start:
	cld
	mov	(%ebx), %ecx
	expect	'a', $0x336ec578, %ecx
	mov	%cr0, %ecx
	and	$0x80000001, %ecx
	expect	'b', $1, %ecx

	mov	24(%ebx), %esi
	mov	$cmdline, %edi
	mov	$cmdline_end - cmdline, %ecx
	repe cmpsb
	mov	$'c', %al
	jne	failed

	cmpl	$1, 12(%ebx)
	mov	$'d', %al
	jne	failed
	mov	16(%ebx), %ebp
	mov	8(%ebp), %ecx
	expect	'e', $module_end-module, %ecx
	mov	(%ebp), %esi
	mov	$module, %edi
	repe cmpsb
	mov	$'f', %al
	jne	failed

	mov	32(%ebx), %esi
	mov	(%esi), %ecx
	expect	'g', $0x20445352, %ecx	# "RSD "
	mov	4(%esi), %ecx
	expect	'h', $0x20525450, %ecx	# "PTR "

	cmpl	$3, 48(%ebx)
	mov	$'i', %al
	jb	failed

	say	"pvh: ok"
	power_off

	define_failed

cmdline:
	.asciz	"kite test=1"
cmdline_end:
module:
	.ascii	"a boot module\n"
module_end:

	.section .note.Xen, "a", @note
	.long	4, 4, 18		# XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.long	_start
