// SPDX-License-Identifier: GPL-2.0-only
/* Contract: a PVH kernel finds hvm_start_info as the ABI says, and a bad ELF is refused. */
#include "boot_util.h"

static void loads(void)
{
	struct elf32_image image = elf32_make();
	u64 memmap;

	boot_reset(MIB(8));
	req.cmdline = "hello";
	memset(mem_ptr(&mem, ELF_PADDR, ELF_MEMSZ), 0xee, ELF_MEMSZ);
	EXPECT_EQ(0, load(pvh_load, &image, sizeof(image)));
	EXPECT_EQ(CPU_PROTECTED, entry.mode);
	EXPECT_EQ(ELF_PADDR + 0x20, entry.rip);
	EXPECT_EQ(BOOT_INFO, entry.rbx);
	EXPECT_TRUE(holds(ELF_PADDR, image.code, ELF_CODE_LEN));
	EXPECT_EQ(0, get(ELF_PADDR + ELF_CODE_LEN, 8));
	EXPECT_EQ(0, get(ELF_PADDR + ELF_MEMSZ - 8, 8));
	EXPECT_EQ(0x336ec578, get(BOOT_INFO, 4));
	EXPECT_EQ(1, get(BOOT_INFO + 4, 4));
	EXPECT_EQ(0, get(BOOT_INFO + 12, 4));
	EXPECT_TRUE(holds(get(BOOT_INFO + 24, 8), "hello", 6));
	EXPECT_EQ(MEM_BIOS, get(BOOT_INFO + 32, 8));
	EXPECT_EQ(4, get(BOOT_INFO + 48, 4));
	memmap = get(BOOT_INFO + 40, 8);
	EXPECT_EQ(0, get(memmap, 8));
	EXPECT_EQ(MEM_EBDA, get(memmap + 8, 8));
	EXPECT_EQ(1, get(memmap + 16, 4));
	EXPECT_EQ(MIB(1), get(memmap + 3 * 24, 8));
	EXPECT_EQ(MIB(7), get(memmap + 3 * 24 + 8, 8));
}

static void modules(void)
{
	struct elf32_image image = elf32_make();
	u64 list, first, second;

	boot_reset(MIB(8));
	req.module_count = 2;
	req.modules[0] = (struct boot_module){ { (const u8 *)"one", 3 }, "first arg" };
	req.modules[1] = (struct boot_module){ { (const u8 *)"seven77", 7 }, "second" };
	EXPECT_EQ(0, load(pvh_load, &image, sizeof(image)));
	EXPECT_EQ(2, get(BOOT_INFO + 12, 4));
	list = get(BOOT_INFO + 16, 8);
	first = get(list, 8);
	second = get(list + 32, 8);
	EXPECT_EQ(ELF_PADDR + ELF_MEMSZ, first);
	EXPECT_EQ(first + 4096, second);
	EXPECT_TRUE(holds(first, "one", 3));
	EXPECT_TRUE(holds(second, "seven77", 7));
	EXPECT_EQ(3, get(list + 8, 8));
	EXPECT_TRUE(holds(get(list + 16, 8), "first arg", 10));
	EXPECT_TRUE(holds(get(list + 32 + 16, 8), "second", 7));
	req.modules[1].file.len = MIB(8);
	EXPECT_EQ(-EINVAL, load(pvh_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("module 2"));
	req.modules[1].file.len = ~0ull;
	EXPECT_EQ(-EINVAL, load(pvh_load, &image, sizeof(image)));
}

static void wide_entry(void)
{
	struct elf32_image image = elf32_make();
	struct { struct elf32_image image; u32 high; } wide = { image, 0 };

	wide.image.note.head.n_descsz = 8;
	wide.image.ph[1].p_filesz += 4;
	boot_reset(MIB(8));
	EXPECT_EQ(0, load(pvh_load, &wide, sizeof(wide)));
	EXPECT_EQ(ELF_PADDR + 0x20, entry.rip);
	wide.high = 1;
	EXPECT_EQ(-EINVAL, load(pvh_load, &wide, sizeof(wide)));
	EXPECT_TRUE(refused_for("entry point"));
}

/* A file of another class by the same rules. */
static void elf64(void)
{
	struct {
		struct elf64_hdr eh;
		struct elf64_phdr ph[2];
		u8 code[ELF_CODE_LEN];
		struct elf_note_image note;
	} image = {
		.eh = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_phoff = sizeof(struct elf64_hdr),
			.e_phentsize = sizeof(struct elf64_phdr),
			.e_phnum = 2,
		},
		.note = elf32_make().note,
	};

	image.ph[0] = (struct elf64_phdr){
		.p_type = PT_LOAD, .p_offset = (u8 *)image.code - (u8 *)&image,
		.p_vaddr = 0xffffffff80000000ull, .p_paddr = ELF_PADDR,
		.p_filesz = ELF_CODE_LEN, .p_memsz = ELF_MEMSZ,
	};
	image.ph[1] = (struct elf64_phdr){
		.p_type = PT_NOTE, .p_offset = (u8 *)&image.note - (u8 *)&image,
		.p_filesz = sizeof(image.note),
	};
	boot_reset(MIB(8));
	EXPECT_EQ(0, load(pvh_load, &image, sizeof(image)));
	EXPECT_EQ(ELF_PADDR + 0x20, entry.rip);
	image.ph[0].p_paddr = ~0ull - 10;
	EXPECT_EQ(-EINVAL, load(pvh_load, &image, sizeof(image)));
	image.ph[0].p_paddr = ELF_PADDR;
	image.ph[0].p_memsz = ~0ull;
	EXPECT_EQ(-EINVAL, load(pvh_load, &image, sizeof(image)));
	image.ph[0].p_memsz = ELF_MEMSZ;
	image.ph[0].p_offset = ~0ull;
	EXPECT_EQ(-EINVAL, load(pvh_load, &image, sizeof(image)));
	image.ph[0].p_offset = 0;
	image.eh.e_phoff = ~0ull - 8;
	EXPECT_EQ(-EINVAL, load(pvh_load, &image, sizeof(image)));
}

