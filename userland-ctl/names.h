/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of the SDM for numbers. A number without a name gives "unknown". */
#ifndef NAMES_H
#define NAMES_H

#include "lib/types.h"

#define VM_EXIT_REASON_MASK	0xffffu
#define VM_ENTRY_FAILURE	BIT(31)

/* Takes the whole exit reason; its upper bits are ignored. */
const char *name_exit_reason(u32 reason);
const char *name_instruction_error(u32 error);
const char *name_internal_error(u32 code);
/* The section of the SDM, chapter "VM Entries", that a rule of a VM entry is in. */
const char *name_rule_section(u32 rule);
/* A field of the VMCS that a rule is about. */
const char *name_rule_field(u32 encoding);

#endif
