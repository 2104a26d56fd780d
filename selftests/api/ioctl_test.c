// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: every ioctl takes a structure of its size or a longer one with zeroes
 * behind, refuses others, undefined flags, reserved members and bad pointers with
 * the errno that uapi/kite.h states, and exists on one kind of file descriptor only.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

enum object { DEV, VM, VCPU, OBJECTS };

static struct kt_vm *vm;
static int fds[OBJECTS];
static u8 *buf;			/* two pages, then one that is not accessible */
static u8 *image;		/* an XSAVE image */

#define BUF_LEN (2 * KT_PAGE)

/* Make @arg one that the ioctl accepts. Its size is set. */
typedef void fill_fn(void *arg);

static void fill_nothing(void *arg)
{
	(void)arg;
}

static void fill_slot(void *arg)
{
	struct kite_slot *slot = arg;

	slot->slot = 7;
	slot->gpa = 0x100000000;
	slot->len = KT_PAGE;
	slot->uaddr = (unsigned long)vm->ram;
}

static void fill_perm(void *arg)
{
	struct kite_perm *perm = arg;

	perm->perm = KITE_ACCESS_READ;
	perm->gpa = 0x100000000;
	perm->len = KT_PAGE;
}

static void fill_vcpu(void *arg)
{
	((struct kite_create_vcpu *)arg)->id = 3;
}

static void fill_line(void *arg)
{
	((struct kite_irq_line *)arg)->gsi = 5;
}

static void fill_msi(void *arg)
{
	((struct kite_msi *)arg)->address = 0xfee00000;
	((struct kite_msi *)arg)->data = 0x31;
}

static void fill_ioapic(void *arg)
{
	vm_get_ioapic(vm->fd, arg);
}

static void fill_clock(void *arg)
{
	vm_get_clock(vm->fd, arg);
}

static void fill_groups(void *arg)
{
	((struct kite_state *)arg)->groups = KITE_STATE_ALL;
}

static void fill_state(void *arg)
{
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL, arg);
}

static void fill_xsave(void *arg)
{
	struct kite_xsave *xsave = arg;

	vcpu_get_xsave(vm->vcpu.fd, image, vm->info.xsave_size);
	xsave->uaddr = (unsigned long)image;
	xsave->len = vm->info.xsave_size;
}

static void fill_lapic(void *arg)
{
	vcpu_get_lapic(vm->vcpu.fd, arg);
}

static void fill_translate(void *arg)
{
	((struct kite_translate *)arg)->gva = KT_STACK;
}

/* One that may come again and again. */
static void fill_inject(void *arg)
{
	struct kite_inject *in = arg;

	in->type = KITE_INTR_NMI;
	in->vector = 2;
}

static void fill_prefault(void *arg)
{
	((struct kite_prefault *)arg)->gpa = KT_SCRATCH;
	((struct kite_prefault *)arg)->len = KT_PAGE;
}

static void fill_dirty(void *arg)
{
	struct kite_dirty *dirty = arg;

	vm_set_slot(vm->fd, 8, KITE_SLOT_LOG_DIRTY, 0x200000000, 64 * KT_PAGE, vm->ram);
	dirty->slot = 8;
	dirty->pages = 64;
	dirty->uaddr = (unsigned long)image;
}

/* A vCPU has only one. */
static void fill_ring(void *arg)
{
	if (fds[VCPU] != vm->vcpu.fd)
		close(fds[VCPU]);
	fds[VCPU] = vm_create_vcpu(vm->fd, 5);
	((struct kite_set_ring *)arg)->entries = KITE_RING_MIN;
}

/* Another descriptor each time; it stays open with the test. */
static void fill_irqfd(void *arg)
{
	struct kite_irqfd *irqfd = arg;

	irqfd->fd = eventfd(0, 0);
	irqfd->gsi = 5;
}

static void fill_ioeventfd(void *arg)
{
	static u64 addr = KT_HOLE;
	struct kite_ioeventfd *doorbell = arg;

	doorbell->fd = eventfd(0, 0);
	doorbell->addr = addr += 8;
	doorbell->len = 4;
}

#define RESERVED(type, member)	\
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member) }

