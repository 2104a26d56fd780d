// SPDX-License-Identifier: GPL-2.0-only
/* A guest that takes over kitectl gets little: a few system calls on what is open anyway. */
#include "confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/libkite.h"

#define PASSWD		"/etc/passwd"
#define NOBODY		65534

struct rule {
	int nr;
	unsigned int args;		/* conditions: 0 or 1 */
	struct scmp_arg_cmp arg;
};

#define ANY(name)		 { SCMP_SYS(name), 0, { 0, 0, 0, 0 } }
#define IF(name, n, mask, value) { SCMP_SYS(name), 1, { n, SCMP_CMP_MASKED_EQ, mask, value } }

/* The most frequent one first; a call that is not here fails with EPERM. */
static const struct rule allowed[] = {
	IF(ioctl, 1, 0xffffff00, KITE_IOC << 8),
	IF(ioctl, 1, ~0ull, TCGETS),
	IF(ioctl, 1, ~0ull, TCSETS),
	ANY(futex),
	ANY(poll),
	ANY(read),
	ANY(write),
	ANY(timerfd_settime),
	ANY(clock_gettime),	/* where it is no matter of user space */
	ANY(restart_syscall),

	/* Threads, and only these. clone3() below hides its flags in memory. */
	IF(clone, 0, CLONE_VM | CLONE_THREAD, CLONE_VM | CLONE_THREAD),
	IF(prctl, 0, ~0ull, PR_SET_NAME),
	ANY(rseq),
	ANY(set_robust_list),
	ANY(sched_getaffinity),	/* how many arenas malloc() makes */
	ANY(exit),
	ANY(exit_group),

	/* Signals to ourselves; see also add_tgkill(). */
	ANY(getpid),
	ANY(gettid),
	ANY(rt_sigaction),
	ANY(rt_sigprocmask),
	ANY(rt_sigreturn),

	/* Memory, none of it executable. */
	ANY(brk),
	IF(mmap, 2, PROT_EXEC, 0),
	IF(mprotect, 2, PROT_EXEC, 0),
	ANY(mremap),
	ANY(munmap),
	ANY(madvise),

	/* Another life of the VM: its memory, its timers, the images anew. */
	ANY(memfd_create),
	ANY(ftruncate),
	ANY(timerfd_create),
	ANY(close),
	ANY(fstat),
	ANY(lseek),
	ANY(pread64),
};

struct account {
	uid_t uid;
	gid_t gid;
};

static bool complain(const char *what, int err)
{
	fprintf(stderr, "kitectl: cannot confine itself (see --no-confine), %s: %s\n", what,
		strerror(err));
	return false;
}

static bool is_name(const struct passwd *pw, const void *name)
{
	return !strcmp(pw->pw_name, name);
}

static bool is_uid(const struct passwd *pw, const void *uid)
{
	return pw->pw_uid == *(const uid_t *)uid;
}

/* Read by hand: a static program has no access to the other places users may be in. */
static bool find(bool (*is)(const struct passwd *, const void *), const void *who,
		 struct account *account)
{
	FILE *f = fopen(PASSWD, "re");
	struct passwd *pw = NULL;

	while (f && (pw = fgetpwent(f)) && !is(pw, who))
		;
	if (pw)
		*account = (struct account){ pw->pw_uid, pw->pw_gid };
	if (f)
		fclose(f);
	return pw;
}

static bool find_account(const char *user, struct account *account)
{
	unsigned long id;
	char *end;

	*account = (struct account){ NOBODY, NOBODY };
	if (!user || find(is_name, user, account))
		return true;
	errno = 0;
	id = strtoul(user, &end, 10);
	if (*user < '0' || *user > '9' || *end || errno || id >= (uid_t)-1) {
		fprintf(stderr, "kitectl: --user %s: not in %s, and no number\n", user, PASSWD);
		return false;
	}
	/* The group of that number may be anybody's. */
	account->uid = id;
	find(is_uid, &account->uid, account);
	return true;
}

/* Who is not root stays who he is. The change also keeps others of that user from tracing us. */
static bool become(const char *user)
{
	struct account account;

	if (geteuid()) {
		if (user)
			fprintf(stderr, "kitectl: --user: only root can become another user\n");
		return !user;
	}
	if (!find_account(user, &account))
		return false;
	if (setgroups(0, NULL) || setresgid(account.gid, account.gid, account.gid) ||
	    setresuid(account.uid, account.uid, account.uid))
		return complain("user", errno);
	return true;
}

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return !syscall(SYS_capset, &head, none) || complain("capabilities", errno);
}

/* All that is ours is close-on-exec; what came through exec() cannot be. */
static bool close_inherited(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int fd, flags;

	if (!dir)
		return complain("/proc/self/fd", errno);
	while ((entry = readdir(dir))) {
		fd = atoi(entry->d_name);
		flags = fcntl(fd, F_GETFD);
		if (fd > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC))
			close(fd);
	}
	closedir(dir);
	return true;
}

static int add_tgkill(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_EQ, getpid()));
}

static int fill(scmp_filter_ctx ctx)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(allowed); i++)
		ret = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, allowed[i].nr, allowed[i].args,
					     &allowed[i].arg);
	if (!ret)
		ret = seccomp_syscall_priority(ctx, SCMP_SYS(ioctl), 255);
	if (!ret)
		ret = add_tgkill(ctx);
	/* The C library then takes clone(). */
	if (!ret)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return ret;
}

/* Loading it sets "no new privileges", too. */
static bool filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int ret = ctx ? fill(ctx) : -ENOMEM;

	if (!ret)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	return !ret || complain("system calls", -ret);
}

bool confine(const struct confine_options *opt)
{
	if (opt->off)
		return true;
	/* What the C library reads when time is first asked for. */
	tzset();
	return close_inherited() && become(opt->user) && drop_capabilities() && filter();
}
