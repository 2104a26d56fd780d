// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables for a hardware-reduced machine: the ACPI Specification 6.3,
 * chapter "ACPI Software Programming Model". The DSDT comes from acpi/dsdt.asl.
 */
#include "acpi.h"

#include "dev/pit.h"
#include "dsdt.hex"		/* dsdt_aml_code[], made by iasl */

#include <assert.h>
#include <string.h>

#define LAPIC_ADDR		0xfee00000u
#define IOAPIC_ADDR		0xfec00000u
#define TABLE_ALIGN		64

#define SPACE_IO		1
#define ACCESS_BYTE		1

#define FADT_REVISION		6
#define FADT_MINOR		3
#define FADT_WBINVD		BIT(0)
#define FADT_PROC_C1		BIT(2)
#define FADT_NO_PWR_BUTTON	BIT(4)
#define FADT_NO_SLP_BUTTON	BIT(5)
#define FADT_RESET_REG_SUP	BIT(10)
#define FADT_HW_REDUCED		BIT(20)
#define BOOT_LEGACY_DEVICES	BIT(0)
#define BOOT_NO_VGA		BIT(2)
#define RTC_CENTURY		0x32

#define MADT_REVISION		5
#define MADT_LAPIC		0
#define MADT_IOAPIC		1
#define MADT_OVERRIDE		2
#define LAPIC_ENABLED		BIT(0)
#define PCAT_COMPAT		BIT(0)	/* there is a pair of 8259As too */
#define IOAPIC_ID_MAX		15

