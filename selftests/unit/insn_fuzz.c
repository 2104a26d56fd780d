// SPDX-License-Identifier: GPL-2.0-only
/*
 * Properties of the decoder that hold for any bytes, as an entry point for
 * libFuzzer and for insn_fuzz_test.c.
 *
 * The bytes lie right before a page that cannot be read: a look at one byte
 * more than allowed ends the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "insn/exec.h"
#include "insn_fuzz.h"
#include "insn_util.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct input {
	enum kite_insn_mode mode;
	const u8 *bytes;
	unsigned int n;
};

static void fail(const struct input *in, const char *property)
{
	unsigned int i;

	printf("# mode %d, bytes", in->mode);
	for (i = 0; i < in->n; i++)
		printf(" %02x", in->bytes[i]);
	printf(": not true: %s\n", property);
	fflush(stdout);
	abort();
}

#define CHECK(in, property) do {		\
	if (!(property))			\
		fail(in, #property);		\
} while (0)

static u8 *guarded_end(void)
{
	static u8 *end;
	long page = sysconf(_SC_PAGESIZE);

	if (end)
		return end;
	end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (end == MAP_FAILED || mprotect(end + page, page, PROT_NONE)) {
		perror("guard page");
		exit(1);
	}
	end += page;
	return end;
}

/* Decode the first @n bytes of @in with nothing readable behind them. */
static enum kite_insn_status decode_first(struct kite_insn *insn, const struct input *in,
					  unsigned int n)
{
	u8 *start = guarded_end() - n;

	memcpy(start, in->bytes, n);
	return kite_insn_decode(insn, in->mode, start, n);
}

static bool is_size(unsigned int width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

static void check_members(const struct input *in, const struct kite_insn *insn)
{
	CHECK(in, insn->len >= 1 && insn->len <= KITE_INSN_MAX_LEN && insn->len <= in->n);
	CHECK(in, insn->kind <= KITE_INSN_MOVS);
	CHECK(in, is_size(insn->width) && is_size(insn->reg_width));
	CHECK(in, insn->reg_width >= insn->width);
	CHECK(in, insn->addr_width != 1 && is_size(insn->addr_width));
	CHECK(in, insn->reg < KITE_INSN_GPRS && insn->seg <= 5);
	CHECK(in, !insn->high || (insn->width == 1 && insn->reg < 4));
	CHECK(in, !insn->has_imm || insn->kind == KITE_INSN_STORE);
	CHECK(in, !insn->rep || kite_insn_is_string(insn));
	if (in->mode != KITE_INSN_MODE_64)
		CHECK(in, insn->reg < 8 && insn->width < 8 && insn->addr_width < 8);
}

/* Runs every function of exec.h; what they compute is for insn_exec_test.c. */
static void check_exec(const struct input *in, const struct kite_insn *insn)
{
	u64 gpr[KITE_INSN_GPRS], before[KITE_INSN_GPRS];
	u64 beyond = insn->width == 8 ? 0 : ~0ULL << (8 * insn->width);
	u64 state = insn->imm | 1;
	unsigned int i;
	bool done;

	for (i = 0; i < KITE_INSN_GPRS; i++)
		gpr[i] = random_u64(&state);
	memcpy(before, gpr, sizeof(gpr));
	CHECK(in, !(kite_insn_store_value(insn, gpr) & beyond));
	kite_insn_load(insn, gpr, random_u64(&state));
	for (i = 0; i < KITE_INSN_GPRS; i++)
		CHECK(in, i == insn->reg || gpr[i] == before[i]);
	if (!kite_insn_is_string(insn))
		return;
	CHECK(in, insn->addr_width == 8 || !(kite_insn_src_offset(insn, gpr) >> 32));
	CHECK(in, insn->addr_width == 8 || !(kite_insn_dst_offset(insn, gpr) >> 32));
	gpr[1] |= 1;
	CHECK(in, !kite_insn_rep_done(insn, gpr));
	done = kite_insn_string_step(insn, gpr, random_u64(&state));
	CHECK(in, done == (!insn->rep || kite_insn_rep_done(insn, gpr)));
}

/* The instruction may still become a good one: some bytes behind it make it so. */
static void check_more_matters(const struct input *in)
{
	static const u8 tails[][INSN_FUZZ_MAX] = {
		{ 0 },
		{ 0xa4 },		/* after prefixes */
		{ 0xb6 },		/* after 0F */
		{ 0xf0 },		/* after 0F 38 */
	};
	struct kite_insn insn;
	u8 bytes[2 * INSN_FUZZ_MAX];
	unsigned int i;

	memcpy(bytes, in->bytes, in->n);
	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		memcpy(bytes + in->n, tails[i], sizeof(tails[i]));
		if (kite_insn_decode(&insn, in->mode, bytes, in->n + INSN_FUZZ_MAX) == KITE_INSN_OK)
			return;
	}
	fail(in, "NEED_MORE although no more bytes help");
}

enum kite_insn_status insn_fuzz_check(enum kite_insn_mode mode, const u8 *bytes, unsigned int n)
{
	const struct input in = { mode, bytes, n };
	struct kite_insn insn, again;
	enum kite_insn_status status = decode_first(&insn, &in, n), before, shorter;
	unsigned int i;

	CHECK(&in, status <= KITE_INSN_UNSUPPORTED);
	if (status == KITE_INSN_OK) {
		check_members(&in, &insn);
		check_exec(&in, &insn);
		CHECK(&in, decode_first(&again, &in, insn.len) == KITE_INSN_OK);
		CHECK(&in, insn_same(&insn, &again));
		n = insn.len;
	}
	if (status == KITE_INSN_NEED_MORE) {
		CHECK(&in, n < KITE_INSN_MAX_LEN);
		check_more_matters(&in);
	}
	/* A beginning needs more, until it is clear that nothing can come of it. */
	for (i = n, before = status; i-- > 0;) {
		shorter = decode_first(&again, &in, i);
		if (shorter != KITE_INSN_NEED_MORE)
			CHECK(&in, shorter == KITE_INSN_UNSUPPORTED && before == shorter);
		before = shorter;
	}
	return status;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (size >= 1 && size <= 1 + INSN_FUZZ_MAX)
		insn_fuzz_check(data[0] % INSN_MODES, data + 1, size - 1);
	return 0;
}
