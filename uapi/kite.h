/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ABI of Kite: /dev/kite, VM and vCPU file descriptors.
 *
 * Rules that hold for every ioctl that takes a structure:
 *   - the structure opens with @size (bytes the caller knows of) and @flags;
 *   - a structure longer than the kernel's is accepted when what the kernel
 *     does not know is zero, a shorter one when it holds all members of the
 *     first version of this ABI;
 *   - reserved members and undefined bits must be zero.
 *
 * Errors that every ioctl may return:
 *   ENOTTY  the ioctl does not exist on this kind of file descriptor
 *   EFAULT  a user pointer cannot be read or written
 *   EINVAL  @size too small, an unknown flag, a reserved member not zero
 *   E2BIG   @size larger than the kernel's and the rest is not zero
 *   ENOMEM  no memory, or the memory cgroup is at its limit
 *   EINTR   a fatal signal came while waiting for the vCPU
 *   EIO     the VM file descriptor is used by a process with another address
 *           space than the one that created the VM
 * What else an ioctl may return is said beside it. A call that fails changes
 * nothing.
 */
#ifndef _UAPI_KITE_H
#define _UAPI_KITE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KITE_API_VERSION	1
#define KITE_DEVICE		"/dev/kite"
#define KITE_IOC		0xbc

/* On /dev/kite. */
#define KITE_GET_INFO		_IO(KITE_IOC, 0x00)	/* struct kite_info */
#define KITE_GET_VMX_MSRS	_IO(KITE_IOC, 0x01)	/* struct kite_vmx_msrs */
#define KITE_CREATE_VM		_IO(KITE_IOC, 0x02)	/* struct kite_create_vm; returns a VM fd */

/* On a VM. */
#define KITE_VM_SET_SLOT	_IO(KITE_IOC, 0x20)	/* struct kite_slot */
#define KITE_VM_CREATE_VCPU	_IO(KITE_IOC, 0x21)	/* struct kite_create_vcpu; returns a fd */
#define KITE_VM_IRQ_LINE	_IO(KITE_IOC, 0x22)	/* struct kite_irq_line */
#define KITE_VM_SEND_MSI	_IO(KITE_IOC, 0x23)	/* struct kite_msi */
#define KITE_VM_GET_IOAPIC	_IO(KITE_IOC, 0x24)	/* struct kite_ioapic */
#define KITE_VM_SET_IOAPIC	_IO(KITE_IOC, 0x25)	/* struct kite_ioapic */
#define KITE_VM_SET_ROUTES	_IO(KITE_IOC, 0x26)	/* struct kite_routes */
#define KITE_VM_IRQFD		_IO(KITE_IOC, 0x27)	/* struct kite_irqfd */
#define KITE_VM_IOEVENTFD	_IO(KITE_IOC, 0x28)	/* struct kite_ioeventfd */
#define KITE_VM_PIC_INTR	_IO(KITE_IOC, 0x29)	/* struct kite_irq_line */
#define KITE_VM_GET_CLOCK	_IO(KITE_IOC, 0x2a)	/* struct kite_clock */
#define KITE_VM_SET_CLOCK	_IO(KITE_IOC, 0x2b)	/* struct kite_clock */
#define KITE_VM_GET_DIRTY	_IO(KITE_IOC, 0x2c)	/* struct kite_dirty */
#define KITE_VM_CLEAR_DIRTY	_IO(KITE_IOC, 0x2d)	/* struct kite_dirty */
#define KITE_VM_RESET_RINGS	_IO(KITE_IOC, 0x2e)	/* no argument; returns a number of pages */
#define KITE_VM_SET_PERM	_IO(KITE_IOC, 0x2f)	/* struct kite_perm */

/* On a vCPU. */
#define KITE_VCPU_RUN		_IO(KITE_IOC, 0x40)	/* no argument, 0 */
#define KITE_VCPU_KICK		_IO(KITE_IOC, 0x41)	/* no argument, 0 */
#define KITE_VCPU_GET_STATE	_IO(KITE_IOC, 0x42)	/* struct kite_state */
#define KITE_VCPU_SET_STATE	_IO(KITE_IOC, 0x43)	/* struct kite_state */
#define KITE_VCPU_GET_XSAVE	_IO(KITE_IOC, 0x44)	/* struct kite_xsave */
#define KITE_VCPU_SET_XSAVE	_IO(KITE_IOC, 0x45)	/* struct kite_xsave */
#define KITE_VCPU_GET_LAPIC	_IO(KITE_IOC, 0x46)	/* struct kite_lapic */
#define KITE_VCPU_SET_LAPIC	_IO(KITE_IOC, 0x47)	/* struct kite_lapic */
#define KITE_VCPU_GET_CPUID	_IO(KITE_IOC, 0x48)	/* struct kite_cpuid */
#define KITE_VCPU_GET_STATS	_IO(KITE_IOC, 0x49)	/* struct kite_stats */
#define KITE_VCPU_SET_DEBUG	_IO(KITE_IOC, 0x4a)	/* struct kite_debug */
#define KITE_VCPU_TRANSLATE	_IO(KITE_IOC, 0x4b)	/* struct kite_translate */
#define KITE_VCPU_NMI		_IO(KITE_IOC, 0x4c)	/* no argument, 0 */
#define KITE_VCPU_STOP		_IO(KITE_IOC, 0x4d)	/* no argument, 0 */
#define KITE_VCPU_CONT		_IO(KITE_IOC, 0x4e)	/* no argument, 0 */
#define KITE_VCPU_INJECT	_IO(KITE_IOC, 0x4f)	/* struct kite_inject */
#define KITE_VCPU_PREFAULT	_IO(KITE_IOC, 0x50)	/* struct kite_prefault */
#define KITE_VCPU_SET_RING	_IO(KITE_IOC, 0x51)	/* struct kite_set_ring */
#define KITE_VCPU_CHECK_ENTRY	_IO(KITE_IOC, 0x52)	/* struct kite_entry_check */

/**
 * struct kite_info - what this module offers
 * @size: sizeof(struct kite_info)
 * @flags: 0
 * @api_version: KITE_API_VERSION; grows with every incompatible change
 * @max_vcpus: vCPUs a VM may have; ids are 0 to @max_vcpus - 1
 * @max_slots: memory slots a VM may have; ids are 0 to @max_slots - 1
 * @vcpu_mmap_size: bytes to mmap on a vCPU fd: the run page, then the trace
 * @trace_entries: how many struct kite_trace_entry the trace holds
 * @phys_bits: width of a guest-physical address
 * @tsc_khz: frequency of the time-stamp counter of the host, and of guests by default
 * @xsave_size: bytes of a full XSAVE image (KITE_VCPU_GET_XSAVE)
 * @xcr0: bits a guest may set in XCR0
 * @reserved: 0
 */
struct kite_info {
	__u32 size;
	__u32 flags;
	__u32 api_version;
	__u32 max_vcpus;
	__u32 max_slots;
	__u32 vcpu_mmap_size;
	__u32 trace_entries;
	__u32 phys_bits;
	__u32 tsc_khz;
	__u32 xsave_size;
	__aligned_u64 xcr0;
	__aligned_u64 reserved[4];
};

#define KITE_VMX_MSR_BASE	0x480
#define KITE_VMX_MSR_COUNT	20

/**
 * struct kite_vmx_msrs - the VMX capability MSRs of this host
 * @size: sizeof(struct kite_vmx_msrs)
 * @flags: 0
 * @feature_control: IA32_FEATURE_CONTROL
 * @msr: IA32_VMX_BASIC (0x480) and those after it; 0 for one that does not exist
 */
struct kite_vmx_msrs {
	__u32 size;
	__u32 flags;
	__aligned_u64 feature_control;
	__aligned_u64 msr[KITE_VMX_MSR_COUNT];
};

/* The VM has a local APIC for each vCPU and one I/O APIC, all in the kernel. */
#define KITE_VM_IRQCHIP		(1u << 0)

/*
 * The guest finds the paravirtual clock and steal time that Linux knows from KVM: CPUID
 * leaf 40000100H has KVM's signature, 40000101H the features, MSRs 4B564D00H, 4B564D01H
 * and 4B564D03H are there.
 */
#define KITE_VM_PVCLOCK		(1u << 1)

/**
 * struct kite_create_vm - make a VM; the ioctl returns its file descriptor
 * @size: sizeof(struct kite_create_vm)
 * @flags: KITE_VM_*
 * @tsc_khz: frequency of the guest's time-stamp counter; 0: that of the host. Without TSC
 *	     scaling it may differ from the host's by 250 ppm only, and the counter runs
 *	     with the host's.
 * @reserved: 0
 *
 * Without KITE_VM_IRQCHIP there are no interrupts, and HLT ends KITE_VCPU_RUN
 * with KITE_EXIT_HLT.
 *
 * Errors: EMFILE and ENFILE (too many open files), EINVAL (@tsc_khz below 1 MHz or above
 * 100 GHz), EOPNOTSUPP (the CPU cannot give the TSC that frequency), ENOSPC (the host
 * has as many VMs as the module parameter max_vms allows).
 */
struct kite_create_vm {
	__u32 size;
	__u32 flags;
	__u32 tsc_khz;
	__u32 reserved;
};

/**
 * struct kite_clock - the clock of a VM: its time-stamp counter and its paravirtual clock
 * @size: sizeof(struct kite_clock)
 * @flags: 0
 * @ns: the paravirtual clock; it started at 0 with the VM
 * @tsc: the VM's time-stamp counter: the TSC of a vCPU whose IA32_TSC_ADJUST is 0
 * @host_tsc: the host's counter at the same moment. A set says by it of which moment @ns and
 *	      @tsc are, 0: of now
 * @real_ns: the host's CLOCK_REALTIME at the same moment; a set does not read it
 * @tsc_khz: frequency of the guests' counter; a set takes no other value but 0
 * @reserved: 0
 *
 * A set moves the TSC of every vCPU to @tsc plus its IA32_TSC_ADJUST: to restore a VM, set
 * the clock last, after the states of the vCPUs.
 *
 * Errors of a set: EINVAL (@host_tsc in the future, another @tsc_khz).
 */
struct kite_clock {
	__u32 size;
	__u32 flags;
	__aligned_u64 ns;
	__aligned_u64 tsc;
	__aligned_u64 host_tsc;
	__aligned_u64 real_ns;
	__u32 tsc_khz;
	__u32 reserved;
};

/* Writes to the slot end KITE_VCPU_RUN with KITE_EXIT_MMIO. */
#define KITE_SLOT_READONLY	(1u << 0)
/* Note which pages are written to: by the guest, and by Kite for the guest. */
#define KITE_SLOT_LOG_DIRTY	(1u << 1)

/**
 * struct kite_slot - put memory of this process at a guest-physical address
 * @size: sizeof(struct kite_slot)
 * @flags: KITE_SLOT_*
 * @slot: which slot, 0 to kite_info.max_slots - 1
 * @reserved: 0
 * @gpa: guest-physical address, page aligned
 * @len: bytes, page aligned; 0 removes the slot
 * @uaddr: address in this process, page aligned, not 0
 *
 * An existing slot is replaced. May be called while vCPUs run: when it
 * returns, no vCPU sees the old memory through this slot. One that is set again at
 * the same place with KITE_SLOT_LOG_DIRTY, and had it before, keeps its log; else
 * the log begins empty.
 *
 * Errors: EEXIST (overlaps another slot), ENOENT (removes a slot that is not
 * there), EINVAL (alignment, wrap-around, beyond kite_info.phys_bits or beyond
 * the user address space).
 */
struct kite_slot {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
	__aligned_u64 gpa;
	__aligned_u64 len;
	__aligned_u64 uaddr;
};

#define KITE_ACCESS_READ	(1u << 0)
#define KITE_ACCESS_WRITE	(1u << 1)
#define KITE_ACCESS_EXEC	(1u << 2)

/* Ranges of pages alike that a VM may have, those where all is allowed counted, too. */
#define KITE_PERM_RANGES	16384

