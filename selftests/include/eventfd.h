/* SPDX-License-Identifier: GPL-2.0-only */
/* Event descriptors for tests. */
#ifndef KT_EVENTFD_H
#define KT_EVENTFD_H

#include <sys/eventfd.h>
#include <unistd.h>

#include "harness.h"

static inline int kt_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		FAIL("eventfd: errno %d", errno);
	return fd;
}

/* How often it was signalled since it was last asked. */
static inline u64 kt_eventfd_read(int fd)
{
	u64 n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static inline void kt_eventfd_write(int fd)
{
	u64 n = 1;

	if (write(fd, &n, sizeof(n)) != sizeof(n))
		FAIL("write to an eventfd: errno %d", errno);
}

#endif
