/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM with an interrupt controller and several vCPUs in long mode, each with a
 * thread, a stack and a struct kt_cpu of its own. Guest functions find theirs by
 * kt_me(); vectors from KT_COUNTED on are counted and answered with EOI, without
 * the host.
 */
#ifndef KT_SMP_H
#define KT_SMP_H

#include "checker.h"

#define KT_SMP_MAX	64
#define KT_COUNTED	0x20	/* the lowest vector that is counted */
#define KT_LOG		256

/* What a vCPU and its interrupt handlers know; the layout is known to assembly. */
struct kt_cpu {
	u64 number;
	u64 x2apic;			/* the LAPIC is in x2APIC mode */
	u64 no_eoi;			/* the handlers leave EOI to the test */
	volatile u64 logged;		/* interrupts of all vectors */
	void (*fn)(u64 arg);		/* for a start by SIPI */
	u64 arg;
	u64 stack;
	u64 starts;			/* by SIPI */
	volatile u64 taken[256];	/* interrupts by vector */
	volatile u8 log[KT_LOG];	/* the last vectors, in order */
} __attribute__((aligned(64)));

struct kt_smp {
	struct kt_vm *vm;
	unsigned int count;
	struct kt_vcpu vcpu[KT_SMP_MAX];
	struct kt_runner runner[KT_SMP_MAX];
};

extern struct kt_cpu kt_cpu[KT_SMP_MAX];
/* A handler of NMIs that counts them, for kt_set_gate(). */
extern const u8 kt_count_nmi[];

/* @count vCPUs, ready for kt_smp_call(); @x2apic says what kt_apic_on() does. */
struct kt_smp *kt_smp_new(unsigned int count, bool x2apic);
/* The same with a VM that is there, in long mode. */
struct kt_smp *kt_smp_new_in(struct kt_vm *vm, unsigned int count, bool x2apic);
/* Of that what is in the guest's memory, and in kt_cpu. */
void kt_smp_prepare(struct kt_vm *vm, bool x2apic);
/* Let vCPU @n start with @fn, by its state. */
void kt_smp_call(struct kt_smp *smp, unsigned int n, void (*fn)(u64), u64 arg);
/* The same by the guest's SIPI, to KT_SIPI_VECTOR; the vCPU need not be there yet. */
void kt_smp_call_by_sipi(unsigned int n, void (*fn)(u64), u64 arg);
#define KT_SIPI_VECTOR	0x30
/* A thread for each vCPU; they have to end by DONE. */
void kt_smp_start(struct kt_smp *smp);
void kt_smp_finish(struct kt_smp *smp);
/* All run @fn with their number: call, start and finish. */
void kt_smp_run(struct kt_smp *smp, void (*fn)(u64));
/* Forget what was counted. */
void kt_smp_clear(void);

/* A test that is run with xAPICs and with x2APICs. */
#define KITE_TEST_SMP(name, count)						\
	static void name(struct kt_smp *smp);					\
	static void name##_call(unsigned int x2apic)				\
	{									\
		name(kt_smp_new(count, x2apic));				\
	}									\
	static void __attribute__((constructor)) name##_register(void)		\
	{									\
		static struct kt_test tests[2];					\
										\
		kt_smp_register(tests, #name, name##_call);			\
	}									\
	static void name(struct kt_smp *smp)

void kt_smp_register(struct kt_test *tests, const char *name, void (*fn)(unsigned int));

/* The rest is for guest functions. */
static inline struct kt_cpu *kt_me(void)
{
	u64 number;

	asm volatile("mov %%gs:0, %0" : "=r"(number));
	return &kt_cpu[number];
}

/* Wait with interrupts on, without sleep, for what this or another vCPU counts. */
static inline void kt_spin_until(const volatile u64 *counter, u64 n)
{
	asm volatile("sti" : : : "memory");
	while (*counter < n)
		asm volatile("pause" : : : "memory");
	asm volatile("cli" : : : "memory");
}

/* Sleep for what only interrupts of this vCPU change. */
static inline void kt_halt_until(const volatile u64 *counter, u64 n)
{
	asm volatile("cli" : : : "memory");
	while (*counter < n)
		asm volatile("sti\n hlt\n cli" : : : "memory");
}

/* Let in what is pending. */
static inline void kt_window(void)
{
	asm volatile("sti\n nop\n nop\n cli" : : : "memory");
}

/* Wait until @n vCPUs are here, @round from 1 on; interrupts stay as they are. */
void kt_meet(u64 n, u64 round);

#endif