static void bad_fields(void)
{
	static const struct bad_field fields[] = {
		{ "magic", 0, 1, 0, "not an ELF" },
		{ "class", 4, 1, 3, "64 bits" },
		{ "byte order", 5, 1, ELFDATA2MSB, "little-endian" },
		{ "type", ELF32(eh.e_type), 2, ET_DYN, "fixed addresses" },
		{ "machine", ELF32(eh.e_machine), 2, EM_ARM, "x86" },
		{ "phentsize", ELF32(eh.e_phentsize), 2, 56, "unknown size" },
		{ "phnum 0", ELF32(eh.e_phnum), 2, 0, "no program headers" },
		{ "phnum", ELF32(eh.e_phnum), 2, 0xffff, "program headers" },
		{ "phoff", ELF32(eh.e_phoff), 4, 0xffffffff, "program headers" },
		{ "offset", ELF32(ph[0].p_offset), 4, 0xffffffff, "cut off" },
		{ "filesz", ELF32(ph[0].p_filesz), 4, 0xffffffff, "cut off" },
		{ "filesz above memsz", ELF32(ph[0].p_memsz), 4, ELF_CODE_LEN - 1, "in memory" },
		{ "memsz 0", ELF32(ph[0].p_memsz), 4, 0, "nothing to load" },
		{ "memsz", ELF32(ph[0].p_memsz), 4, 0xffffffff, "--mem" },
		{ "paddr", ELF32(ph[0].p_paddr), 4, 0xfffffff0, "--mem" },
		{ "paddr in the way", ELF32(ph[0].p_paddr), 4, BOOT_INFO, "boot information" },
		{ "paddr before it", ELF32(ph[0].p_paddr), 4, 0xff0, "boot information" },
		{ "paddr in the BIOS", ELF32(ph[0].p_paddr), 4, 0xf0000, "BIOS" },
		{ "paddr low but free", ELF32(ph[0].p_paddr), 4, 0x40000, NULL },
		{ "no segment", ELF32(ph[0].p_type), 4, PT_NULL, "nothing to load" },
		{ "no note", ELF32(ph[1].p_type), 4, PT_NULL, "PHYS32_ENTRY" },
		{ "note cut off", ELF32(ph[1].p_filesz), 4, 19, "PHYS32_ENTRY" },
		{ "note outside", ELF32(ph[1].p_offset), 4, 0xffffffff, "PHYS32_ENTRY" },
		{ "note type", ELF32(note.head.n_type), 4, 17, "PHYS32_ENTRY" },
		{ "note name", ELF32(note.name), 1, 'Z', "PHYS32_ENTRY" },
		{ "note name size", ELF32(note.head.n_namesz), 4, 0xffffffff, "PHYS32_ENTRY" },
		{ "note value size", ELF32(note.head.n_descsz), 4, 0xffffffff, "PHYS32_ENTRY" },
		{ "note value size 2", ELF32(note.head.n_descsz), 4, 2, "PHYS32_ENTRY" },
		{ "entry outside", ELF32(note.entry), 4, 0xfffffff0, "entry point" },
	};
	struct elf32_image image = elf32_make();

	boot_reset(MIB(8));
	each_bad_field(pvh_load, &image, sizeof(image), fields, ARRAY_SIZE(fields));
}

static void truncations(void)
{
	struct elf32_image image = elf32_make();

	boot_reset(MIB(8));
	each_truncation(pvh_load, &image, sizeof(image), sizeof(image));
}

static void command_line_limit(void)
{
	struct elf32_image image = elf32_make();
	char *line = calloc(1, 0x10001);

	boot_reset(MIB(8));
	memset(line, 'x', 0xffff);
	req.cmdline = line;
	EXPECT_EQ(0, load(pvh_load, &image, sizeof(image)));
	/* No room is left for the module's. */
	req.module_count = 1;
	req.modules[0] = (struct boot_module){ { (const u8 *)"m", 1 }, "" };
	EXPECT_EQ(-EINVAL, load(pvh_load, &image, sizeof(image)));
	EXPECT_TRUE(refused_for("command line"));
	free(line);
}

static const struct unit_test tests[] = {
	UNIT_TEST(loads),
	UNIT_TEST(modules),
	UNIT_TEST(wide_entry),
	UNIT_TEST(elf64),
	UNIT_TEST(bad_fields),
	UNIT_TEST(truncations),
	UNIT_TEST(command_line_limit),
};

UNIT_MAIN(tests)
