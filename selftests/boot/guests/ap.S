/* SPDX-License-Identifier: GPL-2.0-only */
# For a flat guest in protected mode: start vCPUs 1 and 2; what follows runs on vCPU 2.

	.set LAPIC, 0xfee00000
	.set LAPIC_ID, LAPIC + 0x20
	.set ICR_LOW, LAPIC + 0x300
	.set ICR_HIGH, LAPIC + 0x310
	.set INIT, 0x4500
	.set SIPI, 0x4600
	.set AP_START, 0x10000		# what a SIPI can name: a page below 1 MiB

	mov	$ap_start, %esi
	mov	$AP_START, %edi
	mov	$ap_end - ap_start, %ecx
	rep movsb
	mov	$1, %ebx
next_ap:
	mov	%ebx, %eax
	shl	$24, %eax
	mov	%eax, ICR_HIGH
	movl	$INIT, ICR_LOW
	movl	$SIPI | AP_START >> 12, ICR_LOW
	inc	%ebx
	cmp	$3, %ebx
	jne	next_ap
	cli
0:
	jmp	0b

	.code16
ap_start:
	lgdtl	%cs:ap_gdtr - ap_start
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$8, $ap_protected
ap_gdtr:
	.word	ap_gdt_end - ap_gdt - 1
	.long	ap_gdt
ap_end:
	.balign	8
ap_gdt:
	.quad	0
	.quad	0x00cf9a000000ffff
	.quad	0x00cf92000000ffff
ap_gdt_end:

	.code32
ap_protected:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	LAPIC_ID, %eax
	shr	$24, %eax
	cmp	$2, %eax
	je	1f
	cli
	hlt
1:
