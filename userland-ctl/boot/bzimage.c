// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Linux bzImage by the 64-bit boot protocol: the kernel's documentation, "The
 * Linux/x86 Boot Protocol".
 */
#include "boot/boot.h"

#include <asm/bootparam.h>
#include <string.h>

#define SECTOR			512u
#define HDR_OFFSET		offsetof(struct boot_params, hdr)
#define HDR_END_MAX		offsetof(struct boot_params, edd_mbr_sig_buffer)
#define JUMP_OFFSET		offsetof(struct boot_params, hdr.jump)
#define HDR_MAGIC		0x53726448u	/* "HdrS" */
#define BOOT_FLAG		0xaa55
#define PROTOCOL_MIN		0x020c		/* the first with xloadflags */
#define DEFAULT_SETUP_SECTS	4
#define ENTRY64			0x200u
#define LOADER_UNDEFINED	0xff
#define VID_MODE_NORMAL		0xffff

static u64 hdr_end(const u8 *data)
{
	/* The short jump at 0x200 leads over the rest of the header. */
	return JUMP_OFFSET + 2 + data[JUMP_OFFSET + 1];
}

bool bzimage_probe(const struct blob *file)
{
	u16 flag;
	u32 magic;

	if (file->len < JUMP_OFFSET + 6)
		return false;
	memcpy(&flag, file->data + offsetof(struct boot_params, hdr.boot_flag), sizeof(flag));
	memcpy(&magic, file->data + offsetof(struct boot_params, hdr.header), sizeof(magic));
	return flag == BOOT_FLAG && magic == HDR_MAGIC;
}

static int read_header(struct boot_request *req, struct setup_header *hdr)
{
	const struct blob *file = &req->kernel;
	u64 end = hdr_end(file->data);

	if (end > HDR_END_MAX)
		end = HDR_END_MAX;
	if (end > file->len)
		return boot_refuse(req, "bzImage: cut off in its setup header");
	memset(hdr, 0, sizeof(*hdr));
	if (end > HDR_OFFSET + sizeof(*hdr))
		end = HDR_OFFSET + sizeof(*hdr);
	memcpy(hdr, file->data + HDR_OFFSET, end - HDR_OFFSET);
	return 0;
}