/**
 * struct kite_perm - restrict what the guest may do with pages of its memory
 * @size: sizeof(struct kite_perm)
 * @flags: 0
 * @perm: KITE_ACCESS_* that are allowed
 * @view: 0
 * @gpa: guest-physical address, page aligned
 * @len: bytes, page aligned, not 0
 *
 * An access that is not allowed ends KITE_VCPU_RUN with KITE_EXIT_PROTECTION, before it
 * has any effect. All is allowed at first. Permissions belong to addresses: they stay
 * when slots come and go, and mean nothing where there is no slot. May be called
 * while vCPUs run: when it returns, no vCPU does any more what is not allowed.
 *
 * Errors: EINVAL (alignment, wrap-around, beyond kite_info.phys_bits, write without
 * read), EOPNOTSUPP (execute alone, which this CPU cannot), ENOSPC (KITE_PERM_RANGES).
 */
struct kite_perm {
	__u32 size;
	__u32 flags;
	__u32 perm;
	__u32 view;
	__aligned_u64 gpa;
	__aligned_u64 len;
};

/* For KITE_VM_GET_DIRTY: the pages that it reports are clean again. */
#define KITE_DIRTY_CLEAR	(1u << 0)

/**
 * struct kite_dirty - the log of a slot with KITE_SLOT_LOG_DIRTY, or a part of it
 * @size: sizeof(struct kite_dirty)
 * @flags: KITE_DIRTY_CLEAR for KITE_VM_GET_DIRTY, else 0
 * @slot: which slot
 * @reserved: 0
 * @first: first page, by its number in the slot; a multiple of 64
 * @pages: how many, not 0; a multiple of 64, or up to the end of the slot
 * @uaddr: bitmap of 64-bit words, bit 0 of the first word is page @first
 *
 * KITE_VM_GET_DIRTY writes a 1 for each page that was written to since the log began,
 * or since the page was made clean. KITE_VM_CLEAR_DIRTY makes those pages clean that
 * have a 1 in the bitmap. Copy pages after they are made clean: each later write
 * makes them dirty again.
 *
 * Errors: ENOENT (no such slot, or it has no log), EINVAL (beyond the slot).
 */
struct kite_dirty {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
	__aligned_u64 first;
	__aligned_u64 pages;
	__aligned_u64 uaddr;
};

/**
 * struct kite_create_vcpu - make a vCPU; the ioctl returns its file descriptor
 * @size: sizeof(struct kite_create_vcpu)
 * @flags: 0
 * @id: its number and APIC ID, 0 to kite_info.max_vcpus - 1
 * @reserved: 0
 *
 * The vCPU is in the state that the SDM, chapter "Processor Management and
 * Initialization", gives for power-up. vCPU 0 runs, any other waits for SIPI.
 *
 * Errors: EEXIST (the id is taken), EINVAL (id out of range), EMFILE, ENFILE.
 */
struct kite_create_vcpu {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 reserved;
};

/**
 * struct kite_irq_line - set the level of an interrupt line
 * @size: sizeof(struct kite_irq_line)
 * @flags: 0
 * @gsi: which; its route says where it goes, see struct kite_routes
 * @level: 1 asserted, 0 not; a message is sent for every 1
 *
 * For KITE_VM_PIC_INTR the line is the INTR output of an 8259 that user space
 * emulates, and @gsi is 0. It leads to LINT0 of every local APIC; see KITE_EXIT_INTA.
 *
 * Errors: ENODEV (no KITE_VM_IRQCHIP), EINVAL (no route, other level).
 */
struct kite_irq_line {
	__u32 size;
	__u32 flags;
	__u32 gsi;
	__u32 level;
};

/**
 * struct kite_msi - send a message-signalled interrupt
 * @size: sizeof(struct kite_msi)
 * @flags: 0
 * @address: message address, SDM chapter "Advanced Programmable Interrupt Controller (APIC)"
 * @data: message data
 * @reserved: 0
 *
 * Errors: ENODEV (no KITE_VM_IRQCHIP), EINVAL (not an MSI address, a reserved
 * delivery mode, a level de-assert, or a vector below 16 in fixed or
 * lowest-priority mode).
 */
struct kite_msi {
	__u32 size;
	__u32 flags;
	__aligned_u64 address;
	__u32 data;
	__u32 reserved;
};

#define KITE_GSIS		1024

enum kite_route_type {
	KITE_ROUTE_PIN = 1,		/* to I/O APIC pin @pin */
	KITE_ROUTE_MSI,			/* to the message of @address and @data */
};

/**
 * struct kite_route - where a GSI goes
 * @gsi: 0 to KITE_GSIS - 1
 * @type: enum kite_route_type
 * @pin: 0 to KITE_IOAPIC_PINS - 1; 0 with KITE_ROUTE_MSI
 * @data: message data; 0 with KITE_ROUTE_PIN
 * @address: message address; 0 with KITE_ROUTE_PIN
 */
struct kite_route {
	__u32 gsi;
	__u32 type;
	__u32 pin;
	__u32 data;
	__aligned_u64 address;
};

/**
 * struct kite_routes - replace all routes
 * @size: sizeof(struct kite_routes)
 * @flags: 0
 * @count: elements at @uaddr, at most KITE_GSIS
 * @reserved: 0
 * @uaddr: array of struct kite_route; GSIs that are not in it have no route
 *
 * Until the first call GSI n is pin n, 0 to 23. What is signalled after the call
 * takes the new routes; what is on its way may still take the old ones. The level
 * of a pin stays what it was.
 *
 * Errors: ENODEV (no KITE_VM_IRQCHIP), EEXIST (a GSI twice), EINVAL (no such GSI,
 * type or pin, a message that struct kite_msi would not take).
 */
struct kite_routes {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__aligned_u64 uaddr;
};

/* How many a VM may have. */
#define KITE_IRQFDS		1024

#define KITE_IRQFD_DEASSIGN	(1u << 0)	/* take it away */
#define KITE_IRQFD_RESAMPLE	(1u << 1)	/* a level that holds until the guest's EOI */

