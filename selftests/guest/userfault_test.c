// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: guest memory may be under userfaultfd, as for post-copy migration and
 * snapshots. A missing or write-protected page is reported once, the guest waits,
 * and what user space puts there is what the guest finds.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checker.h"
#include "mapping.h"

#define GPA	0x40000000ull
#define SLOT	9
#define PAGES	64ul
#define LEN	(PAGES * KT_PAGE)

/* Shared with the guest. */
static u64 bad;

static struct {
	int fd;
	int stop;
	u8 *mem;
	bool protected;			/* the pages are there, but write-protected */
	u32 events[PAGES];
	u32 writes;			/* events that were about a write */
	pthread_t thread;
} uf;

static void supply(u64 page)
{
	u64 data[KT_PAGE / 8];
	struct uffdio_copy copy = {
		.dst = (u64)uf.mem + page * KT_PAGE, .src = (u64)data, .len = KT_PAGE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(data); i++)
		data[i] = page << 16 | i;
	if (ioctl(uf.fd, UFFDIO_COPY, &copy))
		kt_failed(__FILE__, __LINE__, "UFFDIO_COPY of page %llu: errno %d", page, errno);
}

static void set_protection(u64 first, u64 count, bool on)
{
	struct uffdio_writeprotect wp = {
		.range = { (u64)uf.mem + first * KT_PAGE, count * KT_PAGE },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	if (ioctl(uf.fd, UFFDIO_WRITEPROTECT, &wp))
		kt_failed(__FILE__, __LINE__, "UFFDIO_WRITEPROTECT of page %llu: errno %d", first,
			  errno);
}

static void *serve(void *arg)
{
	struct pollfd fds[2] = { { .fd = uf.fd, .events = POLLIN },
				 { .fd = uf.stop, .events = POLLIN } };
	struct uffd_msg msg;
	u64 page;

	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		/* What poll() saw may be gone: the fault was served meanwhile. */
		if (read(uf.fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		page = (msg.arg.pagefault.address - (u64)uf.mem) / KT_PAGE;
		if (msg.event != UFFD_EVENT_PAGEFAULT || page >= PAGES) {
			kt_failed(__FILE__, __LINE__, "event %u, page %llu", msg.event, page);
			break;
		}
		uf.events[page]++;
		uf.writes += !!(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WRITE);
		if (uf.protected)
			set_protection(page, 1, false);
		else
			supply(page);
	}
	return arg;
}

static void start(struct kt_vm *vm, u64 mode, u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register reg = { .mode = mode };

	uf.fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uf.fd < 0 || ioctl(uf.fd, UFFDIO_API, &api))
		SKIP("no userfaultfd with features 0x%llx: errno %d", features, errno);
	uf.mem = kt_map_anonymous(LEN);
	if (mode == UFFDIO_REGISTER_MODE_WP)
		memset(uf.mem, 0, LEN);
	reg.range = (struct uffdio_range){ (u64)uf.mem, LEN };
	ASSERT_EQ(0, ioctl(uf.fd, UFFDIO_REGISTER, &reg));
	uf.protected = mode == UFFDIO_REGISTER_MODE_WP;
	uf.stop = eventfd(0, EFD_CLOEXEC);
	ASSERT_TRUE(uf.stop >= 0);
	vm_set_slot(vm->fd, SLOT, 0, GPA, LEN, uf.mem);
	ASSERT_EQ(0, pthread_create(&uf.thread, NULL, serve, NULL));
}

static void finish(void)
{
	u64 one = 1;

	ASSERT_EQ(8, write(uf.stop, &one, 8));
	ASSERT_EQ(0, pthread_join(uf.thread, NULL));
}

static void expect_events(u32 of_each)
{
	u64 page;

	for (page = 0; page < PAGES; page++)
		if (uf.events[page] != of_each)
			kt_failed(__FILE__, __LINE__, "page %llu: %u events, want %u", page,
				  uf.events[page], of_each);
}

static void check_all(u64 write)
{
	volatile u64 *p = (volatile u64 *)GPA;
	u64 i;

	/* From the middle on, so that neighbours come before and after. */
	for (i = 0; i < PAGES * 2; i++) {
		u64 page = (i / 2 + PAGES / 2) % PAGES, word = i & 1 ? KT_PAGE / 8 - 1 : 0;
		u64 at = page * (KT_PAGE / 8) + word;

		bad += p[at] != (page << 16 | word);
		if (write)
			p[at] = ~at;
	}
}

KITE_TEST(missing_pages_are_waited_for)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	u64 page;

	start(vm, UFFDIO_REGISTER_MODE_MISSING, 0);
	kt_call(&vm->vcpu, check_all, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, bad);
	expect_events(1);
	/* Once more, for writing. */
	ASSERT_EQ(0, madvise(uf.mem, LEN, MADV_DONTNEED));
	kt_call(&vm->vcpu, check_all, 1);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, bad);
	expect_events(2);
	finish();
	for (page = 0; page < PAGES; page++)
		EXPECT_EQ(~(page * KT_PAGE / 8), *(u64 *)(uf.mem + page * KT_PAGE));
}

