/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every ioctl of Kite as data: for tests that do the same to each of them, and for those
 * that make calls at random.
 */
#ifndef KT_CALLS_H
#define KT_CALLS_H

#include "ioctl.h"

enum kt_object { KT_DEV, KT_VM, KT_VCPU, KT_OBJECTS };

/* What good arguments are made of. */
struct kt_target {
	int fds[KT_OBJECTS];
	u8 *memory;		/* 4 MiB of it; ours, and may be the guest's */
	u8 *image;		/* four pages, for an XSAVE image or a bitmap */
	u32 xsave_size;
	int event;		/* event descriptor */
};

#define KT_RESERVED	12

struct kt_call {
	const char *name;
	enum kt_object object;
	unsigned long cmd;
	u32 size;		/* of its structure; 0: it has none */
	bool writes;		/* the structure comes back */
	u32 flags;		/* those that are defined */
	/* Make @arg, zeroes but for its size, one that the ioctl accepts. */
	void (*fill)(const struct kt_target *t, void *arg);
	struct { u32 at, len; } reserved[KT_RESERVED];	/* has to be 0 */
	u32 grown;		/* bytes that later versions have added */
};

extern const struct kt_call kt_calls[];
extern const unsigned int kt_call_count;

#define KT_FOR_EACH_CALL(call) \
	for (const struct kt_call *call = kt_calls; call < kt_calls + kt_call_count; call++)
/* Those with a structure. */
#define KT_FOR_EACH_STRUCT(call) KT_FOR_EACH_CALL(call) if (call->size)

/* Make @arg, a page, one that the ioctl accepts; @t gets a new descriptor or vCPU if need be. */
void kt_call_good(struct kt_target *t, const struct kt_call *call, void *arg);

/* What a call that was refused could have left behind. */
struct kt_snapshot {
	struct kite_state state;
	struct kite_lapic lapic;
	struct kite_ioapic ioapic;
};

void kt_snapshot(const struct kt_target *t, struct kt_snapshot *s);

#endif