/**
 * struct kite_irqfd - have an event descriptor interrupt the guest
 * @size: sizeof(struct kite_irqfd)
 * @flags: 0 or one of KITE_IRQFD_*
 * @fd: event descriptor (eventfd(2)); the kernel reads it from now on
 * @gsi: 0 to KITE_GSIS - 1; its route says where a signal goes
 * @resample_fd: with KITE_IRQFD_RESAMPLE another one, else 0
 * @reserved: 0
 *
 * A signal is a pulse of the pin, or a message. With KITE_IRQFD_RESAMPLE the pin,
 * which the guest must have made level-triggered, is asserted until its EOI; that
 * takes the level away and signals @resample_fd. One that is still in want of service
 * then signals @fd again.
 *
 * An irqfd ends with a call that takes it away, with the last descriptor of @fd, or
 * with the VM. When such a call returns, @fd interrupts the guest no more.
 *
 * Errors: ENODEV (no KITE_VM_IRQCHIP), EBADF (no file descriptor), EINVAL (not an
 * event descriptor, twice the same, no such GSI), EBUSY (@fd has an irqfd in this
 * VM), ENOENT (takes away what is not there), ENOSPC (KITE_IRQFDS).
 */
struct kite_irqfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 gsi;
	__s32 resample_fd;
	__u32 reserved;
};

/* How many a VM may have. */
#define KITE_IOEVENTFDS		1024

#define KITE_IOEVENTFD_DEASSIGN	(1u << 0)	/* take it away */
#define KITE_IOEVENTFD_PIO	(1u << 1)	/* @addr is a port, else a guest-physical address */
#define KITE_IOEVENTFD_DATAMATCH (1u << 2)	/* only writes of @datamatch */

/**
 * struct kite_ioeventfd - have writes of the guest signal an event descriptor
 * @size: sizeof(struct kite_ioeventfd)
 * @flags: KITE_IOEVENTFD_*
 * @addr: port or guest-physical address
 * @datamatch: with KITE_IOEVENTFD_DATAMATCH the value, within @len bytes; else 0
 * @len: 1, 2, 4, 8 (not for a port): writes of this length; 0: of any, without DATAMATCH
 * @fd: event descriptor (eventfd(2))
 *
 * A write that begins at @addr and matches adds 1 to the counter of @fd, and the
 * guest goes on; KITE_VCPU_RUN does not return. Reads and OUTS are as without.
 * When a call that takes one away returns, no vCPU signals it any more.
 *
 * Errors: EBADF (no file descriptor), EINVAL (not an event descriptor, no such
 * length, beyond the ports or kite_info.phys_bits), EEXIST (a write could match
 * another one, too), ENOENT (takes away what is not there), ENOSPC (KITE_IOEVENTFDS).
 */
struct kite_ioeventfd {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 datamatch;
	__u32 len;
	__s32 fd;
};

#define KITE_IOAPIC_PINS	24

/**
 * struct kite_ioapic - the whole state of the I/O APIC
 * @size: sizeof(struct kite_ioapic)
 * @flags: 0
 * @id: the ID register, bits 27:24
 * @select: the register-select register
 * @lines: levels of the inputs, bit n for pin n
 * @irr: edges seen but not yet delivered, bit n for pin n
 * @redir: the redirection table, with remote IRR; delivery status is not read by a set
 *
 * Errors: ENODEV (no KITE_VM_IRQCHIP).
 */
struct kite_ioapic {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 select;
	__u32 lines;
	__u32 irr;
	__aligned_u64 redir[KITE_IOAPIC_PINS];
};

/* kite_segment.ar, as in the VMCS: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15. */
#define KITE_SEG_UNUSABLE	(1u << 16)

/**
 * struct kite_segment - a segment register
 * @base: base address
 * @limit: limit in bytes, as the hidden part holds it
 * @ar: access rights in VMCS format, KITE_SEG_UNUSABLE
 * @selector: selector
 * @reserved: 0
 */
struct kite_segment {
	__aligned_u64 base;
	__u32 limit;
	__u32 ar;
	__u16 selector;
	__u16 reserved[3];
};

/**
 * struct kite_dtable - GDTR or IDTR
 * @base: base address
 * @limit: limit in bytes
 * @reserved: 0
 */
struct kite_dtable {
	__aligned_u64 base;
	__u16 limit;
	__u16 reserved[3];
};

/* Indices of kite_gprs.gpr: the numbers the instruction set gives the registers. */
enum kite_gpr {
	KITE_RAX, KITE_RCX, KITE_RDX, KITE_RBX, KITE_RSP, KITE_RBP, KITE_RSI, KITE_RDI,
	KITE_R8, KITE_R9, KITE_R10, KITE_R11, KITE_R12, KITE_R13, KITE_R14, KITE_R15,
	KITE_GPR_COUNT
};

struct kite_gprs {
	__aligned_u64 gpr[KITE_GPR_COUNT];
	__aligned_u64 rip;
	__aligned_u64 rflags;
};

/* Indices of kite_segs.seg: the numbers the instruction set gives them, then LDTR and TR. */
enum kite_seg {
	KITE_ES, KITE_CS, KITE_SS, KITE_DS, KITE_FS, KITE_GS, KITE_LDTR, KITE_TR,
	KITE_SEG_COUNT
};

struct kite_segs {
	struct kite_segment seg[KITE_SEG_COUNT];
	struct kite_dtable gdtr;
	struct kite_dtable idtr;
};

struct kite_crs {
	__aligned_u64 cr0;
	__aligned_u64 cr2;
	__aligned_u64 cr3;
	__aligned_u64 cr4;
	__aligned_u64 cr8;
	__aligned_u64 xcr0;
	__aligned_u64 efer;
	__aligned_u64 apic_base;
};

struct kite_drs {
	__aligned_u64 dr[4];
	__aligned_u64 dr6;
	__aligned_u64 dr7;
};

struct kite_msrs {
	__aligned_u64 star;
	__aligned_u64 lstar;
	__aligned_u64 cstar;
	__aligned_u64 fmask;
	__aligned_u64 kernel_gs_base;
	__aligned_u64 sysenter_cs;
	__aligned_u64 sysenter_esp;
	__aligned_u64 sysenter_eip;
	__aligned_u64 pat;
	__aligned_u64 misc_enable;
	__aligned_u64 spec_ctrl;
	__aligned_u64 tsc;
	__aligned_u64 tsc_adjust;
	__aligned_u64 tsc_aux;
	__aligned_u64 tsc_deadline;
	__aligned_u64 xss;
};

