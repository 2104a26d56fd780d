// SPDX-License-Identifier: GPL-2.0-only
/* Ioctls at random: one that would be accepted, varied within what it may say, and then spoiled. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi_fuzz.h"
#include "vm.h"

#define SLOTS		12	/* that the calls are about */

static u64 page(struct fuzz_thread *t, u64 pages)
{
	return fuzz_random(t, pages) * KT_PAGE;
}

/* Numbers at which something ends or begins. */
static u64 special(struct fuzz_thread *t)
{
	u64 n = BIT(fuzz_random(t, 64));

	switch (fuzz_random(t, 6)) {
	case 0:
		return 0;
	case 1:
		return ~0ull;
	case 2:
		return n - 1;
	case 3:
		return -n;
	case 4:
		return fuzz_random(t, 64);
	default:
		return n;
	}
}

static void vary_create_vm(struct fuzz_thread *t, void *arg)
{
	struct kite_create_vm *a = arg;

	a->flags = fuzz_one_in(t, 8) ? fuzz_random(t, 4) : KITE_VM_IRQCHIP | fuzz_random(t, 4);
	a->tsc_khz = fuzz_one_in(t, 4) ? fuzz_random(t, 200000000) : 0;
}

static void vary_slot(struct fuzz_thread *t, void *arg)
{
	struct kite_slot *a = arg;

	a->flags = fuzz_random(t, 4);
	a->slot = fuzz_one_in(t, 3) ? 0 : fuzz_random(t, SLOTS);
	a->gpa = a->slot ? page(t, 4096) : 0;
	a->len = fuzz_one_in(t, 8) ? 0 : KT_PAGE + page(t, a->slot ? 64 : ZONE_RAM / KT_PAGE);
	a->uaddr = fuzz_address(t);
}

static void vary_perm(struct fuzz_thread *t, void *arg)
{
	struct kite_perm *a = arg;

	a->perm = fuzz_random(t, 8);
	a->gpa = page(t, 2048);
	a->len = KT_PAGE + page(t, 64);
}

static void vary_dirty(struct fuzz_thread *t, void *arg)
{
	struct kite_dirty *a = arg;

	if (fuzz_one_in(t, 4))
		a->slot = fuzz_random(t, SLOTS);
	if (fuzz_one_in(t, 4))
		a->first = 64 * fuzz_random(t, 3);
	if (fuzz_one_in(t, 4))
		a->pages = 64 * (1 + fuzz_random(t, 3));
	if (fuzz_one_in(t, 4))
		a->flags = KITE_DIRTY_CLEAR;
	a->uaddr = ZONE_ARGS + page(t, ZONE_ARGS_LEN / KT_PAGE);
}

static void vary_vcpu(struct fuzz_thread *t, void *arg)
{
	((struct kite_create_vcpu *)arg)->id = fuzz_random(t, fuzz_one_in(t, 8) ? 70 : 4);
}

static void vary_line(struct fuzz_thread *t, void *arg)
{
	struct kite_irq_line *a = arg;

	a->gsi = fuzz_random(t, fuzz_one_in(t, 4) ? KITE_GSIS : 26);
	a->level = fuzz_random(t, 2);
}

static void vary_level(struct fuzz_thread *t, void *arg)
{
	((struct kite_irq_line *)arg)->level = fuzz_random(t, 2);
}

static void vary_msi(struct fuzz_thread *t, void *arg)
{
	struct kite_msi *a = arg;

	a->address = 0xfee00000 | (fuzz_random(t, 1 << 18) << 2);
	a->data = (0x20 + fuzz_random(t, 0xe0)) | fuzz_random(t, 8) << 8 | fuzz_random(t, 4) << 14;
}

