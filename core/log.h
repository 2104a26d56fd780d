/* SPDX-License-Identifier: GPL-2.0-only */
/* Included before everything else: all of the module's messages open with its name. */
#ifndef KITE_CORE_LOG_H
#define KITE_CORE_LOG_H

#define pr_fmt(fmt) "kite: " fmt

#endif
