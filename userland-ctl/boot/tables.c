// SPDX-License-Identifier: GPL-2.0-only
/* The descriptor table, page tables and command line that loaders put into low memory. */
#include "boot/boot.h"

#include <string.h>

#define PTE_PRESENT	BIT_ULL(0)
#define PTE_WRITE	BIT_ULL(1)
#define PTE_LARGE	BIT_ULL(7)
#define TABLE_ENTRIES	512

/* Flat segments, accessed bit set: base 0, limit 4 GiB. */
#define GDT_CODE32	0x00cf9b000000ffffull
#define GDT_CODE64	0x00af9b000000ffffull
#define GDT_DATA	0x00cf93000000ffffull
#define GDT_TSS		0x00008b0000000067ull	/* busy, base 0, limit 0x67 */

static void put64(void *page, unsigned int index, u64 value)
{
	memcpy((u8 *)page + 8 * index, &value, sizeof(value));
}

static void write_gdt(u8 *gdt, enum cpu_mode mode)
{
	put64(gdt, BOOT_CODE_SEL / 8, mode == CPU_LONG ? GDT_CODE64 : GDT_CODE32);
	put64(gdt, BOOT_DATA_SEL / 8, GDT_DATA);
	put64(gdt, BOOT_TSS_SEL / 8, GDT_TSS);
}

/* The first 4 GiB one to one, in 2-MiB pages. */
static void write_page_tables(u8 *pml4, u8 *pdpt, u8 *pd)
{
	u64 i;

	put64(pml4, 0, BOOT_PDPT | PTE_PRESENT | PTE_WRITE);
	for (i = 0; i < 4; i++)
		put64(pdpt, i, (BOOT_PD + i * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE);
	for (i = 0; i < 4 * TABLE_ENTRIES; i++)
		put64(pd, i, i * MIB(2) | PTE_PRESENT | PTE_WRITE | PTE_LARGE);
}

int boot_tables(struct boot_request *req, const struct mem *mem, enum cpu_mode mode)
{
	u8 *page = mem_ptr(mem, BOOT_GDT, BOOT_TABLES_END - BOOT_GDT);

	if (!page)
		return boot_refuse(req, "no memory for the boot tables");
	write_gdt(page, mode);
	if (mode == CPU_LONG)
		write_page_tables(page + (BOOT_PML4 - BOOT_GDT), page + (BOOT_PDPT - BOOT_GDT),
				  page + (BOOT_PD - BOOT_GDT));
	return 0;
}

int boot_string(struct boot_request *req, const struct mem *mem, u64 *next, const char *str,
		u64 max)
{
	u64 len = strlen(str) + 1;

	if (len > max)
		return boot_refuse(req, "command line of %llu bytes, the kernel takes %llu",
				   len - 1, max - 1);
	if (len > BOOT_STRINGS_END - *next)
		return boot_refuse(req, "command lines of more than %u bytes",
				   BOOT_STRINGS_END - BOOT_STRINGS);
	if (!mem_write(mem, *next, str, len))
		return boot_refuse(req, "no memory for the command line");
	*next += len;
	return 0;
}

int boot_check_place(struct boot_request *req, const struct mem *mem, u64 addr, u64 len,
		     u64 low_end)
{
	if (!mem_ptr(mem, addr, len))
		return boot_refuse(req, "0x%llx bytes at 0x%llx are not all in memory, see --mem",
				   len, addr);
	if (addr < low_end && addr + len > BOOT_GDT)
		return boot_refuse(req,
				   "0x%llx bytes at 0x%llx hit the boot information at 0x%x to 0x%llx",
				   len, addr, BOOT_GDT, low_end - 1);
	if (addr < MEM_1M && addr + len > MEM_EBDA)
		return boot_refuse(req, "0x%llx bytes at 0x%llx hit the BIOS area at 0x%x to 0x%x",
				   len, addr, MEM_EBDA, MEM_1M - 1);
	return 0;
}

int boot_modules(struct boot_request *req, const struct mem *mem, u64 end,
		 u64 at[BOOT_MAX_MODULES])
{
	u64 next = align_up(end, PAGE_SIZE);
	unsigned int i;

	/* Not into the holes of the first MiB. */
	if (next < MEM_1M)
		next = MEM_1M;
	for (i = 0; i < req->module_count; i++) {
		const struct blob *file = &req->modules[i].file;

		if (!mem_write(mem, next, file->data, file->len))
			return boot_refuse(req,
					   "module %u of %llu bytes does not fit behind the kernel, see --mem",
					   i + 1, file->len);
		at[i] = next;
		next = align_up(next + file->len, PAGE_SIZE);
	}
	return 0;
}