static void vary_routes(struct fuzz_thread *t, void *arg)
{
	struct kite_routes *a = arg;
	struct kite_route *route = (void *)ZONE_ARGS + page(t, 64);
	u32 i;

	a->count = fuzz_random(t, 32);
	a->uaddr = (u64)route;
	for (i = 0; i < a->count; i++) {
		route[i] = (struct kite_route){
			.gsi = fuzz_one_in(t, 8) ? fuzz_random(t, KITE_GSIS) : i,
			.type = KITE_ROUTE_PIN, .pin = fuzz_random(t, KITE_IOAPIC_PINS),
		};
		if (fuzz_one_in(t, 2))
			route[i] = (struct kite_route){
				.gsi = i, .type = KITE_ROUTE_MSI, .address = 0xfee00000,
				.data = 0x20 + fuzz_random(t, 0xe0),
			};
	}
}

static void vary_irqfd(struct fuzz_thread *t, void *arg)
{
	struct kite_irqfd *a = arg;

	a->flags = fuzz_random(t, 3);
	a->gsi = fuzz_random(t, 26);
	if (a->flags & KITE_IRQFD_RESAMPLE)
		a->resample_fd = fuzz_fd(t, FUZZ_EVENT);
}

static void vary_ioeventfd(struct fuzz_thread *t, void *arg)
{
	struct kite_ioeventfd *a = arg;

	a->flags = fuzz_random(t, 8);
	a->addr = fuzz_one_in(t, 2) ? 0x80 : 0x800000 + 8 * fuzz_random(t, 16);
	a->len = fuzz_one_in(t, 4) ? 0 : 1 << fuzz_random(t, 4);
	if (a->flags & KITE_IOEVENTFD_DATAMATCH)
		a->datamatch = fuzz_random(t, 4);
}

/* One bit or byte of each of some registers. */
static void sprinkle(struct fuzz_thread *t, u8 *at, u64 len)
{
	u64 n = fuzz_random(t, 4);

	while (n--)
		at[fuzz_random(t, len)] ^= 1 << fuzz_random(t, 8);
}

static void vary_ioapic(struct fuzz_thread *t, void *arg)
{
	struct kite_ioapic *a = arg;
	u64 pin = fuzz_random(t, KITE_IOAPIC_PINS);

	/* Vector, mode, logical; level-triggered. */
	a->redir[pin] = 0x20 + fuzz_random(t, 0xe0) + (fuzz_random(t, 16) << 8) +
			(fuzz_random(t, 2) << 15) + (fuzz_random(t, 5) << 56);
	a->select = fuzz_random(t, 64);
	a->lines = fuzz_random(t, BIT(24));
	if (fuzz_one_in(t, 4))
		a->irr = BIT(pin);
}

static void vary_lapic(struct fuzz_thread *t, void *arg)
{
	/* A word with a register, for most of a page means nothing. */
	sprinkle(t, &((struct kite_lapic *)arg)->regs[16 * fuzz_random(t, 64)], 4);
}

static void vary_clock(struct fuzz_thread *t, void *arg)
{
	struct kite_clock *a = arg;

	a->ns = special(t);
	a->tsc = special(t);
	if (fuzz_one_in(t, 2))
		a->host_tsc = 0;
}

static void vary_groups(struct fuzz_thread *t, void *arg)
{
	((struct kite_state *)arg)->groups = 1 + fuzz_random(t, KITE_STATE_ALL);
}

/* Real mode at the start of guest memory, where guests have their code; or anything near it. */
static void vary_state(struct fuzz_thread *t, void *arg)
{
	struct kite_state *a = arg;

	a->groups = 1 + fuzz_random(t, KITE_STATE_ALL);
	if (fuzz_one_in(t, 2)) {
		a->groups |= KITE_STATE_GPRS | KITE_STATE_SEGS | KITE_STATE_EVENTS;
		a->segs.seg[KITE_CS].base = 0;
		a->segs.seg[KITE_CS].selector = 0;
		a->segs.seg[KITE_ES].base = 0x800000;	/* behind guest memory */
		a->gprs.rip = 0x1000;
		a->events.activity = KITE_ACTIVITY_ACTIVE;
	} else {
		sprinkle(t, (u8 *)&a->gprs, sizeof(*a) - offsetof(struct kite_state, gprs));
	}
}