struct rsdp {
	char signature[8];
	u8 checksum;		/* of the first 20 bytes */
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;

#define RSDP_V1_LEN	20

struct table_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __packed;

struct gas {
	u8 space;
	u8 bit_width;
	u8 bit_offset;
	u8 access_size;
	u64 address;
} __packed;

struct xsdt {
	struct table_header header;
	u64 entry[2];
} __packed;

struct fadt {
	struct table_header header;
	u32 facs;
	u32 dsdt;
	u8 fixed_hardware_1[64];	/* absent in a hardware-reduced machine */
	u8 century;
	u16 boot_arch;
	u8 reserved;
	u32 flags;
	struct gas reset_reg;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor_version;
	u64 x_facs;
	u64 x_dsdt;
	struct gas fixed_hardware_2[8];	/* absent likewise */
	struct gas sleep_control;
	struct gas sleep_status;
	char hypervisor[8];
} __packed;

static_assert(offsetof(struct fadt, century) == 108, "FADT layout");
static_assert(offsetof(struct fadt, sleep_control) == 244, "FADT layout");
static_assert(sizeof(struct fadt) == 276, "FADT of revision 6");

struct madt_ioapic {
	u8 type;
	u8 length;
	u8 id;
	u8 reserved;
	u32 address;
	u32 gsi_base;
} __packed;

struct madt_override {
	u8 type;
	u8 length;
	u8 bus;			/* 0: ISA */
	u8 irq;
	u32 gsi;
	u16 flags;		/* 0: polarity and trigger mode as on that bus */
} __packed;

struct madt_lapic {
	u8 type;
	u8 length;
	u8 processor;
	u8 apic_id;
	u32 flags;
} __packed;

struct madt {
	struct table_header header;
	u32 lapic_address;
	u32 flags;
	struct madt_ioapic ioapic;
	struct madt_override timer;
	struct madt_lapic lapic[];
} __packed;

/* Where the next table goes. */
struct cursor {
	const struct mem *mem;
	u64 next;
};

static u8 checksum(const void *data, u32 len)
{
	const u8 *p = data;
	u8 sum = 0;

	while (len--)
		sum += *p++;
	return -sum;
}

static void *alloc(struct cursor *c, u32 len, u64 *addr)
{
	void *p;

	*addr = c->next;
	if (c->next > MEM_BIOS_CODE || len > MEM_BIOS_CODE - c->next ||
	    !mem_zero(c->mem, c->next, len))
		return NULL;
	p = mem_ptr(c->mem, c->next, len);
	c->next = align_up(c->next + len, TABLE_ALIGN);
	return p;
}

static void seal(struct table_header *h, const char *signature, u32 len, u8 revision)
{
	memcpy(h->signature, signature, sizeof(h->signature));
	h->length = len;
	h->revision = revision;
	memcpy(h->oem_id, "KITE  ", sizeof(h->oem_id));
	memcpy(h->oem_table_id, "KITE    ", sizeof(h->oem_table_id));
	h->oem_revision = 1;
	memcpy(h->creator_id, "KITE", sizeof(h->creator_id));
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = checksum(h, len);
}

static struct gas io_byte(u64 port)
{
	return (struct gas){ SPACE_IO, 8, 0, ACCESS_BYTE, port };
}

static u64 build_dsdt(struct cursor *c)
{
	u64 addr;
	void *p = alloc(c, sizeof(dsdt_aml_code), &addr);

	if (!p)
		return 0;
	memcpy(p, dsdt_aml_code, sizeof(dsdt_aml_code));
	return addr;
}

static u64 build_fadt(struct cursor *c, u64 dsdt)
{
	u64 addr;
	struct fadt *f = alloc(c, sizeof(*f), &addr);

	if (!f)
		return 0;
	f->dsdt = dsdt;
	f->x_dsdt = dsdt;
	f->century = RTC_CENTURY;
	f->boot_arch = BOOT_LEGACY_DEVICES | BOOT_NO_VGA;
	f->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_PWR_BUTTON | FADT_NO_SLP_BUTTON |
		   FADT_RESET_REG_SUP | FADT_HW_REDUCED;
	f->reset_reg = io_byte(CF9_PORT);
	f->reset_value = CF9_RESET;
	f->minor_version = FADT_MINOR;
	f->sleep_control = io_byte(ACPI_SLEEP_CONTROL);
	f->sleep_status = io_byte(ACPI_SLEEP_STATUS);
	memcpy(f->hypervisor, "KITE", 4);
	seal(&f->header, "FACP", sizeof(*f), FADT_REVISION);
	return addr;
}

/* Behind the local APICs' IDs, so that no two APICs share one, while its four bits allow it. */
static u8 ioapic_id(unsigned int cpus)
{
	return cpus <= IOAPIC_ID_MAX ? cpus : 0;
}

static u64 build_madt(struct cursor *c, unsigned int cpus)
{
	u32 len = sizeof(struct madt) + cpus * sizeof(struct madt_lapic);
	unsigned int i;
	u64 addr;
	struct madt *m = alloc(c, len, &addr);

	if (!m)
		return 0;
	m->lapic_address = LAPIC_ADDR;
	m->ioapic = (struct madt_ioapic){
		MADT_IOAPIC, sizeof(m->ioapic), ioapic_id(cpus), 0, IOAPIC_ADDR, 0,
	};
	m->flags = PCAT_COMPAT;
	m->timer = (struct madt_override){ MADT_OVERRIDE, sizeof(m->timer), 0, 0, PIT_GSI, 0 };
	for (i = 0; i < cpus; i++)
		m->lapic[i] = (struct madt_lapic){
			MADT_LAPIC, sizeof(m->lapic[i]), i, i, LAPIC_ENABLED,
		};
	seal(&m->header, "APIC", len, MADT_REVISION);
	return addr;
}

static u64 build_xsdt(struct cursor *c, u64 fadt, u64 madt)
{
	u64 addr;
	struct xsdt *x = alloc(c, sizeof(*x), &addr);

	if (!x)
		return 0;
	x->entry[0] = fadt;
	x->entry[1] = madt;
	seal(&x->header, "XSDT", sizeof(*x), 1);
	return addr;
}

u64 acpi_build(const struct mem *mem, unsigned int cpus)
{
	struct cursor c = { mem, MEM_BIOS };
	u64 rsdp, dsdt, fadt, madt, xsdt;
	/* First in the area that guests without a boot protocol search. */
	struct rsdp *r = alloc(&c, sizeof(*r), &rsdp);

	dsdt = build_dsdt(&c);
	fadt = build_fadt(&c, dsdt);
	madt = build_madt(&c, cpus);
	xsdt = build_xsdt(&c, fadt, madt);
	if (!r || !dsdt || !fadt || !madt || !xsdt)
		return 0;
	memcpy(r->signature, "RSD PTR ", sizeof(r->signature));
	memcpy(r->oem_id, "KITE  ", sizeof(r->oem_id));
	r->revision = 2;
	r->length = sizeof(*r);
	r->xsdt = xsdt;
	r->checksum = checksum(r, RSDP_V1_LEN);
	r->extended_checksum = checksum(r, sizeof(*r));
	return rsdp;
}