static void read_all(u64 arg)
{
	u64 page;

	for (page = 0; page < PAGES; page++)
		bad += *(volatile u64 *)(GPA + page * KT_PAGE) != arg;
}

static void write_all(u64 arg)
{
	u64 page;

	for (page = 0; page < PAGES; page++)
		*(volatile u64 *)(GPA + page * KT_PAGE) = arg;
}

/* Reads go through, the first write of each page is told, also when it was writable before. */
KITE_TEST(write_protected_pages_are_told)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	u64 round;

	start(vm, UFFDIO_REGISTER_MODE_WP, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	for (round = 1; round < 4; round++) {
		set_protection(0, PAGES, true);
		kt_call(&vm->vcpu, read_all, round - 1);
		kt_expect_done(&vm->vcpu);
		EXPECT_EQ(0ull, bad);
		expect_events(round - 1);
		kt_call(&vm->vcpu, write_all, round);
		kt_expect_done(&vm->vcpu);
		expect_events(round);
		kt_call(&vm->vcpu, read_all, round);
		kt_expect_done(&vm->vcpu);
		EXPECT_EQ(0ull, bad);
		EXPECT_EQ(round * PAGES, uf.writes);
	}
	finish();
}

KT_CODE64(outs, "mov $0x3f8, %edx\n mov $8, %ecx\n cld", "rep outsb", "");
KT_CODE64(ins, "mov $0x3f8, %edx\n mov $8, %ecx\n cld", "rep insb", "");

/* The kernel's own accesses to guest memory wait in the same way. */
KITE_TEST(missing_page_under_string_io)
{
	struct kt_vm *vm = kt_vm_new(KT_LONG64);

	start(vm, UFFDIO_REGISTER_MODE_MISSING, 0);
	kt_set_reg(&vm->vcpu, KITE_RSI, GPA + 3 * KT_PAGE);
	kt_start(&vm->vcpu, &outs);
	kt_expect_io(&vm->vcpu, 0x3f8, 1, KITE_IO_STRING, 8);
	EXPECT_EQ(3ull << 16, *(u64 *)vm->vcpu.run->data);
	kt_expect_done(&vm->vcpu);
	kt_set_reg(&vm->vcpu, KITE_RDI, GPA + 5 * KT_PAGE);
	kt_start(&vm->vcpu, &ins);
	kt_expect_io(&vm->vcpu, 0x3f8, 1, KITE_IO_STRING | KITE_IO_IN, 8);
	*(u64 *)vm->vcpu.run->data = 0x123456789;
	kt_expect_done(&vm->vcpu);
	finish();
	EXPECT_EQ(1u, uf.events[3]);
	EXPECT_EQ(1u, uf.events[5]);
	EXPECT_EQ(0x123456789ull, *(u64 *)(uf.mem + 5 * KT_PAGE));
	EXPECT_EQ(5ull << 16 | 1, *(u64 *)(uf.mem + 5 * KT_PAGE + 8));
}
