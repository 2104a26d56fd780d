/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_LINUX_SCHED_H
#define KITE_UNIT_LINUX_SCHED_H

#define cond_resched()	do { } while (0)

#endif
