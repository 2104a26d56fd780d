// SPDX-License-Identifier: GPL-2.0-only
/* Contract: a bzImage is set up as the Linux/x86 boot protocol says, and a bad one is refused. */
#include "boot_util.h"

#define ZP(member)	(BOOT_INFO + offsetof(struct boot_params, member))

static void loads(void)
{
	struct bz_image image = bz_make();

	boot_reset(MIB(64));
	req.cmdline = "console=ttyS0";
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	EXPECT_EQ(CPU_LONG, entry.mode);
	EXPECT_EQ(MIB(16) + 0x200, entry.rip);
	EXPECT_EQ(BOOT_INFO, entry.rsi);
	EXPECT_TRUE(holds(MIB(16), image.code, sizeof(image.code)));
	EXPECT_TRUE(holds(BOOT_STRINGS, "console=ttyS0", 14));
	EXPECT_EQ(BOOT_STRINGS, get(ZP(hdr.cmd_line_ptr), 4));
	EXPECT_EQ(0xff, get(ZP(hdr.type_of_loader), 1));
	EXPECT_EQ(0x53726448, get(ZP(hdr.header), 4));
	EXPECT_EQ(MIB(4), get(ZP(hdr.init_size), 4));
	EXPECT_EQ(MEM_BIOS, get(ZP(acpi_rsdp_addr), 8));
	EXPECT_EQ(0, get(ZP(sentinel), 1));
	EXPECT_EQ(0, get(ZP(hdr.ramdisk_size), 4));
	EXPECT_EQ(4, get(ZP(e820_entries), 1));
	EXPECT_EQ(MIB(1), get(ZP(e820_table) + 3 * 20, 8));
	EXPECT_EQ(MIB(63), get(ZP(e820_table) + 3 * 20 + 8, 8));
	EXPECT_EQ(1, get(ZP(e820_table) + 3 * 20 + 16, 4));
}

/* Only the setup header is copied: the rest of the sector is code. */
static void copies_header_only(void)
{
	struct bz_image image = bz_make();
	u8 fill = 0xaa;
	unsigned int i;

	for (i = 0; i < 0x1f1; i++)
		image.setup[i] = fill;
	for (i = 0x26c; i < BZ_SETUP; i++)
		image.setup[i] = fill;
	boot_reset(MIB(64));
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	for (i = 0x26c; i < 0x290; i++)
		EXPECT_EQ(0, get(BOOT_INFO + i, 1));
	EXPECT_EQ(0, get(BOOT_INFO + 0x1ef, 1));
	EXPECT_EQ(0, get(ZP(edd_mbr_sig_buf_entries), 1));
}

static void identity_map(void)
{
	struct bz_image image = bz_make();
	u64 i;

	boot_reset(MIB(64));
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	EXPECT_EQ(BOOT_PDPT | 3, get(BOOT_PML4, 8));
	for (i = 0; i < 4; i++)
		EXPECT_EQ((BOOT_PD + i * 4096) | 3, get(BOOT_PDPT + i * 8, 8));
	for (i = 0; i < 2048; i++)
		EXPECT_EQ(i << 21 | 0x83, get(BOOT_PD + i * 8, 8));
	EXPECT_EQ(0x00af9b000000ffffull, get(BOOT_GDT + BOOT_CODE_SEL, 8));
	EXPECT_EQ(0x00cf93000000ffffull, get(BOOT_GDT + BOOT_DATA_SEL, 8));
}

static void places_initrd(void)
{
	static const struct { u64 mem; u32 max; u64 len, want; } rows[] = {
		{ MIB(64), 0x7fffffff, 100, MIB(64) - 4096 },
		{ MIB(64), 0x7fffffff, 4096, MIB(64) - 4096 },
		{ MIB(64), 0x7fffffff, 4097, MIB(64) - 8192 },
		{ MIB(64), 0x1ffffff, 4096, MIB(32) - 4096 },
		{ GIB(4), 0xffffffff, 4096, GIB(3) - 4096 },
	};
	static u8 initrd[5000];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bz_image image = bz_make();

		unit_context("row %u", i);
		memset(initrd, 0x5a, sizeof(initrd));
		bz_header(&image)->initrd_addr_max = rows[i].max;
		boot_reset(rows[i].mem);
		req.module_count = 1;
		req.modules[0].file = (struct blob){ initrd, rows[i].len };
		EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
		EXPECT_EQ(rows[i].want, get(ZP(hdr.ramdisk_image), 4));
		EXPECT_EQ(rows[i].len, get(ZP(hdr.ramdisk_size), 4));
		EXPECT_TRUE(holds(rows[i].want, initrd, rows[i].len));
	}
}

static void refuses_initrd(void)
{
	struct bz_image image = bz_make();
	static u8 byte;

	boot_reset(MIB(64));
	req.module_count = 1;
	/* It ends where the kernel ends, and one byte more. */
	req.modules[0].file.data = calloc(1, MIB(44) + 1);
	req.modules[0].file.len = MIB(44);
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	req.modules[0].file.len = MIB(44) + 1;
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("initrd"));
	blob_drop(&req.modules[0].file);
	req.modules[0].file = (struct blob){ &byte, GIB(100) };
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, sizeof(image)));
	req.modules[0].file.len = 1;
	req.module_count = 2;
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("one --initrd"));
}

static void relocates(void)
{
	struct bz_image image = bz_make();

	boot_reset(MIB(8));
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	EXPECT_EQ(MIB(2) + 0x200, entry.rip);
	EXPECT_TRUE(holds(MIB(2), image.code, sizeof(image.code)));
	boot_reset(MIB(6));
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	boot_reset(MIB(6) - 4096);
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("--mem"));
	boot_reset(MIB(8));
	bz_header(&image)->relocatable_kernel = 0;
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("not relocatable"));
}

static void command_line_limit(void)
{
	struct bz_image image = bz_make();
	char *line = calloc(1, 70000);

	boot_reset(MIB(64));
	req.cmdline = line;
	memset(line, 'x', 2047);
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	line[2047] = 'x';
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("command line"));
	/* Whatever the kernel takes, our own room ends. */
	bz_header(&image)->cmdline_size = 0xffffffff;
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	memset(line, 'x', 0xffff);
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image)));
	line[0xffff] = 'x';
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, sizeof(image)));
	free(line);
}

static void bad_fields(void)
{
	static const struct bad_field fields[] = {
		{ "old protocol", BZ(version), 2, 0x020b, "protocol" },
		{ "oldest good protocol", BZ(version), 2, 0x020c, NULL },
		{ "zImage", BZ(loadflags), 1, 0, "zImage" },
		{ "no 64-bit entry", BZ(xloadflags), 2, XLF_CAN_BE_LOADED_ABOVE_4G,
		  "XLF_KERNEL_64" },
		{ "alignment 0", BZ(kernel_alignment), 4, 0, "power of two" },
		{ "alignment 3", BZ(kernel_alignment), 4, 3, "power of two" },
		{ "alignment 2 GiB", BZ(kernel_alignment), 4, 0x80000000, NULL },
		{ "no command line", BZ(cmdline_size), 4, 0, "cmdline_size" },
		{ "too many setup sectors", BZ(setup_sects), 1, 4, "setup sectors" },
		{ "default setup sectors", BZ(setup_sects), 1, 0, "setup sectors" },
		{ "syssize too large", BZ(syssize), 4, BZ_CODE_LEN / 16 + 1, "cut off" },
		{ "syssize overflow", BZ(syssize), 4, 0xffffffff, "cut off" },
		{ "syssize without entry", BZ(syssize), 4, 0x20, "entry point" },
		{ "syssize with entry", BZ(syssize), 4, 0x21, NULL },
		{ "syssize 0", BZ(syssize), 4, 0, "entry point" },
		{ "init_size 0", BZ(init_size), 4, 0, NULL },
		{ "init_size 4 GiB", BZ(init_size), 4, 0xffffffff, "--mem" },
		{ "pref_address low", BZ(pref_address), 8, 0, NULL },
		{ "pref_address wraps", BZ(pref_address), 8, ~0ull, NULL },
		{ "pref_address beyond memory", BZ(pref_address), 8, GIB(3), NULL },
		{ "jump to nowhere", 0x201, 1, 0xff, NULL },
		{ "jump into the header", 0x201, 1, 0x10, "64-bit" },
	};
	struct bz_image image = bz_make();

	boot_reset(MIB(64));
	each_bad_field(bzimage_load, &image, sizeof(image), fields, ARRAY_SIZE(fields));
}

static void truncations(void)
{
	struct bz_image image = bz_make();

	boot_reset(MIB(64));
	/* load() needs a probed file; shorter ones never get there. */
	EXPECT_FALSE(bzimage_probe(&(struct blob){ image.setup, 0x205 }));
	EXPECT_TRUE(bzimage_probe(&(struct blob){ image.setup, 0x206 }));
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, 0x26b));
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, BZ_SETUP));
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, BZ_SETUP + 0x200));
	EXPECT_EQ(-EINVAL, load(bzimage_load, &image, sizeof(image) - 16));
	/* syssize counts in 16 bytes. */
	EXPECT_EQ(0, load(bzimage_load, &image, sizeof(image) - 15));
}

/* A signature behind the kernel is not loaded. */
static void trailing_bytes(void)
{
	struct bz_image image = bz_make();
	u8 *longer = malloc(sizeof(image) + 64);

	memcpy(longer, &image, sizeof(image));
	memset(longer + sizeof(image), 0xee, 64);
	boot_reset(MIB(64));
	EXPECT_EQ(0, load(bzimage_load, longer, sizeof(image) + 64));
	EXPECT_EQ(0, get(MIB(16) + BZ_CODE_LEN, 8));
	free(longer);
}

static const struct unit_test tests[] = {
	UNIT_TEST(loads),
	UNIT_TEST(copies_header_only),
	UNIT_TEST(identity_map),
	UNIT_TEST(places_initrd),
	UNIT_TEST(refuses_initrd),
	UNIT_TEST(relocates),
	UNIT_TEST(command_line_limit),
	UNIT_TEST(bad_fields),
	UNIT_TEST(truncations),
	UNIT_TEST(trailing_bytes),
};

UNIT_MAIN(tests)
