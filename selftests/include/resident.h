/* SPDX-License-Identifier: GPL-2.0-only */
/* The resident mode of VMX windows: the module parameter "resident". */
#ifndef KT_RESIDENT_H
#define KT_RESIDENT_H

#include <unistd.h>

#include "files.h"
#include "guest.h"

#define KT_RESIDENT	"/sys/module/kite/parameters/resident"

static inline void kt_resident(bool on)
{
	ASSERT_TRUE(kt_write_file(KT_RESIDENT, on ? "1" : "0"));
}

/* Switch it on until the end of the test, which is SKIPped where there is no such mode. */
static inline void kt_resident_begin(void)
{
	if (access(KT_RESIDENT, F_OK))
		SKIP("this kernel does not let a module keep VMX on");
	kt_restore_afterwards(KT_RESIDENT);
	kt_resident(true);
}

/* Windows of a vCPU: in resident mode, and others. */
struct kt_windows {
	u64 resident;
	u64 other;
};

static inline struct kt_windows kt_windows(struct kt_vcpu *vcpu)
{
	struct kite_stats s;

	vcpu_get_stats(vcpu->fd, &s);
	return (struct kt_windows){ s.windows_resident, s.windows_own + s.windows_shared };
}

#endif
