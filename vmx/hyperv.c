// SPDX-License-Identifier: GPL-2.0-only
#include "hyperv.h"

#include <linux/cache.h>
#include <asm/cpufeature.h>

#include "../core/compat.h"

#define HV_INTERFACE_LEAF	0x40000001
#define HV_INTERFACE		0x31237648	/* "Hv#1" */
#define HV_NESTED_LEAF		0x4000000a	/* EAX 15:0: enlightened VMCS versions */

static bool evmcs __ro_after_init;

void vmx_hyperv_init(void)
{
	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR) || cpuid_eax(0x40000000) < HV_NESTED_LEAF)
		return;
	evmcs = cpuid_eax(HV_INTERFACE_LEAF) == HV_INTERFACE &&
		(cpuid_eax(HV_NESTED_LEAF) & 0xffff);
}

bool vmx_hyperv_evmcs(void)
{
	return evmcs;
}