static void vary_xsave(struct fuzz_thread *t, void *arg)
{
	struct kite_xsave *a = arg;

	sprinkle(t, (u8 *)a->uaddr, t->round->xsave_size);
}

static void vary_cpuid(struct fuzz_thread *t, void *arg)
{
	struct kite_cpuid *a = arg;

	a->leaf = fuzz_random(t, 0x20) | fuzz_random(t, 3) << 30;
	a->subleaf = fuzz_random(t, 8);
}

static void vary_debug(struct fuzz_thread *t, void *arg)
{
	((struct kite_debug *)arg)->flags = fuzz_random(t, 4);
}

static void vary_translate(struct fuzz_thread *t, void *arg)
{
	((struct kite_translate *)arg)->gva = fuzz_one_in(t, 4) ? special(t) : page(t, 2048);
}

static void vary_prefault(struct fuzz_thread *t, void *arg)
{
	struct kite_prefault *a = arg;

	a->flags = fuzz_random(t, 2);
	a->gpa = page(t, 1024);
	a->len = KT_PAGE + page(t, 64);
}

static void vary_inject(struct fuzz_thread *t, void *arg)
{
	struct kite_inject *a = arg;

	a->type = fuzz_random(t, 5);
	a->vector = fuzz_random(t, a->type == KITE_INTR_EXCEPTION ? 32 : 256);
	a->insn_len = a->type == KITE_INTR_SOFTWARE ? 1 + fuzz_random(t, 15) : 0;
	if (a->type == KITE_INTR_NMI)
		a->vector = 2;
}

static void vary_ring(struct fuzz_thread *t, void *arg)
{
	((struct kite_set_ring *)arg)->entries = KITE_RING_MIN << fuzz_random(t, 7);
}

/* The grammar: what an accepted call may say otherwise. Others say one thing only. */
static const struct {
	unsigned long cmd;
	void (*fn)(struct fuzz_thread *t, void *arg);
} grammar[] = {
	{ KITE_CREATE_VM, vary_create_vm },
	{ KITE_VM_SET_SLOT, vary_slot },
	{ KITE_VM_SET_PERM, vary_perm },
	{ KITE_VM_GET_DIRTY, vary_dirty },
	{ KITE_VM_CLEAR_DIRTY, vary_dirty },
	{ KITE_VM_CREATE_VCPU, vary_vcpu },
	{ KITE_VM_IRQ_LINE, vary_line },
	{ KITE_VM_PIC_INTR, vary_level },
	{ KITE_VM_SEND_MSI, vary_msi },
	{ KITE_VM_SET_ROUTES, vary_routes },
	{ KITE_VM_IRQFD, vary_irqfd },
	{ KITE_VM_IOEVENTFD, vary_ioeventfd },
	{ KITE_VM_SET_IOAPIC, vary_ioapic },
	{ KITE_VM_SET_CLOCK, vary_clock },
	{ KITE_VCPU_GET_STATE, vary_groups },
	{ KITE_VCPU_SET_STATE, vary_state },
	{ KITE_VCPU_SET_XSAVE, vary_xsave },
	{ KITE_VCPU_SET_LAPIC, vary_lapic },
	{ KITE_VCPU_GET_CPUID, vary_cpuid },
	{ KITE_VCPU_SET_DEBUG, vary_debug },
	{ KITE_VCPU_TRANSLATE, vary_translate },
	{ KITE_VCPU_PREFAULT, vary_prefault },
	{ KITE_VCPU_INJECT, vary_inject },
	{ KITE_VCPU_SET_RING, vary_ring },
};

static void vary(struct fuzz_thread *t, unsigned long cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(grammar); i++)
		if (grammar[i].cmd == cmd)
			grammar[i].fn(t, t->arg);
}

