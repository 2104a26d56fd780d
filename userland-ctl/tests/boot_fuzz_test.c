// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: no file, however broken, makes detection or a loader touch memory
 * that is not its own. Mutations come from a fixed seed, so a failure repeats.
 */
#include "boot_util.h"

#define ROUNDS		200000
#define MAX_LEN		4096

static u64 seed = 0x9e3779b97f4a7c15ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static const u64 interesting[] = {
	0, 1, 4, 0x1f, 0x7f, 0x80, 0xff, 0xfff, 0x1000, 0x7fff, 0x8000, 0xffff, 0x9fc00, 0xa0000,
	0x100000, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff, 0x100000000ull, ~0ull, ~0xfffull,
};

static void mutate(u8 *data, u64 *len)
{
	unsigned int n = rnd() % 6;

	while (n--) {
		unsigned int width = 1u << rnd() % 4;
		u64 at = rnd() % *len;
		u64 value = rnd() % 2 ? rnd() : interesting[rnd() % ARRAY_SIZE(interesting)];

		if (width > *len - at)
			width = *len - at;
		memcpy(data + at, &value, width);
	}
	if (rnd() % 8 == 0)
		*len = rnd() % *len + 1;
}

static void load_any(const u8 *data, u64 len, unsigned int *accepted)
{
	/* Those that may be given any file; bzimage_load() counts on its probe. */
	static const struct boot_format any[] = {
		{ .load = pvh_load }, { .load = multiboot1_load }, { .load = flat_real_load },
		{ .load = flat_protected_load }, { .load = flat_long_load },
	};
	const struct boot_format *format;

	req.kernel = blob_of(data, len);
	req.flat_addr = rnd() % 2 ? rnd() : rnd() % MIB(9);
	format = boot_detect(&req);
	if (!format)
		format = &any[rnd() % ARRAY_SIZE(any)];
	*accepted += !format->load(&req, &mem, &entry);
	blob_drop(&req.kernel);
}

static void fuzz(const void *image, u64 size)
{
	unsigned int i, accepted = 0;
	u8 data[MAX_LEN];
	u64 len;

	boot_reset(MIB(24));
	req.cmdline = "fuzz";
	for (i = 0; i < ROUNDS; i++) {
		memcpy(data, image, size);
		len = size;
		mutate(data, &len);
		req.module_count = rnd() % 3;
		req.modules[0] = (struct boot_module){ { (const u8 *)"module", 6 }, "m" };
		req.modules[1] = req.modules[0];
		load_any(data, len, &accepted);
	}
	/* Neither all nor nothing: the mutations reach the inside of the loaders. */
	EXPECT_TRUE(accepted > ROUNDS / 100);
	EXPECT_TRUE(accepted < ROUNDS);
}

static void fuzz_bzimage(void)
{
	struct bz_image image = bz_make();

	fuzz(&image, sizeof(image));
}

static void fuzz_elf(void)
{
	struct elf32_image image = elf32_make();

	fuzz(&image, sizeof(image));
}

static void fuzz_multiboot(void)
{
	struct {
		u32 mb[8];
		u8 code[64];
	} image = {
		{ 0x1badb002, 0x10003, -(0x1badb002 + 0x10003), 0x200000, 0x200000, 0, 0,
		  0x200020 },
		{ 0 },
	};

	fuzz(&image, sizeof(image));
}

static void fuzz_multiboot_elf(void)
{
	struct {
		struct elf32_image elf;
		u32 mb[3];
	} image = { elf32_make(), { 0x1badb002, 3, -(0x1badb002 + 3) } };

	image.elf.note.head.n_type = 0;
	fuzz(&image, sizeof(image));
}

static const struct unit_test tests[] = {
	UNIT_TEST(fuzz_bzimage),
	UNIT_TEST(fuzz_elf),
	UNIT_TEST(fuzz_multiboot),
	UNIT_TEST(fuzz_multiboot_elf),
};

UNIT_MAIN(tests)