static const struct row {
	const char *name;
	enum object object;
	unsigned long cmd;
	u32 size;
	bool writes;		/* the structure comes back */
	u32 flags;		/* those that are defined */
	fill_fn *fill;
	struct { u32 at, len; } reserved[4];
	u32 grown;		/* bytes that later versions have added */
} rows[] = {
	{ "GET_INFO", DEV, KITE_GET_INFO, sizeof(struct kite_info), true, 0, fill_nothing,
	  { RESERVED(kite_info, reserved) } },
	{ "GET_VMX_MSRS", DEV, KITE_GET_VMX_MSRS, sizeof(struct kite_vmx_msrs), true, 0,
	  fill_nothing },
	{ "CREATE_VM", DEV, KITE_CREATE_VM, sizeof(struct kite_create_vm), false,
	  KITE_VM_IRQCHIP | KITE_VM_PVCLOCK, fill_nothing,
	  { RESERVED(kite_create_vm, reserved) }, 8 },
	{ "SET_SLOT", VM, KITE_VM_SET_SLOT, sizeof(struct kite_slot), false,
	  KITE_SLOT_READONLY | KITE_SLOT_LOG_DIRTY, fill_slot, { RESERVED(kite_slot, reserved) } },
	{ "GET_DIRTY", VM, KITE_VM_GET_DIRTY, sizeof(struct kite_dirty), false,
	  KITE_DIRTY_CLEAR, fill_dirty, { RESERVED(kite_dirty, reserved) } },
	{ "CLEAR_DIRTY", VM, KITE_VM_CLEAR_DIRTY, sizeof(struct kite_dirty), false, 0,
	  fill_dirty, { RESERVED(kite_dirty, reserved) } },
	{ "SET_PERM", VM, KITE_VM_SET_PERM, sizeof(struct kite_perm), false, 0, fill_perm,
	  { RESERVED(kite_perm, view) } },
	{ "CREATE_VCPU", VM, KITE_VM_CREATE_VCPU, sizeof(struct kite_create_vcpu), false, 0,
	  fill_vcpu, { RESERVED(kite_create_vcpu, reserved) } },
	{ "PIC_INTR", VM, KITE_VM_PIC_INTR, sizeof(struct kite_irq_line), false, 0, fill_nothing,
	  { RESERVED(kite_irq_line, gsi) } },
	{ "IRQ_LINE", VM, KITE_VM_IRQ_LINE, sizeof(struct kite_irq_line), false, 0, fill_line },
	{ "SEND_MSI", VM, KITE_VM_SEND_MSI, sizeof(struct kite_msi), false, 0, fill_msi,
	  { RESERVED(kite_msi, reserved) } },
	{ "GET_IOAPIC", VM, KITE_VM_GET_IOAPIC, sizeof(struct kite_ioapic), true, 0,
	  fill_nothing },
	{ "SET_IOAPIC", VM, KITE_VM_SET_IOAPIC, sizeof(struct kite_ioapic), false, 0,
	  fill_ioapic },
	{ "SET_ROUTES", VM, KITE_VM_SET_ROUTES, sizeof(struct kite_routes), false, 0,
	  fill_nothing, { RESERVED(kite_routes, reserved) } },
	{ "IRQFD", VM, KITE_VM_IRQFD, sizeof(struct kite_irqfd), false,
	  KITE_IRQFD_DEASSIGN | KITE_IRQFD_RESAMPLE, fill_irqfd,
	  { RESERVED(kite_irqfd, reserved) } },
	{ "IOEVENTFD", VM, KITE_VM_IOEVENTFD, sizeof(struct kite_ioeventfd), false,
	  KITE_IOEVENTFD_DEASSIGN | KITE_IOEVENTFD_PIO | KITE_IOEVENTFD_DATAMATCH,
	  fill_ioeventfd },
	{ "GET_CLOCK", VM, KITE_VM_GET_CLOCK, sizeof(struct kite_clock), true, 0, fill_nothing,
	  { RESERVED(kite_clock, reserved) } },
	{ "SET_CLOCK", VM, KITE_VM_SET_CLOCK, sizeof(struct kite_clock), false, 0, fill_clock,
	  { RESERVED(kite_clock, reserved) } },
	{ "GET_STATE", VCPU, KITE_VCPU_GET_STATE, sizeof(struct kite_state), true, 0,
	  fill_groups, { RESERVED(kite_state, reserved) }, sizeof(struct kite_pvclock) },
	{ "SET_STATE", VCPU, KITE_VCPU_SET_STATE, sizeof(struct kite_state), false, 0,
	  fill_state, { RESERVED(kite_state, reserved), RESERVED(kite_state, segs.seg[3].reserved),
			RESERVED(kite_state, segs.idtr.reserved),
			RESERVED(kite_state, events.reserved) }, sizeof(struct kite_pvclock) },
	{ "GET_XSAVE", VCPU, KITE_VCPU_GET_XSAVE, sizeof(struct kite_xsave), false, 0, fill_xsave },
	{ "SET_XSAVE", VCPU, KITE_VCPU_SET_XSAVE, sizeof(struct kite_xsave), false, 0, fill_xsave },
	{ "GET_LAPIC", VCPU, KITE_VCPU_GET_LAPIC, sizeof(struct kite_lapic), true, 0,
	  fill_nothing },
	{ "SET_LAPIC", VCPU, KITE_VCPU_SET_LAPIC, sizeof(struct kite_lapic), false, 0, fill_lapic },
	{ "GET_CPUID", VCPU, KITE_VCPU_GET_CPUID, sizeof(struct kite_cpuid), true, 0,
	  fill_nothing, { RESERVED(kite_cpuid, eax), RESERVED(kite_cpuid, ebx),
			  RESERVED(kite_cpuid, ecx), RESERVED(kite_cpuid, edx) } },
	{ "GET_STATS", VCPU, KITE_VCPU_GET_STATS, sizeof(struct kite_stats), true, 0,
	  fill_nothing },
	{ "SET_DEBUG", VCPU, KITE_VCPU_SET_DEBUG, sizeof(struct kite_debug), false,
	  KITE_DEBUG_STEP | KITE_DEBUG_TRACE, fill_nothing },
	{ "TRANSLATE", VCPU, KITE_VCPU_TRANSLATE, sizeof(struct kite_translate), true, 0,
	  fill_translate, { RESERVED(kite_translate, gpa) } },
	{ "PREFAULT", VCPU, KITE_VCPU_PREFAULT, sizeof(struct kite_prefault), true,
	  KITE_PREFAULT_WRITE, fill_prefault },
	{ "INJECT", VCPU, KITE_VCPU_INJECT, sizeof(struct kite_inject), false, 0, fill_inject },
	/* The last, because the vCPU is another one afterwards. */
	{ "SET_RING", VCPU, KITE_VCPU_SET_RING, sizeof(struct kite_set_ring), false, 0,
	  fill_ring, { RESERVED(kite_set_ring, reserved) } },
};