/* Anything, anywhere in the structure; its size stays mostly, or nothing else is looked at. */
static void spoil(struct fuzz_thread *t, u32 size)
{
	u64 at = fuzz_random(t, size + 16), value = special(t);
	u32 len = 1 << fuzz_random(t, 4);

	switch (fuzz_random(t, 8)) {
	case 0:		/* short, long, huge */
		*(u32 *)t->arg = fuzz_one_in(t, 2) ? size + fuzz_random(t, 32) - 16 : special(t);
		break;
	case 1:
		((u32 *)t->arg)[1] ^= BIT(fuzz_random(t, 32));
		break;
	case 2:
		sprinkle(t, t->arg + 4, size + 16);
		break;
	default:
		memcpy(t->arg + 4 + (at & -len), &value, len);
		break;
	}
}

/* User memory that the kernel or a guest is to write is in the zone, or is no memory at all. */
static void confine(unsigned long cmd, u8 *arg)
{
	static const struct {
		unsigned long cmd;
		u32 at;
	} pointers[] = {
		{ KITE_VM_SET_SLOT, offsetof(struct kite_slot, uaddr) },
		{ KITE_VM_GET_DIRTY, offsetof(struct kite_dirty, uaddr) },
		{ KITE_VM_CLEAR_DIRTY, offsetof(struct kite_dirty, uaddr) },
		{ KITE_VM_SET_ROUTES, offsetof(struct kite_routes, uaddr) },
		{ KITE_VCPU_GET_XSAVE, offsetof(struct kite_xsave, uaddr) },
		{ KITE_VCPU_SET_XSAVE, offsetof(struct kite_xsave, uaddr) },
	};
	unsigned int i;
	u64 *uaddr;

	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		uaddr = (u64 *)(arg + pointers[i].at);
		if (pointers[i].cmd == cmd && *uaddr < BIT(47) && *uaddr - ZONE >= ZONE_LEN)
			*uaddr = ZONE + *uaddr % ZONE_LEN;
		/* What begins in the zone ends there, too. */
		if (pointers[i].cmd == cmd && cmd == KITE_VM_SET_SLOT && *uaddr < BIT(47) &&
		    ((struct kite_slot *)arg)->len > BIT(42))
			((struct kite_slot *)arg)->len &= BIT(42) - 1;
	}
}

/* Where the structure is: mostly by itself, or where others write, or at an end of memory. */
static void *place(struct fuzz_thread *t, u32 size)
{
	void *shared = (void *)ZONE_ARGS + page(t, ZONE_ARGS_LEN / KT_PAGE);
	u64 other = special(t);

	if (other > 0x10000 && other < BIT(47))
		other = ZONE + other % ZONE_LEN;
	switch (fuzz_random(t, 24)) {
	case 0:
	case 1:
	case 2:
		return memcpy(shared, t->arg, FUZZ_ARG);
	case 3:
		return memmove(t->arg + FUZZ_ARG - size, t->arg, size);
	case 4:
		return t->arg + FUZZ_ARG - fuzz_random(t, size);
	case 5:
		return (void *)other;
	default:
		return t->arg;
	}
}

static bool known_error(unsigned long cmd, int err)
{
	static const struct {
		int err;
		unsigned long cmd;	/* 0: several */
	} errors[] = {
		{ ENOTTY }, { EFAULT }, { EINVAL }, { E2BIG }, { ENOMEM }, { EINTR }, { EIO },
		{ EBADF }, { ENODEV }, { EEXIST }, { ENOENT }, { EMFILE }, { ENFILE }, { EBUSY },
		{ EOPNOTSUPP }, { ENOSPC },
		{ ENXIO, KITE_VCPU_TRANSLATE },
		{ EACCES, KITE_VCPU_PREFAULT },
		{ EAGAIN, KITE_VCPU_CHECK_ENTRY },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].err == err && (!errors[i].cmd || errors[i].cmd == cmd))
			return true;
	return false;
}

