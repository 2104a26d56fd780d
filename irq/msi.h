/* SPDX-License-Identifier: GPL-2.0-only */
/* Message-signalled interrupts: from address and data to a message. */
#ifndef KITE_IRQ_MSI_H
#define KITE_IRQ_MSI_H

#include <linux/compiler.h>
#include <linux/types.h>

struct irq_msg;

/*
 * -EINVAL: not an MSI address, a reserved delivery mode, a level de-assert, or
 * an illegal vector in fixed or lowest-priority mode.
 */
int __must_check msi_to_msg(u64 address, u32 data, struct irq_msg *msg);

#endif
