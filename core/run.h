/* SPDX-License-Identifier: GPL-2.0-only */
/* What the back end's inner loop asks the core before each VM entry. */
#ifndef KITE_CORE_RUN_H
#define KITE_CORE_RUN_H

#include <linux/sched/signal.h>
#include <linux/thread_info.h>

#include "compat.h"
#include "vcpu.h"

#define KITE_TIF_LEAVE	(_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME | \
			 _TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY)

/* Requests that are served inside the window. */
void kite_serve_inside(struct kite_vcpu *v);

/* True if the window must close before the guest may go on. */
static inline bool kite_must_leave(const struct kite_vcpu *v)
{
	return (READ_ONCE(v->requests) & KITE_REQ_OUTSIDE) ||
	       (read_thread_flags() & KITE_TIF_LEAVE);
}

#endif
