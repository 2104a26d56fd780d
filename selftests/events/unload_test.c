// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the module stays as long as anything of it is in use, whatever that is,
 * and whoever tries to unload it meanwhile; then it goes, and can come back.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "eventfd.h"
#include "guests.h"

#define MODULE	"/lib/kite/kite.ko"

static int unload(void)
{
	return syscall(SYS_delete_module, "kite", O_NONBLOCK) ? errno : 0;
}

static int load(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), ret;

	ASSERT_TRUE(fd >= 0);
	ret = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	return ret;
}

static void needs_the_file(void)
{
	if (access(MODULE, R_OK))
		SKIP("no %s to load again", MODULE);
}

/* What is closed last may be put by another task a moment later. */
static void unload_soon(void)
{
	unsigned int tries;
	int ret;

	for (tries = 0; (ret = unload()) == EWOULDBLOCK && tries < 10000; tries++)
		usleep(1000);
	ASSERT_EQ(0, ret);
}

KITE_TEST(each_descriptor_keeps_it)
{
	int dev, vm, vcpu, event;
	void *run;

	needs_the_file();
	dev = dev_open();
	EXPECT_EQ(EWOULDBLOCK, unload());
	vm = dev_create_vm(dev, KITE_VM_IRQCHIP);
	close(dev);
	EXPECT_EQ(EWOULDBLOCK, unload());
	vcpu = vm_create_vcpu(vm, 0);
	event = kt_eventfd();
	vm_irqfd(vm, (struct kite_irqfd){ .fd = event, .gsi = 1 });
	close(vm);
	EXPECT_EQ(EWOULDBLOCK, unload());
	run = mmap(NULL, KT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	ASSERT_TRUE(run != MAP_FAILED);
	close(vcpu);
	EXPECT_EQ(EWOULDBLOCK, unload());
	munmap(run, KT_PAGE);
	unload_soon();
	/* The other end of a wire that is gone. */
	kt_eventfd_write(event);
	EXPECT_ERRNO(ENOENT, open("/dev/kite", O_RDWR));
	ASSERT_EQ(0, load());
	EXPECT_EQ(EEXIST, load());
	close(dev_open());
}

static void try_to_unload(u64 unused)
{
	(void)unused;
	EXPECT_EQ(EWOULDBLOCK, unload());
}

KITE_TEST_TIMEOUT(under_guests_it_stays, 300)
{
	kt_guests_through(try_to_unload, kt_times(200));
}
