// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: NMIs of the host end a guest's run and are handled by the host, each once;
 * as many as there can be, at any time, harm neither.
 */
#include "guests.h"
#include "hostevent.h"

#define EACH	KT_HOSTEVENT "nmi_each"
#define STORM	KT_HOSTEVENT "nmi_storm"

static void each(u64 unused)
{
	(void)unused;
	if (!kt_write_file(EACH, "50"))
		FAIL("an NMI was lost, or came twice: errno %d", errno);
}

KITE_TEST_TIMEOUT(each_is_handled_once, 300)
{
	u64 before, n = kt_times(20);

	kt_hostevent_load();
	before = kt_read_number(EACH);
	kt_guests_through(each, n);
	EXPECT_EQ(n * 50 * kt_cpus(), kt_read_number(EACH) - before);
	kt_hostevent_unload();
}

static void storm(u64 unused)
{
	(void)unused;
	ASSERT_TRUE(kt_write_file(STORM, "1000"));
}

KITE_TEST_TIMEOUT(a_storm_of_them, 300)
{
	kt_hostevent_load();
	kt_guests_through(storm, kt_times(20));
	kt_note("%llu handled", kt_read_number(STORM));
	kt_hostevent_unload();
}
