// SPDX-License-Identifier: GPL-2.0-only
/* Reading and loading ELF executables. */
#include "boot/elf.h"

#include <linux/elf.h>
#include <string.h>

bool elf_probe(const struct blob *file)
{
	return file->len >= EI_NIDENT && !memcmp(file->data, ELFMAG, SELFMAG);
}

static const char *open32(struct elf *elf, const struct blob *file)
{
	struct elf32_hdr eh;

	if (file->len < sizeof(eh))
		return "cut off in its header";
	memcpy(&eh, file->data, sizeof(eh));
	if (eh.e_machine != EM_386)
		return "not for x86";
	if (eh.e_type != ET_EXEC)
		return "not an executable with fixed addresses";
	if (eh.e_phentsize != sizeof(struct elf32_phdr))
		return "program headers of unknown size";
	elf->entry = eh.e_entry;
	elf->phoff = eh.e_phoff;
	elf->phnum = eh.e_phnum;
	return NULL;
}

static const char *open64(struct elf *elf, const struct blob *file)
{
	struct elf64_hdr eh;

	if (file->len < sizeof(eh))
		return "cut off in its header";
	memcpy(&eh, file->data, sizeof(eh));
	if (eh.e_machine != EM_X86_64)
		return "not for x86";
	if (eh.e_type != ET_EXEC)
		return "not an executable with fixed addresses";
	if (eh.e_phentsize != sizeof(struct elf64_phdr))
		return "program headers of unknown size";
	elf->entry = eh.e_entry;
	elf->phoff = eh.e_phoff;
	elf->phnum = eh.e_phnum;
	return NULL;
}

const char *elf_open(struct elf *elf, const struct blob *file)
{
	const char *wrong;
	u64 size;

	if (!elf_probe(file))
		return "not an ELF file";
	if (file->data[EI_DATA] != ELFDATA2LSB)
		return "not little-endian";
	if (file->data[EI_CLASS] != ELFCLASS32 && file->data[EI_CLASS] != ELFCLASS64)
		return "neither 32 nor 64 bits";
	elf->file = file;
	elf->is64 = file->data[EI_CLASS] == ELFCLASS64;
	wrong = elf->is64 ? open64(elf, file) : open32(elf, file);
	if (wrong)
		return wrong;
	if (!elf->phnum)
		return "no program headers";
	size = elf->is64 ? sizeof(struct elf64_phdr) : sizeof(struct elf32_phdr);
	size *= elf->phnum;
	if (elf->phoff > file->len || size > file->len - elf->phoff)
		return "cut off in its program headers";
	return NULL;
}

void elf_segment(const struct elf *elf, u32 i, struct elf_segment *seg)
{
	const u8 *p = elf->file->data + elf->phoff;
	struct elf32_phdr ph32;
	struct elf64_phdr ph64;

	if (elf->is64) {
		memcpy(&ph64, p + i * sizeof(ph64), sizeof(ph64));
		*seg = (struct elf_segment){
			ph64.p_type, ph64.p_offset, ph64.p_vaddr, ph64.p_paddr, ph64.p_filesz,
			ph64.p_memsz,
		};
	} else {
		memcpy(&ph32, p + i * sizeof(ph32), sizeof(ph32));
		*seg = (struct elf_segment){
			ph32.p_type, ph32.p_offset, ph32.p_vaddr, ph32.p_paddr, ph32.p_filesz,
			ph32.p_memsz,
		};
	}
}

bool elf_segment_data(const struct elf *elf, const struct elf_segment *seg, struct blob *data)
{
	if (seg->offset > elf->file->len || seg->filesz > elf->file->len - seg->offset)
		return false;
	data->data = elf->file->data + seg->offset;
	data->len = seg->filesz;
	return true;
}

static int load_segment(struct boot_request *req, const struct mem *mem, const struct elf *elf,
			const struct elf_segment *seg)
{
	struct blob data;
	int ret;

	if (!elf_segment_data(elf, seg, &data))
		return boot_refuse(req,
				   "ELF: cut off, a segment of 0x%llx bytes at 0x%llx is not all there",
				   seg->filesz, seg->offset);
	if (seg->filesz > seg->memsz)
		return boot_refuse(req,
				   "ELF: segment with 0x%llx bytes in the file and 0x%llx in memory",
				   seg->filesz, seg->memsz);
	ret = boot_check_place(req, mem, seg->paddr, seg->memsz, BOOT_STRINGS_END);
	if (ret)
		return ret;
	mem_write(mem, seg->paddr, data.data, data.len);
	mem_zero(mem, seg->paddr + data.len, seg->memsz - data.len);
	return 0;
}

int elf_load(struct boot_request *req, const struct mem *mem, const struct elf *elf, u64 *end)
{
	struct elf_segment seg;
	u32 i;
	int ret;

	*end = 0;
	for (i = 0; i < elf->phnum; i++) {
		elf_segment(elf, i, &seg);
		if (seg.type != PT_LOAD || !seg.memsz)
			continue;
		ret = load_segment(req, mem, elf, &seg);
		if (ret)
			return ret;
		if (seg.paddr + seg.memsz > *end)
			*end = seg.paddr + seg.memsz;
	}
	if (!*end)
		return boot_refuse(req, "ELF: nothing to load");
	return 0;
}
