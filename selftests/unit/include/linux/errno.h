/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_LINUX_ERRNO_H
#define KITE_UNIT_LINUX_ERRNO_H

#include <asm/errno.h>

#endif
