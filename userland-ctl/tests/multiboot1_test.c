// SPDX-License-Identifier: GPL-2.0-only
/* Contract: Multiboot 1, ELF and with addresses in the header; a bad image is refused. */
#include "boot_util.h"

struct mb {
	u32 magic, flags, checksum;
	u32 header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

/* An image by addresses: 16 bytes, the header, 64 bytes of code. */
struct kludge_image {
	u8 before[16];
	struct mb mb;
	u8 code[64];
};

#define KLUDGE_ADDR	0x200000u
#define MB(member)	(16 + offsetof(struct mb, member))

struct elf_mb_image {
	struct elf32_image elf;
	struct mb mb;
};

static void seal(struct mb *mb)
{
	mb->checksum = -(mb->magic + mb->flags);
}

static struct kludge_image kludge_make(void)
{
	struct kludge_image image = {
		.mb = {
			.magic = 0x1badb002,
			.flags = 0x10003,
			.header_addr = KLUDGE_ADDR + 16,
			.load_addr = KLUDGE_ADDR,
			.entry_addr = KLUDGE_ADDR + 48,
		},
	};

	seal(&image.mb);
	memset(image.code, 0x77, sizeof(image.code));
	return image;
}

static struct elf_mb_image elf_make(void)
{
	struct elf_mb_image image = {
		.elf = elf32_make(),
		.mb = { .magic = 0x1badb002, .flags = 3 },
	};

