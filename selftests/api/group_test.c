// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the owner, group and mode of the device's file say who may have VMs. To be in
 * the group is enough: no capability, no locked memory, no other privilege is asked for.
 */
#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker.h"
#include "guest.h"

#define DEVICE	"/dev/kite"
#define GROUP	4242
#define USER	4321

/* As the udev rule makes it. */
static void give_to_group(struct stat *before)
{
	ASSERT_EQ(0, stat(DEVICE, before));
	ASSERT_EQ(0, chown(DEVICE, 0, GROUP));
	ASSERT_EQ(0, chmod(DEVICE, 0660));
}

static void put_back(const struct stat *before)
{
	ASSERT_EQ(0, chown(DEVICE, before->st_uid, before->st_gid));
	ASSERT_EQ(0, chmod(DEVICE, before->st_mode & 07777));
}

/* For good: this process has no other user to go back to. */
static void become(gid_t group)
{
	const struct rlimit none = { 0 };

	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &none));
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setgid(group));
	ASSERT_EQ(0, setuid(USER));
}

static struct kt_checker checker;

static void member(void)
{
	struct kt_vm *vm;
	struct kt_runner r;

	become(GROUP);
	vm = kt_vm_new_irqchip(KT_LONG64);
	checker = (struct kt_checker){ .rounds = 100 };
	kt_call(&vm->vcpu, kt_check, (u64)&checker);
	kt_runner_start(&r, &vm->vcpu);
	kt_runner_finish(&r);
	EXPECT_EQ(0ull, checker.bad_memory);
	EXPECT_EQ(0ull, checker.bad_registers);
	EXPECT_GE(checker.done, 100);
}

static void stranger(void)
{
	become(USER);
	EXPECT_ERRNO(EACCES, open(DEVICE, O_RDWR));
	EXPECT_ERRNO(EACCES, open(DEVICE, O_RDONLY));
}

static void with_the_device_in_a_group(void (*fn)(void))
{
	struct stat before;
	int status;
	pid_t pid;

	give_to_group(&before);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		fn();
		kt_end(KT_PASS);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	put_back(&before);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(KT_PASS, WEXITSTATUS(status));
}

KITE_TEST(a_member_of_the_group_has_guests)
{
	with_the_device_in_a_group(member);
}

KITE_TEST(others_have_none)
{
	with_the_device_in_a_group(stranger);
}
