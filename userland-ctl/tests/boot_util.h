/* SPDX-License-Identifier: GPL-2.0-only */
/* Images for loader tests: built here, changed one field at a time. */
#ifndef BOOT_UTIL_H
#define BOOT_UTIL_H

#include <asm/bootparam.h>
#include <errno.h>
#include <linux/elf.h>
#include <stdlib.h>

#include "boot/boot.h"
#include "unit.h"

static struct mem mem;
static struct boot_request req;
static struct boot_entry entry;

/* A copy in a block of exactly its length, so that ASan sees every byte read beyond it. */
static inline struct blob blob_of(const void *data, u64 len)
{
	u8 *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	return (struct blob){ copy, len };
}

static inline void blob_drop(struct blob *blob)
{
	free((void *)blob->data);
	*blob = (struct blob){ 0 };
}

static inline void boot_reset(u64 size)
{
	if (mem.host)
		mem_free(&mem);
	EXPECT_EQ(0, mem_alloc(&mem, size, NULL, NULL));
	memset(&req, 0, sizeof(req));
	memset(&entry, 0, sizeof(entry));
	req.cmdline = "";
	req.rsdp = MEM_BIOS;
}

/* Loads @len bytes of @image in memory that is as it was. */
static inline int load(boot_load_fn *fn, const void *image, u64 len)
{
	int ret;

	req.kernel = blob_of(image, len);
	req.why[0] = '\0';
	ret = fn(&req, &mem, &entry);
	blob_drop(&req.kernel);
	/* A refusal has a reason, a success has none. */
	EXPECT_EQ(!!ret, req.why[0] != '\0');
	EXPECT_TRUE(ret == 0 || ret == -EINVAL);
	return ret;
}

static inline u64 get(u64 gpa, unsigned int width)
{
	u64 value = 0;
	void *p = mem_ptr(&mem, gpa, width);

	EXPECT_TRUE(p);
	if (p)
		memcpy(&value, p, width);
	return value;
}

static inline bool holds(u64 gpa, const void *data, u64 len)
{
	void *p = mem_ptr(&mem, gpa, len);

	return p && !memcmp(p, data, len);
}

static inline bool refused_for(const char *word)
{
	bool found = strstr(req.why, word);

	if (!found)
		printf("  # refused for \"%s\", not for \"%s\"\n", req.why, word);
	return found;
}

/* A field of an image that is bad once. */
struct bad_field {
	const char *what;
	u32 offset;
	u8 width;
	u64 value;
	const char *why;	/* a word of the refusal; NULL: it is accepted */
};

/* Loads @image with each field bad in turn. */
static inline void each_bad_field(boot_load_fn *fn, const void *image, u64 len,
				  const struct bad_field *fields, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct blob bad = blob_of(image, len);

		unit_context("%s", fields[i].what);
		memcpy((u8 *)bad.data + fields[i].offset, &fields[i].value, fields[i].width);
		EXPECT_EQ(fields[i].why ? -EINVAL : 0, load(fn, bad.data, bad.len));
		if (fields[i].why)
			EXPECT_TRUE(refused_for(fields[i].why));
		blob_drop(&bad);
	}
	unit_context("%s", "");
}

/* Loads every proper prefix of @image, which must all be refused, or accepted from @enough on. */
static inline void each_truncation(boot_load_fn *fn, const void *image, u64 len, u64 enough)
{
	u64 n;

	for (n = 0; n < len; n++) {
		unit_context("%llu bytes", n);
		EXPECT_EQ(n < enough ? -EINVAL : 0, load(fn, image, n));
	}
	unit_context("%s", "");
}

/* A bzImage: one setup sector, then CODE_LEN bytes of code. */
#define BZ_CODE_LEN	0x400
#define BZ_SETUP	1024

struct bz_image {
	u8 setup[BZ_SETUP];
	u8 code[BZ_CODE_LEN];
};

#define BZ(member)	(0x1f1 + offsetof(struct setup_header, member))

static inline struct setup_header *bz_header(struct bz_image *image)
{
	return (struct setup_header *)(image->setup + 0x1f1);
}

static inline struct bz_image bz_make(void)
{
	struct bz_image image = { 0 };
	unsigned int i;

	*bz_header(&image) = (struct setup_header){
		.setup_sects = 1,
		.syssize = BZ_CODE_LEN / 16,
		.boot_flag = 0xaa55,
		.jump = 0xeb | (0x26c - 0x202) << 8,
		.header = 0x53726448,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = MIB(2),
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = MIB(16),
		.init_size = MIB(4),
	};
	for (i = 0; i < BZ_CODE_LEN; i++)
		image.code[i] = i * 7;
	return image;
}

/* An ELF with one segment at 1 MiB and room for a note. */
#define ELF_CODE_LEN	64
#define ELF_PADDR	MIB(1)
#define ELF_VADDR	0xc0100000u
#define ELF_MEMSZ	0x3000

struct elf_note_image {
	struct elf32_note head;
	char name[4];
	u32 entry;
};

struct elf32_image {
	struct elf32_hdr eh;
	struct elf32_phdr ph[2];
	u8 code[ELF_CODE_LEN];
	struct elf_note_image note;
};

static inline struct elf32_image elf32_make(void)
{
	struct elf32_image image = {
		.eh = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = EV_CURRENT,
			.e_entry = ELF_VADDR + 0x10,
			.e_phoff = offsetof(struct elf32_image, ph),
			.e_ehsize = sizeof(struct elf32_hdr),
			.e_phentsize = sizeof(struct elf32_phdr),
			.e_phnum = 2,
		},
		.ph = {
			{
				.p_type = PT_LOAD,
				.p_offset = offsetof(struct elf32_image, code),
				.p_vaddr = ELF_VADDR,
				.p_paddr = ELF_PADDR,
				.p_filesz = ELF_CODE_LEN,
				.p_memsz = ELF_MEMSZ,
			}, {
				.p_type = PT_NOTE,
				.p_offset = offsetof(struct elf32_image, note),
				.p_filesz = sizeof(struct elf_note_image),
				.p_memsz = sizeof(struct elf_note_image),
			},
		},
		.note = {
			.head = { .n_namesz = 4, .n_descsz = 4, .n_type = 18 },
			.name = "Xen",
			.entry = ELF_PADDR + 0x20,
		},
	};
	unsigned int i;

	for (i = 0; i < ELF_CODE_LEN; i++)
		image.code[i] = 0x40 + i;
	return image;
}

#define ELF32(member)	offsetof(struct elf32_image, member)

#endif
