// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: from the capability MSRs come the control words that are switched
 * on; each required control that a CPU lacks is named as the SDM names it, a
 * missing optional one is silently off.
 */
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>

#include "unit.h"
#include "vmx/caps.h"

#define MSRS	20

/* IA32_VMX_BASIC and so on of a Skylake server CPU with all that controls.def lists. */
static const u64 skylake[MSRS] = {
	[0] = 0x00da04000000000bull, [1] = 0x0000007f00000016ull, [2] = 0xfff9fffe0401e172ull,
	[3] = 0x01ffffff00036dffull, [4] = 0x0003ffff000011ffull, [5] = 0x000000007004c1e7ull,
	[6] = 0x0000000080000021ull, [7] = 0x00000000ffffffffull, [8] = 0x0000000000002000ull,
	[9] = 0x00000000003767ffull, [10] = 0x000000000000002eull, [11] = 0x021fffff00000000ull,
	[12] = 0x00000f0106734141ull, [13] = 0x0000007f00000016ull, [14] = 0xfff9fffe04006172ull,
	[15] = 0x01ffffff00036dfbull, [16] = 0x0003ffff000011fbull,
};

/* Where a word of controls is allowed to be 1. */
static const u8 msr_of[] = {
	[VMX_WORD_PIN] = 13, [VMX_WORD_PROC] = 14, [VMX_WORD_PROC2] = 11,
	[VMX_WORD_EXIT] = 15, [VMX_WORD_ENTRY] = 16,
};

enum need { optional, required };

static const struct {
	u8 msr;
	u8 bit;
	u8 need;
	const char *name;
} rows[] = {
#define CONTROL(word, bit, need, name, why) { 0x80 | VMX_WORD_##word, bit, need, name },
#define EPT_CAP(bit, need, name, why) { 12, bit, need, name },
#include "vmx/controls.def"
#undef CONTROL
#undef EPT_CAP
};

struct vmx_caps vmx_caps;

static unsigned int missing_count;
static char missing_name[64];

static void missing(const char *name, const char *why)
{
	missing_count++;
	snprintf(missing_name, sizeof(missing_name), "%s", name);
	EXPECT_TRUE(*why);
}

static bool read_caps(struct vmx_caps *caps, const u64 *msr)
{
	missing_count = 0;
	*missing_name = '\0';
	memset(caps, 0xaa, sizeof(*caps));
	return vmx_caps_from_msrs(caps, msr, missing);
}

static void complete_cpu(void)
{
	struct vmx_caps caps;
	unsigned int i;

	EXPECT_TRUE(read_caps(&caps, skylake));
	EXPECT_EQ(0, missing_count);
	EXPECT_EQ(0xb, caps.revision);
	EXPECT_EQ(0x80000021, caps.cr0_fixed0);
	EXPECT_EQ(0x3767ff, caps.cr4_fixed1);
	for (i = 0; i < VMX_WORD_COUNT; i++) {
		u64 msr = skylake[msr_of[i]];

		unit_context("word %u", i);
		/* Bits that must be 1 are, bits that must be 0 are not. */
		EXPECT_EQ((u32)msr, caps.word[i] & (u32)msr);
		EXPECT_EQ(0, caps.word[i] & ~(u32)(msr >> 32));
	}
}

static void dynamic_controls_start_off(void)
{
	struct vmx_caps caps;

	EXPECT_TRUE(read_caps(&caps, skylake));
	EXPECT_EQ(0, caps.word[VMX_WORD_PROC] &
		  (PROC_INTERRUPT_WINDOW | PROC_NMI_WINDOW | PROC_MTF | PROC_TPR_SHADOW));
	EXPECT_EQ(0, caps.word[VMX_WORD_PROC2] & (PROC2_APIC_ACCESSES | PROC2_X2APIC |
		  PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS));
	EXPECT_EQ(0, caps.word[VMX_WORD_ENTRY] & ENTRY_IA32E_GUEST);
	vmx_caps = caps;
	EXPECT_TRUE(vmx_has(VMX_WORD_PROC, PROC_MTF));
}

static void each_control_missing_once(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool word = rows[i].msr & 0x80;
		unsigned int n = word ? msr_of[rows[i].msr & 0x7f] : rows[i].msr;
		struct vmx_caps caps;
		u64 msr[MSRS];
		bool ok;

		unit_context("%s", rows[i].name);
		memcpy(msr, skylake, sizeof(msr));
		EXPECT_TRUE(msr[n] & BIT_ULL(rows[i].bit + (word ? 32 : 0)));
		msr[n] &= ~BIT_ULL(rows[i].bit + (word ? 32 : 0));
		ok = read_caps(&caps, msr);
		EXPECT_EQ(rows[i].need == optional, ok);
		EXPECT_EQ(rows[i].need == required, missing_count);
		EXPECT_EQ(0, rows[i].need == required && strcmp(rows[i].name, missing_name));
		if (word)
			EXPECT_FALSE(caps.word[rows[i].msr & 0x7f] & BIT(rows[i].bit));
	}
}

static void no_vmx_at_all(void)
{
	static const u64 none[MSRS];
	struct vmx_caps caps;

	EXPECT_FALSE(read_caps(&caps, none));
	EXPECT_TRUE(missing_count > 20);
}

static void no_true_controls(void)
{
	struct vmx_caps caps;
	u64 msr[MSRS];

	memcpy(msr, skylake, sizeof(msr));
	msr[0] &= ~BIT_ULL(55);
	EXPECT_FALSE(read_caps(&caps, msr));
	EXPECT_EQ(1, missing_count);
	EXPECT_EQ(0, strcmp(missing_name, "IA32_VMX_TRUE_*_CTLS"));
}

static const struct unit_test tests[] = {
	UNIT_TEST(complete_cpu),
	UNIT_TEST(dynamic_controls_start_off),
	UNIT_TEST(each_control_missing_once),
	UNIT_TEST(no_vmx_at_all),
	UNIT_TEST(no_true_controls),
};

UNIT_MAIN(tests)
