// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a host with everything can run Kite; each required control that is
 * missing is named and makes it "cannot", an optional one does not.
 */
#include "check.h"
#include "unit.h"

#define CONTROLS_MAX	200

struct seen {
	unsigned int count[CHECK_MISSING + 1];
	char missing[64];
	char without[64];
	struct {
		char group[8];
		int bit;
		bool required;
	} control[CONTROLS_MAX];
	unsigned int controls;
};

static void note(void *ctx, const struct check_item *item)
{
	struct seen *seen = ctx;

	seen->count[item->status]++;
	if (item->status == CHECK_MISSING)
		snprintf(seen->missing, sizeof(seen->missing), "%s", item->name);
	if (item->status == CHECK_WITHOUT)
		snprintf(seen->without, sizeof(seen->without), "%s", item->name);
	if (item->bit < 0 || seen->controls == CONTROLS_MAX)
		return;
	snprintf(seen->control[seen->controls].group, sizeof(seen->control[0].group), "%s",
		 item->group);
	seen->control[seen->controls].bit = item->bit;
	seen->control[seen->controls++].required = item->required;
}

static struct host good_host(void)
{
	struct host host = {
		.vendor = "GenuineIntel",
		.vmx = true,
		.device = DEVICE_OPEN,
		.msrs = MSRS_READ,
		.feature_control = 5,
	};

	memset(host.vmx_msr, 0xff, sizeof(host.vmx_msr));
	return host;
}

static enum check_verdict run(const struct host *host, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	return check_host(host, note, seen);
}

static void good(void)
{
	struct host host = good_host();
	struct seen seen;

	EXPECT_EQ(CHECK_CAN, run(&host, &seen));
	EXPECT_EQ(0, seen.count[CHECK_MISSING]);
	EXPECT_EQ(0, seen.count[CHECK_WITHOUT]);
	EXPECT_EQ(0, seen.count[CHECK_UNKNOWN]);
	EXPECT_TRUE(seen.controls > 20);
}

/* Where the capabilities of a word are: with and without the TRUE MSRs. */
static const struct {
	const char *group;
	u8 msr, true_msr, shift;
} words[] = {
	{ "PIN", 1, 13, 32 }, { "PROC", 2, 14, 32 }, { "EXIT", 3, 15, 32 },
	{ "ENTRY", 4, 16, 32 }, { "PROC2", 11, 11, 32 }, { "EPT_CAP", 12, 12, 0 },
};

static u64 *capability(struct host *host, const char *group, bool true_ctls, u8 *shift)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(group, words[i].group))
			continue;
		*shift = words[i].shift;
		return &host->vmx_msr[true_ctls ? words[i].true_msr : words[i].msr];
	}
	EXPECT_TRUE(!"a group that this test does not know");
	return NULL;
}

static void each_control_missing(bool true_ctls)
{
	struct host all = good_host(), host;
	struct seen controls, seen;
	unsigned int i;
	u64 *msr;
	u8 shift;

	if (!true_ctls)
		all.vmx_msr[0] &= ~BIT_ULL(55);
	run(&all, &controls);
	for (i = 0; i < controls.controls; i++) {
		unit_context("%s.%d", controls.control[i].group, controls.control[i].bit);
		host = all;
		msr = capability(&host, controls.control[i].group, true_ctls, &shift);
		if (!msr)
			continue;
		*msr &= ~BIT_ULL(controls.control[i].bit + shift);
		EXPECT_EQ(controls.control[i].required ? CHECK_CANNOT : CHECK_CAN,
			  run(&host, &seen));
		EXPECT_EQ(controls.control[i].required, seen.count[CHECK_MISSING]);
		EXPECT_EQ(!controls.control[i].required, seen.count[CHECK_WITHOUT]);
	}
}

static void controls_by_true_msrs(void)
{
	each_control_missing(true);
}

static void controls_by_old_msrs(void)
{
	each_control_missing(false);
}

static void names_control(void)
{
	struct host host = good_host();
	struct seen seen;

	host.vmx_msr[11] &= ~BIT_ULL(32 + 7);
	EXPECT_EQ(CHECK_CANNOT, run(&host, &seen));
	EXPECT_TRUE(!strcmp(seen.missing, "unrestricted guest"));
	host = good_host();
	host.vmx_msr[11] &= ~BIT_ULL(32 + 5);
	EXPECT_EQ(CHECK_CAN, run(&host, &seen));
	EXPECT_TRUE(!strcmp(seen.without, "enable VPID"));
}

static void feature_control(void)
{
	static const struct { u64 value; enum check_verdict want; } rows[] = {
		{ 0, CHECK_CANNOT }, { 1, CHECK_CANNOT }, { 3, CHECK_CANNOT }, { 4, CHECK_CANNOT },
		{ 5, CHECK_CAN }, { 7, CHECK_CAN },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host host = good_host();
		struct seen seen;

		unit_context("value %llu", rows[i].value);
		host.feature_control = rows[i].value;
		EXPECT_EQ(rows[i].want, run(&host, &seen));
		EXPECT_EQ(rows[i].want != CHECK_CAN,
			  !strcmp(seen.missing, "IA32_FEATURE_CONTROL"));
	}
}

static void no_vmx(void)
{
	struct host host = good_host();
	struct seen seen;

	host.vmx = false;
	EXPECT_EQ(CHECK_CANNOT, run(&host, &seen));
	EXPECT_EQ(0, seen.controls);
	/* What may not be read does not matter then. */
	host.msrs = MSRS_DENIED;
	host.device = DEVICE_DENIED;
	EXPECT_EQ(CHECK_CANNOT, run(&host, &seen));
}

static void not_permitted(void)
{
	static const enum host_msrs rows[] = { MSRS_NO_DRIVER, MSRS_DENIED, MSRS_FAILED };
	struct host host;
	struct seen seen;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("row %u", i);
		host = good_host();
		host.device = DEVICE_ABSENT;
		host.msrs = rows[i];
		EXPECT_EQ(CHECK_NOT_PERMITTED, run(&host, &seen));
		EXPECT_EQ(0, seen.controls);
	}
	host = good_host();
	host.device = DEVICE_DENIED;
	EXPECT_EQ(CHECK_NOT_PERMITTED, run(&host, &seen));
}

static void module_not_loaded(void)
{
	struct host host = good_host();
	struct seen seen;

	host.device = DEVICE_ABSENT;
	host.kvm_intel = true;
	host.hypervisor = true;
	EXPECT_EQ(CHECK_CAN, run(&host, &seen));
	/* vendor, hypervisor, kvm_intel, device */
	EXPECT_EQ(4, seen.count[CHECK_NOTE]);
}

static const struct unit_test tests[] = {
	UNIT_TEST(good),
	UNIT_TEST(controls_by_true_msrs),
	UNIT_TEST(controls_by_old_msrs),
	UNIT_TEST(names_control),
	UNIT_TEST(feature_control),
	UNIT_TEST(no_vmx),
	UNIT_TEST(not_permitted),
	UNIT_TEST(module_not_loaded),
};

UNIT_MAIN(tests)