#define KITE_MTRR_VARIABLE	8
#define KITE_MTRR_FIXED		11

/**
 * struct kite_mtrrs - memory type range registers; kept for the guest, without effect
 * @def_type: IA32_MTRR_DEF_TYPE
 * @fixed: IA32_MTRR_FIX64K_00000, FIX16K_80000, FIX16K_A0000, FIX4K_C0000 to F8000
 * @var: IA32_MTRR_PHYSBASEn and IA32_MTRR_PHYSMASKn in turn
 */
struct kite_mtrrs {
	__aligned_u64 def_type;
	__aligned_u64 fixed[KITE_MTRR_FIXED];
	__aligned_u64 var[2 * KITE_MTRR_VARIABLE];
};

enum kite_activity {
	KITE_ACTIVITY_ACTIVE,
	KITE_ACTIVITY_HLT,
	KITE_ACTIVITY_WAIT_FOR_SIPI,
};

#define KITE_EVENT_EXCEPTION	(1u << 0)	/* @exception is to be delivered */
#define KITE_EVENT_ERROR_CODE	(1u << 1)	/* with @error_code */
#define KITE_EVENT_NMI		(1u << 2)	/* an NMI is pending */
#define KITE_EVENT_INTERRUPT	(1u << 3)	/* @intr_* is to be delivered */
#define KITE_EVENT_EXTINT	(1u << 4)	/* an ExtINT message is pending */

/* Interruption types; SDM, chapter "Virtual Machine Control Structures". */
enum kite_intr_type {
	KITE_INTR_EXTERNAL = 0,			/* external interrupt */
	KITE_INTR_NMI = 2,
	KITE_INTR_EXCEPTION = 3,		/* hardware exception */
	KITE_INTR_SOFTWARE = 4,			/* INT n */
	KITE_INTR_PRIVILEGED_SOFTWARE = 5,	/* INT1 */
	KITE_INTR_SOFTWARE_EXCEPTION = 6,	/* INT3, INTO */
};

#define KITE_BLOCKING_STI	(1u << 0)
#define KITE_BLOCKING_MOV_SS	(1u << 1)
#define KITE_BLOCKING_NMI	(1u << 3)

/**
 * struct kite_events - what the vCPU delivers or waits for next
 * @pending: KITE_EVENT_*
 * @exception: vector 0 to 31, but not 2
 * @error_code: for an exception that pushes one
 * @blocking: KITE_BLOCKING_*: the interruptibility state
 * @activity: enum kite_activity
 * @intr_vector: with KITE_EVENT_INTERRUPT
 * @intr_type: enum kite_intr_type, but no NMI and no hardware exception
 * @intr_len: bytes of the instruction, 1 to 15; 0 for an external interrupt
 * @reserved: 0
 * @pending_debug: pending debug exceptions, VMCS format
 *
 * KITE_EVENT_INTERRUPT is an event whose delivery an exit interrupted, for example
 * because the guest's stack was not in memory. It excludes KITE_EVENT_EXCEPTION.
 * A set drops an interrupt that KITE_EXIT_INTA asks for: finish it before a save.
 */
struct kite_events {
	__u32 pending;
	__u32 exception;
	__u32 error_code;
	__u32 blocking;
	__u32 activity;
	__u8 intr_vector;
	__u8 intr_type;
	__u8 intr_len;
	__u8 reserved;
	__aligned_u64 pending_debug;
};

#define KITE_STATE_GPRS		(1u << 0)
#define KITE_STATE_SEGS		(1u << 1)
#define KITE_STATE_CRS		(1u << 2)
#define KITE_STATE_DRS		(1u << 3)
#define KITE_STATE_MSRS		(1u << 4)
#define KITE_STATE_MTRRS	(1u << 5)
#define KITE_STATE_EVENTS	(1u << 6)
#define KITE_STATE_PVCLOCK	(1u << 7)
#define KITE_STATE_ALL		((1u << 8) - 1)

/**
 * struct kite_pvclock - MSRs of the paravirtual clock (KITE_VM_PVCLOCK), else 0
 * @wall_clock: 4B564D00H: address of the wall clock, which is written when the guest sets it
 * @system_time: 4B564D01H: address of the vCPU's clock, bit 0: enabled
 * @steal_time: 4B564D03H: address of the vCPU's steal time, bit 0: enabled
 */
struct kite_pvclock {
	__aligned_u64 wall_clock;
	__aligned_u64 system_time;
	__aligned_u64 steal_time;
};

/**
 * struct kite_state - the state of a vCPU, by groups
 * @size: sizeof(struct kite_state)
 * @flags: 0
 * @groups: KITE_STATE_*: which members to read or to write, at least one
 * @reserved: 0
 * @gprs: general-purpose registers, RIP, RFLAGS
 * @segs: segment and descriptor-table registers
 * @crs: control registers, XCR0, IA32_EFER, IA32_APIC_BASE
 * @drs: debug registers
 * @msrs: other MSRs; to write @tsc moves the counter, @tsc_adjust does not follow
 * @mtrrs: memory type range registers
 * @events: pending events, interruptibility, activity
 * @pvclock: MSRs of the paravirtual clock
 *
 * A set that would make a state no CPU can be in is refused with EINVAL and
 * changes nothing; what only the CPU can tell ends the next KITE_VCPU_RUN with
 * KITE_EXIT_FAIL_ENTRY. Setting @gprs drops the register part of an I/O or
 * MMIO read that waits for its completion. Waits while the vCPU runs.
 */
struct kite_state {
	__u32 size;
	__u32 flags;
	__u32 groups;
	__u32 reserved;
	struct kite_gprs gprs;
	struct kite_segs segs;
	struct kite_crs crs;
	struct kite_drs drs;
	struct kite_msrs msrs;
	struct kite_mtrrs mtrrs;
	struct kite_events events;
	struct kite_pvclock pvclock;
};

