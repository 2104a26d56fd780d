// SPDX-License-Identifier: GPL-2.0-only
/* Contract: what a file is follows from the file; what is none of them is refused with the list. */
#include "boot_util.h"

static const char *detect(const void *data, u64 len)
{
	const struct boot_format *format;

	memset(&req, 0, sizeof(req));
	req.kernel = blob_of(data, len);
	format = boot_detect(&req);
	blob_drop(&req.kernel);
	return format ? format->name : NULL;
}

static bool is(const char *got, const char *want)
{
	if (!got || !want)
		return got == want;
	return !strcmp(got, want);
}

static void bzimage(void)
{
	struct bz_image image = bz_make();

	EXPECT_TRUE(is(detect(&image, sizeof(image)), "Linux bzImage"));
	bz_header(&image)->header = 0;
	EXPECT_TRUE(is(detect(&image, sizeof(image)), NULL));
	image = bz_make();
	bz_header(&image)->boot_flag = 0;
	EXPECT_TRUE(is(detect(&image, sizeof(image)), NULL));
}

static void elf_kinds(void)
{
	struct { struct elf32_image elf; u32 mb[3]; } image = { elf32_make(), { 0 } };

	EXPECT_TRUE(is(detect(&image, sizeof(image)), "PVH ELF"));
	image.mb[0] = 0x1badb002;
	image.mb[2] = -0x1badb002;
	/* Both: PVH tells the guest more. */
	EXPECT_TRUE(is(detect(&image, sizeof(image)), "PVH ELF"));
	image.elf.note.head.n_type = 0;
	EXPECT_TRUE(is(detect(&image, sizeof(image)), "Multiboot"));
	image.mb[2]++;
	EXPECT_TRUE(is(detect(&image, sizeof(image)), NULL));
}

static void none(void)
{
	static const char *const files[] = { "", "x", "\177ELF", "#!/bin/sh\necho hello\n" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		unit_context("file %u", i);
		EXPECT_TRUE(is(detect(files[i], strlen(files[i])), NULL));
		EXPECT_TRUE(refused_for("HdrS"));
		EXPECT_TRUE(refused_for("PVH"));
		EXPECT_TRUE(refused_for("Multiboot"));
		EXPECT_TRUE(refused_for("--flat-mode"));
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(bzimage),
	UNIT_TEST(elf_kinds),
	UNIT_TEST(none),
};

UNIT_MAIN(tests)
