/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "../../vmx/fields.h"

	.text

SYM_FUNC_START(entry_try)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
	UNWIND_HINT_SAVE
	vmlaunch
	mov	$1, %eax
	jmp	1f

SYM_INNER_LABEL(entry_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR
	xor	%eax, %eax
1:
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(entry_try)

/* The guest, where it gets as far as to execute something. */
SYM_FUNC_START(entry_guest)
	vmcall
	RET
SYM_FUNC_END(entry_guest)