static int check_header(struct boot_request *req, const struct setup_header *hdr)
{
	if (hdr->version < PROTOCOL_MIN)
		return boot_refuse(req,
				   "bzImage: boot protocol %u.%02u, Kite needs 2.12 (Linux 3.8) or later",
				   hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return boot_refuse(req, "bzImage: a zImage, which loads below 1 MiB");
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return boot_refuse(req,
				   "bzImage: no 64-bit entry point (XLF_KERNEL_64), not an x86-64 kernel");
	if (!hdr->kernel_alignment || (hdr->kernel_alignment & (hdr->kernel_alignment - 1)))
		return boot_refuse(req, "bzImage: kernel_alignment 0x%x is not a power of two",
				   hdr->kernel_alignment);
	if (!hdr->cmdline_size)
		return boot_refuse(req, "bzImage: cmdline_size is 0");
	return 0;
}

/* The protected-mode part: what follows the setup sectors. */
static int find_code(struct boot_request *req, const struct setup_header *hdr, struct blob *code)
{
	u32 sects = hdr->setup_sects ? hdr->setup_sects : DEFAULT_SETUP_SECTS;
	u64 setup = (u64)(sects + 1) * SECTOR;
	u64 wanted = (u64)hdr->syssize * 16;

	if (setup >= req->kernel.len)
		return boot_refuse(req, "bzImage: cut off in its %u setup sectors", sects);
	code->data = req->kernel.data + setup;
	code->len = req->kernel.len - setup;
	/* syssize counts units of 16 bytes; a signature may follow. */
	if (wanted > align_up(code->len, 16))
		return boot_refuse(req, "bzImage: cut off, %llu of %llu bytes of code are there",
				   code->len, wanted);
	if (code->len > wanted)
		code->len = wanted;
	if (code->len <= ENTRY64)
		return boot_refuse(req, "bzImage: %llu bytes of code hold no 64-bit entry point",
				   code->len);
	return 0;
}

/* Where the kernel wants to be, or the lowest aligned place when memory ends before that. */
static int find_place(struct boot_request *req, const struct mem *mem,
		      const struct setup_header *hdr, u64 need, u64 *load)
{
	u64 aligned = align_up((u64)MEM_1M, hdr->kernel_alignment);

	*load = hdr->pref_address;
	if (*load >= MEM_1M && mem_ptr(mem, *load, need) && *load < mem->low)
		return 0;
	if (!hdr->relocatable_kernel)
		return boot_refuse(req,
				   "bzImage: needs 0x%llx bytes at 0x%llx and is not relocatable, see --mem",
				   need, hdr->pref_address);
	*load = aligned;
	if (aligned < mem->low && need <= mem->low - aligned)
		return 0;
	return boot_refuse(req, "bzImage: needs 0x%llx bytes from 0x%llx, see --mem", need,
			   aligned);
}

static int place_initrd(struct boot_request *req, const struct mem *mem, struct boot_params *bp,
			u64 kernel_end)
{
	const struct blob *initrd = &req->modules[0].file;
	u64 top = (u64)bp->hdr.initrd_addr_max + 1;
	u64 addr;

	if (!req->module_count)
		return 0;
	if (req->module_count > 1)
		return boot_refuse(req, "bzImage: Linux takes one --initrd and no --module");
	if (top > mem->low)
		top = mem->low;
	addr = initrd->len <= top ? align_down(top - initrd->len, PAGE_SIZE) : 0;
	if (addr < kernel_end)
		return boot_refuse(req,
				   "bzImage: initrd of %llu bytes does not fit between 0x%llx and 0x%llx, see --mem",
				   initrd->len, kernel_end, top);
	mem_write(mem, addr, initrd->data, initrd->len);
	bp->hdr.ramdisk_image = addr;
	bp->hdr.ramdisk_size = initrd->len;
	return 0;
}

static void fill_e820(struct boot_params *bp, const struct mem *mem)
{
	struct mem_range map[MEM_MAP_MAX];
	unsigned int i, n = mem_map(mem, map);

	for (i = 0; i < n; i++)
		bp->e820_table[i] = (struct boot_e820_entry){
			map[i].start, map[i].len, map[i].type,
		};
	bp->e820_entries = n;
}

static int fill_zero_page(struct boot_request *req, const struct mem *mem, struct boot_params *bp,
			  u64 load, u64 need)
{
	u64 next = BOOT_STRINGS;
	int ret;

	ret = boot_string(req, mem, &next, req->cmdline, (u64)bp->hdr.cmdline_size + 1);
	if (!ret)
		ret = place_initrd(req, mem, bp, load + need);
	if (ret)
		return ret;
	bp->hdr.type_of_loader = LOADER_UNDEFINED;
	bp->hdr.vid_mode = VID_MODE_NORMAL;
	bp->hdr.cmd_line_ptr = BOOT_STRINGS;
	bp->hdr.code32_start = load;
	bp->acpi_rsdp_addr = req->rsdp;
	fill_e820(bp, mem);
	return 0;
}

int bzimage_load(struct boot_request *req, const struct mem *mem, struct boot_entry *entry)
{
	struct boot_params bp = { 0 };
	struct blob code = { 0 };
	u64 need, load;
	int ret;

	ret = read_header(req, &bp.hdr);
	if (!ret)
		ret = check_header(req, &bp.hdr);
	if (!ret)
		ret = find_code(req, &bp.hdr, &code);
	if (ret)
		return ret;
	need = bp.hdr.init_size > code.len ? bp.hdr.init_size : code.len;
	ret = find_place(req, mem, &bp.hdr, need, &load);
	if (!ret)
		ret = fill_zero_page(req, mem, &bp, load, need);
	if (!ret)
		ret = boot_tables(req, mem, CPU_LONG);
	if (ret)
		return ret;
	mem_write(mem, load, code.data, code.len);
	mem_write(mem, BOOT_INFO, &bp, sizeof(bp));
	*entry = (struct boot_entry){
		.mode = CPU_LONG, .rip = load + ENTRY64, .rsi = BOOT_INFO,
	};
	return 0;
}