	seal(&image.mb);
	return image;
}

static void expect_info(const char *cmdline)
{
	u64 map = get(BOOT_INFO + 48, 4);

	EXPECT_EQ(0x2badb002, entry.rax);
	EXPECT_EQ(BOOT_INFO, entry.rbx);
	EXPECT_EQ(CPU_PROTECTED, entry.mode);
	EXPECT_EQ(0x24d, get(BOOT_INFO, 4));
	EXPECT_EQ(639, get(BOOT_INFO + 4, 4));
	EXPECT_EQ(7 * 1024, get(BOOT_INFO + 8, 4));
	EXPECT_TRUE(holds(get(BOOT_INFO + 16, 4), cmdline, strlen(cmdline) + 1));
	EXPECT_EQ(4 * 24, get(BOOT_INFO + 44, 4));
	EXPECT_EQ(20, get(map + 3 * 24, 4));
	EXPECT_EQ(MIB(1), get(map + 3 * 24 + 4, 8));
	EXPECT_EQ(MIB(7), get(map + 3 * 24 + 12, 8));
	EXPECT_EQ(1, get(map + 3 * 24 + 20, 4));
	EXPECT_TRUE(holds(get(BOOT_INFO + 64, 4), "kitectl", 8));
}

static void elf(void)
{
	struct elf_mb_image image = elf_make();

	boot_reset(MIB(8));
	req.cmdline = "kernel arg";
	EXPECT_EQ(0, load(multiboot1_load, &image, sizeof(image)));
	/* The entry point is virtual, the guest starts without paging. */
	EXPECT_EQ(ELF_PADDR + 0x10, entry.rip);
	EXPECT_TRUE(holds(ELF_PADDR, image.elf.code, ELF_CODE_LEN));
	expect_info("kernel arg");
	EXPECT_EQ(0, get(BOOT_INFO + 20, 4));
}

static void kludge(void)
{
	struct kludge_image image = kludge_make();

	boot_reset(MIB(8));
	EXPECT_EQ(0, load(multiboot1_load, &image, sizeof(image)));
	EXPECT_EQ(KLUDGE_ADDR + 48, entry.rip);
	EXPECT_TRUE(holds(KLUDGE_ADDR, &image, sizeof(image)));
	expect_info("");
}

static void kludge_parts(void)
{
	struct kludge_image image = kludge_make();

	boot_reset(MIB(8));
	memset(mem_ptr(&mem, KLUDGE_ADDR, 0x1000), 0xee, 0x1000);
	/* Load from the header on, end before the file does, clear what follows. */
	image.mb.load_addr = KLUDGE_ADDR + 16;
	image.mb.load_end_addr = KLUDGE_ADDR + 80;
	image.mb.bss_end_addr = KLUDGE_ADDR + 0x100;
	EXPECT_EQ(0, load(multiboot1_load, &image, sizeof(image)));
	EXPECT_EQ(0xee, get(KLUDGE_ADDR + 15, 1));
	EXPECT_TRUE(holds(KLUDGE_ADDR + 16, &image.mb, 64));
	EXPECT_EQ(0, get(KLUDGE_ADDR + 80, 8));
	EXPECT_EQ(0, get(KLUDGE_ADDR + 0xff, 1));
	EXPECT_EQ(0xee, get(KLUDGE_ADDR + 0x100, 1));
}

static void modules(void)
{
	struct elf_mb_image image = elf_make();
	u64 list;

	boot_reset(MIB(8));
	req.module_count = 2;
	req.modules[0] = (struct boot_module){ { (const u8 *)"abc", 3 }, "mod1 x" };
	req.modules[1] = (struct boot_module){ { (const u8 *)"defg", 4 }, "mod2" };
	EXPECT_EQ(0, load(multiboot1_load, &image, sizeof(image)));
	EXPECT_EQ(2, get(BOOT_INFO + 20, 4));
	list = get(BOOT_INFO + 24, 4);
	EXPECT_EQ(ELF_PADDR + ELF_MEMSZ, get(list, 4));
	EXPECT_EQ(ELF_PADDR + ELF_MEMSZ + 3, get(list + 4, 4));
	EXPECT_TRUE(holds(get(list, 4), "abc", 3));
	EXPECT_TRUE(holds(get(list + 8, 4), "mod1 x", 7));
	EXPECT_EQ(0, get(list + 16, 4) % 4096);
	EXPECT_TRUE(holds(get(list + 16, 4), "defg", 4));
	EXPECT_TRUE(holds(get(list + 24, 4), "mod2", 5));
}

static void header_flags(void)
{
	static const struct { u32 flags; const char *why; } rows[] = {
		{ 0, NULL }, { 1, NULL }, { 3, NULL }, { 0x20000, NULL },
		{ 7, "video" }, { 8, "unknown" }, { 0x8000, "unknown" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct elf_mb_image image = elf_make();

		unit_context("flags 0x%x", rows[i].flags);
		image.mb.flags = rows[i].flags;
		seal(&image.mb);
		boot_reset(MIB(8));
		EXPECT_EQ(rows[i].why ? -EINVAL : 0,
			  load(multiboot1_load, &image, sizeof(image)));
		if (rows[i].why)
			EXPECT_TRUE(refused_for(rows[i].why));
	}
}

/* The header lies within the first 8192 bytes, on a multiple of four. */
static void header_position(void)
{
	static const struct { u32 at; bool found; } rows[] = {
		{ 0, true }, { 4, true }, { 6, false }, { 8180, true }, { 8184, false },
	};
	struct elf_mb_image image = elf_make();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u8 *file = calloc(1, 9000);
		struct blob blob = { file, 9000 };

		unit_context("at %u", rows[i].at);
		memcpy(file + rows[i].at, &image.mb, 12);
		EXPECT_EQ(rows[i].found, multiboot1_probe(&blob));
		/* Cut off behind the header is fine, in it is not. */
		blob.len = rows[i].at + 12;
		EXPECT_EQ(rows[i].found, multiboot1_probe(&blob));
		blob.len--;
		EXPECT_FALSE(multiboot1_probe(&blob));
		free(file);
	}
}

static void bad_checksum(void)
{
	struct elf_mb_image image = elf_make();
	struct blob blob = { (const u8 *)&image, sizeof(image) };

	EXPECT_TRUE(multiboot1_probe(&blob));
	image.mb.checksum++;
	EXPECT_FALSE(multiboot1_probe(&blob));
	boot_reset(MIB(8));
	EXPECT_EQ(-EINVAL, load(multiboot1_load, &image, sizeof(image)));
}

static void bad_kludge_fields(void)
{
	static const struct bad_field fields[] = {
		{ "header before load", MB(header_addr), 4, KLUDGE_ADDR - 4, "header_addr" },
		{ "header too far", MB(header_addr), 4, KLUDGE_ADDR + 17, "header_addr" },
		{ "load_addr wraps", MB(load_addr), 4, 0xfffffff0, "header_addr" },
		{ "load_end in the header", MB(load_end_addr), 4, KLUDGE_ADDR + 16, "load_end" },
		{ "load_end at the end", MB(load_end_addr), 4, KLUDGE_ADDR + 112, NULL },
		{ "load_end beyond", MB(load_end_addr), 4, KLUDGE_ADDR + 113, "load_end" },
		{ "load_end far", MB(load_end_addr), 4, 0xffffffff, "load_end" },
		{ "bss_end early", MB(bss_end_addr), 4, KLUDGE_ADDR + 111, "bss_end" },
		{ "bss_end same", MB(bss_end_addr), 4, KLUDGE_ADDR + 112, NULL },
		{ "bss_end beyond memory", MB(bss_end_addr), 4, 0xffffffff, "--mem" },
		{ "entry before", MB(entry_addr), 4, KLUDGE_ADDR - 1, "entry_addr" },
		{ "entry at the end", MB(entry_addr), 4, KLUDGE_ADDR + 111, NULL },
		{ "entry behind", MB(entry_addr), 4, KLUDGE_ADDR + 112, "entry_addr" },
	};
	struct kludge_image image = kludge_make();

	boot_reset(MIB(8));
	each_bad_field(multiboot1_load, &image, sizeof(image), fields, ARRAY_SIZE(fields));
	/* In the way of the boot information and of the BIOS. */
	image.mb.header_addr = 0x2010;
	image.mb.load_addr = 0x2000;
	image.mb.entry_addr = 0x2030;
	EXPECT_EQ(-EINVAL, load(multiboot1_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("boot information"));
	image.mb.header_addr = 0xf0010;
	image.mb.load_addr = 0xf0000;
	image.mb.entry_addr = 0xf0030;
	EXPECT_EQ(-EINVAL, load(multiboot1_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("BIOS"));
}

static void bad_elf(void)
{
	static const struct bad_field fields[] = {
		{ "no ELF", 0, 1, 0, "as ELF" },
		{ "entry in no segment", ELF32(eh.e_entry), 4, 0x10, "entry point" },
		{ "entry behind", ELF32(eh.e_entry), 4, ELF_VADDR + ELF_MEMSZ, "entry point" },
		{ "paddr", ELF32(ph[0].p_paddr), 4, 0xfffff000, "--mem" },
		{ "filesz", ELF32(ph[0].p_filesz), 4, ELF_MEMSZ, "cut off" },
	};
	struct elf_mb_image image = elf_make();

	boot_reset(MIB(8));
	each_bad_field(multiboot1_load, &image, sizeof(image), fields, ARRAY_SIZE(fields));
}

static void truncations(void)
{
	struct kludge_image image = kludge_make();
	struct elf_mb_image elf_image = elf_make();

	boot_reset(MIB(8));
	/* Without an end address in the header the code must only reach the entry. */
	each_truncation(multiboot1_load, &image, sizeof(image), 49);
	/* The search for the header goes as far as its three fixed words. */
	each_truncation(multiboot1_load, &elf_image, sizeof(elf_image),
			sizeof(elf_image.elf) + 12);
}

static const struct unit_test tests[] = {
	UNIT_TEST(elf),
	UNIT_TEST(kludge),
	UNIT_TEST(kludge_parts),
	UNIT_TEST(modules),
	UNIT_TEST(header_flags),
	UNIT_TEST(header_position),
	UNIT_TEST(bad_checksum),
	UNIT_TEST(bad_kludge_fields),
	UNIT_TEST(bad_elf),
	UNIT_TEST(truncations),
};

UNIT_MAIN(tests)