static const struct {
	enum object object;
	unsigned long cmd;
} without_argument[] = {
	{ VCPU, KITE_VCPU_RUN }, { VCPU, KITE_VCPU_KICK }, { VCPU, KITE_VCPU_NMI },
	{ VCPU, KITE_VCPU_STOP }, { VCPU, KITE_VCPU_CONT }, { VM, KITE_VM_RESET_RINGS },
};

static void setup(void)
{
	vm = kt_vm_new_irqchip(KT_LONG64);
	fds[DEV] = vm->dev;
	fds[VM] = vm->fd;
	fds[VCPU] = vm->vcpu.fd;
	buf = mmap(NULL, BUF_LEN + KT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	ASSERT_TRUE(buf != MAP_FAILED);
	ASSERT_EQ(0, mprotect(buf + BUF_LEN, KT_PAGE, PROT_NONE));
	image = mmap(NULL, 4 * KT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(image != MAP_FAILED);
}

/* @want: 0 or an errno. What is created is closed again. */
static void call(const struct row *row, const char *what, int want, void *arg)
{
	int ret = __kt_ioctl(fds[row->object], row->cmd, arg);
	int err = ret < 0 ? errno : 0;

	if (err != want)
		kt_failed(__FILE__, __LINE__, "KITE_%s, %s: errno %d, want %d", row->name, what,
			  err, want);
	if (ret > 0)
		close(ret);
}

static void *good(const struct row *row)
{
	memset(buf, 0, BUF_LEN);
	*(u32 *)buf = row->size;
	row->fill(buf);
	return buf;
}

#define FOR_EACH_ROW(row) for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++)

KITE_TEST(accepts_what_is_right)
{
	setup();
	FOR_EACH_ROW(row) {
		call(row, "good", 0, good(row));
		EXPECT_EQ(row->size, *(u32 *)buf);
	}
}

KITE_TEST(refuses_short_structures)
{
	setup();
	FOR_EACH_ROW(row) {
		static const u32 shorter[] = { 1, 2, 4, 8 };
		unsigned int i;

		u32 first = row->size - row->grown;

		for (i = 0; i < ARRAY_SIZE(shorter) && shorter[i] < first; i++) {
			good(row);
			*(u32 *)buf = first - shorter[i];
			call(row, "short", EINVAL, buf);
		}
		good(row);
		*(u32 *)buf = first;
		call(row, "first version", 0, buf);
		good(row);
		*(u32 *)buf = 0;
		call(row, "size 0", EINVAL, buf);
	}
}

KITE_TEST(accepts_longer_structures_with_zeroes)
{
	setup();
	FOR_EACH_ROW(row) {
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
	FOR_EACH_ROW(row) {
		good(row);
		*(u32 *)buf = row->size + 8;
		buf[row->size + 7] = 1;
		call(row, "longer, last byte", E2BIG, buf);
		good(row);
		*(u32 *)buf = row->size + 1;
		buf[row->size] = 0x80;
		call(row, "longer, first byte", E2BIG, buf);
	}
}

KITE_TEST(refuses_huge_structures)
{
	static const u32 huge[] = { KT_PAGE + 1, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff };

	setup();
	FOR_EACH_ROW(row) {
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
	FOR_EACH_ROW(row) {
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

KITE_TEST(refuses_reserved_members)
{
	setup();
	FOR_EACH_ROW(row) {
		unsigned int i, at;

		for (i = 0; i < ARRAY_SIZE(row->reserved); i++)
			for (at = 0; at < row->reserved[i].len; at++) {
				good(row);
				buf[row->reserved[i].at + at] = 1;
				call(row, "reserved", EINVAL, buf);
			}
	}
}

KITE_TEST(refuses_bad_pointers)
{
	setup();
	FOR_EACH_ROW(row) {
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
	FOR_EACH_ROW(row) {
		good(row);
		ASSERT_EQ(0, mprotect(buf, BUF_LEN, PROT_READ));
		call(row, "read-only", row->writes ? EFAULT : 0, buf);
		ASSERT_EQ(0, mprotect(buf, BUF_LEN, PROT_READ | PROT_WRITE));
	}
}

KITE_TEST(exists_on_its_own_kind_of_fd_only)
{
	int other, pipe_fd = eventfd(0, 0);
	unsigned int i;

	setup();
	FOR_EACH_ROW(row) {
		good(row);
		for (other = 0; other < OBJECTS; other++)
			if (other != (int)row->object)
				EXPECT_ERRNO(ENOTTY, __kt_ioctl(fds[other], row->cmd, buf));
		EXPECT_ERRNO(ENOTTY, __kt_ioctl(pipe_fd, row->cmd, buf));
	}
	for (i = 0; i < ARRAY_SIZE(without_argument); i++) {
		for (other = 0; other < OBJECTS; other++)
			if (other != (int)without_argument[i].object)
				EXPECT_ERRNO(ENOTTY, __kt_ioctl(fds[other],
								without_argument[i].cmd, NULL));
	}
}

static bool known(enum object object, unsigned long cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(without_argument); i++)
		if (object == without_argument[i].object && cmd == without_argument[i].cmd)
			return true;
	FOR_EACH_ROW(row)
		if (row->object == object && row->cmd == cmd)
			return true;
	return false;
}

KITE_TEST(unknown_numbers)
{
	unsigned int nr, object;

	setup();
	memset(buf, 0, BUF_LEN);
	for (object = 0; object < OBJECTS; object++)
		for (nr = 0; nr < 256; nr++) {
			if (!known(object, _IO(KITE_IOC, nr)))
				EXPECT_ERRNO(ENOTTY,
					     __kt_ioctl(fds[object], _IO(KITE_IOC, nr), buf));
			/* The same number with a direction and a size is another ioctl. */
			EXPECT_ERRNO(ENOTTY,
				     __kt_ioctl(fds[object], _IOWR(KITE_IOC, nr, u64), buf));
			EXPECT_ERRNO(ENOTTY, __kt_ioctl(fds[object], _IO(0xbd, nr), buf));
		}
}

KITE_TEST(no_argument_means_none)
{
	unsigned int i;

	setup();
	for (i = 0; i < ARRAY_SIZE(without_argument); i++) {
		int fd = fds[without_argument[i].object];

		EXPECT_ERRNO(EINVAL, __kt_ioctl(fd, without_argument[i].cmd, buf));
		EXPECT_ERRNO(EINVAL, __kt_ioctl(fd, without_argument[i].cmd, (void *)1));
	}
}

/* What a rejected call could have left behind: the whole state of the vCPU and the VM. */
struct everything {
	struct kite_state state;
	struct kite_lapic lapic;
	struct kite_ioapic ioapic;
};

static void get_everything(struct everything *e)
{
	memset(e, 0, sizeof(*e));
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_ALL, &e->state);
	vcpu_get_lapic(vm->vcpu.fd, &e->lapic);
	vm_get_ioapic(vm->fd, &e->ioapic);
	e->state.msrs.tsc = 0;		/* goes on by itself */
}

KITE_TEST(a_refused_call_changes_nothing)
{
	static struct everything before, after;

	setup();
	get_everything(&before);
	FOR_EACH_ROW(row) {
		good(row);
		/* Every byte of the body changed, and the tail makes it too big. */
		memset(buf + 16, 0xa5, row->size - (row->size > 16 ? 16 : row->size));
		*(u32 *)buf = row->size + 8;
		buf[row->size + 1] = 1;
		call(row, "changed and too long", E2BIG, buf);
		good(row);
		memset(buf + 16, 0xa5, row->size - (row->size > 16 ? 16 : row->size));
		((u32 *)buf)[1] = 0x80000000;
		call(row, "changed and flags", EINVAL, buf);
		get_everything(&after);
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	}
}
