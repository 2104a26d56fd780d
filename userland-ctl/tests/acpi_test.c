// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: from the RSDP on every table is found, sums up to zero, and iasl
 * disassembles and compiles it again without an error or warning.
 */
#include "acpi.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#define RSDP_XSDT	24
#define TABLE_LENGTH	4
#define HEADER_LEN	36
#define FADT_X_DSDT	140

static struct mem mem;
#define DIR_TEMPLATE	"/tmp/kite-acpi-XXXXXX"
static char dir[sizeof(DIR_TEMPLATE)] = DIR_TEMPLATE;

static u64 read_le(u64 addr, unsigned int width)
{
	u64 value = 0;

	memcpy(&value, mem_ptr(&mem, addr, width), width);
	return value;
}

static u8 sum(u64 addr, u64 len)
{
	const u8 *p = mem_ptr(&mem, addr, len);
	u8 total = 0;

	while (len--)
		total += *p++;
	return total;
}

static int run(const char *fmt, const char *name)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), fmt, dir, name, name, name);
	return system(cmd);
}

/* iasl -d warns of what the table means; iasl -we makes a warning an error. */
static void through_iasl(u64 addr, const char *name)
{
	u64 len = read_le(addr + TABLE_LENGTH, 4);
	char path[64];
	FILE *f;

	unit_context("%s", name);
	EXPECT_TRUE(!memcmp(mem_ptr(&mem, addr, 4), name, 4));
	EXPECT_EQ(0, sum(addr, len));
	snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	f = fopen(path, "w");
	EXPECT_TRUE(f);
	if (!f)
		return;
	EXPECT_EQ(len, fwrite(mem_ptr(&mem, addr, len), 1, len, f));
	fclose(f);
	EXPECT_EQ(0, run("cd %s && iasl -d %s.dat >%s.log 2>&1", name));
	EXPECT_TRUE(run("cd %s && grep -iE 'error|warning|invalid|unknown' %s.log %s.dsl", name));
	EXPECT_EQ(0, run("cd %s && iasl -we %s.dsl >%s.again 2>&1 || { cat %s.again; false; }",
			 name));
}

/*
 * Every entry of the MADT: one I/O APIC, the timer's other input there, and the local APICs 0 to
 * @cpus - 1 in order.
 */
static void madt_entries(u64 madt, unsigned int cpus)
{
	u64 at, end = madt + read_le(madt + TABLE_LENGTH, 4);
	unsigned int lapics = 0, ioapics = 0, overrides = 0;

	unit_context("%u vCPUs", cpus);
	EXPECT_EQ(0xfee00000, read_le(madt + HEADER_LEN, 4));
	EXPECT_EQ(1, read_le(madt + HEADER_LEN + 4, 4));	/* 8259s */
	for (at = madt + HEADER_LEN + 8; at < end; at += read_le(at + 1, 1)) {
		if (read_le(at, 1) == 0) {
			EXPECT_EQ(8, read_le(at + 1, 1));
			EXPECT_EQ(lapics, read_le(at + 2, 1));	/* processor */
			EXPECT_EQ(lapics, read_le(at + 3, 1));	/* APIC ID */
			EXPECT_EQ(1, read_le(at + 4, 4));	/* enabled */
			lapics++;
			continue;
		}
		if (read_le(at, 1) == 2) {
			EXPECT_EQ(10, read_le(at + 1, 1));
			/* IRQ 0 of the ISA bus, then 9 as the SCI */
			EXPECT_EQ(overrides ? 9 << 8 : 0, read_le(at + 2, 2));
			EXPECT_EQ(overrides ? 9 : 2, read_le(at + 4, 4));
			EXPECT_EQ(overrides ? 0x0d : 0, read_le(at + 8, 2));
			overrides++;
			continue;
		}
		EXPECT_EQ(1, read_le(at, 1));
		EXPECT_EQ(12, read_le(at + 1, 1));
		EXPECT_EQ(cpus < 16 ? cpus : 0, read_le(at + 2, 1));
		EXPECT_EQ(0xfec00000, read_le(at + 4, 4));
		EXPECT_EQ(0, read_le(at + 8, 4));		/* first GSI */
		ioapics++;
	}
	EXPECT_EQ(end, at);
	EXPECT_EQ(cpus, lapics);
	EXPECT_EQ(1, ioapics);
	EXPECT_EQ(2, overrides);
}

