/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For guest functions: the local APIC in either mode, by the vCPU's struct kt_cpu,
 * and the I/O APIC. SDM chapter "Advanced Programmable Interrupt Controller (APIC)".
 */
#ifndef KT_APIC_H
#define KT_APIC_H

#include "smp.h"

#define APIC_ID		0x20
#define APIC_VERSION	0x30
#define APIC_TPR	0x80
#define APIC_PPR	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVTT	0x320
#define APIC_LVTERR	0x370
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define APIC_SELF	0x3f0

#define APIC_MMIO	0xfee00000ul
#define IOAPIC_MMIO	0xfec00000ul

/* SVR */
#define SVR_ON		0x1ff
#define SVR_NO_EOI_BROADCAST BIT(12)

/* ICR */
#define ICR_FIXED	(0u << 8)
#define ICR_LOWEST	(1u << 8)
#define ICR_SMI		(2u << 8)
#define ICR_NMI		(4u << 8)
#define ICR_INIT	(5u << 8)
#define ICR_SIPI	(6u << 8)
#define ICR_LOGICAL	(1u << 11)
#define ICR_ASSERT	(1u << 14)
#define ICR_LEVEL	(1u << 15)
#define ICR_SELF	(1u << 18)
#define ICR_ALL		(2u << 18)
#define ICR_OTHERS	(3u << 18)

/* LVT timer */
#define LVT_MASKED	(1u << 16)
#define LVT_PERIODIC	(1u << 17)
#define LVT_DEADLINE	(2u << 17)
#define TDCR_1		0xb

#define MSR_APIC_BASE	0x1b
#define MSR_DEADLINE	0x6e0

static inline void kt_wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 kt_rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return low | (u64)high << 32;
}

static inline u64 kt_rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (u64)high << 32;
}

static inline u32 kt_mmio_read(u64 gpa)
{
	u32 value;

	asm volatile("movl (%1), %0" : "=r"(value) : "r"(gpa) : "memory");
	return value;
}

static inline void kt_mmio_write(u64 gpa, u32 value)
{
	asm volatile("movl %0, (%1)" : : "r"(value), "r"(gpa) : "memory");
}

static inline u32 kt_apic_read(u32 reg)
{
	if (kt_me()->x2apic)
		return kt_rdmsr(0x800 + reg / 16);
	return kt_mmio_read(APIC_MMIO + reg);
}

static inline void kt_apic_write(u32 reg, u32 value)
{
	if (kt_me()->x2apic)
		kt_wrmsr(0x800 + reg / 16, value);
	else
		kt_mmio_write(APIC_MMIO + reg, value);
}

/* @dest: an APIC ID or a logical ID of the mode. */
static inline void kt_ipi(u32 dest, u32 icr)
{
	if (kt_me()->x2apic) {
		kt_wrmsr(0x830, (u64)dest << 32 | icr);
		return;
	}
	kt_mmio_write(APIC_MMIO + APIC_ICR2, dest << 24);
	kt_mmio_write(APIC_MMIO + APIC_ICR, icr);
}

/* The shortest way to interrupt oneself. */
static inline void kt_self_ipi(u8 vector)
{
	if (kt_me()->x2apic)
		kt_apic_write(APIC_SELF, vector);
	else
		kt_apic_write(APIC_ICR, ICR_SELF | vector);
}

/* Switch the APIC on, in the mode that the vCPU should have. */
static inline void kt_apic_on(void)
{
	if (kt_me()->x2apic)
		kt_wrmsr(MSR_APIC_BASE, kt_rdmsr(MSR_APIC_BASE) | 0xc00);
	kt_apic_write(APIC_SVR, SVR_ON);
}

/* Is the bit of @vector set in ISR, TMR or IRR? */
static inline bool kt_apic_vector(u32 bank, u8 vector)
{
	return kt_apic_read(bank + vector / 32 * 16) >> vector % 32 & 1;
}

static inline void kt_cr8(u64 value)
{
	asm volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static inline u64 kt_read_cr8(void)
{
	u64 value;

	asm volatile("mov %%cr8, %0" : "=r"(value) : : "memory");
	return value;
}

static inline u32 kt_ioapic_read(u32 reg)
{
	kt_mmio_write(IOAPIC_MMIO, reg);
	return kt_mmio_read(IOAPIC_MMIO + 0x10);
}

static inline void kt_ioapic_write(u32 reg, u32 value)
{
	kt_mmio_write(IOAPIC_MMIO, reg);
	kt_mmio_write(IOAPIC_MMIO + 0x10, value);
}

/* Entry @pin of the redirection table; @dest: its highest byte. */
static inline void kt_ioapic_route(u32 pin, u8 dest, u32 low)
{
	kt_ioapic_write(0x10 + 2 * pin, LVT_MASKED);
	kt_ioapic_write(0x11 + 2 * pin, (u32)dest << 24);
	kt_ioapic_write(0x10 + 2 * pin, low);
}

#endif
