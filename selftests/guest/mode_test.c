// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a guest goes by itself from real mode to protected, compatibility and
 * 64-bit mode and all the way back, as a boot loader does.
 */
#include "guest.h"
#include "handlers.h"

/* Far pointers of the way back; the host fills in where the 16-bit code is. */
struct far_pointer {
	u32 offset;
	u16 selector;
} __attribute__((packed));

static struct far_pointer back32 __attribute__((used));
static struct far_pointer back16 __attribute__((used));

/* What is changed in CR0 to turn paging on, and off again. */
static u32 paging_bits __attribute__((used));

#define CR0_CD		BIT(30)
#define CR0_PG		BIT(31)

#define SAY(n)		"mov $" #n ", %eax\n" KT_SYNC
#define RELOAD_DATA	"mov %eax, %ds\nmov %eax, %es\nmov %eax, %ss\n"

KT_CODE16(journey, "", "mov %cr0, %eax\n or $1, %eax\n mov %eax, %cr0\n ljmpl $0x08, $journey_32\n",
	  "journey_16_back:\n"
	  "mov $0x50, %eax\n" RELOAD_DATA
	  "mov $0xd000, %esp\n"
	  "mov %cr0, %eax\n and $~1, %eax\n mov %eax, %cr0\n"
	  "call 1f\n 1: pop %bx\n add $(2f - 1b), %bx\n pushw $0\n pushw %bx\n lretw\n"
	  "2: xor %eax, %eax\n" RELOAD_DATA SAY(5));

asm(".pushsection guest32, \"ax\"\n"
    ".code32\n"
    "journey_32:\n"
    "mov $0x10, %eax\n" RELOAD_DATA
    "mov $0x20000, %esp\n"
    SAY(1)
    "mov %cr4, %eax\n or $0x20, %eax\n mov %eax, %cr4\n"
    "mov $0x1000, %eax\n mov %eax, %cr3\n"
    "mov $0xc0000080, %ecx\n rdmsr\n or $0x100, %eax\n wrmsr\n"
    "mov %cr0, %eax\n xor paging_bits, %eax\n mov %eax, %cr0\n"
    SAY(2)
    "ljmp $0x18, $journey_64\n"
    ".code64\n"
    "journey_64:\n"
    "mov $0x1234567890, %rax\n" KT_SYNC
    "ljmp *back32(%rip)\n"
    ".code32\n"
    "journey_32_back:\n"
    "mov %cr0, %eax\n xor paging_bits, %eax\n mov %eax, %cr0\n"
    "mov $0xc0000080, %ecx\n rdmsr\n and $~0x100, %eax\n wrmsr\n"
    SAY(4)
    "ljmp *back16\n"
    ".code64\n"
    ".popsection\n");

extern const u8 journey_32_back[], journey_16_back[];

static void travel(struct kt_vm *vm, u32 bits)
{
	struct kite_state s;

	paging_bits = bits;
	/* Page tables of long mode, then real mode. */
	kt_vcpu_set_mode(&vm->vcpu, KT_LONG64);
	kt_vcpu_set_mode(&vm->vcpu, KT_REAL16);
	back32.offset = (unsigned long)journey_32_back;
	back32.selector = KT_CS32;
	back16.offset = kt_addr16(journey_16_back);
	back16.selector = KT_CS16;
	kt_start(&vm->vcpu, &journey);
	kt_expect_sync(&vm->vcpu, 1);
	kt_expect_sync(&vm->vcpu, 2);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(0x500ull, s.crs.efer);
	kt_expect_sync(&vm->vcpu, 0x1234567890);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_SEGS, &s);
	EXPECT_EQ(0xa09bu, s.segs.seg[KITE_CS].ar);
	kt_expect_sync(&vm->vcpu, 4);
	vcpu_get_state(vm->vcpu.fd, KITE_STATE_CRS, &s);
	EXPECT_EQ(0ull, s.crs.efer);
	kt_expect_sync(&vm->vcpu, 5);
	kt_expect_done(&vm->vcpu);
}

KITE_TEST_MODES(real_to_long_mode_and_back, KT_IN(KT_REAL16))
{
	travel(vm, CR0_PG);
	travel(vm, CR0_PG);
}

/* With a bit that Kite keeps in a shadow: the write exits, and Kite does what the CPU would. */
KITE_TEST_MODES(long_mode_by_a_write_that_exits, KT_IN(KT_REAL16))
{
	travel(vm, CR0_PG | CR0_CD);
	travel(vm, CR0_PG);
}

KT_CODE16(undefined, "", "ud2", "");

KITE_TEST_MODES(exceptions_after_the_way_back, KT_IN(KT_REAL16))
{
	travel(vm, CR0_PG);
	kt_run_fault(&vm->vcpu, &undefined, KT_UD, 0);
}

/* From power-up, without any state from user space, at the reset vector. */
KITE_TEST_MODES(runs_from_the_reset_vector, KT_IN(KT_REAL16))
{
	static u8 rom[KT_PAGE] __attribute__((aligned(KT_PAGE)));
	struct kt_vm fresh = { .dev = vm->dev, .info = vm->info };

	fresh.fd = dev_create_vm(vm->dev, 0);
	rom[0xff0] = 0xb0;	/* mov $0x2a, %al */
	rom[0xff1] = 0x2a;
	rom[0xff2] = 0xe6;	/* out %al, $0x80 */
	rom[0xff3] = 0x80;
	rom[0xff4] = 0xf4;	/* hlt */
	vm_set_slot(fresh.fd, 0, KITE_SLOT_READONLY, 0xfffff000, KT_PAGE, rom);
	kt_vcpu_init(&fresh.vcpu, &fresh, 0);
	kt_expect_io(&fresh.vcpu, 0x80, 1, 0, 1);
	EXPECT_EQ(0x2a, fresh.vcpu.run->data[0]);
	kt_expect_exit(&fresh.vcpu, KITE_EXIT_HLT);
}
