// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a write of the guest that matches a KITE_VM_IOEVENTFD signals it once and
 * the guest goes on; every other access goes to user space as without it.
 */
#include "eventfd.h"
#include "guest.h"

#define PORT	0x5a0
#define GPA	KT_HOLE

static int pio(struct kt_vm *vm, u32 len, u64 addr, u32 flags, u64 match)
{
	int fd = kt_eventfd();

	vm_ioeventfd(vm->fd, (struct kite_ioeventfd){
		.flags = KITE_IOEVENTFD_PIO | flags, .addr = addr, .len = len,
		.datamatch = match, .fd = fd,
	});
	return fd;
}

static int mmio(struct kt_vm *vm, u32 len, u64 addr, u32 flags, u64 match)
{
	int fd = kt_eventfd();

	vm_ioeventfd(vm->fd, (struct kite_ioeventfd){
		.flags = flags, .addr = addr, .len = len, .datamatch = match, .fd = fd,
	});
	return fd;
}

#define OUT(size, port, value)	\
	asm volatile("out" size : : "a"(value), "d"((u16)(port)) : "memory")

static void outs_of_all_widths(u64 port)
{
	OUT("b %b0, %w1", port, 1);
	OUT("w %w0, %w1", port, 1);
	OUT("l %k0, %w1", port, 1);
	kt_sync(0);
	OUT("b %b0, %w1", port + 1, 1);
}

KITE_TEST_MODES(port_of_any_length, KT_IN_64)
{
	int fd = pio(vm, 0, PORT, 0, 0);

	kt_call(&vm->vcpu, outs_of_all_widths, PORT);
	kt_expect_sync(&vm->vcpu, 0);
	EXPECT_EQ(3ull, kt_eventfd_read(fd));
	kt_expect_io(&vm->vcpu, PORT + 1, 1, 0, 1);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, kt_eventfd_read(fd));
}

KITE_TEST_MODES(port_of_one_length, KT_IN_64)
{
	int fd = pio(vm, 2, PORT, 0, 0);

	kt_call(&vm->vcpu, outs_of_all_widths, PORT);
	kt_expect_io(&vm->vcpu, PORT, 1, 0, 1);
	EXPECT_EQ(0ull, kt_eventfd_read(fd));
	kt_expect_io(&vm->vcpu, PORT, 4, 0, 1);
	EXPECT_EQ(1ull, kt_eventfd_read(fd));
	kt_expect_sync(&vm->vcpu, 0);
	kt_expect_io(&vm->vcpu, PORT + 1, 1, 0, 1);
	kt_expect_done(&vm->vcpu);
}

/* The last port: nothing of an access lies beyond it. */
KITE_TEST_MODES(the_last_port, KT_IN_64)
{
	int fd = pio(vm, 1, 0xffff, 0, 0);

	kt_call(&vm->vcpu, outs_of_all_widths, 0xfffe);
	kt_expect_io(&vm->vcpu, 0xfffe, 1, 0, 1);
	kt_expect_io(&vm->vcpu, 0xfffe, 2, 0, 1);
	kt_expect_io(&vm->vcpu, 0xfffe, 4, 0, 1);
	kt_expect_sync(&vm->vcpu, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(1ull, kt_eventfd_read(fd));
}

static void outs_of_values(u64 unused)
{
	(void)unused;
	/* What is above the width says nothing. */
	OUT("w %w0, %w1", PORT, 0xabcd0005);
	OUT("w %w0, %w1", PORT, 6);
	OUT("w %w0, %w1", PORT, 6);
	kt_sync(0);
	OUT("w %w0, %w1", PORT, 7);
}

KITE_TEST_MODES(port_with_a_value, KT_IN_64)
{
	int five = pio(vm, 2, PORT, KITE_IOEVENTFD_DATAMATCH, 5);
	int six = pio(vm, 2, PORT, KITE_IOEVENTFD_DATAMATCH, 6);

	kt_call(&vm->vcpu, outs_of_values, 0);
	kt_expect_sync(&vm->vcpu, 0);
	EXPECT_EQ(1ull, kt_eventfd_read(five));
	EXPECT_EQ(2ull, kt_eventfd_read(six));
	kt_expect_io(&vm->vcpu, PORT, 2, 0, 1);
	EXPECT_EQ(7u, *(u16 *)vm->vcpu.run->data);
	kt_expect_done(&vm->vcpu);
}

static u16 words[3] = { 1, 2, 3 };

static void in_and_outs(u64 unused)
{
	const u16 *from = words;
	u64 count = ARRAY_SIZE(words);
	u32 value;

	(void)unused;
	asm volatile("inw %w1, %w0" : "=a"(value) : "d"(PORT));
	asm volatile("rep outsw" : "+S"(from), "+c"(count) : "d"(PORT) : "memory");
}

KITE_TEST_MODES(reads_and_strings_go_to_user_space, KT_IN_64)
{
	int fd = pio(vm, 0, PORT, 0, 0);

	kt_call(&vm->vcpu, in_and_outs, 0);
	kt_expect_io(&vm->vcpu, PORT, 2, KITE_IO_IN, 1);
	kt_expect_io(&vm->vcpu, PORT, 2, KITE_IO_STRING, ARRAY_SIZE(words));
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, kt_eventfd_read(fd));
}

#define STORE(size, gpa, value)	\
	asm volatile("mov" size : : "r"(value), "r"(gpa) : "memory")

static void stores_of_all_widths(u64 gpa)
{
	STORE("b %b0, (%1)", gpa, 1ul);
	STORE("w %w0, (%1)", gpa, 1ul);
	STORE("l %k0, (%1)", gpa, 1ul);
	STORE("q %0, (%1)", gpa, 1ul);
	asm volatile("movl $1, (%0)" : : "r"(gpa) : "memory");
	kt_sync(0);
	STORE("b %b0, 1(%1)", gpa, 1ul);
	asm volatile("movb (%0), %%al" : : "r"(gpa) : "eax", "memory");
}

KITE_TEST_MODES(memory_of_any_length, KT_IN_64)
{
	int fd = mmio(vm, 0, GPA, 0, 0);

	kt_call(&vm->vcpu, stores_of_all_widths, GPA);
	kt_expect_sync(&vm->vcpu, 0);
	EXPECT_EQ(5ull, kt_eventfd_read(fd));
	kt_expect_mmio(&vm->vcpu, GPA + 1, 1, true);
	kt_expect_mmio(&vm->vcpu, GPA, 1, false);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, kt_eventfd_read(fd));
}

KITE_TEST_MODES(memory_of_one_length, KT_IN_64)
{
	int fd = mmio(vm, 8, GPA, 0, 0);

	kt_call(&vm->vcpu, stores_of_all_widths, GPA);
	kt_expect_mmio(&vm->vcpu, GPA, 1, true);
	kt_expect_mmio(&vm->vcpu, GPA, 2, true);
	kt_expect_mmio(&vm->vcpu, GPA, 4, true);
	EXPECT_EQ(0ull, kt_eventfd_read(fd));
	kt_expect_mmio(&vm->vcpu, GPA, 4, true);
	EXPECT_EQ(1ull, kt_eventfd_read(fd));
	kt_expect_sync(&vm->vcpu, 0);
	kt_expect_mmio(&vm->vcpu, GPA + 1, 1, true);
	kt_expect_mmio(&vm->vcpu, GPA, 1, false);
	kt_expect_done(&vm->vcpu);
}

static void stores_of_values(u64 gpa)
{
	STORE("l %k0, (%1)", gpa, 0xffffffff00000005ul);
	STORE("q %0, (%1)", gpa, 0x8000000000000006ul);
	kt_sync(0);
	STORE("q %0, (%1)", gpa, 6ul);
}

KITE_TEST_MODES(memory_with_a_value, KT_IN_64)
{
	int five = mmio(vm, 4, GPA, KITE_IOEVENTFD_DATAMATCH, 5);
	int six = mmio(vm, 8, GPA, KITE_IOEVENTFD_DATAMATCH, 0x8000000000000006);

	kt_call(&vm->vcpu, stores_of_values, GPA);
	kt_expect_sync(&vm->vcpu, 0);
	EXPECT_EQ(1ull, kt_eventfd_read(five));
	EXPECT_EQ(1ull, kt_eventfd_read(six));
	kt_expect_mmio(&vm->vcpu, GPA, 8, true);
	kt_expect_done(&vm->vcpu);
}

static void string_store(u64 gpa)
{
	u64 count = 3;

	asm volatile("rep stosl" : "+D"(gpa), "+c"(count) : "a"(9) : "memory");
}

/* Each element of a string is a write. */
KITE_TEST_MODES(element_of_a_string, KT_IN_64)
{
	int fd = mmio(vm, 4, GPA + 4, 0, 0);

	kt_call(&vm->vcpu, string_store, GPA);
	kt_expect_mmio(&vm->vcpu, GPA, 4, true);
	kt_expect_mmio(&vm->vcpu, GPA + 8, 4, true);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(1ull, kt_eventfd_read(fd));
}

/* The same number is a port and an address. */
KITE_TEST_MODES(ports_are_not_memory, KT_IN_64)
{
	int port = pio(vm, 0, PORT, 0, 0), memory = mmio(vm, 0, PORT, 0, 0);

	kt_call(&vm->vcpu, outs_of_all_widths, PORT);
	kt_expect_sync(&vm->vcpu, 0);
	EXPECT_EQ(3ull, kt_eventfd_read(port));
	EXPECT_EQ(0ull, kt_eventfd_read(memory));
}

/* Memory is memory, whatever stands in the way. */
KITE_TEST_MODES(not_in_a_slot, KT_IN_64)
{
	int fd = mmio(vm, 0, KT_SCRATCH, 0, 0);

	kt_call(&vm->vcpu, stores_of_all_widths, KT_SCRATCH);
	kt_expect_sync(&vm->vcpu, 0);
	kt_expect_done(&vm->vcpu);
	EXPECT_EQ(0ull, kt_eventfd_read(fd));
	EXPECT_EQ(1u, kt_get(vm, u32, KT_SCRATCH) & 0xff);
}

#define TIMES	10000

static u64 tsc(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (u64)hi << 32;
}

static void ring_port(u64 unused)
{
	u64 begin = tsc();
	u32 i;

	(void)unused;
	for (i = 0; i < TIMES; i++)
		OUT("l %k0, %w1", PORT, 1);
	kt_sync((tsc() - begin) / TIMES);
}

static void ring_memory(u64 unused)
{
	u64 begin = tsc();
	u32 i;

	(void)unused;
	for (i = 0; i < TIMES; i++)
		STORE("l %k0, (%1)", GPA, 1ul);
	kt_sync((tsc() - begin) / TIMES);
}

static void cost(struct kt_vm *vm, const char *what, int fd, void (*fn)(u64))
{
	struct kt_result r;

	kt_call(&vm->vcpu, fn, 0);
	r = kt_run(&vm->vcpu);
	ASSERT_EQ(KT_SAID_SYNC, r.said);
	kt_note("%s: %llu ticks", what, r.value);
	EXPECT_EQ(TIMES, kt_eventfd_read(fd));
	EXPECT_EQ(0ull, kt_eventfd_read(fd));
}

KITE_TEST_MODES(cost_of_a_port, KT_IN_64)
{
	cost(vm, "out", pio(vm, 4, PORT, 0, 0), ring_port);
}

KITE_TEST_MODES(cost_of_memory_of_one_length, KT_IN_64)
{
	cost(vm, "mov", mmio(vm, 4, GPA, 0, 0), ring_memory);
}

KITE_TEST_MODES(cost_of_memory_of_any_length, KT_IN_64)
{
	cost(vm, "mov, any length", mmio(vm, 0, GPA, 0, 0), ring_memory);
}
