// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables: the ACPI Specification 6.3, chapter "ACPI Software Programming
 * Model". The DSDT comes from acpi/dsdt.asl.
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
#define ACCESS_WORD		2
#define ACCESS_DWORD		3

#define FADT_REVISION		6
#define FADT_MINOR		3
#define FADT_WBINVD		BIT(0)
#define FADT_PROC_C1		BIT(2)
#define FADT_NO_PWR_BUTTON	BIT(4)
#define FADT_NO_SLP_BUTTON	BIT(5)
#define FADT_FIX_RTC		BIT(6)	/* its wake-up is not among the fixed events */
#define FADT_TMR_VAL_EXT	BIT(8)
#define FADT_RESET_REG_SUP	BIT(10)
#define NO_C2			101	/* latencies that say there is no such state */
#define NO_C3			1001
#define BOOT_LEGACY_DEVICES	BIT(0)
#define BOOT_NO_VGA		BIT(2)
#define RTC_CENTURY		0x32

#define MADT_REVISION		5
#define MADT_LAPIC		0
#define MADT_IOAPIC		1
#define MADT_OVERRIDE		2
#define LAPIC_ENABLED		BIT(0)
#define HIGH_LEVEL		0x000d	/* active high, level triggered */
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
	u8 reserved0;
	u8 profile;
	u16 sci;
	u32 smi_cmd;		/* 0: ACPI mode cannot be left */
	u8 smi_values[4];
	u32 pm1a_event;
	u32 pm1b_event;
	u32 pm1a_control;
	u32 pm1b_control;
	u32 pm2_control;
	u32 pm_timer;
	u32 gpe[2];
	u8 pm1_event_len;
	u8 pm1_control_len;
	u8 pm2_control_len;
	u8 pm_timer_len;
	u8 gpe_info[4];
	u16 c2_latency;
	u16 c3_latency;
	u8 flush_and_duty[6];
	u8 day_alarm;
	u8 month_alarm;
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
	struct gas x_pm1a_event;
	struct gas x_pm1b_event;
	struct gas x_pm1a_control;
	struct gas x_pm1b_control;
	struct gas x_pm2_control;
	struct gas x_pm_timer;
	struct gas x_gpe[2];
	struct gas sleep_control;
	struct gas sleep_status;
	char hypervisor[8];
} __packed;

static_assert(offsetof(struct fadt, century) == 108, "FADT layout");
static_assert(offsetof(struct fadt, sleep_control) == 244, "FADT layout");
static_assert(sizeof(struct fadt) == 276, "FADT of revision 6");

struct facs {
	char signature[4];
	u32 length;
	u32 hardware_signature;
	u32 waking_vector;
	u32 global_lock;
	u32 flags;
	u64 x_waking_vector;
	u8 version;
	u8 reserved[31];
} __packed;

static_assert(sizeof(struct facs) == 64, "FACS of version 2");

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
	struct madt_override sci;
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

static struct gas io(u64 port, u8 bytes, u8 access)
{
	return (struct gas){ SPACE_IO, 8 * bytes, 0, access, port };
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

static u64 build_facs(struct cursor *c)
{
	u64 addr;
	struct facs *f = alloc(c, sizeof(*f), &addr);

	if (!f)
		return 0;
	memcpy(f->signature, "FACS", sizeof(f->signature));
	f->length = sizeof(*f);
	f->version = 2;
	return addr;
}

static void fixed_hardware(struct fadt *f)
{
	f->sci = ACPI_SCI;
	f->pm1a_event = ACPI_PM1_EVENT;
	f->pm1_event_len = ACPI_PM1_EVENT_LEN;
	f->x_pm1a_event = io(ACPI_PM1_EVENT, ACPI_PM1_EVENT_LEN, ACCESS_WORD);
	f->pm1a_control = ACPI_PM1_CONTROL;
	f->pm1_control_len = ACPI_PM1_CONTROL_LEN;
	f->x_pm1a_control = io(ACPI_PM1_CONTROL, ACPI_PM1_CONTROL_LEN, ACCESS_WORD);
	f->pm_timer = ACPI_PM_TIMER;
	f->pm_timer_len = ACPI_PM_TIMER_LEN;
	f->x_pm_timer = io(ACPI_PM_TIMER, ACPI_PM_TIMER_LEN, ACCESS_DWORD);
	f->c2_latency = NO_C2;
	f->c3_latency = NO_C3;
}

static u64 build_fadt(struct cursor *c, u64 facs, u64 dsdt)
{
	u64 addr;
	struct fadt *f = alloc(c, sizeof(*f), &addr);

	if (!f)
		return 0;
	fixed_hardware(f);
	f->facs = facs;
	f->dsdt = dsdt;
	f->x_dsdt = dsdt;
	f->century = RTC_CENTURY;
	f->boot_arch = BOOT_LEGACY_DEVICES | BOOT_NO_VGA;
	f->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_PWR_BUTTON | FADT_NO_SLP_BUTTON |
		   FADT_FIX_RTC | FADT_TMR_VAL_EXT | FADT_RESET_REG_SUP;
	f->reset_reg = io(CF9_PORT, 1, ACCESS_BYTE);
	f->reset_value = CF9_RESET;
	f->minor_version = FADT_MINOR;
	f->sleep_control = io(ACPI_SLEEP_CONTROL, 1, ACCESS_BYTE);
	f->sleep_status = io(ACPI_SLEEP_STATUS, 1, ACCESS_BYTE);
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
	m->sci = (struct madt_override){
		MADT_OVERRIDE, sizeof(m->sci), 0, ACPI_SCI, ACPI_SCI, HIGH_LEVEL,
	};
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
	u64 rsdp, facs, dsdt, fadt, madt, xsdt;
	/* First in the area that guests without a boot protocol search. */
	struct rsdp *r = alloc(&c, sizeof(*r), &rsdp);

	dsdt = build_dsdt(&c);
	facs = build_facs(&c);
	fadt = build_fadt(&c, facs, dsdt);
	madt = build_madt(&c, cpus);
	xsdt = build_xsdt(&c, fadt, madt);
	if (!r || !facs || !dsdt || !fadt || !madt || !xsdt)
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
