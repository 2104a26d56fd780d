/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one way into a guest and back.
 *
 * unsigned long vmx_enter(struct kite_regs *regs, unsigned long flags)
 *
 * Returns 0 after a VM exit, 1 if the VM entry instruction failed. All guest
 * registers but RSP, which is in the VMCS, are in regs. Offsets in regs are
 * checked in run.c.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "enter.h"
#include "fields.h"

	.section .rodata
	.balign 2
verw_selector:
	.word __KERNEL_DS

	/* No probe here: the CPU has registers of the guest, and a single step would not end. */
	.section .noinstr.text, "ax"

SYM_FUNC_START(vmx_enter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi				/* regs, found again at the exit */
	push	%rsi				/* flags */

	/* HOST_RSP changes only when the stack of the thread does. */
	cmp	%rsp, ENTER_HOST_RSP(%rdi)
	je	1f
	mov	%rsp, ENTER_HOST_RSP(%rdi)
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
1:
	mov	ENTER_CR2(%rdi), %rax
	mov	%cr2, %rcx
	cmp	%rcx, %rax
	je	2f
	mov	%rax, %cr2
2:
	testl	$ENTER_SPEC_CTRL, %esi
	jz	3f
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	ENTER_GUEST_SPEC_CTRL(%rdi), %eax
	mov	ENTER_GUEST_SPEC_CTRL + 4(%rdi), %edx
	wrmsr
3:
	testl	$ENTER_CLEAR_CPU_BUFFERS, %esi
	jz	4f
	verw	verw_selector(%rip)
4:
	/* ZF says below whether the VMCS was launched; MOV leaves it alone. */
	testl	$ENTER_LAUNCHED, %esi

	mov	ENTER_GPR(0)(%rdi), %rax
	mov	ENTER_GPR(1)(%rdi), %rcx
	mov	ENTER_GPR(2)(%rdi), %rdx
	mov	ENTER_GPR(3)(%rdi), %rbx
	mov	ENTER_GPR(5)(%rdi), %rbp
	mov	ENTER_GPR(6)(%rdi), %rsi
	mov	ENTER_GPR(8)(%rdi), %r8
	mov	ENTER_GPR(9)(%rdi), %r9
	mov	ENTER_GPR(10)(%rdi), %r10
	mov	ENTER_GPR(11)(%rdi), %r11
	mov	ENTER_GPR(12)(%rdi), %r12
	mov	ENTER_GPR(13)(%rdi), %r13
	mov	ENTER_GPR(14)(%rdi), %r14
	mov	ENTER_GPR(15)(%rdi), %r15
	mov	ENTER_GPR(7)(%rdi), %rdi

	UNWIND_HINT_SAVE
	jz	5f
	vmresume
	jmp	6f
5:	vmlaunch
6:
	/* Only a failed entry comes here; the registers are still the guest's. */
	mov	$1, %ebx
	jmp	.Lrestore_host

SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	/* HOST_RIP: reached by a VM exit, without a branch of ours. */
	UNWIND_HINT_RESTORE
	ENDBR

	push	%rdi				/* the guest's */
	mov	16(%rsp), %rdi
	mov	%rax, ENTER_GPR(0)(%rdi)
	mov	%rcx, ENTER_GPR(1)(%rdi)
	mov	%rdx, ENTER_GPR(2)(%rdi)
	mov	%rbx, ENTER_GPR(3)(%rdi)
	mov	%rbp, ENTER_GPR(5)(%rdi)
	mov	%rsi, ENTER_GPR(6)(%rdi)
	pop	ENTER_GPR(7)(%rdi)
	mov	%r8, ENTER_GPR(8)(%rdi)
	mov	%r9, ENTER_GPR(9)(%rdi)
	mov	%r10, ENTER_GPR(10)(%rdi)
	mov	%r11, ENTER_GPR(11)(%rdi)
	mov	%r12, ENTER_GPR(12)(%rdi)
	mov	%r13, ENTER_GPR(13)(%rdi)
	mov	%r14, ENTER_GPR(14)(%rdi)
	mov	%r15, ENTER_GPR(15)(%rdi)
	mov	%cr2, %rax
	mov	%rax, ENTER_CR2(%rdi)
	xor	%ebx, %ebx

.Lrestore_host:
	/* Nothing of the guest stays in a register that speculation could use. */
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	/* Before the first RET: the return stack buffer holds the guest's addresses. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
		X86_FEATURE_RSB_VMEXIT_LITE

	pop	%rsi				/* flags */
	pop	%rdi				/* regs */

	testl	$ENTER_SPEC_CTRL, %esi
	jz	7f
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	ENTER_HOST_SPEC_CTRL(%rdi), %eax
	mov	ENTER_HOST_SPEC_CTRL + 4(%rdi), %edx
	wrmsr
7:
	/* A mispredicted branch above must not run on without the host's setting. */
	lfence

	testl	$ENTER_CLEAR_BHB, %esi
	jz	8f
	call	vmx_clear_bhb
8:
	mov	%ebx, %eax
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(vmx_enter)

/*
 * Fill the branch history with branches of ours, for CPUs without BHI_DIS_S: more
 * than sixty taken ones, as many as the sequence that Intel publishes has.
 */
SYM_FUNC_START_LOCAL(vmx_clear_bhb)
	mov	$5, %ecx
1:	call	vmx_clear_bhb_round
	dec	%ecx
	jnz	1b
	lfence
	RET
SYM_FUNC_END(vmx_clear_bhb)

SYM_FUNC_START_LOCAL(vmx_clear_bhb_round)
	mov	$5, %eax
1:	jmp	2f
	nop
2:	dec	%eax
	jnz	1b
	RET
SYM_FUNC_END(vmx_clear_bhb_round)
