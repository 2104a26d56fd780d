// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test module: events of the host that only its kernel can bring about, by files in
 * debugfs, hostevent/. Writing N to nmi_each sends N NMIs to each CPU, the next when the
 * last one has been handled, and fails with EIO if one is handled not at all or twice;
 * nmi_storm sends them without waiting, so that they come at any time, also while one is
 * being handled. Reading tells how many have been handled. Writing N to wake_ms ends the
 * next suspend to idle N milliseconds after it has begun.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/suspend.h>
#include <linux/timer.h>
#include <asm/apic.h>
#include <asm/nmi.h>

static struct dentry *dir;
static DEFINE_MUTEX(lock);
static atomic64_t handled;
static bool active;

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	if (!READ_ONCE(active))
		return NMI_DONE;
	atomic64_inc(&handled);
	return NMI_HANDLED;
}

/* One NMI; its handler has run when this returns, or never will. */
static int send_one(unsigned int cpu)
{
	unsigned long end = jiffies + 10 * HZ;
	s64 before = atomic64_read(&handled);

	apic->send_IPI(cpu, NMI_VECTOR);
	while (atomic64_read(&handled) == before) {
		if (time_after(jiffies, end))
			return -EIO;
		cond_resched();
	}
	/* A second one would come at once. */
	usleep_range(20, 40);
	return atomic64_read(&handled) == before + 1 ? 0 : -EIO;
}

static int storm_one(unsigned int cpu)
{
	apic->send_IPI(cpu, NMI_VECTOR);
	return 0;
}

static int send_all(u64 count, int (*send)(unsigned int cpu))
{
	unsigned int cpu;
	int ret = 0;
	u64 i;

	mutex_lock(&lock);
	cpus_read_lock();
	WRITE_ONCE(active, true);
	for (i = 0; i < count && !ret && !signal_pending(current); i++) {
		for_each_online_cpu(cpu) {
			ret = send(cpu);
			if (ret)
				break;
		}
		cond_resched();
	}
	/* The last ones are under way. */
	msleep(20);
	WRITE_ONCE(active, false);
	cpus_read_unlock();
	mutex_unlock(&lock);
	return ret;
}

static int set_each(void *unused, u64 count)
{
	return send_all(count, send_one);
}

static int set_storm(void *unused, u64 count)
{
	return send_all(count, storm_one);
}

static int get_handled(void *unused, u64 *value)
{
	*value = atomic64_read(&handled);
	return 0;
}

static void wake(struct timer_list *unused)
{
	pm_system_wakeup();
}

static DEFINE_TIMER(wake_timer, wake);
static unsigned long wake_after;

/* Any earlier, and it might come before the machine sleeps. */
static int on_suspend(struct notifier_block *unused, unsigned long event, void *unused_too)
{
	unsigned long after = xchg(&wake_after, 0);

	if (event == PM_SUSPEND_PREPARE && after)
		mod_timer(&wake_timer, jiffies + after);
	return NOTIFY_DONE;
}

static struct notifier_block suspend_notifier = { .notifier_call = on_suspend };

static int set_wake(void *unused, u64 ms)
{
	WRITE_ONCE(wake_after, msecs_to_jiffies(ms));
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(wake_fops, NULL, set_wake, "%llu\n");
DEFINE_DEBUGFS_ATTRIBUTE(each_fops, get_handled, set_each, "%llu\n");
DEFINE_DEBUGFS_ATTRIBUTE(storm_fops, get_handled, set_storm, "%llu\n");

static int __init hostevent_init(void)
{
	int ret = register_nmi_handler(NMI_LOCAL, on_nmi, 0, "kite_test");

	if (ret)
		return ret;
	ret = register_pm_notifier(&suspend_notifier);
	if (ret) {
		unregister_nmi_handler(NMI_LOCAL, "kite_test");
		return ret;
	}
	dir = debugfs_create_dir("hostevent", NULL);
	debugfs_create_file("nmi_each", 0600, dir, NULL, &each_fops);
	debugfs_create_file("nmi_storm", 0600, dir, NULL, &storm_fops);
	debugfs_create_file("wake_ms", 0200, dir, NULL, &wake_fops);
	return 0;
}

static void __exit hostevent_exit(void)
{
	debugfs_remove(dir);
	unregister_pm_notifier(&suspend_notifier);
	timer_shutdown_sync(&wake_timer);
	unregister_nmi_handler(NMI_LOCAL, "kite_test");
}

module_init(hostevent_init);
module_exit(hostevent_exit);

MODULE_DESCRIPTION("Events of the host, for tests of Kite");
MODULE_LICENSE("GPL");
