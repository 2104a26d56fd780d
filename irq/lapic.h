/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC: state and rules of SDM chapter "Advanced Programmable
 * Interrupt Controller (APIC)", without locks, timers or other CPUs.
 *
 * A lapic is touched by one thread at a time, that of its vCPU. What another
 * CPU needs to address it is the word of lapic_route(), which the owner
 * publishes; what another CPU sends is merged in with lapic_accept().
 *
 * @now is always the guest's TSC. The APIC timer counts at TSC >>
 * LAPIC_TIMER_SHIFT before its divider; CPUID leaf 15H tells the guest so.
 */
#ifndef KITE_IRQ_LAPIC_H
#define KITE_IRQ_LAPIC_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "msg.h"

#define LAPIC_TIMER_SHIFT	3

#define LAPIC_PAGE_SIZE		4096
/* 32-bit words in the register image: the first KiB of the page. */
#define LAPIC_IMAGE_WORDS	256

#define LAPIC_DEFAULT_BASE	0xfee00000ull

/* IA32_APIC_BASE. */
#define LAPIC_BASE_BSP		BIT_ULL(8)
#define LAPIC_BASE_EXTD		BIT_ULL(10)
#define LAPIC_BASE_EN		BIT_ULL(11)

/* MSRs of x2APIC mode. */
#define LAPIC_MSR_FIRST		0x800
#define LAPIC_MSR_LAST		0x8ff

struct lapic {
	/*
	 * The virtual-APIC page in SDM layout, owned by the caller. In x2APIC
	 * mode ICR is 64 bits wide at 300H, as RDMSR virtualisation reads it.
	 */
	u32 *regs;
	u64 base;		/* IA32_APIC_BASE */
	u64 expiry;		/* guest TSC of the next timer expiry, 0: not armed */
	u64 period;		/* TSC cycles the initial count stands for */
	u32 id;			/* x2APIC ID; its low byte is the xAPIC ID */
	u32 errors;		/* ESR bits found since ESR was last written */
	s16 irr_top;		/* highest vector in IRR, or -1 */
	s16 isr_top;		/* highest vector in ISR, or -1 */
	/*
	 * What is in force of SVR, LVT timer and divide configuration: with
	 * APIC-register virtualisation the CPU changes the page before a
	 * handler runs, so the page cannot tell what was before.
	 */
	bool enabled;
	u32 timer_entry;	/* of the local vector table */
	u8 timer_mode;
	u8 timer_shift;
	/*
	 * With the TPR shadow the CPU owns TPR in the page while the guest runs, with
	 * virtual-interrupt delivery IRR and ISR, too. Whoever lets it run says so here;
	 * irr_top, isr_top and PPR are found again when they are next needed. The page
	 * is always right.
	 */
	u8 stale;		/* LAPIC_STALE_* or 0 */
};

#define LAPIC_STALE_ALL		1
#define LAPIC_STALE_PPR		2

/* What the caller has to do after an operation; functions only add to @todo. */
#define LAPIC_OUT_IPI		BIT(0)	/* send @ipi */
#define LAPIC_OUT_EOI		BIT(1)	/* tell the I/O APIC of @eoi_vector */
#define LAPIC_OUT_TIMER		BIT(2)	/* lapic_timer_next() may have changed */
#define LAPIC_OUT_PENDING	BIT(3)	/* lapic_pending() may have changed */
#define LAPIC_OUT_ROUTE		BIT(4)	/* publish lapic_route() again; the base may have moved */

struct lapic_out {
	u32 todo;
	u8 eoi_vector;
	struct irq_msg ipi;
};

/* The base is where every vCPU of a VM has it, unless its guest moved it. */
static inline bool lapic_at_default(const struct lapic *l)
{
	return !((l->base ^ LAPIC_DEFAULT_BASE) & ~0xfffull);
}

static inline bool lapic_is_x2apic(const struct lapic *l)
{
	return l->base & LAPIC_BASE_EXTD;
}

/* Only then does the page at IA32_APIC_BASE answer to MMIO. */
static inline bool lapic_is_xapic(const struct lapic *l)
{
	return (l->base & LAPIC_BASE_EN) && !lapic_is_x2apic(l);
}

/* Power-up: xAPIC mode at the default base. @regs: a page of LAPIC_PAGE_SIZE. */
void lapic_reset(struct lapic *l, u32 *regs, u32 id, bool bsp);

/* INIT: as power-up, but ID and IA32_APIC_BASE stay. The route changes, too. */
void lapic_init(struct lapic *l);

/*
 * xAPIC MMIO, 32 bits wide; @offset in the page. An offset that is no register
 * reads as 0, ignores writes and logs "illegal register address" in ESR.
 */
u32 lapic_read(struct lapic *l, u32 offset, u64 now, struct lapic_out *out);
void lapic_write(struct lapic *l, u32 offset, u32 value, u64 now, struct lapic_out *out);

/* x2APIC MSRs LAPIC_MSR_FIRST to LAPIC_MSR_LAST. -EINVAL: #GP. */
int __must_check lapic_msr_read(struct lapic *l, u32 msr, u64 now, u64 *value);
int __must_check lapic_msr_write(struct lapic *l, u32 msr, u64 value, u64 now,
				 struct lapic_out *out);

