/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU: what the core knows of it. The back end embeds this structure in its
 * own; nothing here names VMX.
 */
#ifndef KITE_CORE_VCPU_H
#define KITE_CORE_VCPU_H

#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/swait.h>

#include "../insn/decode.h"
#include "../irq/doorbell.h"
#include "../irq/lapic.h"
#include "../uapi/kite.h"
#include "../ept/ept.h"
#include "memslot.h"
#include "recall.h"
#include "ring.h"

struct kite_vm;
struct task_struct;

/* Where a vCPU is; written by its own thread, looked at by kite_vcpu_kick(). */
enum kite_vcpu_mode {
	KITE_OUTSIDE,
	KITE_IN_GUEST,		/* inside a window: an IPI brings it out */
	KITE_EXITING,		/* somebody sent that IPI already */
};

/* Requests: set by anybody with kite_vcpu_request(), cleared by the vCPU. */
enum kite_request {
	KITE_REQ_PIR,		/* vectors wait in @pir */
	KITE_REQ_TIMER,		/* the local APIC timer may have expired */
	KITE_REQ_NMI,		/* an NMI came in */
	KITE_REQ_EXTINT,	/* an ExtINT message came in */
	KITE_REQ_LINT0,		/* the level of LINT0 rose */
	KITE_REQ_INIT,		/* an INIT came in */
	KITE_REQ_SIPI,		/* a SIPI came in, with @sipi_vector */
	KITE_REQ_STOP,		/* KITE_VCPU_STOP; cleared by KITE_VCPU_CONT only */
	KITE_REQ_CLOCK,		/* the VM's clock or a TSC changed */
	KITE_REQ_WALL_CLOCK,	/* the guest asks for the wall clock */
	KITE_REQ_USER_KICK,	/* KITE_VCPU_KICK */
	KITE_REQ_YIELD,		/* the guest spins: let another vCPU run */
	KITE_REQ_FAULT,		/* map the page of @fault, then run on */
	KITE_REQ_FAULT_IN,	/* bring in the host page of @fault_in, then run on */
	KITE_REQ_DOORBELL,	/* ring @doorbell, then run on */
	KITE_REQ_RING,		/* @ring has hardly room */
	KITE_REQ_RESAMPLE,	/* tell those who held a pin of @resample, then run on */
	KITE_REQ_RELEASE,	/* state of the vCPU is in another CPU: have it written back */
};

/* Requests that mean something only with the window closed. */
#define KITE_REQ_OUTSIDE	(BIT(KITE_REQ_INIT) | BIT(KITE_REQ_SIPI) | BIT(KITE_REQ_STOP) | \
				 BIT(KITE_REQ_YIELD) | \
				 BIT(KITE_REQ_CLOCK) | BIT(KITE_REQ_WALL_CLOCK) | \
				 BIT(KITE_REQ_USER_KICK) | BIT(KITE_REQ_FAULT) | \
				 BIT(KITE_REQ_FAULT_IN) | BIT(KITE_REQ_DOORBELL) | \
				 BIT(KITE_REQ_RING) | BIT(KITE_REQ_RESAMPLE) | \
				 BIT(KITE_REQ_RELEASE))

/* What an exit handler answers, beside 0 (the record is filled) and -errno. */
#define KITE_RESUME		1	/* enter the guest again */
#define KITE_LEAVE		2	/* the same, but close the window in between */

/* What an exit to user space left to do when the vCPU runs again. */
enum kite_completion {
	KITE_COMPLETE_NONE,
	KITE_COMPLETE_IN,	/* IN: data to RAX */
	KITE_COMPLETE_INS,	/* INS: data to guest memory */
	KITE_COMPLETE_LOAD,	/* MMIO load: data to a register */
	KITE_COMPLETE_MOVS,	/* MMIO source of MOVS: data to guest memory */
	KITE_COMPLETE_INTA,	/* interrupt acknowledge: data is the vector */
};

/*
 * Registers that the entry code moves. Its assembly knows this layout:
 * vmx/enter.S.
 */
struct kite_regs {
	u64 gpr[KITE_GPR_COUNT];
	u64 cr2;
	u64 host_rsp;		/* as HOST_RSP holds it now */
	u64 guest_spec_ctrl;
	u64 host_spec_ctrl;
};

/* An event to be delivered by the next VM entry. */
struct kite_event {
	bool valid;
	bool has_error_code;
	u8 type;		/* enum kite_intr_type */
	u8 vector;
	u32 error_code;
	u32 insn_len;		/* for software interrupts and exceptions */
};

/* The paging mode, as far as walks of guest page tables depend on it. */
struct kite_paging {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 rflags;
	u8 cpl;
};

