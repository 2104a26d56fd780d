// SPDX-License-Identifier: GPL-2.0-only
/* Flat binaries: bytes at an address, run from the first one in a given mode. */
#include "boot/boot.h"

static int flat_load(struct boot_request *req, const struct mem *mem, struct boot_entry *entry,
		     enum cpu_mode mode)
{
	u64 addr = req->flat_addr;
	u64 len = req->kernel.len;
	int ret;

	if (!len)
		return boot_refuse(req, "the file is empty");
	ret = boot_check_place(req, mem, addr, len, mode == CPU_REAL ? 0 : BOOT_TABLES_END);
	if (ret)
		return ret;
	if (mode != CPU_REAL)
		ret = boot_tables(req, mem, mode);
	if (ret)
		return ret;
	mem_write(mem, addr, req->kernel.data, len);
	*entry = (struct boot_entry){ .mode = mode, .rip = addr };
	return 0;
}

int flat_real_load(struct boot_request *req, const struct mem *mem, struct boot_entry *entry)
{
	if (req->flat_addr >= MEM_1M)
		return boot_refuse(req,
				   "0x%llx is out of reach of real mode, use an address below 1 MiB",
				   req->flat_addr);
	return flat_load(req, mem, entry, CPU_REAL);
}

int flat_protected_load(struct boot_request *req, const struct mem *mem, struct boot_entry *entry)
{
	if (req->flat_addr >= GIB(4))
		return boot_refuse(req,
				   "0x%llx is out of reach of protected mode, use an address below 4 GiB",
				   req->flat_addr);
	return flat_load(req, mem, entry, CPU_PROTECTED);
}

int flat_long_load(struct boot_request *req, const struct mem *mem, struct boot_entry *entry)
{
	/* boot_tables() maps no more. */
	if (req->flat_addr >= GIB(4))
		return boot_refuse(req, "0x%llx is not mapped at start, use an address below 4 GiB",
				   req->flat_addr);
	return flat_load(req, mem, entry, CPU_LONG);
}
