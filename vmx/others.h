/* SPDX-License-Identifier: GPL-2.0-only */
/* Other hypervisors on this host, and what Kite does for the host while there is none. */
#ifndef KITE_VMX_OTHERS_H
#define KITE_VMX_OTHERS_H

#include <linux/init.h>

/* Kbuild defines it where a module may tell the kernel what to do in a crash. */
#ifdef KITE_RESIDENT

/* After vmx_resident_init(), which hears from here whether Kite is alone. */
int __init vmx_others_init(void);
void vmx_others_exit(void);

#else

static inline int vmx_others_init(void) { return 0; }
static inline void vmx_others_exit(void) { }

#endif

#endif
