// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that does on load what a module must never do, one thing for each
 * checker of the debug kernel: what none of them reports, no test of ours can
 * find either.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *what = "";
module_param(what, charp, 0444);

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(sleeping);
static DEFINE_RAW_SPINLOCK(raw);
static void *volatile lost;

static void use_after_free(void)
{
	u32 *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	WRITE_ONCE(*p, 1);
}

static void overrun(void)
{
	char *p = kzalloc(24, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[24], 1);
	kfree(p);
}

static void page_after_free(void)
{
	unsigned long page = get_zeroed_page(GFP_KERNEL);

	if (!page)
		return;
	free_page(page);
	WRITE_ONCE(*(u32 *)page, 1);
}

static void leak(void)
{
	lost = kzalloc(64, GFP_KERNEL);
	lost = NULL;
}

static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

/* On a kernel for real-time work a spinlock sleeps. */
static void lock_nesting(void)
{
	raw_spin_lock(&raw);
	spin_lock(&sleeping);
	spin_unlock(&sleeping);
	raw_spin_unlock(&raw);
}

static void atomic_sleep(void)
{
	spin_lock(&sleeping);
	msleep(20);
	spin_unlock(&sleeping);
}

static void rcu_use(void)
{
	static LIST_HEAD(list);
	struct { struct list_head node; } *entry;

	list_for_each_entry_rcu(entry, &list, node)
		;
}

static void list_twice(void)
{
	static LIST_HEAD(list);
	static LIST_HEAD(entry);

	list_add(&entry, &list);
	list_add(&entry, &list);
}

static void get_free_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (page) {
		__free_page(page);
		get_page(page);
	}
}

static void nothing(struct timer_list *timer)
{
}

static void free_timer(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, nothing, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

/* What other taints do without a line that looks bad. */
static void end_lockdep(void)
{
	add_taint(TAINT_USER, LOCKDEP_NOW_UNRELIABLE);
}

static const struct {
	const char *name;
	void (*make)(void);
} blunders[] = {
	{ "use_after_free", use_after_free },
	{ "overrun", overrun },
	{ "page_after_free", page_after_free },
	{ "leak", leak },
	{ "lock_order", lock_order },
	{ "lock_nesting", lock_nesting },
	{ "atomic_sleep", atomic_sleep },
	{ "rcu_use", rcu_use },
	{ "list_twice", list_twice },
	{ "get_free_page", get_free_page },
	{ "free_timer", free_timer },
	{ "end_lockdep", end_lockdep },
};

static int __init blunder_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(blunders); i++) {
		if (!strcmp(what, blunders[i].name)) {
			blunders[i].make();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit blunder_exit(void)
{
}

module_init(blunder_init);
module_exit(blunder_exit);
MODULE_LICENSE("GPL");
