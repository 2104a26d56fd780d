// SPDX-License-Identifier: GPL-2.0-only
/* Contract: KITE_GET_INFO and KITE_GET_VMX_MSRS tell the truth about module and host. */
#include <cpuid.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ioctl.h"

KITE_TEST(info)
{
	struct kite_info info;
	u32 eax, ebx, ecx, edx;
	unsigned int i;

	dev_get_info(dev_open(), &info);
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(0u, info.flags);
	EXPECT_EQ((u32)KITE_API_VERSION, info.api_version);
	EXPECT_GE(info.max_vcpus, 1u);
	EXPECT_GE(info.max_slots, 512u);
	EXPECT_EQ(KITE_TRACE_OFFSET + info.trace_entries * (u32)sizeof(struct kite_trace_entry),
		  info.vcpu_mmap_size);
	__cpuid(0x80000008, eax, ebx, ecx, edx);
	EXPECT_GE(eax & 0xff, info.phys_bits);
	EXPECT_GE(info.phys_bits, 36u);
	EXPECT_GT(info.tsc_khz, 0u);
	/* x87 is always there, and nothing that the host has not. */
	EXPECT_TRUE(info.xcr0 & 1);
	__cpuid_count(0xd, 0, eax, ebx, ecx, edx);
	EXPECT_EQ(0ull, info.xcr0 & ~((u64)edx << 32 | eax));
	EXPECT_GE(info.xsave_size, 576u);
	EXPECT_GE(ecx, info.xsave_size);
	for (i = 0; i < ARRAY_SIZE(info.reserved); i++)
		EXPECT_EQ(0ull, info.reserved[i]);
}

static bool read_msr(u32 index, u64 *value)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY);

	if (fd < 0)
		SKIP("no /dev/cpu/0/msr: load the module msr");
	return pread(fd, value, sizeof(*value), index) == sizeof(*value);
}

KITE_TEST(vmx_msrs)
{
	struct kite_vmx_msrs arg = { .size = sizeof(arg) };
	unsigned int i;
	u64 value;

	ASSERT_EQ(0, __kt_ioctl(dev_open(), KITE_GET_VMX_MSRS, &arg));
	EXPECT_EQ(sizeof(arg), arg.size);
	EXPECT_TRUE(arg.feature_control & 4);	/* VMX outside SMX */
	EXPECT_NE(0ull, arg.msr[0]);
	for (i = 0; i < KITE_VMX_MSR_COUNT; i++)
		if (read_msr(KITE_VMX_MSR_BASE + i, &value))
			EXPECT_EQ(value, arg.msr[i]);
		else
			EXPECT_EQ(0ull, arg.msr[i]);
	if (read_msr(0x3a, &value))
		EXPECT_EQ(value, arg.feature_control);
}
