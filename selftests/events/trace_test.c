// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: what enters the guest cannot be probed: there the CPU has registers of the
 * guest, and a single step over VMLAUNCH would not end.
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"

KITE_TEST(what_enters_the_guest_is_not_probed)
{
	FILE *f = fopen("/sys/kernel/debug/kprobes/blacklist", "r");
	char line[256];
	bool listed = false;

	if (!f)
		SKIP("this kernel does not tell what must not be probed");
	while (fgets(line, sizeof(line), f))
		listed |= !!strstr(line, "vmx_enter");
	fclose(f);
	EXPECT_TRUE(listed);
}
