// SPDX-License-Identifier: GPL-2.0-only
/* What Kite needs of a host. The list of VMX controls is the module's own. */
#include "check.h"

#include <string.h>

#define FEATURE_CONTROL_LOCK	BIT(0)
#define FEATURE_CONTROL_VMXON	BIT(2)	/* outside SMX */
#define BASIC_TRUE_CTLS		BIT_ULL(55)
#define PROC_SECONDARY		BIT(31)

/* SDM, appendix "VMX Capability Reporting Facility". */
enum {
	MSR_BASIC	= 0x480,
	MSR_PIN		= 0x481,
	MSR_PROC	= 0x482,
	MSR_EXIT	= 0x483,
	MSR_ENTRY	= 0x484,
	MSR_PROC2	= 0x48b,
	MSR_EPT_CAP	= 0x48c,
	MSR_TRUE_PIN	= 0x48d,
	MSR_TRUE_PROC	= 0x48e,
	MSR_TRUE_EXIT	= 0x48f,
	MSR_TRUE_ENTRY	= 0x490,
};

enum need { optional, required };
enum word { PIN, PROC, PROC2, EXIT, ENTRY, EPT_CAPS };

static const struct {
	const char *name;
	u32 msr;
	u32 true_msr;		/* 0: there is none */
	u8 allowed_shift;	/* where the bits that may be 1 begin */
} words[] = {
	[PIN]	   = { "PIN", MSR_PIN, MSR_TRUE_PIN, 32 },
	[PROC]	   = { "PROC", MSR_PROC, MSR_TRUE_PROC, 32 },
	[PROC2]	   = { "PROC2", MSR_PROC2, 0, 32 },
	[EXIT]	   = { "EXIT", MSR_EXIT, MSR_TRUE_EXIT, 32 },
	[ENTRY]	   = { "ENTRY", MSR_ENTRY, MSR_TRUE_ENTRY, 32 },
	[EPT_CAPS] = { "EPT_CAP", MSR_EPT_CAP, 0, 0 },
};

#define CONTROL(word, bit, need, name, why)	{ word, bit, need, name, why },
#define EPT_CAP(bit, need, name, why)		{ EPT_CAPS, bit, need, name, why },

static const struct {
	enum word word;
	u8 bit;
	enum need need;
	const char *name;
	const char *why;
} controls[] = {
#include "vmx/controls.def"
};

struct check {
	const struct host *host;
	check_emit_fn *emit;
	void *ctx;
	bool missing;
	bool unknown;
};

static void emit(struct check *c, const struct check_item *item)
{
	c->missing |= item->status == CHECK_MISSING;
	c->unknown |= item->status == CHECK_UNKNOWN;
	c->emit(c->ctx, item);
}

static void say(struct check *c, enum check_status status, const char *name, const char *text)
{
	struct check_item item = { status, "host", -1, true, name, text };

	emit(c, &item);
}

static u64 msr(const struct host *host, u32 index)
{
	return host->vmx_msr[index - KITE_VMX_MSR_BASE];
}

static bool allowed(const struct host *host, enum word word, u8 bit)
{
	bool true_ctls = msr(host, MSR_BASIC) & BASIC_TRUE_CTLS;
	u32 index = true_ctls && words[word].true_msr ? words[word].true_msr : words[word].msr;

	return msr(host, index) >> words[word].allowed_shift >> bit & 1;
}

static void check_controls(struct check *c)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		bool there = allowed(c->host, controls[i].word, controls[i].bit);
		bool needed = controls[i].need == required;
		struct check_item item = {
			.status = there ? CHECK_OK : needed ? CHECK_MISSING : CHECK_WITHOUT,
			.group = words[controls[i].word].name,
			.bit = controls[i].bit,
			.required = needed,
			.name = controls[i].name,
			.text = controls[i].why,
		};

		emit(c, &item);
	}
}

static void check_cpu(struct check *c)
{
	const struct host *h = c->host;

	say(c, CHECK_NOTE, "CPU vendor", h->vendor);
	if (h->hypervisor)
		say(c, CHECK_NOTE, "runs under the hypervisor",
		    *h->hypervisor_name ? h->hypervisor_name : "without a name");
	if (h->vmx)
		say(c, CHECK_OK, "VMX", "CPUID reports VMX");
	else if (h->hypervisor)
		say(c, CHECK_MISSING, "VMX",
		    "CPUID reports no VMX; turn on nested virtualization for this VM, on an Intel CPU");
	else
		say(c, CHECK_MISSING, "VMX",
		    "CPUID reports no VMX; Kite needs an Intel CPU with VT-x, enabled in the firmware setup");
}

static void check_feature_control(struct check *c)
{
	u64 fc = c->host->feature_control;

	if (!(fc & FEATURE_CONTROL_LOCK))
		say(c, CHECK_MISSING, "IA32_FEATURE_CONTROL",
		    "not locked, so VMXON faults; firmware or the host kernel must lock it with VT-x enabled");
	else if (!(fc & FEATURE_CONTROL_VMXON))
		say(c, CHECK_MISSING, "IA32_FEATURE_CONTROL",
		    "locked with VT-x disabled; enable VT-x (Intel Virtualization Technology) in the firmware setup");
	else
		say(c, CHECK_OK, "IA32_FEATURE_CONTROL", "locked with VT-x enabled");
}

static const char * const msr_hints[] = {
	[MSRS_NO_DRIVER] = "cannot be read; load kite.ko, or \"modprobe msr\" and run as root",
	[MSRS_DENIED] = "cannot be read; run as root",
	[MSRS_FAILED] = "reading the MSRs fails; load kite.ko and look into dmesg",
};

static void check_vmx(struct check *c)
{
	if (!c->host->vmx)
		return;
	if (c->host->msrs != MSRS_READ) {
		say(c, CHECK_UNKNOWN, "VMX capabilities", msr_hints[c->host->msrs]);
		return;
	}
	check_feature_control(c);
	check_controls(c);
}

static const struct {
	enum check_status status;
	const char *text;
} device_rows[] = {
	[DEVICE_ABSENT] = { CHECK_NOTE, "not there, the module is not loaded; \"insmod kite.ko\"" },
	[DEVICE_DENIED] = { CHECK_UNKNOWN,
			    "no permission; become root or a member of the group kite" },
	[DEVICE_FAILED] = { CHECK_UNKNOWN, "does not answer; look into dmesg" },
	[DEVICE_OPEN]	= { CHECK_OK, "there and accessible" },
};

enum check_verdict check_host(const struct host *host, check_emit_fn *emit_fn, void *ctx)
{
	struct check c = { .host = host, .emit = emit_fn, .ctx = ctx };

	check_cpu(&c);
	check_vmx(&c);
	if (host->kvm_intel)
		say(&c, CHECK_NOTE,
		    "kvm_intel",
		    "loaded, which is fine: Kite shares the CPU with it");
	say(&c, device_rows[host->device].status, KITE_DEVICE, device_rows[host->device].text);
	if (c.missing)
		return CHECK_CANNOT;
	return c.unknown ? CHECK_NOT_PERMITTED : CHECK_CAN;
}
