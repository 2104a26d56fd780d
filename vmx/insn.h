/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One inline function a VMX instruction. SDM, chapter "VMX Instruction Reference".
 * VMfail is returned where it can happen; vmread and vmwrite cannot fail for a
 * supported field while a VMCS is current, and which fields are supported was
 * settled when the module was loaded. Those that take an address in memory take a pointer.
 */
#ifndef KITE_VMX_INSN_H
#define KITE_VMX_INSN_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/asm.h>

#include "fields.h"

/* Of the host. The kernel's own way is not volatile: the compiler may move it over a write. */
#define host_dr(n)							\
	({								\
		u64 dr;							\
									\
		asm volatile("mov %%db" #n ", %0" : "=r"(dr));		\
		dr;							\
	})

static __always_inline u64 vmread(u32 field)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=rm"(value) : "r"((u64)field) : "cc");
	return value;
}

static __always_inline void vmwrite(u32 field, u64 value)
{
	asm volatile("vmwrite %1, %0" : : "r"((u64)field), "rm"(value) : "cc");
}

/* True on success; an exception, such as VMX locked off, is a failure too. */
static __always_inline bool vmxon(const u64 *pa)
{
	bool ok = false;

	asm volatile("1: vmxon %1\n\t"
		     "seta %0\n"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "+r"(ok) : "m"(*pa) : "cc", "memory");
	return ok;
}

/* Outside VMX operation nothing happens. */
static __always_inline void vmxoff(void)
{
	asm volatile("1: vmxoff\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
}

static __always_inline bool vmclear(const u64 *pa)
{
	bool ok;

	asm volatile("vmclear %1" : "=@cca"(ok) : "m"(*pa) : "memory");
	return ok;
}

static __always_inline bool vmptrld(const u64 *pa)
{
	bool ok;

	asm volatile("vmptrld %1" : "=@cca"(ok) : "m"(*pa) : "memory");
	return ok;
}

#define INVEPT_SINGLE_CONTEXT	1ul

static __always_inline bool invept(unsigned long type, u64 eptp)
{
	struct { u64 eptp, reserved; } desc = { eptp, 0 };
	bool ok;

	asm volatile("invept %1, %2" : "=@cca"(ok) : "m"(desc), "r"(type) : "memory");
	return ok;
}

#endif
