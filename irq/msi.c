// SPDX-License-Identifier: GPL-2.0-only
/* SDM chapter "Advanced Programmable Interrupt Controller (APIC)": message-signalled interrupts. */
#include "msi.h"

#include <linux/bits.h>
#include <linux/errno.h>

#include "msg.h"

#define MSI_ADDRESS_SHIFT	20
#define MSI_ADDRESS		0xfeeu		/* bits 63:20 */
#define MSI_DEST_SHIFT		12
#define MSI_REDIRECT		BIT(3)
#define MSI_LOGICAL		BIT(2)

#define MSI_MODE_SHIFT		8
#define MSI_ASSERT		BIT(14)
#define MSI_LEVEL		BIT(15)

#define MSI_MODES_RESERVED	(BIT(IRQ_MODE_RESERVED) | BIT(IRQ_MODE_SIPI))

int msi_to_msg(u64 address, u32 data, struct irq_msg *msg)
{
	u8 mode = data >> MSI_MODE_SHIFT & 7;
	u8 vector = data;

	if (address >> MSI_ADDRESS_SHIFT != MSI_ADDRESS)
		return -EINVAL;
	if (BIT(mode) & MSI_MODES_RESERVED)
		return -EINVAL;
	if (irq_mode_has_vector(mode) && vector < IRQ_VECTOR_MIN)
		return -EINVAL;
	/* No local APIC acts on the end of a level. */
	if ((data & (MSI_LEVEL | MSI_ASSERT)) == MSI_LEVEL)
		return -EINVAL;

	/* The redirection hint asks for one of a logical group, whatever the mode says. */
	if (mode == IRQ_MODE_FIXED && (address & MSI_REDIRECT) && (address & MSI_LOGICAL))
		mode = IRQ_MODE_LOWEST;

	*msg = (struct irq_msg) {
		.dest = irq_dest8(address >> MSI_DEST_SHIFT),
		.vector = vector,
		.mode = mode,
		.shorthand = IRQ_TO_DEST,
		.logical = address & MSI_LOGICAL,
		.level = irq_mode_has_vector(mode) && (data & MSI_LEVEL),
	};
	return 0;
}
