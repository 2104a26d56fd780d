// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: a flat binary starts at its first byte, in the mode asked for, with
 * consistent state.
 */
#include "boot_util.h"

static const char code[] = "flat binary";

static int load_at(boot_load_fn *fn, u64 addr)
{
	boot_reset(MIB(8));
	req.flat_addr = addr;
	return load(fn, code, sizeof(code));
}

static struct kite_state state_of(void)
{
	struct kite_state state;

	memset(&state, 0xee, sizeof(state));
	cpu_state(&state, &entry);
	return state;
}

static void real_mode(void)
{
	struct kite_state s;

	EXPECT_EQ(0, load_at(flat_real_load, 0x7c00));
	EXPECT_TRUE(holds(0x7c00, code, sizeof(code)));
	s = state_of();
	EXPECT_EQ(0x7c0, s.segs.seg[KITE_CS].selector);
	EXPECT_EQ(0x7c00, s.segs.seg[KITE_CS].base);
	EXPECT_EQ(0, s.gprs.rip);
	EXPECT_EQ(0xffff, s.segs.seg[KITE_DS].limit);
	EXPECT_EQ(BOOT_STACK, s.segs.seg[KITE_SS].base + s.gprs.gpr[KITE_RSP]);
	EXPECT_EQ(s.segs.seg[KITE_SS].base, s.segs.seg[KITE_SS].selector << 4);
	EXPECT_EQ(0x10, s.crs.cr0);
	EXPECT_EQ(0, s.crs.efer);
	EXPECT_EQ(2, s.gprs.rflags);
	EXPECT_EQ(0x3ff, s.segs.idtr.limit);
	EXPECT_EQ(0, load_at(flat_real_load, 0x12345));
	s = state_of();
	EXPECT_EQ(0x12345, s.segs.seg[KITE_CS].base + s.gprs.rip);
}

static void protected_mode(void)
{
	struct kite_state s;

	EXPECT_EQ(0, load_at(flat_protected_load, MIB(1)));
	s = state_of();
	EXPECT_EQ(MIB(1), s.gprs.rip);
	EXPECT_EQ(0x11, s.crs.cr0);
	EXPECT_EQ(0, s.crs.cr4);
	EXPECT_EQ(0, s.crs.efer);
	EXPECT_EQ(0xc09b, s.segs.seg[KITE_CS].ar);
	EXPECT_EQ(0xffffffff, s.segs.seg[KITE_CS].limit);
	EXPECT_EQ(0xc093, s.segs.seg[KITE_SS].ar);
	EXPECT_EQ(0x8b, s.segs.seg[KITE_TR].ar);
	EXPECT_TRUE(s.segs.seg[KITE_LDTR].ar & KITE_SEG_UNUSABLE);
	EXPECT_EQ(BOOT_STACK, s.gprs.gpr[KITE_RSP]);
}

/* The hidden parts of the segments are what the descriptors in memory say. */
static void descriptors_match(struct kite_state *s)
{
	static const enum kite_seg segs[] = { KITE_CS, KITE_DS, KITE_SS, KITE_TR };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(segs); i++) {
		const struct kite_segment *seg = &s->segs.seg[segs[i]];
		u64 d = get(s->segs.gdtr.base + seg->selector, 8);
		u32 limit = (d & 0xffff) | (d >> 32 & 0xf0000);

		unit_context("segment %u", segs[i]);
		if (d >> 55 & 1)
			limit = limit << 12 | 0xfff;
		EXPECT_EQ(seg->base, (d >> 16 & 0xffffff) | (d >> 56) << 24);
		EXPECT_EQ(seg->limit, limit);
		EXPECT_EQ(seg->ar, (d >> 40) & 0xf0ff);
		EXPECT_TRUE(seg->selector + 7 <= s->segs.gdtr.limit);
	}
	unit_context("%s", "");
}

static void long_mode(void)
{
	struct kite_state s;

	EXPECT_EQ(0, load_at(flat_long_load, MIB(1)));
	s = state_of();
	EXPECT_EQ(MIB(1), s.gprs.rip);
	EXPECT_EQ(0x80000011, s.crs.cr0);
	EXPECT_EQ(0x20, s.crs.cr4);
	EXPECT_EQ(0x500, s.crs.efer);
	EXPECT_EQ(BOOT_PML4, s.crs.cr3);
	EXPECT_EQ(0xa09b, s.segs.seg[KITE_CS].ar);
	descriptors_match(&s);
	/* The rest of the table is empty. */
	EXPECT_EQ(0, get(BOOT_PML4 + 8, 8));
	EXPECT_EQ(0, load_at(flat_protected_load, MIB(1)));
	s = state_of();
	descriptors_match(&s);
}

static void entry_registers(void)
{
	struct kite_state s;

	entry = (struct boot_entry){
		.mode = CPU_LONG, .rip = 1, .rax = 2, .rbx = 3, .rsi = 4,
	};
	s = state_of();
	EXPECT_EQ(2, s.gprs.gpr[KITE_RAX]);
	EXPECT_EQ(3, s.gprs.gpr[KITE_RBX]);
	EXPECT_EQ(4, s.gprs.gpr[KITE_RSI]);
	EXPECT_EQ(0, s.gprs.gpr[KITE_RDI]);
	EXPECT_EQ(0, s.gprs.gpr[KITE_R15]);
}

static void places(void)
{
	static const struct { boot_load_fn *fn; u64 addr; const char *why; } rows[] = {
		{ flat_real_load, 0, NULL },
		{ flat_real_load, 0x1000, NULL },
		{ flat_real_load, MEM_EBDA - sizeof(code), NULL },
		{ flat_real_load, MEM_EBDA - sizeof(code) + 1, "BIOS" },
		{ flat_real_load, 0xffff0, "BIOS" },
		{ flat_real_load, MIB(1), "real mode" },
		{ flat_protected_load, 0x1000, "boot information" },
		{ flat_protected_load, BOOT_GDT - sizeof(code), NULL },
		{ flat_protected_load, BOOT_TABLES_END, NULL },
		{ flat_protected_load, BOOT_TABLES_END - 1, "boot information" },
		{ flat_protected_load, MIB(8) - sizeof(code), NULL },
		{ flat_protected_load, MIB(8) - sizeof(code) + 1, "--mem" },
		{ flat_protected_load, GIB(4), "4 GiB" },
		{ flat_long_load, GIB(4), "4 GiB" },
		{ flat_long_load, ~0ull, "4 GiB" },
		{ flat_long_load, GIB(4) - 1, "--mem" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_context("row %u", i);
		EXPECT_EQ(rows[i].why ? -EINVAL : 0, load_at(rows[i].fn, rows[i].addr));
		if (rows[i].why)
			EXPECT_TRUE(refused_for(rows[i].why));
	}
}

static void empty_file(void)
{
	boot_reset(MIB(8));
	req.flat_addr = MIB(1);
	EXPECT_EQ(-EINVAL, load(flat_long_load, "", 0));
	EXPECT_TRUE(refused_for("empty"));
}

static const struct unit_test tests[] = {
	UNIT_TEST(real_mode),
	UNIT_TEST(protected_mode),
	UNIT_TEST(long_mode),
	UNIT_TEST(entry_registers),
	UNIT_TEST(places),
	UNIT_TEST(empty_file),
};

UNIT_MAIN(tests)
