// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: KITE_VM_SET_ROUTES replaces the whole table or nothing; a GSI then acts
 * on its pin or sends its message; a change meets signals at any time.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"

#define ADDRESS	0xfee00000ull

#define PIN(g, p)	{ .gsi = (g), .type = KITE_ROUTE_PIN, .pin = (p) }
#define MSI(g, d)	{ .gsi = (g), .type = KITE_ROUTE_MSI, .address = ADDRESS, .data = (d) }

static u32 lines(struct kt_vm *vm)
{
	struct kite_ioapic ioapic;

	vm_get_ioapic(vm->fd, &ioapic);
	return ioapic.lines;
}

KITE_TEST_MODES(not_without_irqchip, KT_IN_64)
{
	EXPECT_EQ(-ENODEV, _vm_set_routes(vm->fd, 0, NULL));
}

KITE_TEST_IRQCHIP(a_table_replaces_the_other, KT_IN_64)
{
	static const struct kite_route swapped[] = { PIN(3, 4), PIN(4, 3), PIN(1023, 23) };

	vm_irq_line(vm->fd, 3, 1);
	EXPECT_EQ(1u << 3, lines(vm));
	vm_set_routes(vm->fd, ARRAY_SIZE(swapped), swapped);
	EXPECT_EQ(1u << 3, lines(vm));		/* a level stays where it is */
	vm_irq_line(vm->fd, 4, 0);
	vm_irq_line(vm->fd, 3, 1);
	vm_irq_line(vm->fd, 1023, 1);
	EXPECT_EQ(1u << 4 | 1u << 23, lines(vm));
	EXPECT_EQ(-EINVAL, _vm_irq_line(vm->fd, 0, 1));
	EXPECT_EQ(-EINVAL, _vm_irq_line(vm->fd, 1022, 1));
	EXPECT_EQ(-EINVAL, _vm_irq_line(vm->fd, 1024, 1));
	vm_set_routes(vm->fd, 0, NULL);
	EXPECT_EQ(-EINVAL, _vm_irq_line(vm->fd, 3, 1));
}

KITE_TEST_IRQCHIP(as_many_as_there_are, KT_IN_64)
{
	static struct kite_route all[KITE_GSIS + 1];
	u32 i;

	for (i = 0; i <= KITE_GSIS; i++)
		all[i] = (struct kite_route)MSI(i, 0x41);
	EXPECT_EQ(-EINVAL, _vm_set_routes(vm->fd, KITE_GSIS + 1, all));
	EXPECT_EQ(-EINVAL, _vm_set_routes(vm->fd, ~0u, all));
	vm_set_routes(vm->fd, KITE_GSIS, all);
	vm_irq_line(vm->fd, KITE_GSIS - 1, 1);
	vm_set_routes(vm->fd, KITE_GSIS, all);
}

static void refuse(struct kt_vm *vm, const char *what, int want, struct kite_route bad)
{
	const struct kite_route table[] = { PIN(0, 5), bad };
	int ret = _vm_set_routes(vm->fd, ARRAY_SIZE(table), table);

	if (ret != want)
		kt_failed(__FILE__, __LINE__, "%s: %d, want %d", what, ret, want);
	/* The old table is still there. */
	vm_irq_line(vm->fd, 0, 1);
	EXPECT_EQ(1u, lines(vm));
	vm_irq_line(vm->fd, 0, 0);
}

#define REFUSE(want, ...) refuse(vm, #__VA_ARGS__, want, (struct kite_route){ __VA_ARGS__ })

KITE_TEST_IRQCHIP(bad_routes, KT_IN_64)
{
	REFUSE(-EINVAL, .gsi = KITE_GSIS, .type = KITE_ROUTE_PIN);
	REFUSE(-EINVAL, .gsi = ~0u, .type = KITE_ROUTE_PIN);
	REFUSE(-EINVAL, .gsi = 1, .type = 0);
	REFUSE(-EINVAL, .gsi = 1, .type = 3);
	REFUSE(-EINVAL, .gsi = 1, .type = KITE_ROUTE_PIN, .pin = KITE_IOAPIC_PINS);
	REFUSE(-EINVAL, .gsi = 1, .type = KITE_ROUTE_PIN, .data = 1);
	REFUSE(-EINVAL, .gsi = 1, .type = KITE_ROUTE_PIN, .address = 1);
	REFUSE(-EINVAL, .gsi = 1, .type = KITE_ROUTE_MSI, .address = ADDRESS, .data = 0x41,
	       .pin = 1);
	REFUSE(-EINVAL, .gsi = 1, .type = KITE_ROUTE_MSI, .address = ADDRESS, .data = 0x0f);
	REFUSE(-EINVAL, .gsi = 1, .type = KITE_ROUTE_MSI, .address = 0, .data = 0x41);
	REFUSE(-EEXIST, .gsi = 0, .type = KITE_ROUTE_PIN);
	REFUSE(-EEXIST, .gsi = 0, .type = KITE_ROUTE_MSI, .address = ADDRESS, .data = 0x41);
}

KITE_TEST_IRQCHIP(bad_arguments, KT_IN_64)
{
	struct kite_route route = PIN(0, 0);
	struct kite_routes good = {
		.size = sizeof(good), .count = 1, .uaddr = (unsigned long)&route,
	}, bad;

	ASSERT_EQ(0, __kt_ioctl(vm->fd, KITE_VM_SET_ROUTES, &good));
#define BAD(want, member, value) do {						\
	bad = good;								\
	bad.member = value;							\
	EXPECT_ERRNO(want, __kt_ioctl(vm->fd, KITE_VM_SET_ROUTES, &bad));	\
} while (0)
	BAD(EINVAL, flags, 1);
	BAD(EINVAL, reserved, 1);
	BAD(EINVAL, size, sizeof(good) - 1);
	BAD(EFAULT, uaddr, 0);
	BAD(EFAULT, uaddr, ~0ull);
	BAD(EFAULT, uaddr, BIT(63));
#undef BAD
}

/* The array ends where the memory ends. */
KITE_TEST_IRQCHIP(half_of_the_array_is_no_memory, KT_IN_64)
{
	struct kite_route *end;
	u8 *mem = mmap(NULL, 2 * KT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	ASSERT_EQ(0, munmap(mem + KT_PAGE, KT_PAGE));
	end = (struct kite_route *)(mem + KT_PAGE);
	end[-1] = (struct kite_route)PIN(0, 0);
	vm_set_routes(vm->fd, 1, end - 1);
	EXPECT_EQ(-EFAULT, _vm_set_routes(vm->fd, 2, end - 1));
}

static volatile bool stop;

static void *signal_lines(void *arg)
{
	u32 i;

	/* Whatever the table says at the moment, or nothing. */
	for (i = 0; !stop; i++)
		_vm_irq_line(*(int *)arg, i % 32, i & 1);
	return NULL;
}

KITE_TEST_IRQCHIP(changed_under_signals, KT_IN_64)
{
	static const struct kite_route a[] = { PIN(0, 1), MSI(1, 0x41), PIN(31, 2) };
	static const struct kite_route b[] = { MSI(0, 0x42), PIN(1, 1) };
	pthread_t thread;
	u32 i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_lines, &vm->fd));
	for (i = 0; i < 2000; i++) {
		vm_set_routes(vm->fd, ARRAY_SIZE(a), a);
		vm_set_routes(vm->fd, ARRAY_SIZE(b), b);
		vm_set_routes(vm->fd, 0, NULL);
	}
	stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
}
