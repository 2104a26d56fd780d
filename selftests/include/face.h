/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same guest on Kite and on KVM: what a benchmark asks of a hypervisor, with an
 * adapter for each. The guest's memory and the state of its vCPUs are made before, so
 * that both get the same and nothing else is measured.
 */
#ifndef KT_FACE_H
#define KT_FACE_H

#include <pthread.h>

#include "guest.h"

#define KT_FACE_VCPUS	8

/* Slots that every machine has. */
enum { KT_FACE_RAM, KT_FACE_IMAGE, KT_FACE_SLOTS };

/* A guest in long mode, ready for its first instruction on any machine. */
struct kt_guest {
	unsigned int vcpus;
	bool irqchip;			/* vCPUs have an APIC, which they use as an x2APIC */
	u8 *ram;			/* KT_RAM bytes */
	struct kite_state state[KT_FACE_VCPUS];
};

struct kt_machine {
	const struct kt_face *face;
	const struct kt_guest *guest;
	int dev;
	int vm;
	struct {
		int fd;
		void *run;
		pthread_t thread;
	} vcpu[KT_FACE_VCPUS];
};

/* What run() answers beside the port of an OUT. */
#define KT_SAID_MMIO	0x10000u
#define KT_SAID_HLT	0x20000u

#define KT_MSI_ADDRESS	0xfee00000u	/* to vCPU 0 */

struct kt_face {
	const char *name;
	/* Once in a process: SKIPs the test where the hypervisor is not to be had. */
	void (*prepare)(void);
	/* A VM with memory, and nothing else. */
	void (*create)(struct kt_machine *m);
	void (*destroy)(struct kt_machine *m);
	/* A vCPU that has its state of @m->guest; of one that goes, only the descriptors. */
	void (*add_vcpu)(struct kt_machine *m, unsigned int n);
	void (*remove_vcpu)(struct kt_machine *m, unsigned int n);
	/* Memory of this process; @len 0 takes it away. @log: its dirty pages. */
	void (*set_slot)(struct kt_machine *m, u32 slot, u64 gpa, u64 len, void *mem, bool log);
	/* Enter the guest until it says something. */
	u32 (*run)(struct kt_machine *m, unsigned int n);
	/* Get and clear the log of the slot's first @pages pages. */
	void (*get_dirty)(struct kt_machine *m, u32 slot, u64 pages, u64 *bitmap);
	/* Writes of any length to a port or to guest-physical memory signal @fd. */
	void (*ioeventfd)(struct kt_machine *m, bool pio, u64 addr, int fd);
	/* Signals of @fd are the message @data to vCPU 0. */
	void (*irqfd)(struct kt_machine *m, int fd, u32 data);
};

extern const struct kt_face kt_face_kite, kt_face_kvm;

/* vCPUs that call @fn; they share this program's memory. */
void kt_guest_init(struct kt_guest *g, unsigned int vcpus, bool irqchip, void (*fn)(u64), u64 arg);
void kt_guest_free(struct kt_guest *g);

/* A machine with all its vCPUs. */
void kt_machine_new(struct kt_machine *m, const struct kt_face *face, const struct kt_guest *g);
void kt_machine_free(struct kt_machine *m);
/* A thread for each vCPU, on a CPU of its own if there are enough; they end by DONE. */
void kt_machine_start(struct kt_machine *m);
void kt_machine_finish(struct kt_machine *m);

#endif
