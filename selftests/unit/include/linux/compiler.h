/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KITE_UNIT_LINUX_COMPILER_H
#define KITE_UNIT_LINUX_COMPILER_H

#define __must_check		__attribute__((warn_unused_result))

#endif
