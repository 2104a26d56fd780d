/* SPDX-License-Identifier: GPL-2.0-only */
/* What this host is, as far as Kite cares. */
#ifndef HOST_H
#define HOST_H

#include "lib/types.h"
#include "uapi/kite.h"

enum host_device {
	DEVICE_ABSENT,
	DEVICE_DENIED,
	DEVICE_FAILED,
	DEVICE_OPEN,
};

enum host_msrs {
	MSRS_READ,
	MSRS_NO_DRIVER,		/* no /dev/cpu/0/msr */
	MSRS_DENIED,
	MSRS_FAILED,
};

struct host {
	char vendor[13];
	bool vmx;
	bool hypervisor;
	char hypervisor_name[13];
	bool kvm_intel;
	enum host_device device;
	enum host_msrs msrs;
	u64 feature_control;
	u64 vmx_msr[KITE_VMX_MSR_COUNT];	/* from KITE_VMX_MSR_BASE; 0 where there is none */
};

void host_read(struct host *host);

#endif
