// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: whatever a guest is made of and executes, it ends with an exit that is defined;
 * what it became can be read and set; nothing outside its memory changes, and nothing of the
 * host's registers, MSRs and tables.
 *
 * KITE_STRESS=500 makes 100,000 guests. Numbers say which: KITE_SEED is that of the first,
 * 1 by default; KITE_GUESTS=1 lets no other follow.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest_fuzz.h"
#include "hoststate.h"

#define GUESTS		40	/* of each mode */
#define RUNS		32	/* of a guest */
#define TIME_NS		1000000	/* that a guest has */
#define LOOK_AT_HOST	100	/* guests */
#define GUARD		0x10000ul
#define PATTERN		0x5a
#define XSAVE_SIZE	4096
#define XSAVE_AVX	BIT(2)
#define XSAVE_MASK	(XSAVE_AVX | BIT(1) | BIT(0))

/* Memory of all guests, one after the other, between pages that no guest has. */
static u8 *memory, *readonly, *nowhere;
static const u8 *guards[2];
static struct fuzz_guest guest;
static timer_t timer;
static u64 ends[KITE_EXIT_RING_FULL + 3];
static u64 internals[KITE_INTERNAL_WINDOW + 1], exits[KITE_STATS_EXITS];
/* In place of an exit: the time was up; what INS or MOVS has read can be written nowhere. */
#define END_OF_TIME	(KITE_EXIT_RING_FULL + 1)
#define END_OF_MEMORY	(KITE_EXIT_RING_FULL + 2)

#define UNEXPECTED(g, ...) do {							\
	kt_note("guest %llu: KITE_SEED=%llu KITE_GUESTS=1", (g)->number, (g)->number); \
	FAIL(__VA_ARGS__);							\
} while (0)

