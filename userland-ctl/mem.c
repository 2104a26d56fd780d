// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory: allocation, bounds-checked access, memory map. */
#include "mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int mem_alloc(struct mem *mem, u64 size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	mem->host = p;
	mem->low = size < MEM_LOW_MAX ? size : MEM_LOW_MAX;
	mem->high = size - mem->low;
	return 0;
}

void mem_free(struct mem *mem)
{
	munmap(mem->host, mem->low + mem->high);
	memset(mem, 0, sizeof(*mem));
}

static bool within(u64 gpa, u64 len, u64 base, u64 size)
{
	return gpa >= base && gpa - base <= size && len <= size - (gpa - base);
}

void *mem_ptr(const struct mem *mem, u64 gpa, u64 len)
{
	if (within(gpa, len, 0, mem->low))
		return mem->host + gpa;
	if (within(gpa, len, MEM_HIGH_BASE, mem->high))
		return mem->host + mem->low + (gpa - MEM_HIGH_BASE);
	return NULL;
}

bool mem_write(const struct mem *mem, u64 gpa, const void *data, u64 len)
{
	void *p = mem_ptr(mem, gpa, len);

	if (p && len)
		memcpy(p, data, len);
	return p;
}

bool mem_zero(const struct mem *mem, u64 gpa, u64 len)
{
	void *p = mem_ptr(mem, gpa, len);

	if (p && len)
		memset(p, 0, len);
	return p;
}

unsigned int mem_map(const struct mem *mem, struct mem_range map[MEM_MAP_MAX])
{
	unsigned int n = 0;

	map[n++] = (struct mem_range){ 0, MEM_EBDA, MEM_RAM };
	map[n++] = (struct mem_range){ MEM_EBDA, MEM_VGA - MEM_EBDA, MEM_RESERVED };
	map[n++] = (struct mem_range){ MEM_BIOS, MEM_1M - MEM_BIOS, MEM_RESERVED };
	map[n++] = (struct mem_range){ MEM_1M, mem->low - MEM_1M, MEM_RAM };
	if (mem->high)
		map[n++] = (struct mem_range){ MEM_HIGH_BASE, mem->high, MEM_RAM };
	return n;
}
