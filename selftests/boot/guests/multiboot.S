/* SPDX-License-Identifier: GPL-2.0-only */
# Multiboot 1 guest: checks what the loader hands over. With the symbol "addresses" given
# to the assembler the header holds the load addresses and the file is no ELF.
	.include "macros.S"

	.set MAGIC, 0x1badb002
	.set FLAGS, 3
	.ifdef addresses
	.set FLAGS, FLAGS | 1 << 16
	.endif

	.code32
	.globl	_start
header:
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)
	.ifdef addresses
	.long	header, header, file_end, bss_end, _start
	.endif

_start:
	cld
	mov	%eax, %ecx
	expect	'a', $0x2badb002, %ecx
	mov	(%ebx), %ecx
	and	$0x4d, %ecx		# memory, command line, modules, memory map
	expect	'b', $0x4d, %ecx
	cmpl	$0x10000, 8(%ebx)	# more than 64 MiB above the first
	mov	$'c', %al
	jb	failed

	mov	16(%ebx), %esi
	mov	$cmdline, %edi
	mov	$cmdline_end - cmdline, %ecx
	repe cmpsb
	mov	$'d', %al
	jne	failed

	cmpl	$1, 20(%ebx)
	mov	$'e', %al
	jne	failed
	mov	24(%ebx), %ebp
	mov	4(%ebp), %ecx
	sub	(%ebp), %ecx
	expect	'f', $module_end-module, %ecx
	mov	(%ebp), %esi
	mov	$module, %edi
	repe cmpsb
	mov	$'g', %al
	jne	failed

	# The loader has to clear the memory behind the file.
	mov	$bss, %edi
	mov	$bss_end - bss, %ecx
	xor	%eax, %eax
	repe scasb
	mov	$'h', %al
	jne	failed

	# One entry of the memory map starts at 1 MiB and is memory.
	mov	48(%ebx), %esi
	mov	44(%ebx), %ecx
	add	%esi, %ecx
1:
	cmp	%ecx, %esi
	mov	$'i', %al
	jae	failed
	cmpl	$0x100000, 4(%esi)
	je	2f
	add	(%esi), %esi
	add	$4, %esi
	jmp	1b
2:
	cmpl	$1, 20(%esi)
	mov	$'j', %al
	jne	failed

	say	"multiboot: ok"
	power_off

	define_failed

cmdline:
	.asciz	"kite test=1"
cmdline_end:
module:
	.ascii	"a boot module\n"
module_end:
file_end:

# The header says where this ends, or the ELF program header.
	.bss
	.balign	4096
bss:
	.space	8192
bss_end:
