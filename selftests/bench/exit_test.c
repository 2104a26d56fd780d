// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VM exits cost, one vCPU without interrupt controller: some that the kernel
 * answers, some that go to user space and back. Part of "make bench".
 */
#include "apic.h"
#include "bench.h"
#include "eventfd.h"
#include "kvm_client.h"
#include "resident.h"

#define TIMES		10000u
#define PORT		0x10
#define SHARED_PORT	0x11		/* while a VM of KVM has VMX switched on, too */
#define RESIDENT_PORT	0x12		/* while Kite keeps VMX on; KVM then is not loaded */
#define BELL_PORT	0x20
#define MMIO		KT_HOLE
#define BELL_MMIO	(KT_HOLE + KT_PAGE)
#define MSR_BIOS_SIGN	0x8b		/* intercepted by both, and without function */
#define CR4_MCE		BIT(6)		/* nobody leaves it to the guest */

/* Written by the guest. */
static struct kt_sample sample;

#define LOOP(...) do {								\
	u32 i_;									\
										\
	kt_sample_begin(&sample);						\
	for (i_ = 0; i_ < TIMES; i_++)						\
		asm volatile(__VA_ARGS__);					\
	kt_sample_end(&sample, TIMES);						\
	kt_done();								\
} while (0)

/* The first exits of their kind bring in what the others find there. */
#define WARM(...) do {								\
	u32 i_;									\
										\
	for (i_ = 0; i_ < 16; i_++)						\
		asm volatile(__VA_ARGS__);					\
	LOOP(__VA_ARGS__);							\
} while (0)

static void cpuid(u64 unused)
{
	u32 a, c;

	(void)unused;
	WARM("cpuid" : "=a"(a), "=c"(c) : "a"(0), "c"(0) : "ebx", "edx");
}

static void rdmsr(u64 unused)
{
	(void)unused;
	WARM("rdmsr" : : "c"(MSR_BIOS_SIGN) : "eax", "edx");
}

static void wrmsr(u64 unused)
{
	(void)unused;
	WARM("wrmsr" : : "c"(MSR_BIOS_SIGN), "a"(0), "d"(0));
}

static void mov_cr4(u64 unused)
{
	u64 cr4;

	(void)unused;
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	WARM("xor %1, %0; mov %0, %%cr4" : "+r"(cr4) : "r"(CR4_MCE));
}

static void out(u64 port)
{
	WARM("out %%al, %%dx" : : "a"(0), "d"((u16)port));
}

static void store(u64 gpa)
{
	WARM("movl %%eax, (%0)" : : "r"(gpa), "a"(0) : "memory");
}

static void measure_loaded(const struct kt_row *row, const struct kt_face *face,
			   struct kt_sample *s)
{
	int fd = kt_eventfd();
	struct kt_machine m, other = {};
	struct kt_guest g;
	u32 said, expected;

	kt_guest_init(&g, 1, false, row->guest, row->arg);
	other.guest = &g;
	if (row->arg == SHARED_PORT)
		kt_face_kvm.create(&other);
	kt_machine_new(&m, face, &g);
	face->ioeventfd(&m, true, BELL_PORT, fd);
	face->ioeventfd(&m, false, BELL_MMIO, fd);
	expected = row->guest == out ? row->arg : KT_SAID_MMIO;
	do {
		said = face->run(&m, 0);
	} while (said == expected && said != BELL_PORT);
	ASSERT_EQ(KT_PORT_DONE, said);
	*s = sample;
	if (row->arg == BELL_PORT || row->arg == BELL_MMIO)
		ASSERT_EQ(TIMES + 16, kt_eventfd_read(fd));
	kt_machine_free(&m);
	if (row->arg == SHARED_PORT)
		kt_face_kvm.destroy(&other);
	kt_guest_free(&g);
	close(fd);
}

static void measure(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	bool resident = row->arg == RESIDENT_PORT && face == &kt_face_kite;

	if (resident) {
		kvm_unload();
		kt_resident(true);
	}
	measure_loaded(row, face, s);
	if (resident) {
		kt_resident(false);
		kvm_load();
	}
}

static const struct kt_row rows[] = {
	{ "cpuid", "ticks/exit", measure, cpuid, 0, 45 },
	{ "rdmsr", "ticks/exit", measure, rdmsr, 0, 45 },
	{ "wrmsr", "ticks/exit", measure, wrmsr, 0, 45 },
	{ "mov_cr4", "ticks/exit", measure, mov_cr4, 0, 45 },
	{ "pio_user", "ticks/exit", measure, out, PORT, 50 },
	{ "pio_user_shared", "ticks/exit", measure, out, SHARED_PORT, 50 },
	{ "pio_user_resident", "ticks/exit", measure, out, RESIDENT_PORT, 50 },
	{ "mmio_user", "ticks/exit", measure, store, MMIO, 40 },
	{ "ioeventfd_pio", "ticks/exit", measure, out, BELL_PORT, 50 },
	{ "ioeventfd_mmio", "ticks/exit", measure, store, BELL_MMIO, 50 },
};

KT_ROWS(rows)