static void judge(struct fuzz_thread *t, const struct kt_call *call, int ret, int err)
{
	static const struct {
		unsigned long cmd;
		unsigned int kind;
	} makers[] = { { KITE_CREATE_VM, KT_VM }, { KITE_VM_CREATE_VCPU, KT_VCPU } };
	bool strange = ret < 0 && !known_error(call->cmd, err);
	unsigned int i;

	if (ret > 0 && call->cmd != KITE_VM_RESET_RINGS) {
		strange = true;
		for (i = 0; i < ARRAY_SIZE(makers); i++)
			if (makers[i].cmd == call->cmd) {
				strange = false;
				fuzz_keep(t, makers[i].kind, ret);
			}
	}
	if (ret >= 0)
		__atomic_fetch_add(&fuzz_total->accepted[call - kt_calls], 1, __ATOMIC_RELAXED);
	if (!strange)
		return;
	kt_note("KITE_%s: %d, errno %d", call->name, ret, err);
	__atomic_fetch_add(&fuzz_total->strange, 1, __ATOMIC_RELAXED);
}

/* A number that does not exist there is no call of the table: it must be refused. */
static void unknown(struct fuzz_thread *t)
{
	unsigned int kind = fuzz_random(t, KT_OBJECTS);
	u64 nr = 0x60 + fuzz_random(t, 0xa0);
	u64 cmd = _IOC(fuzz_random(t, 4), KITE_IOC, nr, fuzz_random(t, 64));

	if (!__kt_ioctl(fuzz_fd(t, kind), cmd, t->arg))
		__atomic_fetch_add(&fuzz_total->strange, 1, __ATOMIC_RELAXED);
}

static void prepare(struct fuzz_thread *t, const struct kt_call *call)
{
	memset(t->arg, 0, FUZZ_ARG);
	*(u32 *)t->arg = call->size;
	if (call->size) {
		call->fill(&t->target, t->arg);
		*(u32 *)t->arg = call->size;
		vary(t, call->cmd);
	}
}

/* Any, but more often the one that all the others are for. */
static unsigned int any_call(struct fuzz_thread *t)
{
	unsigned int number = fuzz_random(t, kt_call_count);

	if (fuzz_one_in(t, 8))
		for (number = 0; kt_calls[number].cmd != KITE_VCPU_RUN; number++)
			;
	return number;
}

void fuzz_call(struct fuzz_thread *t)
{
	int fd, ret, picked = fuzz_one_in(t, 3) ? fuzz_cover_pick(t, t->arg) : -1;
	unsigned int kind, number = picked >= 0 ? (unsigned int)picked : any_call(t);
	const struct kt_call *call = &kt_calls[number];
	void *arg;

	for (kind = 0; kind < KT_OBJECTS; kind++)
		t->target.fds[kind] = fuzz_fd(t, kind);
	t->target.event = fuzz_fd(t, FUZZ_EVENT);
	t->target.image = (u8 *)ZONE_ARGS + page(t, ZONE_ARGS_LEN / KT_PAGE - 4);
	if (picked < 0)
		prepare(t, call);
	if (fuzz_one_in(t, 3) && call->size)
		spoil(t, call->size);
	confine(call->cmd, t->arg);
	arg = call->size || fuzz_one_in(t, 32) ? place(t, call->size ?: 8) : NULL;
	fd = fuzz_one_in(t, 48) ? fuzz_fd(t, fuzz_random(t, FUZZ_KINDS)) :
				  t->target.fds[call->object];
	fuzz_cover_begin(t);
	ret = __kt_ioctl(fd, call->cmd, arg);
	if (ret < 0)
		ret = -errno;
	fuzz_cover_end(t, number, t->arg);
	judge(t, call, ret < 0 ? -1 : ret, ret < 0 ? -ret : 0);
	if (fuzz_one_in(t, 64))
		unknown(t);
}
