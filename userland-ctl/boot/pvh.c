// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ELF kernel by the PVH boot ABI of Xen: "x86/HVM direct boot ABI" in its
 * documentation, start_info.h in its public headers.
 */
#include "boot/elf.h"

#include <assert.h>
#include <linux/elf.h>
#include <string.h>

#define XEN_ELFNOTE_PHYS32_ENTRY	18
#define START_MAGIC			0x336ec578u
#define START_VERSION			1

struct hvm_start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modlist_paddr;
	u64 cmdline_paddr;
	u64 rsdp_paddr;
	u64 memmap_paddr;
	u32 memmap_entries;
	u32 reserved;
};

struct hvm_modlist_entry {
	u64 paddr;
	u64 size;
	u64 cmdline_paddr;
	u64 reserved;
};

struct hvm_memmap_table_entry {
	u64 addr;
	u64 size;
	u32 type;
	u32 reserved;
};

/* What BOOT_INFO holds. */
struct pvh_info {
	struct hvm_start_info start;
	struct hvm_modlist_entry modules[BOOT_MAX_MODULES];
	struct hvm_memmap_table_entry memmap[MEM_MAP_MAX];
};

static_assert(sizeof(struct pvh_info) <= BOOT_INFO_LEN, "PVH information fits its page");

static u64 note_pad(u32 size)
{
	return align_up((u64)size, 4);
}

/* One note at @at; moves *@at behind it. False when the notes end. */
static bool next_note(const struct blob *notes, u64 *at, struct elf32_note *nh, const u8 **name,
		      const u8 **desc)
{
	u64 left = notes->len - *at;
	u64 size;

	if (left < sizeof(*nh))
		return false;
	memcpy(nh, notes->data + *at, sizeof(*nh));
	size = sizeof(*nh) + note_pad(nh->n_namesz) + note_pad(nh->n_descsz);
	if (size > left)
		return false;
	*name = notes->data + *at + sizeof(*nh);
	*desc = *name + note_pad(nh->n_namesz);
	*at += size;
	return true;
}

static bool find_in_notes(const struct blob *notes, u64 *entry)
{
	const u8 *name, *desc;
	struct elf32_note nh;
	u64 at = 0;

	while (next_note(notes, &at, &nh, &name, &desc)) {
		if (nh.n_type != XEN_ELFNOTE_PHYS32_ENTRY || nh.n_namesz != sizeof("Xen") ||
		    memcmp(name, "Xen", sizeof("Xen")))
			continue;
		/* The address is as wide as the ELF class; both are little-endian. */
		if (nh.n_descsz != 4 && nh.n_descsz != 8)
			return false;
		*entry = 0;
		memcpy(entry, desc, nh.n_descsz);
		return true;
	}
	return false;
}

static bool find_entry(const struct elf *elf, u64 *entry)
{
	struct elf_segment seg;
	struct blob notes;
	u32 i;

	for (i = 0; i < elf->phnum; i++) {
		elf_segment(elf, i, &seg);
		if (seg.type == PT_NOTE && elf_segment_data(elf, &seg, &notes) &&
		    find_in_notes(&notes, entry))
			return true;
	}
	return false;
}

bool pvh_probe(const struct blob *file)
{
	struct elf elf;
	u64 entry;

	return !elf_open(&elf, file) && find_entry(&elf, &entry);
}

static int fill_modules(struct boot_request *req, const struct mem *mem, struct pvh_info *info,
			u64 end, u64 *strings)
{
	u64 at[BOOT_MAX_MODULES];
	unsigned int i;
	int ret = boot_modules(req, mem, end, at);

	for (i = 0; !ret && i < req->module_count; i++) {
		info->modules[i] = (struct hvm_modlist_entry){
			.paddr = at[i],
			.size = req->modules[i].file.len,
			.cmdline_paddr = *strings,
		};
		ret = boot_string(req, mem, strings, req->modules[i].cmdline,
				  BOOT_STRINGS_END - BOOT_STRINGS);
	}
	return ret;
}

static void fill_memmap(struct pvh_info *info, const struct mem *mem)
{
	struct mem_range map[MEM_MAP_MAX];
	unsigned int i, n = mem_map(mem, map);

	for (i = 0; i < n; i++)
		info->memmap[i] = (struct hvm_memmap_table_entry){
			.addr = map[i].start, .size = map[i].len, .type = map[i].type,
		};
	info->start.memmap_entries = n;
}

int pvh_load(struct boot_request *req, const struct mem *mem, struct boot_entry *entry)
{
	u64 strings = BOOT_STRINGS;
	struct pvh_info info = {
		.start = {
			.magic = START_MAGIC,
			.version = START_VERSION,
			.nr_modules = req->module_count,
			.modlist_paddr = BOOT_INFO + offsetof(struct pvh_info, modules),
			.cmdline_paddr = BOOT_STRINGS,
			.rsdp_paddr = req->rsdp,
			.memmap_paddr = BOOT_INFO + offsetof(struct pvh_info, memmap),
		},
	};
	const char *wrong;
	struct elf elf;
	u64 end, rip;
	int ret;

	wrong = elf_open(&elf, &req->kernel);
	if (wrong)
		return boot_refuse(req, "ELF: %s", wrong);
	if (!find_entry(&elf, &rip))
		return boot_refuse(req, "ELF: no note XEN_ELFNOTE_PHYS32_ENTRY");
	if (rip >= GIB(4) || !mem_ptr(mem, rip, 1))
		return boot_refuse(req, "PVH: entry point 0x%llx is not in memory", rip);
	ret = elf_load(req, mem, &elf, &end);
	if (!ret)
		ret = boot_string(req, mem, &strings, req->cmdline,
				  BOOT_STRINGS_END - BOOT_STRINGS);
	if (!ret)
		ret = fill_modules(req, mem, &info, end, &strings);
	if (!ret)
		ret = boot_tables(req, mem, CPU_PROTECTED);
	if (ret)
		return ret;
	fill_memmap(&info, mem);
	mem_write(mem, BOOT_INFO, &info, sizeof(info));
	*entry = (struct boot_entry){ .mode = CPU_PROTECTED, .rip = rip, .rbx = BOOT_INFO };
	return 0;
}
