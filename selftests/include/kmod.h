/* SPDX-License-Identifier: GPL-2.0-only */
/* The modules of selftests/kmod: what only a kernel can see of itself, or do to itself. */
#ifndef KT_KMOD_H
#define KT_KMOD_H

/* Unless it is loaded already. SKIPs the test where the module was not built. */
void kt_module_load(const char *name);

#endif
