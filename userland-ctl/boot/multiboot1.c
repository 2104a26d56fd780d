// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernels with a Multiboot header, ELF or with the addresses in the header
 * ("a.out kludge"): the Multiboot Specification, version 0.6.96.
 */
#include "boot/elf.h"

#include <assert.h>
#include <linux/elf.h>
#include <string.h>

#define HEADER_MAGIC	0x1badb002u
#define LOADER_MAGIC	0x2badb002u
#define SEARCH_LEN	8192u

#define NEED_ALIGN	BIT(0)
#define NEED_MEMORY	BIT(1)
#define NEED_VIDEO	BIT(2)
#define NEED_MASK	0xffffu		/* a loader must refuse what it does not know here */
#define HAS_ADDRESSES	BIT(16)

#define INFO_MEMORY	BIT(0)
#define INFO_CMDLINE	BIT(2)
#define INFO_MODULES	BIT(3)
#define INFO_MEMMAP	BIT(6)
#define INFO_LOADER	BIT(9)

struct mb_header {
	u32 magic;
	u32 flags;
	u32 checksum;
	u32 header_addr;	/* these five with HAS_ADDRESSES only */
	u32 load_addr;
	u32 load_end_addr;
	u32 bss_end_addr;
	u32 entry_addr;
};

#define HEADER_MIN	offsetof(struct mb_header, header_addr)

struct mb_info {
	u32 flags;
	u32 mem_lower;
	u32 mem_upper;
	u32 boot_device;
	u32 cmdline;
	u32 mods_count;
	u32 mods_addr;
	u32 syms[4];
	u32 mmap_length;
	u32 mmap_addr;
	u32 drives_length;
	u32 drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 apm_table;
	u32 video[11];
};

struct mb_module {
	u32 start;
	u32 end;
	u32 string;
	u32 reserved;
};

struct mb_range {
	u32 size;		/* of what follows */
	u64 addr;
	u64 len;
	u32 type;
} __packed;

/* What BOOT_INFO holds. */
struct mb_page {
	struct mb_info info;
	struct mb_module modules[BOOT_MAX_MODULES];
	struct mb_range memmap[MEM_MAP_MAX];
	char loader[8];
};

static_assert(sizeof(struct mb_page) <= BOOT_INFO_LEN, "Multiboot information fits its page");

/* Fills @header, with zeroes where the file ends; returns its offset or -1. */
static long find_header(const struct blob *file, struct mb_header *header)
{
	u64 limit = file->len < SEARCH_LEN ? file->len : SEARCH_LEN;
	u64 at;

	for (at = 0; at + HEADER_MIN <= limit; at += 4) {
		u64 len = limit - at < sizeof(*header) ? limit - at : sizeof(*header);

		memset(header, 0, sizeof(*header));
		memcpy(header, file->data + at, len);
		if (header->magic != HEADER_MAGIC)
			continue;
		if ((u32)(header->magic + header->flags + header->checksum))
			continue;
		if ((header->flags & HAS_ADDRESSES) && len < sizeof(*header))
			continue;
		return at;
	}
	return -1;
}

bool multiboot1_probe(const struct blob *file)
{
	struct mb_header header;

	return find_header(file, &header) >= 0;
}

/* Sets *@end to the end of the image in memory and *@entry to the start of execution. */
static int load_by_header(struct boot_request *req, const struct mem *mem,
			  const struct mb_header *h, u64 at, u64 *end, u64 *entry)
{
	u64 before = (u64)h->header_addr - h->load_addr;
	u64 offset, len, size;
	int ret;

	if (h->header_addr < h->load_addr || before > at)
		return boot_refuse(req, "Multiboot: header_addr 0x%x does not fit load_addr 0x%x",
				   h->header_addr, h->load_addr);
	offset = at - before;
	len = req->kernel.len - offset;
	if (h->load_end_addr) {
		if (h->load_end_addr <= h->header_addr || h->load_end_addr - h->load_addr > len)
			return boot_refuse(req, "Multiboot: load_end_addr 0x%x is not in the file",
					   h->load_end_addr);
		len = h->load_end_addr - h->load_addr;
	}
	size = len;
	if (h->bss_end_addr) {
		if (h->bss_end_addr < h->load_addr + len)
			return boot_refuse(req,
					   "Multiboot: bss_end_addr 0x%x is before the end of the data",
					   h->bss_end_addr);
		size = h->bss_end_addr - h->load_addr;
	}
	if (h->entry_addr < h->load_addr || h->entry_addr - h->load_addr >= size)
		return boot_refuse(req, "Multiboot: entry_addr 0x%x is not in the image",
				   h->entry_addr);
	ret = boot_check_place(req, mem, h->load_addr, size, BOOT_STRINGS_END);
	if (ret)
		return ret;
	mem_write(mem, h->load_addr, req->kernel.data + offset, len);
	mem_zero(mem, h->load_addr + len, size - len);
	*end = h->load_addr + size;
	*entry = h->entry_addr;
	return 0;
}