static u64 environment(const char *name, u64 otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

static void on_time(int signal)
{
	int error = errno;

	(void)signal;
	_vcpu_kick(guest.vm.vcpu.fd);
	errno = error;
}

static void set_timer(u64 ns)
{
	struct itimerspec t = { .it_value.tv_nsec = ns, .it_interval.tv_nsec = ns };

	ASSERT_EQ(0, timer_settime(timer, 0, &t, NULL));
}

static void make_memory(void)
{
	struct sigaction action = { .sa_handler = on_time };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	u64 len = KT_RAM + 2 * GUARD + 2 * FUZZ_SIDE_LEN;
	u8 *all = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(all != MAP_FAILED);
	memset(all, PATTERN, len);
	guards[0] = all;
	memory = all + GUARD;
	guards[1] = memory + KT_RAM;
	readonly = memory + KT_RAM + GUARD;
	nowhere = readonly + FUZZ_SIDE_LEN;
	ASSERT_EQ(0, mprotect(nowhere, FUZZ_SIDE_LEN, PROT_NONE));
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
}

static void restrict_access(struct fuzz_guest *g)
{
	u64 gpa = fuzz_random(g, KT_RAM / KT_PAGE) * KT_PAGE;

	_vm_set_perm(g->vm.fd, fuzz_random(g, 8), gpa, (1 + fuzz_random(g, 64)) * KT_PAGE);
}

static void make(struct fuzz_guest *g, enum kt_mode mode)
{
	struct kt_vm *vm = &g->vm;
	u32 log = fuzz_one_in(g, 4) ? KITE_SLOT_LOG_DIRTY : 0;

	/* Each begins with zeroes, whatever others left. */
	ASSERT_EQ(0, madvise(memory, KT_RAM, MADV_DONTNEED));
	g->irqchip = fuzz_one_in(g, 2);
	vm->ram = memory;
	vm->fd = dev_create_vm(vm->dev, (g->irqchip ? KITE_VM_IRQCHIP : 0) |
			       (fuzz_one_in(g, 2) ? KITE_VM_PVCLOCK : 0));
	vm_set_slot(vm->fd, 0, log, 0, KT_RAM, memory);
	vm_set_slot(vm->fd, 1, KITE_SLOT_READONLY, FUZZ_READONLY, FUZZ_SIDE_LEN, readonly);
	vm_set_slot(vm->fd, 2, 0, FUZZ_NOWHERE, FUZZ_SIDE_LEN, nowhere);
	vm_set_slot(vm->fd, 3, 0, FUZZ_HIGH, KT_RAM, memory);
	kt_vcpu_init(&vm->vcpu, vm, 0);
	kt_vcpu_set_mode(&vm->vcpu, mode);
	fuzz_prepare(g);
	if (fuzz_one_in(g, 4))
		restrict_access(g);
	if (fuzz_one_in(g, 8))
		vcpu_set_ring(vm->vcpu.fd, KITE_RING_MIN);
	if (fuzz_one_in(g, 8))
		vcpu_set_debug(vm->vcpu.fd, fuzz_random(g, 4));
	if (fuzz_one_in(g, 2))
		fuzz_mutate(g);
}

/* Offsets in an XSAVE image. */
#define XSAVE_XMM	160
#define XSAVE_BV	512
#define XSAVE_YMM	576
#define XSAVE_PART	256	/* bytes of XMM0 to XMM15, and of the rest of YMM0 to YMM15 */

static void fill(struct fuzz_guest *g, u8 *at)
{
	unsigned int i;

	for (i = 0; i < XSAVE_PART; i++)
		at[i] = fuzz_random(g, 256);
}

/* KITE_VCPU_RUN, which has to leave the registers of this thread alone as well. */
static int run(struct fuzz_guest *g)
{
	static u8 own[XSAVE_SIZE] __attribute__((aligned(64)));
	static u8 before[XSAVE_SIZE] __attribute__((aligned(64)));
	static u8 after[XSAVE_SIZE] __attribute__((aligned(64)));
	u64 ret = SYS_ioctl, mask = g->vm.info.xcr0 & XSAVE_MASK, zero = 0;

	asm volatile("xsave64 %0" : "+m"(own) : "a"(mask), "d"(zero));
	memcpy(before, own, sizeof(before));
	before[XSAVE_BV] |= mask;
	fill(g, before + XSAVE_XMM);
	fill(g, before + XSAVE_YMM);
	asm volatile("xrstor64 %[before]\n\t"
		     "xchg %[ret], %%rax\n\t"
		     "syscall\n\t"
		     "xchg %[ret], %%rax\n\t"
		     "xsave64 %[after]\n\t"
		     "xrstor64 %[own]"
		     : [ret] "+b"(ret), [after] "+m"(after)
		     : [before] "m"(before), [own] "m"(own), "a"(mask), "d"(zero),
		       "D"((u64)g->vm.vcpu.fd), "S"((u64)KITE_VCPU_RUN)
		     : "rcx", "r11", "memory");
	if (memcmp(before + XSAVE_XMM, after + XSAVE_XMM, XSAVE_PART) ||
	    (mask & XSAVE_AVX && memcmp(before + XSAVE_YMM, after + XSAVE_YMM, XSAVE_PART)))
		UNEXPECTED(g, "a register of SSE or AVX has changed");
	return ret;
}

/* What a user of the guest may do between its runs. */
static void poke(struct fuzz_guest *g)
{
	struct kite_inject in = { .type = fuzz_random(g, 8), .vector = fuzz_random(g, 256) };
	int fd = g->vm.vcpu.fd;
	struct kite_lapic lapic;
	u64 gpa;

	switch (fuzz_random(g, 8)) {
	case 0:
		in.payload = fuzz_one_in(g, 2) ? 0 : fuzz_value(g);
		in.insn_len = in.type == KITE_INTR_SOFTWARE ? 2 : 0;
		in.vector = in.type == KITE_INTR_EXCEPTION ? in.vector & 31 : in.vector;
		_vcpu_inject(fd, &in);
		break;
	case 1:
		_vcpu_nmi(fd);
		break;
	case 2:
		_vm_send_msi(g->vm.fd, 0xfee00000 + (fuzz_random(g, 4) << 2),
			     fuzz_random(g, 0x1000));
		break;
	case 3:
		_vm_irq_line(g->vm.fd, fuzz_random(g, 24), fuzz_random(g, 2));
		break;
	case 4:
		if (!_vcpu_get_lapic(fd, &lapic)) {
			lapic.regs[0x10 * fuzz_random(g, 64) + fuzz_random(g, 4)] =
				fuzz_random(g, 256);
			_vcpu_set_lapic(fd, &lapic);
		}
		break;
	case 5:
		restrict_access(g);
		break;
	case 6:
		_vcpu_translate(fd, fuzz_value(g), &gpa);
		break;
	default:
		fuzz_mutate(g);
	}
}

static void expect_internal(struct fuzz_guest *g, const struct kite_exit_internal *i)
{
	switch (i->code) {
	case KITE_INTERNAL_INSN:
	case KITE_INTERNAL_FETCH:
	case KITE_INTERNAL_TASK_SWITCH:
	case KITE_INTERNAL_DELIVERY:
		internals[i->code]++;
		return;
	default:
		UNEXPECTED(g, "internal error %u, exit %u, qualification 0x%llx, vectoring 0x%x",
			   i->code, i->exit_reason, i->qualification, i->idt_vectoring);
	}
}

static void expect_mutated(struct fuzz_guest *g, const struct kite_broken_rule *broken)
{
	if (!g->mutated)
		UNEXPECTED(g, "VM entry failed, good state: rule %u, 0x%llx in field 0x%x, %s",
			   broken->rule, broken->value, broken->field, broken->text);
}

/* True if that is the end, unless somebody wants it to go on. */
static bool is_end(struct fuzz_guest *g, struct kite_run *run)
{
	u64 i;

	switch (run->exit_reason) {
	case KITE_EXIT_IO:
	case KITE_EXIT_MMIO:
	case KITE_EXIT_INTA:
		for (i = 0; i < 64; i++)
			run->data[i] = fuzz_random(g, 256);
		return false;
	case KITE_EXIT_DEBUG:
	case KITE_EXIT_TRACE:
		return false;
	case KITE_EXIT_RING_FULL:
		return _vm_reset_rings(g->vm.fd) < 0;
	case KITE_EXIT_HLT:
	case KITE_EXIT_SHUTDOWN:
	case KITE_EXIT_KICK:
	case KITE_EXIT_MEMORY_FAULT:
	case KITE_EXIT_PROTECTION:
		return true;
	case KITE_EXIT_FAIL_ENTRY:
		expect_mutated(g, &run->fail_entry.broken);
		return true;
	case KITE_EXIT_INTERNAL:
		expect_internal(g, &run->internal);
		return true;
	default:
		UNEXPECTED(g, "exit %u is none", run->exit_reason);
	}
}

/* Past what it cannot do, or from the same place once more. */
static void go_on(struct fuzz_guest *g)
{
	struct kite_state s;

	if (fuzz_one_in(g, 4))
		return;
	vcpu_get_state(g->vm.vcpu.fd, KITE_STATE_GPRS, &s);
	s.gprs.rip = (g->vm.mode == KT_REAL16 ? 0 : FUZZ_CODE) + fuzz_random(g, FUZZ_CODE_LEN);
	vcpu_set_state(g->vm.vcpu.fd, KITE_STATE_GPRS, &s);
}

/* Returns how it ended. */
static unsigned int live(struct fuzz_guest *g)
{
	struct kite_run *page = g->vm.vcpu.run;
	unsigned int runs;
	int ret;

	for (runs = 0; runs < RUNS; runs++) {
		if (fuzz_one_in(g, 4))
			poke(g);
		ret = run(g);
		if (ret == -EINTR)
			return END_OF_TIME;
		if (ret == -EFAULT)
			return END_OF_MEMORY;
		if (ret)
			UNEXPECTED(g, "KITE_VCPU_RUN: errno %d", -ret);
		if (!is_end(g, page))
			continue;
		/* A guest that has come to its end has to bear being run on. */
		if (fuzz_one_in(g, 4))
			break;
		go_on(g);
	}
	return page->exit_reason;
}

/* What it became is a state like any other. */
static void expect_state(struct fuzz_guest *g)
{
	static u8 image[XSAVE_SIZE];
	int ret, fd = g->vm.vcpu.fd;
	struct kite_lapic lapic;
	struct kite_state s;

	vcpu_get_state(fd, KITE_STATE_ALL, &s);
	ret = _vcpu_set_state(fd, KITE_STATE_ALL, &s);
	if (ret)
		UNEXPECTED(g, "its state is not accepted: errno %d", -ret);
	ASSERT_GE(sizeof(image), g->vm.info.xsave_size);
	vcpu_get_xsave(fd, image, g->vm.info.xsave_size);
	ret = _vcpu_set_xsave(fd, image, g->vm.info.xsave_size);
	if (ret)
		UNEXPECTED(g, "its XSAVE image is not accepted: errno %d", -ret);
	if (!g->irqchip)
		return;
	vcpu_get_lapic(fd, &lapic);
	ret = _vcpu_set_lapic(fd, &lapic);
	if (ret)
		UNEXPECTED(g, "its local APIC is not accepted: errno %d", -ret);
}

static void count_exits(struct fuzz_guest *g)
{
	struct kite_stats stats;
	unsigned int i;

	vcpu_get_stats(g->vm.vcpu.fd, &stats);
	for (i = 0; i < KITE_STATS_EXITS; i++)
		exits[i] += stats.exits[i];
}

static bool is_pattern(const u8 *at, u64 len)
{
	return at[0] == PATTERN && !memcmp(at, at + 1, len - 1);
}

static void one_guest(struct fuzz_guest *g, enum kt_mode mode)
{
	make(g, mode);
	set_timer(TIME_NS);
	ends[live(g)]++;
	set_timer(0);
	expect_state(g);
	count_exits(g);
	if (!is_pattern(guards[0], GUARD) || !is_pattern(guards[1], GUARD))
		UNEXPECTED(g, "memory beside the guest's has changed");
	if (!is_pattern(readonly, FUZZ_SIDE_LEN))
		UNEXPECTED(g, "memory that is read-only has changed");
	kt_vcpu_close(&g->vm.vcpu);
	ASSERT_EQ(0, close(g->vm.fd));
}

static void tell_exits(void)
{
	char text[8 * KITE_STATS_EXITS];
	u64 i, len = 0, all = 0;

	for (i = 0; i < KITE_STATS_EXITS; i++) {
		all += exits[i];
		if (exits[i])
			len += sprintf(text + len, " %llu", i);
	}
	kt_note("%llu VM exits, of the reasons%s", all, text);
	kt_note("internal errors: %llu instruction, %llu fetch, %llu task switch, %llu delivery",
		internals[KITE_INTERNAL_INSN], internals[KITE_INTERNAL_FETCH],
		internals[KITE_INTERNAL_TASK_SWITCH], internals[KITE_INTERNAL_DELIVERY]);
}

static void tell_ends(void)
{
	static const char *const names[ARRAY_SIZE(ends)] = {
		[KITE_EXIT_IO] = "I/O", [KITE_EXIT_MMIO] = "MMIO", [KITE_EXIT_HLT] = "HLT",
		[KITE_EXIT_SHUTDOWN] = "triple fault", [KITE_EXIT_KICK] = "kick",
		[KITE_EXIT_MEMORY_FAULT] = "memory fault", [KITE_EXIT_FAIL_ENTRY] = "failed entry",
		[KITE_EXIT_INTERNAL] = "internal error", [KITE_EXIT_DEBUG] = "step",
		[KITE_EXIT_TRACE] = "trace", [KITE_EXIT_INTA] = "INTA",
		[KITE_EXIT_PROTECTION] = "protection", [KITE_EXIT_RING_FULL] = "ring full",
		[END_OF_TIME] = "time", [END_OF_MEMORY] = "data without memory",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends[i])
			kt_note("%llu ended by %s", ends[i], names[i]);
}

static void guests(unsigned int mode)
{
	u64 count = environment("KITE_GUESTS", kt_times(GUESTS));
	u64 first = environment("KITE_SEED", 1);
	static struct kt_hoststate before;
	struct fuzz_guest *g = &guest;
	u64 n;

	make_memory();
	g->vm.dev = dev_open();
	dev_get_info(g->vm.dev, &g->vm.info);
	kt_hoststate_read(&before);
	for (n = 0; n < count; n++) {
		g->number = first + n;
		g->random = (first + n) * KT_MODES + mode;
		g->mutated = false;
		one_guest(g, mode);
		if (!((n + 1) % LOOK_AT_HOST))
			kt_hoststate_expect(&before);
	}
	kt_hoststate_expect(&before);
	tell_ends();
	tell_exits();
}

static void __attribute__((constructor)) register_guests(void)
{
	static struct kt_test tests[KT_MODES];

	kt_register_modes(tests, "guests", guests, KT_IN_ALL);
}