/*
 * WRMSR to IA32_APIC_BASE. @phys_mask: the bits of a guest-physical address.
 * -EINVAL: #GP, for a reserved bit or a transition that the SDM forbids. To
 * disable the APIC resets its registers.
 */
int __must_check lapic_set_base(struct lapic *l, u64 value, u64 phys_mask,
				struct lapic_out *out);

/* A value that lapic_load_base() takes. */
bool lapic_base_valid(u64 value, u64 phys_mask);

/* Restore IA32_APIC_BASE: as lapic_set_base(), but any valid mode from any other. */
int __must_check lapic_load_base(struct lapic *l, u64 value, u64 phys_mask,
				 struct lapic_out *out);

u64 lapic_get_cr8(const struct lapic *l);
/* @value: 0 to 15. */
void lapic_set_cr8(struct lapic *l, u64 value, struct lapic_out *out);

/*
 * IA32_TSC_DEADLINE: reads 0 and ignores writes outside TSC-deadline mode. A
 * deadline stays until lapic_timer_expire() finds it due.
 */
u64 lapic_get_deadline(const struct lapic *l);
void lapic_set_deadline(struct lapic *l, u64 tsc, u64 now, struct lapic_out *out);

/* Guest TSC at which lapic_timer_expire() has an interrupt to raise, 0: never. */
u64 lapic_timer_next(const struct lapic *l);

/*
 * Do what is due at @now; early or repeated calls do no harm. True when an
 * interrupt went into IRR. A periodic timer goes on from the time at which it
 * was due; periods that were missed altogether make no further interrupts.
 */
bool lapic_timer_expire(struct lapic *l, u64 now);

/*
 * The guest's TSC jumps from @before to @after. The count-down modes measure
 * time and do not notice; TSC-deadline mode compares with the TSC and does.
 * Ask lapic_timer_next() again.
 */
void lapic_tsc_moved(struct lapic *l, u64 before, u64 after);

/*
 * A message that lapic_match() let through has arrived. An illegal vector is
 * logged in ESR instead. True when lapic_pending() may have changed.
 */
bool lapic_accept(struct lapic *l, u8 vector, bool level);

/* Highest vector in IRR that PPR lets through, or -1. Costs two loads when idle. */
int lapic_pending(struct lapic *l);

/* The CPU takes @vector, the result of lapic_pending(). */
void lapic_ack(struct lapic *l, u8 vector);

/*
 * What the local interrupt input LINT0 does: an enum irq_mode, or -1 if it is
 * masked. INTR goes past an APIC that is disabled, as with ExtINT.
 */
int lapic_lint0_mode(const struct lapic *l);
/* The input rises while its mode is fixed. lapic_pending() may have changed. */
void lapic_lint0(struct lapic *l);

/*
 * For a CPU that works on the page itself. SDM, chapter "APIC Virtualization and
 * Virtual Interrupts".
 */

/* The CPU has stored at @offset of the page: do the rest of that write. */
void lapic_written(struct lapic *l, u32 offset, u64 now, struct lapic_out *out);

/* The CPU has ended @vector in ISR: tell the I/O APIC, if it wants to hear. */
void lapic_eoi_done(struct lapic *l, u8 vector, struct lapic_out *out);

/* Guest interrupt status: RVI in the low byte, SVI in the high one. */
u16 lapic_interrupt_status(struct lapic *l);

/* TPR threshold: the class of a vector that TPR holds back, or 0. */
u8 lapic_tpr_threshold(struct lapic *l);

/* Whether lapic_eoi_exits() gives any. */
bool lapic_has_level(const struct lapic *l);

/* EOI-exit bitmap: the vectors whose EOI lapic_eoi_done() is to see. */
void lapic_eoi_exits(const struct lapic *l, u64 bitmap[IRQ_VECTORS / 64]);

/* RDMSR finds the value in the page; that of PPR only if the CPU delivers interrupts. */
bool lapic_msr_in_page(u32 msr);

/*
 * All that other CPUs need to address this APIC, in one word that can be
 * published atomically. 0, an APIC that is disabled, receives nothing.
 */
u64 lapic_route(const struct lapic *l);

/*
 * Does the APIC behind @route receive @msg? @self: it is the sender. A
 * software-disabled APIC receives no vectors, but NMI, INIT, SMI and SIPI.
 */
bool lapic_match(u64 route, const struct irq_msg *msg, bool self);

/*
 * Which of @candidates, a bitmap, takes a lowest-priority interrupt; -1 if it
 * is empty. The choice is by vector, one of the redirection policies that
 * chipsets offer: it needs no one else's TPR.
 */
int lapic_lowest(u64 candidates, u8 vector);

/*
 * The register image: each register at its offset as in the page. The errors
 * that ESR will show after the next write to it are at 284H. A get raises what
 * is due at @now and has the count of the timer at @now, from where a set goes
 * on; read the deadline after it.
 *
 * A set follows lapic_load_base() and precedes lapic_set_deadline(), because
 * both registers depend on the mode. -EINVAL, nothing changed: not this ID and
 * version, a reserved bit, or registers that contradict each other.
 */
void lapic_get_regs(struct lapic *l, u32 *image, u64 now);
int __must_check lapic_set_regs(struct lapic *l, const u32 *image, u64 now,
				struct lapic_out *out);

#endif