/* The entry point of an ELF file is a virtual address; paging is off. */
static bool physical_entry(const struct elf *elf, u64 *entry)
{
	struct elf_segment seg;
	u32 i;

	for (i = 0; i < elf->phnum; i++) {
		elf_segment(elf, i, &seg);
		if (seg.type == PT_LOAD && elf->entry >= seg.vaddr &&
		    elf->entry - seg.vaddr < seg.memsz) {
			*entry = elf->entry - seg.vaddr + seg.paddr;
			return *entry < GIB(4);
		}
	}
	return false;
}

static int load_elf(struct boot_request *req, const struct mem *mem, u64 *end, u64 *entry)
{
	const char *wrong;
	struct elf elf;

	wrong = elf_open(&elf, &req->kernel);
	if (wrong)
		return boot_refuse(req, "Multiboot without addresses in its header, and as ELF: %s",
				   wrong);
	if (!physical_entry(&elf, entry))
		return boot_refuse(req,
				   "Multiboot: entry point 0x%llx is in no segment below 4 GiB",
				   elf.entry);
	return elf_load(req, mem, &elf, end);
}

static int fill_modules(struct boot_request *req, const struct mem *mem, struct mb_page *page,
			u64 end, u64 *strings)
{
	u64 at[BOOT_MAX_MODULES];
	unsigned int i;
	int ret = boot_modules(req, mem, end, at);

	for (i = 0; !ret && i < req->module_count; i++) {
		page->modules[i] = (struct mb_module){
			.start = at[i],
			.end = at[i] + req->modules[i].file.len,
			.string = *strings,
		};
		if (at[i] + req->modules[i].file.len >= GIB(4))
			return boot_refuse(req, "Multiboot: module %u is above 4 GiB", i + 1);
		ret = boot_string(req, mem, strings, req->modules[i].cmdline,
				  BOOT_STRINGS_END - BOOT_STRINGS);
	}
	return ret;
}

static void fill_info(struct boot_request *req, const struct mem *mem, struct mb_page *page)
{
	struct mem_range map[MEM_MAP_MAX];
	unsigned int i, n = mem_map(mem, map);

	for (i = 0; i < n; i++)
		page->memmap[i] = (struct mb_range){
			.size = sizeof(page->memmap[i]) - sizeof(page->memmap[i].size),
			.addr = map[i].start,
			.len = map[i].len,
			.type = map[i].type,
		};
	memcpy(page->loader, "kitectl", sizeof(page->loader));
	page->info = (struct mb_info){
		.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MEMMAP | INFO_LOADER,
		.mem_lower = MEM_EBDA >> 10,
		.mem_upper = (mem->low - MEM_1M) >> 10,
		.cmdline = BOOT_STRINGS,
		.mods_count = req->module_count,
		.mods_addr = BOOT_INFO + offsetof(struct mb_page, modules),
		.mmap_length = n * sizeof(page->memmap[0]),
		.mmap_addr = BOOT_INFO + offsetof(struct mb_page, memmap),
		.boot_loader_name = BOOT_INFO + offsetof(struct mb_page, loader),
	};
}

static int load_image(struct boot_request *req, const struct mem *mem, u64 *end, u64 *entry)
{
	struct mb_header header;
	long at = find_header(&req->kernel, &header);
	u32 unknown;

	if (at < 0)
		return boot_refuse(req, "Multiboot: no header");
	unknown = header.flags & NEED_MASK & ~(NEED_ALIGN | NEED_MEMORY | NEED_VIDEO);
	if (unknown)
		return boot_refuse(req, "Multiboot: asks for unknown features 0x%x", unknown);
	if (header.flags & NEED_VIDEO)
		return boot_refuse(req,
				   "Multiboot: asks for a video mode (bit 2), Kite has no video");
	if (header.flags & HAS_ADDRESSES)
		return load_by_header(req, mem, &header, at, end, entry);
	return load_elf(req, mem, end, entry);
}

int multiboot1_load(struct boot_request *req, const struct mem *mem, struct boot_entry *entry)
{
	struct mb_page page = { 0 };
	u64 strings = BOOT_STRINGS;
	u64 end = 0, rip = 0;
	int ret;

	ret = load_image(req, mem, &end, &rip);
	if (!ret)
		ret = boot_string(req, mem, &strings, req->cmdline,
				  BOOT_STRINGS_END - BOOT_STRINGS);
	if (!ret)
		ret = fill_modules(req, mem, &page, end, &strings);
	if (!ret)
		ret = boot_tables(req, mem, CPU_PROTECTED);
	if (ret)
		return ret;
	fill_info(req, mem, &page);
	mem_write(mem, BOOT_INFO, &page, sizeof(page));
	*entry = (struct boot_entry){
		.mode = CPU_PROTECTED, .rip = rip, .rax = LOADER_MAGIC, .rbx = BOOT_INFO,
	};
	return 0;
}
