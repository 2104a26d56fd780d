// SPDX-License-Identifier: GPL-2.0-only
/* Asking the host: CPUID, capability MSRs, modules, device node. */
#include "host.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/libkite.h"

#define MSR_DEVICE		"/dev/cpu/0/msr"
#define KVM_INTEL_DIR		"/sys/module/kvm_intel"
#define MSR_FEATURE_CONTROL	0x3a
#define CPUID1_ECX_VMX		BIT(5)
#define CPUID1_ECX_HYPERVISOR	BIT(31)
#define CPUID_HYPERVISOR	0x40000000u

static void read_cpuid(struct host *host)
{
	u32 eax, ebx, ecx, edx;

	__cpuid(0, eax, ebx, ecx, edx);
	memcpy(host->vendor, &ebx, 4);
	memcpy(host->vendor + 4, &edx, 4);
	memcpy(host->vendor + 8, &ecx, 4);
	__cpuid(1, eax, ebx, ecx, edx);
	host->vmx = ecx & CPUID1_ECX_VMX;
	host->hypervisor = ecx & CPUID1_ECX_HYPERVISOR;
	if (!host->hypervisor)
		return;
	__cpuid(CPUID_HYPERVISOR, eax, ebx, ecx, edx);
	memcpy(host->hypervisor_name, &ebx, 4);
	memcpy(host->hypervisor_name + 4, &ecx, 4);
	memcpy(host->hypervisor_name + 8, &edx, 4);
}

static bool denied(int err)
{
	return err == -EACCES || err == -EPERM;
}

static bool read_from_kite(struct host *host)
{
	struct kite_vmx_msrs msrs;
	int dev = kite_open();
	int ret;

	if (dev == -ENOENT)
		host->device = DEVICE_ABSENT;
	else
		host->device = denied(dev) ? DEVICE_DENIED : DEVICE_FAILED;
	if (dev < 0)
		return false;
	ret = kite_get_vmx_msrs(dev, &msrs);
	close(dev);
	if (ret)
		return false;
	host->device = DEVICE_OPEN;
	host->feature_control = msrs.feature_control;
	memcpy(host->vmx_msr, msrs.msr, sizeof(host->vmx_msr));
	return true;
}

static int read_msr(int fd, u32 index, u64 *value)
{
	return pread(fd, value, sizeof(*value), index) == sizeof(*value) ? 0 : -errno;
}

static enum host_msrs read_from_driver(struct host *host)
{
	int fd = open(MSR_DEVICE, O_RDONLY | O_CLOEXEC);
	unsigned int i;
	int ret;

	if (fd < 0 && denied(-errno))
		return MSRS_DENIED;
	if (fd < 0)
		return MSRS_NO_DRIVER;
	ret = read_msr(fd, MSR_FEATURE_CONTROL, &host->feature_control);
	if (!ret)
		ret = read_msr(fd, KITE_VMX_MSR_BASE, &host->vmx_msr[0]);
	/* Which of the others there are is itself a capability: what faults stays 0. */
	for (i = 1; !ret && i < KITE_VMX_MSR_COUNT; i++)
		if (read_msr(fd, KITE_VMX_MSR_BASE + i, &host->vmx_msr[i]))
			host->vmx_msr[i] = 0;
	close(fd);
	return ret ? MSRS_FAILED : MSRS_READ;
}

void host_read(struct host *host)
{
	memset(host, 0, sizeof(*host));
	read_cpuid(host);
	host->kvm_intel = !access(KVM_INTEL_DIR, F_OK);
	host->msrs = MSRS_READ;
	if (!read_from_kite(host))
		host->msrs = read_from_driver(host);
}