/**
 * struct kite_xsave - the x87, SSE and AVX state as an XSAVE image
 * @size: sizeof(struct kite_xsave)
 * @flags: 0
 * @uaddr: buffer
 * @len: its length; at least kite_info.xsave_size for a get, exactly that for a set
 *
 * Standard (non-compacted) format, SDM volume 1, chapter "Managing State Using
 * the XSAVE Feature Set". Errors: EINVAL (XSTATE_BV outside kite_info.xcr0, a
 * compacted image, header not zero where it must be, MXCSR reserved bits).
 */
struct kite_xsave {
	__u32 size;
	__u32 flags;
	__aligned_u64 uaddr;
	__aligned_u64 len;
};

#define KITE_LAPIC_REGS		1024

/**
 * struct kite_lapic - the registers of the local APIC
 * @size: sizeof(struct kite_lapic)
 * @flags: 0
 * @regs: the first KiB of the APIC page, each register at its offset, 32 bits
 *
 * IA32_APIC_BASE is kite_crs.apic_base, the TSC deadline kite_msrs.tsc_deadline:
 * restore the base first, then these registers, then TSC and deadline. Errors
 * that the guest does not see in ESR yet are at offset 284H; in x2APIC mode the
 * high half of ICR is at 304H.
 * Errors: ENODEV (no KITE_VM_IRQCHIP), EINVAL (not this vCPU's ID, a reserved bit).
 */
struct kite_lapic {
	__u32 size;
	__u32 flags;
	__u8 regs[KITE_LAPIC_REGS];
};

/**
 * struct kite_cpuid - what CPUID returns in the guest now
 * @size: sizeof(struct kite_cpuid)
 * @flags: 0
 * @leaf: EAX before
 * @subleaf: ECX before
 * @eax: result
 * @ebx: result
 * @ecx: result
 * @edx: result
 */
struct kite_cpuid {
	__u32 size;
	__u32 flags;
	__u32 leaf;
	__u32 subleaf;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
};

#define KITE_STATS_EXITS	96

/**
 * struct kite_stats - counters of a vCPU since it was made
 * @size: sizeof(struct kite_stats)
 * @flags: 0
 * @entries: VM entries
 * @windows_own: VMX windows in which Kite turned VMX on
 * @windows_shared: VMX windows beside another hypervisor
 * @injections: events injected
 * @faults: pages mapped on EPT violations and by KITE_VCPU_PREFAULT
 * @halts: times the vCPU slept in HLT
 * @user_exits: returns of KITE_VCPU_RUN with an exit record
 * @directed_yields: times a spinning vCPU gave its CPU to another one
 * @halt_polls: times HLT ended while the vCPU polled, before it slept
 * @windows_resident: VMX windows in which Kite had left VMX on, see the module parameter resident
 * @reserved: 0
 * @exits: VM exits by basic exit reason
 */
struct kite_stats {
	__u32 size;
	__u32 flags;
	__aligned_u64 entries;
	__aligned_u64 windows_own;
	__aligned_u64 windows_shared;
	__aligned_u64 injections;
	__aligned_u64 faults;
	__aligned_u64 halts;
	__aligned_u64 user_exits;
	__aligned_u64 directed_yields;
	__aligned_u64 halt_polls;
	__aligned_u64 windows_resident;
	__aligned_u64 reserved[5];
	__aligned_u64 exits[KITE_STATS_EXITS];
};

/* Single-step by the monitor trap flag: KITE_EXIT_DEBUG after every instruction. */
#define KITE_DEBUG_STEP		(1u << 0)
/* Write every VM exit to the trace behind the run page. */
#define KITE_DEBUG_TRACE	(1u << 1)

/**
 * struct kite_debug - watch a vCPU
 * @size: sizeof(struct kite_debug)
 * @flags: KITE_DEBUG_*; 0 switches all off
 */
struct kite_debug {
	__u32 size;
	__u32 flags;
};

/**
 * struct kite_translate - guest-linear to guest-physical address
 * @size: sizeof(struct kite_translate)
 * @flags: 0
 * @gva: linear address
 * @gpa: its translation by the present paging mode
 *
 * Reads as a supervisor data access. Errors: ENXIO (not mapped), EBUSY (the ring of dirty
 * pages has to be consumed first).
 */
struct kite_translate {
	__u32 size;
	__u32 flags;
	__aligned_u64 gva;
	__aligned_u64 gpa;
};

/**
 * struct kite_inject - make the guest take an event
 * @size: sizeof(struct kite_inject)
 * @flags: 0
 * @type: KITE_INTR_EXTERNAL, KITE_INTR_NMI, KITE_INTR_EXCEPTION or KITE_INTR_SOFTWARE
 * @vector: 0 to 255; 2 for an NMI; 0 to 31 but not 2 for an exception
 * @error_code: for an exception that pushes one (not vector 21: no guest has CET), else 0
 * @insn_len: for KITE_INTR_SOFTWARE the length of INT n, 1 to 15, else 0
 * @payload: for #PF the new CR2, for #DB the bits 0 to 3, 13 and 14 that DR6 gets; else 0
 *
 * An external interrupt waits until the guest can take it, past the local APIC. An
 * exception on top of one that waits makes a double fault as on a CPU.
 * Errors: EBUSY (another event waits to be delivered, or VMX cannot be used on this
 * CPU now), EINVAL (as said at the members).
 */
struct kite_inject {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 vector;
	__u32 error_code;
	__u32 insn_len;
	__aligned_u64 payload;
};

#define KITE_PREFAULT_WRITE	(1u << 0)	/* for writing, else for reading */

/**
 * struct kite_prefault - map memory before the guest asks for it
 * @size: sizeof(struct kite_prefault)
 * @flags: KITE_PREFAULT_WRITE or 0
 * @gpa: guest-physical address, page aligned; moves on with what is done
 * @len: bytes, page aligned, not 0; what is left when the call comes back
 *
 * Pages that the host does not have in memory are brought in as if the guest had read
 * or written them; nothing is written. A signal, or a page that is refused, ends the call,
 * with 0 if anything was done and else with an error: call again until @len is 0.
 *
 * Errors: EINVAL (alignment, wrap-around, beyond kite_info.phys_bits), EINTR (a signal),
 * ENOENT (no slot at @gpa, or a read-only one and KITE_PREFAULT_WRITE), EACCES
 * (KITE_VM_SET_PERM does not allow it), EFAULT, EHWPOISON (the host has no such page).
 */
