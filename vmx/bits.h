/* SPDX-License-Identifier: GPL-2.0-only */
/* Formats inside VMCS fields. SDM, chapters "VM Entries", "VM Exits" and "VMCS". */
#ifndef KITE_VMX_BITS_H
#define KITE_VMX_BITS_H

#include <linux/bits.h>
#include <linux/types.h>

/* Interruption information, of entries, exits and IDT vectoring. */
#define INTR_VECTOR		GENMASK(7, 0)
#define INTR_TYPE		GENMASK(10, 8)
#define INTR_TYPE_SHIFT		8
#define INTR_ERROR_CODE		BIT(11)
#define INTR_NMI_UNBLOCKED	BIT(12)		/* by IRET; exits only */
#define INTR_VALID		BIT(31)

enum intr_type {
	INTR_TYPE_EXTERNAL = 0,
	INTR_TYPE_NMI = 2,
	INTR_TYPE_HARD_EXCEPTION = 3,
	INTR_TYPE_SOFT_INTERRUPT = 4,
	INTR_TYPE_PRIV_SOFT_EXCEPTION = 5,
	INTR_TYPE_SOFT_EXCEPTION = 6,
	INTR_TYPE_OTHER = 7,
};

/* Delivered by an instruction: the entry needs its length. */
static inline bool intr_type_is_software(u8 type)
{
	return type >= INTR_TYPE_SOFT_INTERRUPT && type <= INTR_TYPE_SOFT_EXCEPTION;
}

/* Interruptibility state. */
#define BLOCKING_STI		BIT(0)
#define BLOCKING_MOV_SS		BIT(1)
#define BLOCKING_SMI		BIT(2)
#define BLOCKING_NMI		BIT(3)
#define BLOCKING_ENCLAVE	BIT(4)

/* Exit reason. */
#define REASON_BASIC		GENMASK(15, 0)
#define REASON_ENTRY_FAILURE	BIT(31)
#define REASON_ENTRY_MACHINE_CHECK	41
#define REASON_EPT_VIOLATION	48

/* Pending debug exceptions and the exit qualification of #DB: BS as in DR6. */
#define DEBUG_B0_B3		GENMASK(3, 0)
#define DEBUG_BD		BIT(13)
#define DEBUG_BS		BIT(14)
#define DEBUG_RTM		BIT(16)
#define PENDING_DEBUG_ENABLED	BIT(12)

/* DR7: the next access to a debug register is a #DB. */
#define DR7_GD			BIT(13)

/* Access rights of segments. */
#define SEG_AR_TYPE			GENMASK(3, 0)
#define SEG_AR_S			BIT(4)
#define SEG_AR_DPL			GENMASK(6, 5)
#define SEG_AR_DPL_SHIFT		5
#define SEG_AR_P			BIT(7)
#define SEG_AR_L			BIT(13)
#define SEG_AR_DB			BIT(14)
#define SEG_AR_G			BIT(15)
#define SEG_AR_UNUSABLE		BIT(16)
#define SEG_AR_RESERVED		(GENMASK(11, 8) | GENMASK(31, 17))

#endif
