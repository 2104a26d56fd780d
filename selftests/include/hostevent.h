/* SPDX-License-Identifier: GPL-2.0-only */
/* What only a kernel can do to itself: selftests/kmod/hostevent.c. */
#ifndef KT_HOSTEVENT_H
#define KT_HOSTEVENT_H

#include "files.h"

#define KT_HOSTEVENT	"/sys/kernel/debug/hostevent/"

/* SKIPs the test where the module is missing. */
void kt_hostevent_load(void);
void kt_hostevent_unload(void);
/* Wake the machine up so long after it begins to suspend to idle, once. */
void kt_wake_after_ms(unsigned int ms);

#endif
