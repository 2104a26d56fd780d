/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF executables for x86, 32 and 64 bits, as boot images. */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include "boot/boot.h"

struct elf {
	const struct blob *file;
	bool is64;
	u64 entry;
	u64 phoff;
	u32 phnum;
};

struct elf_segment {
	u32 type;
	u64 offset;
	u64 vaddr;
	u64 paddr;
	u64 filesz;
	u64 memsz;
};

bool elf_probe(const struct blob *file);
/* Returns NULL, or what is wrong with the headers. */
const char *elf_open(struct elf *elf, const struct blob *file);
/* Segment @i, below @elf->phnum. */
void elf_segment(const struct elf *elf, u32 i, struct elf_segment *seg);
/* The bytes of a segment in the file; false when they are not all there. */
bool elf_segment_data(const struct elf *elf, const struct elf_segment *seg, struct blob *data);
/* Loads all segments by physical address; *@end gets the end of the highest one. */
int elf_load(struct boot_request *req, const struct mem *mem, const struct elf *elf, u64 *end);

#endif
