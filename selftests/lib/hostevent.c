// SPDX-License-Identifier: GPL-2.0-only
#include "hostevent.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kmod.h"

void kt_hostevent_load(void)
{
	kt_module_load("hostevent");
}

void kt_hostevent_unload(void)
{
	if (syscall(SYS_delete_module, "hostevent", O_NONBLOCK))
		FAIL("unloading hostevent: errno %d", errno);
}

void kt_wake_after_ms(unsigned int ms)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", ms);
	ASSERT_TRUE(kt_write_file(KT_HOSTEVENT "wake_ms", text));
}
