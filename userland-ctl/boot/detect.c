// SPDX-License-Identifier: GPL-2.0-only
/* What kind of guest a file is. */
#include "boot/boot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* An image may be several of these; the first that fits is taken. */
static const struct boot_format formats[] = {
	{
		"Linux bzImage", "\"HdrS\" at 0x202 (Linux bzImage)",
		bzimage_probe, bzimage_load,
	}, {
		"PVH ELF", "ELF with note XEN_ELFNOTE_PHYS32_ENTRY (PVH)",
		pvh_probe, pvh_load,
	}, {
		"Multiboot", "0x1badb002 in the first 8 KiB (Multiboot 1)",
		multiboot1_probe, multiboot1_load,
	},
};

int boot_refuse(struct boot_request *req, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(req->why, sizeof(req->why), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

const struct boot_format *boot_detect(struct boot_request *req)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].probe(&req->kernel))
			return &formats[i];
	boot_refuse(req,
		    "not a kernel that Kite knows; looked for %s, %s, %s; a flat binary needs --flat-mode",
		    formats[0].looked_for, formats[1].looked_for, formats[2].looked_for);
	return NULL;
}