static void tables(unsigned int cpus)
{
	u64 rsdp, xsdt, fadt, madt;

	memset(mem_ptr(&mem, MEM_BIOS, MEM_1M - MEM_BIOS), 0xaa, MEM_1M - MEM_BIOS);
	rsdp = acpi_build(&mem, cpus);
	EXPECT_EQ(MEM_BIOS, rsdp);
	if (!rsdp)
		return;
	EXPECT_TRUE(!memcmp(mem_ptr(&mem, rsdp, 8), "RSD PTR ", 8));
	EXPECT_EQ(0, sum(rsdp, 20));
	EXPECT_EQ(0, sum(rsdp, 36));
	xsdt = read_le(rsdp + RSDP_XSDT, 8);
	EXPECT_EQ(HEADER_LEN + 2 * 8, read_le(xsdt + TABLE_LENGTH, 4));
	fadt = read_le(xsdt + HEADER_LEN, 8);
	madt = read_le(xsdt + HEADER_LEN + 8, 8);
	through_iasl(xsdt, "XSDT");
	through_iasl(fadt, "FACP");
	through_iasl(madt, "APIC");
	through_iasl(read_le(fadt + FADT_X_DSDT, 8), "DSDT");
	madt_entries(madt, cpus);
}

static void one_cpu(void)
{
	tables(1);
}

static void many_cpus(void)
{
	tables(15);
	tables(16);
	tables(64);
}

static void too_many(void)
{
	unit_context("%s", "");
	EXPECT_EQ(0, acpi_build(&mem, 1000000));
}

static void fixed_values(void)
{
	u64 rsdp = acpi_build(&mem, 1);
	u64 fadt = read_le(read_le(rsdp + RSDP_XSDT, 8) + HEADER_LEN, 8);
	u64 facs = read_le(fadt + 36, 4);

	/* RESET_REG_SUP, not HW_REDUCED_ACPI */
	EXPECT_EQ(BIT(10), read_le(fadt + 112, 4) & (BIT(20) | BIT(10)));
	EXPECT_EQ(0, facs % 64);
	EXPECT_TRUE(!memcmp(mem_ptr(&mem, facs, 4), "FACS", 4));
	EXPECT_EQ(64, read_le(facs + 4, 4));
	/* SCI; PM1 event, PM1 control, PM timer, in both forms; no SMI command */
	EXPECT_EQ(9, read_le(fadt + 46, 2));
	EXPECT_EQ(0, read_le(fadt + 48, 4));
	EXPECT_EQ(0x610, read_le(fadt + 56, 4));
	EXPECT_EQ(0x614, read_le(fadt + 64, 4));
	EXPECT_EQ(0x618, read_le(fadt + 76, 4));
	EXPECT_EQ(0x04000204, read_le(fadt + 88, 4));
	EXPECT_EQ(0x610, read_le(fadt + 148 + 4, 8));
	EXPECT_EQ(0x614, read_le(fadt + 172 + 4, 8));
	EXPECT_EQ(0x618, read_le(fadt + 208 + 4, 8));
	/* no VGA, no 8042, with a CMOS clock */
	EXPECT_EQ(BIT(2), read_le(fadt + 109, 2) & (BIT(1) | BIT(2) | BIT(5)));
	EXPECT_EQ(0xcf9, read_le(fadt + 116 + 4, 8));
	EXPECT_EQ(0x06, read_le(fadt + 128, 1));
	EXPECT_EQ(0x600, read_le(fadt + 244 + 4, 8));
	EXPECT_EQ(0x601, read_le(fadt + 256 + 4, 8));
}

static const struct unit_test tests[] = {
	UNIT_TEST(one_cpu),
	UNIT_TEST(many_cpus),
	UNIT_TEST(too_many),
	UNIT_TEST(fixed_values),
};

int main(void)
{
	char cmd[64];
	int ret;

	if (!mkdtemp(dir) || mem_alloc(&mem, MEM_MIN, NULL, NULL)) {
		perror("acpi_test");
		return 1;
	}
	ret = unit_run(tests, ARRAY_SIZE(tests));
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd) || ret;
}
