/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_LINUX_STRING_H
#define KITE_UNIT_LINUX_STRING_H

#include <string.h>

#endif
