// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: every ioctl takes a structure of its size or a longer one with zeroes
 * behind, refuses others, undefined flags, reserved members and bad pointers with
 * the errno that uapi/kite.h states, and exists on one kind of file descriptor only.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "eventfd.h"
#include "vm.h"

static struct kt_vm *vm;
static struct kt_target target;
static u8 *buf;			/* two pages, then one that is not accessible */

#define BUF_LEN (2 * KT_PAGE)

static void setup(void)
{
	vm = kt_vm_new_irqchip(KT_LONG64);
	target = (struct kt_target){
		.fds = { [KT_DEV] = vm->dev, [KT_VM] = vm->fd, [KT_VCPU] = vm->vcpu.fd },
		.memory = vm->ram, .xsave_size = vm->info.xsave_size,
	};
	buf = mmap(NULL, BUF_LEN + KT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	ASSERT_TRUE(buf != MAP_FAILED);
	ASSERT_EQ(0, mprotect(buf + BUF_LEN, KT_PAGE, PROT_NONE));
	target.image = mmap(NULL, 4 * KT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	ASSERT_TRUE(target.image != MAP_FAILED);
}

/* @want: 0 or an errno. What is created is closed again. */
static void call(const struct kt_call *row, const char *what, int want, void *arg)
{
	int ret = __kt_ioctl(target.fds[row->object], row->cmd, arg);
	int err = ret < 0 ? errno : 0;

	if (err != want)
		kt_failed(__FILE__, __LINE__, "KITE_%s, %s: errno %d, want %d", row->name, what,
			  err, want);
	if (ret > 0)
		close(ret);
}

static void *good(const struct kt_call *row)
{
	kt_call_good(&target, row, buf);
	return buf;
}

KITE_TEST(accepts_what_is_right)
{
	setup();
	KT_FOR_EACH_STRUCT(row) {
		call(row, "good", 0, good(row));
		EXPECT_EQ(row->size, *(u32 *)buf);
	}
}

KITE_TEST(refuses_short_structures)
{
	setup();
	KT_FOR_EACH_STRUCT(row) {
		u32 size, first = row->size - row->grown;

		good(row);
		for (size = 0; size < first; size++) {
			*(u32 *)buf = size;
			call(row, "short", EINVAL, buf);
		}
		/* Versions in between, too: each later one has whole members only by chance. */
		for (; size <= row->size; size++) {
			good(row);
			*(u32 *)buf = size;
			call(row, "first version or longer", 0, buf);
		}
	}
}

KITE_TEST(accepts_longer_structures_with_zeroes)
{
	setup();
	KT_FOR_EACH_STRUCT(row) {
		static const u32 longer[] = { 1, 8, 64 };
		unsigned int i;

		for (i = 0; i < ARRAY_SIZE(longer); i++) {
			good(row);
			*(u32 *)buf = row->size + longer[i];
			call(row, "longer, zeroes", 0, buf);
			EXPECT_EQ(0, buf[row->size]);
			if (row->writes)
				EXPECT_EQ(row->size, *(u32 *)buf);
		}
		good(row);
		*(u32 *)buf = KT_PAGE;
		call(row, "a page", 0, buf);
	}
}

KITE_TEST(refuses_longer_structures_with_more)
{
	setup();
	KT_FOR_EACH_STRUCT(row) {
		u32 more;

		good(row);
		for (more = 1; row->size + more <= KT_PAGE; more += more < 80 ? 1 : 61) {
			u32 at = row->size + more - 1;

			*(u32 *)buf = row->size + more;
			buf[at] = 1 << more % 8;
			call(row, "longer, last byte", E2BIG, buf);
			buf[at] = 0;
			buf[row->size] = 0x80;
			call(row, "longer, first byte", E2BIG, buf);
			buf[row->size] = 0;
		}
	}
}

KITE_TEST(refuses_huge_structures)
{
	static const u32 huge[] = { KT_PAGE + 1, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff };

	setup();
	KT_FOR_EACH_STRUCT(row) {
		unsigned int i;

		for (i = 0; i < ARRAY_SIZE(huge); i++) {
			good(row);
			*(u32 *)buf = huge[i];
			call(row, "huge", E2BIG, buf);
		}
	}
}

KITE_TEST(refuses_undefined_flags)
{
	setup();
	KT_FOR_EACH_STRUCT(row) {
		unsigned int bit;

		for (bit = 0; bit < 32; bit++) {
			if (row->flags & BIT(bit))
				continue;
			good(row);
			((u32 *)buf)[1] |= BIT(bit);
			call(row, "flags", EINVAL, buf);
		}
	}
}

/* Each bit of each. */
KITE_TEST(refuses_reserved_members)
{
	setup();
	KT_FOR_EACH_STRUCT(row) {
		unsigned int i, bit;

		good(row);
		for (i = 0; i < KT_RESERVED; i++)
			for (bit = 0; bit < 8 * row->reserved[i].len; bit++) {
				u8 *at = &buf[row->reserved[i].at + bit / 8];

				*at = 1 << bit % 8;
				call(row, "reserved", EINVAL, buf);
				*at = 0;
			}
	}
}

KITE_TEST(refuses_bad_pointers)
{
	setup();
	KT_FOR_EACH_STRUCT(row) {
		u8 *end = buf + BUF_LEN;

		call(row, "NULL", EFAULT, NULL);
		call(row, "not accessible", EFAULT, end);
		call(row, "kernel address", EFAULT, (void *)0xffff888000000000);
		call(row, "not canonical", EFAULT, (void *)0x8000000000000000);
		/* Readable to the last byte but one. */
		good(row);
		memmove(end - row->size + 1, buf, row->size - 1);
		call(row, "reaches too far", EFAULT, end - row->size + 1);
		/* The size can be read and nothing else. */
		*(u32 *)(end - 4) = row->size;
		call(row, "size only", EFAULT, end - 4);
		good(row);
		memmove(end - row->size, buf, row->size);
		call(row, "ends with the page", 0, end - row->size);
	}
}

KITE_TEST(refuses_read_only_structures_to_write)
{
	setup();
	KT_FOR_EACH_STRUCT(row) {
		good(row);
		ASSERT_EQ(0, mprotect(buf, BUF_LEN, PROT_READ));
		call(row, "read-only", row->writes ? EFAULT : 0, buf);
		ASSERT_EQ(0, mprotect(buf, BUF_LEN, PROT_READ | PROT_WRITE));
	}
}

KITE_TEST(exists_on_its_own_kind_of_fd_only)
{
	int other, event = kt_eventfd();

	setup();
	KT_FOR_EACH_CALL(row) {
		void *arg = row->size ? good(row) : NULL;

		for (other = 0; other < KT_OBJECTS; other++)
			if (other != (int)row->object)
				EXPECT_ERRNO(ENOTTY, __kt_ioctl(target.fds[other], row->cmd, arg));
		EXPECT_ERRNO(ENOTTY, __kt_ioctl(event, row->cmd, arg));
	}
}

static bool known(enum kt_object object, unsigned long cmd)
{
	KT_FOR_EACH_CALL(row)
		if (row->object == object && row->cmd == cmd)
			return true;
	return false;
}

KITE_TEST(unknown_numbers)
{
	unsigned int nr, object;

	setup();
	memset(buf, 0, BUF_LEN);
	for (object = 0; object < KT_OBJECTS; object++)
		for (nr = 0; nr < 256; nr++) {
			int fd = target.fds[object];

			if (!known(object, _IO(KITE_IOC, nr)))
				EXPECT_ERRNO(ENOTTY, __kt_ioctl(fd, _IO(KITE_IOC, nr), buf));
			/* The same number with a direction and a size is another ioctl. */
			EXPECT_ERRNO(ENOTTY, __kt_ioctl(fd, _IOWR(KITE_IOC, nr, u64), buf));
			EXPECT_ERRNO(ENOTTY, __kt_ioctl(fd, _IO(0xbd, nr), buf));
		}
}

KITE_TEST(no_argument_means_none)
{
	unsigned int bit;

	setup();
	KT_FOR_EACH_CALL(row)
		for (bit = 0; bit < 64 && !row->size; bit++)
			EXPECT_ERRNO(EINVAL, __kt_ioctl(target.fds[row->object], row->cmd,
							(void *)BIT(bit)));
}

KITE_TEST(a_refused_call_changes_nothing)
{
	static struct kt_snapshot before, after;

	setup();
	KT_FOR_EACH_STRUCT(row) {
		good(row);
		kt_snapshot(&target, &before);
		/* Every byte of the body changed, and the tail makes it too big. */
		memset(buf + 16, 0xa5, row->size - (row->size > 16 ? 16 : row->size));
		*(u32 *)buf = row->size + 8;
		buf[row->size + 1] = 1;
		call(row, "changed and too long", E2BIG, buf);
		good(row);
		memset(buf + 16, 0xa5, row->size - (row->size > 16 ? 16 : row->size));
		((u32 *)buf)[1] = 0x80000000;
		call(row, "changed and flags", EINVAL, buf);
		kt_snapshot(&target, &after);
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	}
}