struct kite_prefault {
	__u32 size;
	__u32 flags;
	__aligned_u64 gpa;
	__aligned_u64 len;
};

/* Why KITE_VCPU_RUN came back: kite_run.exit_reason. */
enum kite_exit_reason {
	KITE_EXIT_NONE,			/* never seen after KITE_VCPU_RUN returned 0 */
	KITE_EXIT_IO,			/* kite_run.io: IN, OUT, INS, OUTS */
	KITE_EXIT_MMIO,			/* kite_run.mmio: no slot, or write to a read-only one */
	KITE_EXIT_HLT,			/* HLT in a VM without KITE_VM_IRQCHIP */
	KITE_EXIT_SHUTDOWN,		/* triple fault */
	KITE_EXIT_KICK,			/* KITE_VCPU_KICK or kite_run.immediate_exit */
	KITE_EXIT_MEMORY_FAULT,		/* kite_run.fault: the host cannot give the page */
	KITE_EXIT_FAIL_ENTRY,		/* kite_run.fail_entry: the CPU refused the guest state */
	KITE_EXIT_INTERNAL,		/* kite_run.internal: Kite cannot go on with this guest */
	KITE_EXIT_DEBUG,		/* kite_run.debug: one instruction stepped */
	KITE_EXIT_TRACE,		/* the trace is full; read it and run on */
	KITE_EXIT_INTA,			/* put the interrupt vector into kite_run.data */
	KITE_EXIT_STOP,			/* KITE_VCPU_STOP; until KITE_VCPU_CONT */
	KITE_EXIT_PROTECTION,		/* kite_run.protection: by KITE_VM_SET_PERM */
	KITE_EXIT_RING_FULL,		/* consume the ring, KITE_VM_RESET_RINGS, run on */
};

#define KITE_IO_IN		(1u << 0)	/* IN or INS; else OUT or OUTS */
#define KITE_IO_STRING		(1u << 1)	/* INS or OUTS: data in kite_run.data */

/**
 * struct kite_exit_io - port access
 * @port: first port
 * @width: 1, 2 or 4 bytes
 * @flags: KITE_IO_*
 * @count: accesses, 1 without KITE_IO_STRING
 * @reserved: 0
 *
 * The data, @count times @width bytes, are at the start of kite_run.data:
 * filled for output, to be filled by user space before the next KITE_VCPU_RUN
 * for input.
 */
struct kite_exit_io {
	__u16 port;
	__u8 width;
	__u8 flags;
	__u32 count;
	__aligned_u64 reserved;
};

/**
 * struct kite_exit_mmio - memory access outside the slots
 * @gpa: guest-physical address
 * @width: 1, 2, 4 or 8 bytes
 * @is_write: 1 for a write
 * @reserved: 0
 *
 * The data are in kite_run.data, as for struct kite_exit_io.
 */
struct kite_exit_mmio {
	__aligned_u64 gpa;
	__u32 width;
	__u32 is_write;
	__aligned_u64 reserved;
};

/**
 * struct kite_exit_fault - the host has no page for a guest-physical address
 * @gpa: guest-physical address
 * @access: KITE_ACCESS_*
 * @error: errno of the host's fault (EFAULT, EHWPOISON), positive
 *
 * The guest has not moved; the next KITE_VCPU_RUN tries again.
 */
struct kite_exit_fault {
	__aligned_u64 gpa;
	__u32 access;
	__u32 error;
};

#define KITE_PROTECTION_GVA	(1u << 0)	/* @gva is valid */
#define KITE_PROTECTION_WALK	(1u << 1)	/* to a table of the guest, in a walk of them */

/**
 * struct kite_exit_protection - an access that KITE_VM_SET_PERM does not allow
 * @gpa: guest-physical address
 * @gva: linear address; in a walk that of the access for which the tables were walked
 * @access: KITE_ACCESS_*: what it wanted
 * @perm: KITE_ACCESS_*: what is allowed
 * @flags: KITE_PROTECTION_*
 * @reserved: 0
 *
 * The guest has not moved; the next KITE_VCPU_RUN tries again. An event that was
 * being delivered is delivered then.
 */
struct kite_exit_protection {
	__aligned_u64 gpa;
	__aligned_u64 gva;
	__u32 access;
	__u32 perm;
	__u32 flags;
	__u32 reserved;
};

#define KITE_RULE_TEXT		96

/**
 * struct kite_broken_rule - the first rule of the SDM for VM entries that does not hold
 * @rule: its number in vmx/rules.def, the hundreds being the section of the SDM; 0: all hold
 * @field: encoding of the VMCS field that is wrong
 * @value: of that field
 * @text: what must be true of it, a string
 */
struct kite_broken_rule {
	__u32 rule;
	__u32 field;
	__aligned_u64 value;
	char text[KITE_RULE_TEXT];
};

/**
 * struct kite_exit_fail_entry - a VM entry failed
 * @exit_reason: VM-exit reason with bit 31 set, or 0 for a VMfail
 * @instruction_error: VM-instruction error, SDM chapter "VMX Instruction Reference"; 0 with
 *	@exit_reason
 * @qualification: exit qualification
 * @broken: what Kite finds wrong; rule 0 if nothing
 */
struct kite_exit_fail_entry {
	__u32 exit_reason;
	__u32 instruction_error;
	__aligned_u64 qualification;
	struct kite_broken_rule broken;
};

enum kite_internal_error {
	KITE_INTERNAL_UNEXPECTED_EXIT = 1,	/* a VM exit that no control of ours asks for */
	KITE_INTERNAL_INSN,		/* MMIO by an instruction the decoder does not know */
	KITE_INTERNAL_FETCH,		/* the bytes of an MMIO instruction cannot be read */
	KITE_INTERNAL_TASK_SWITCH,	/* hardware task switch */
	KITE_INTERNAL_DELIVERY,		/* an exit that cannot be finished during event delivery */
	KITE_INTERNAL_NO_RECORD,	/* a handler left no record: a bug of Kite */
	KITE_INTERNAL_WINDOW,		/* VMX cannot be used on this CPU now */
};