/* State that lives in memory, not in the VMCS. */
struct kite_guest_msrs {
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 fmask;
	u64 kernel_gs_base;
	u64 misc_enable;
	u64 tsc_aux;
	u64 tsc_adjust;
};

struct kite_vcpu {
	struct rcu_head rcu;
	/* Hot: touched on every entry and exit. */
	struct kite_regs regs;
	unsigned long requests;
	int mode;
	int cpu;		/* where the window is open; -1 before the first */
	u32 map_section;	/* odd: in one; see maps.h */
	struct kite_vm *vm;
	struct kite_run *run;
	struct lapic lapic;
	u64 route;		/* lapic_route(), for those who send interrupts */
	bool irqchip;		/* @lapic is in use */
	bool recorded;		/* the exit record was filled in this run */
	bool host_data;		/* data of the host were touched since the guest ran */
	bool need_inject;	/* look at events before the next entry */
	bool left_over;		/* for kite_hw_after_run() or kite_hw_log(), from the last window */
	bool nmi_pending;
	bool extint_pending;	/* an ExtINT message waits for its acknowledge cycle */
	u8 activity;		/* enum kite_activity */
	bool halt_if;		/* RFLAGS.IF when @activity became HLT */
	bool halt_nmi;		/* NMIs were not blocked then */
	u32 debug;		/* KITE_DEBUG_* */
	struct kite_event event;
	u64 tsc_offset;		/* of the TSC to the host's, scaled */
	u64 clock_offset;	/* kite_vm_clock.offset and .gen, as this vCPU knows them */
	u32 clock_gen;
	bool skewed;		/* @tsc_offset is not @clock_offset */
	u64 clock_last;		/* the VM's counter when the guest last ran */

	struct kite_stats stats;

	/* Requests in words. */
	struct {
		u64 gpa;
		u32 access;	/* KITE_ACCESS_* */
		u64 next;	/* page after those that were brought in last */
		u32 refused;	/* pages in a row that were there but could not be mapped */
	} fault;
	struct {
		u64 gpa;
		unsigned long uaddr;
		bool write;
	} fault_in;
	struct doorbell doorbell;
	u32 resample;		/* pins of the I/O APIC */

	/* What waits for user space. */
	enum kite_completion completion;
	struct kite_insn insn;
	u64 complete_gpa;
	u32 complete_len;
	struct kite_recalled recalled[1 << KITE_RECALL_BITS];

	u64 xcr0;
	u64 host_xcr0;		/* while a window is open */
	u64 dr[4];
	u64 dr6;
	struct kite_guest_msrs msrs;
	struct kite_mtrrs mtrrs;
	struct kite_pvclock pvclock;
	struct task_struct *run_thread;	/* whose run delay @run_delay is; not to be followed */
	u64 run_delay;

	/* Vectors posted by others; merged into @lapic by the vCPU. */
	unsigned long pir[4];
	unsigned long pir_level[4];
	u8 sipi_vector;		/* of the last SIPI that was sent */

	u64 timer_due;		/* host TSC when the APIC timer expires; 0: never, or @timer */
	struct hrtimer timer;	/* the same, for a vCPU that sleeps; see timer.h */
	unsigned int poll_ns;	/* how long HLT polls now */
	struct swait_queue_head wait;
	struct task_struct *task;	/* in the run loop; read by others under RCU */

	void *fpu;		/* XSAVE image of the guest */
	struct kite_ept_cache ept_cache;
	struct kite_vcpu_ring ring;
	struct kite_trace_entry *trace;
	u32 trace_count;
	u32 id;

	/* Held while the vCPU runs and while its state is read or written. */
	struct mutex lock;
};

/* Pages of the vCPU's mapping: the run page, then the trace. */
#define KITE_TRACE_PAGES	4
#define KITE_TRACE_ENTRIES	(KITE_TRACE_PAGES * PAGE_SIZE / sizeof(struct kite_trace_entry))
#define KITE_VCPU_MMAP_SIZE	(KITE_TRACE_OFFSET + KITE_TRACE_PAGES * PAGE_SIZE)

struct kite_vcpu *kite_vcpu_create(struct kite_vm *vm, u32 id);
void kite_vcpu_destroy(struct kite_vcpu *v);
int kite_vcpu_set_debug(struct kite_vcpu *v, u32 flags);

/* What others have sent is part of the state from now on. Before it is read or written. */
int __must_check kite_vcpu_settle(struct kite_vcpu *v);

/* The run loop: 0 with an exit record in the run page, or -errno. */
int kite_vcpu_run(struct kite_vcpu *v);

#endif