/**
 * struct kite_exit_internal - Kite cannot go on
 * @code: enum kite_internal_error
 * @exit_reason: basic VM-exit reason
 * @qualification: exit qualification
 * @gpa: guest-physical address, where the exit has one
 * @rip: of the instruction
 * @idt_vectoring: IDT-vectoring information
 * @insn_len: how many bytes of @insn are valid
 * @insn: the instruction
 */
struct kite_exit_internal {
	__u32 code;
	__u32 exit_reason;
	__aligned_u64 qualification;
	__aligned_u64 gpa;
	__aligned_u64 rip;
	__u32 idt_vectoring;
	__u32 insn_len;
	__u8 insn[16];
};

/**
 * struct kite_exit_debug - an instruction was stepped
 * @rip: of the next instruction
 */
struct kite_exit_debug {
	__aligned_u64 rip;
};

#define KITE_RUN_DATA		2048

/**
 * struct kite_run - the first page of the vCPU's mapping
 * @immediate_exit: set by user space: the next KITE_VCPU_RUN finishes a pending
 *                  read and comes back with KITE_EXIT_KICK without entering the guest
 * @reserved0: 0
 * @exit_reason: enum kite_exit_reason
 * @trace_count: entries in the trace, from its start; counted from 0 in every KITE_VCPU_RUN
 * @reserved1: 0
 * @io: for KITE_EXIT_IO
 * @mmio: for KITE_EXIT_MMIO
 * @fault: for KITE_EXIT_MEMORY_FAULT
 * @protection: for KITE_EXIT_PROTECTION
 * @fail_entry: for KITE_EXIT_FAIL_ENTRY
 * @internal: for KITE_EXIT_INTERNAL
 * @debug: for KITE_EXIT_DEBUG
 * @data: data of KITE_EXIT_IO and KITE_EXIT_MMIO
 *
 * The kernel reads @immediate_exit and @data only.
 */
struct kite_run {
	__u8 immediate_exit;
	__u8 reserved0[7];
	__u32 exit_reason;
	__u32 trace_count;
	__aligned_u64 reserved1[6];
	union {
		struct kite_exit_io io;
		struct kite_exit_mmio mmio;
		struct kite_exit_fault fault;
		struct kite_exit_protection protection;
		struct kite_exit_fail_entry fail_entry;
		struct kite_exit_internal internal;
		struct kite_exit_debug debug;
		__u8 padding[192];
	};
	__u8 data[KITE_RUN_DATA];
};

#define KITE_TRACE_OFFSET	4096

/**
 * struct kite_trace_entry - one VM exit
 * @tsc: host TSC at the exit
 * @rip: guest RIP
 * @qualification: exit qualification
 * @gpa: guest-physical address for EPT violations, else 0
 * @exit_reason: VM-exit reason
 * @intr_info: VM-exit interruption information, if valid, else 0
 * @rax: guest RAX
 * @rcx: guest RCX
 * @reserved: 0
 */
struct kite_trace_entry {
	__aligned_u64 tsc;
	__aligned_u64 rip;
	__aligned_u64 qualification;
	__aligned_u64 gpa;
	__u32 exit_reason;
	__u32 intr_info;
	__aligned_u64 rax;
	__aligned_u64 rcx;
	__aligned_u64 reserved;
};

/* Where the ring is in the mapping of the vCPU: struct kite_ring, a page on its elements. */
#define KITE_RING_OFFSET	0x100000
#define KITE_RING_HEADER	4096

/**
 * struct kite_ring - the head of a vCPU's ring of dirty pages
 * @head: elements that the kernel has added; counts on beyond @entries, and wraps
 * @entries: how many there are room for, as set
 * @reserved0: 0
 * @tail: elements that user space has consumed; counts as @head does
 * @reserved1: 0
 *
 * Element n is at index n modulo @entries. Read @head with acquire semantics; the
 * elements from @tail up to it are valid. Move @tail behind what is consumed, then
 * call KITE_VM_RESET_RINGS, then copy the pages.
 */
struct kite_ring {
	__u32 head;
	__u32 entries;
	__u32 reserved0[14];
	__u32 tail;
	__u32 reserved1[15];
};

/**
 * struct kite_ring_entry - a page that became dirty
 * @page: its number in the slot
 * @slot: which slot
 * @reserved: 0
 */
struct kite_ring_entry {
	__aligned_u64 page;
	__u32 slot;
	__u32 reserved;
};

#define KITE_RING_MIN		1024
#define KITE_RING_MAX		65536

/**
 * struct kite_set_ring - give the vCPU a ring of dirty pages
 * @size: sizeof(struct kite_set_ring)
 * @flags: 0
 * @entries: a power of two, KITE_RING_MIN to KITE_RING_MAX
 * @reserved: 0
 *
 * From now on a page of a slot with KITE_SLOT_LOG_DIRTY is put into the ring of the vCPU
 * that made it dirty. Some 600 elements before it is full KITE_VCPU_RUN returns with
 * KITE_EXIT_RING_FULL. The bitmap of the slot has the page as well.
 *
 * Errors: EEXIST (the vCPU has a ring).
 */
struct kite_set_ring {
	__u32 size;
	__u32 flags;
	__u32 entries;
	__u32 reserved;
};

/**
 * struct kite_entry_check - what the next VM entry would break
 * @size: sizeof(struct kite_entry_check)
 * @flags: 0
 * @broken: out; 0 before
 *
 * Checks in place of the CPU what the next VM entry would check, with a pending event
 * if it would go with it. Nothing changes. Errors: EAGAIN (the host has to bring back
 * the page of the PAE pointers; KITE_VCPU_RUN does), EBUSY.
 */
struct kite_entry_check {
	__u32 size;
	__u32 flags;
	struct kite_broken_rule broken;
};

#endif
