// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: whatever programs call, with whatever arguments, from however many threads and
 * processes: each call has a result that uapi/kite.h knows, Kite works afterwards, and no
 * memory is lost and no reference to the module.
 *
 * A round is 1,000 calls. KITE_STRESS=100 makes a million of them. The numbers that decide
 * come from KITE_SEED, 1 by default; where the schedule repeats, the run repeats.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi_fuzz.h"
#include "checker.h"
#include "files.h"
#include "leak.h"

#define THREADS		4
#define CALLS		250	/* of a thread in a round */
#define ROUNDS		10
#define SURE		50	/* rounds in which each ioctl is accepted */

struct fuzz_total *fuzz_total;
static u64 seed = 1, rounds;

u64 fuzz_random(struct fuzz_thread *t, u64 limit)
{
	return kt_random_of(&t->random) % limit;
}

bool fuzz_one_in(struct fuzz_thread *t, u64 n)
{
	return !fuzz_random(t, n);
}

int fuzz_fd(struct fuzz_thread *t, unsigned int kind)
{
	return t->round->fds[kind][fuzz_random(t, FUZZ_FDS)];
}

void fuzz_keep(struct fuzz_thread *t, unsigned int kind, int fd)
{
	volatile int *at = &t->round->fds[kind][fuzz_random(t, FUZZ_FDS)];

	if (fd < 0)
		return;
	if (*at >= 0)
		close(*at);
	*at = fd;
}

u64 fuzz_address(struct fuzz_thread *t)
{
	u64 area = fuzz_one_in(t, 8) ? ZONE_LEN : ZONE_RAM;

	return ZONE + fuzz_random(t, area / KT_PAGE) * KT_PAGE;
}

/* What guests execute that were put where it is, in real mode: a bit of each kind of exit. */
asm(".pushsection .rodata\n"
    ".code16\n"
    "fuzz_guest:\n"
    "1: inc %cx\n"
    "mov %cx, 0x2000\n"
    "out %al, $0x80\n"
    "in $0x60, %al\n"
    "mov %cx, %es:0\n"
    "mov %es:8, %ax\n"
    "xor %eax, %eax\n"
    "cpuid\n"
    "mov %cl, %bh\n"
    "and $0x3f, %bh\n"
    "mov %ax, (%bx)\n"
    "test $3, %cl\n"
    "jnz 1b\n"
    "sti\n"
    "hlt\n"
    "jmp 1b\n"
    "fuzz_guest_end:\n"
    ".code64\n"
    ".popsection\n");
extern const u8 fuzz_guest[], fuzz_guest_end[];

static void map_zone(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	void *at = mmap((void *)ZONE, ZONE_LEN, PROT_NONE, flags, -1, 0);

	ASSERT_TRUE(at == (void *)ZONE);
	ASSERT_EQ(0, mprotect(at, ZONE_RAM, PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, mprotect((void *)ZONE_ARGS, ZONE_ARGS_LEN, PROT_READ | PROT_WRITE));
	memcpy(at + 0x1000, fuzz_guest, fuzz_guest_end - fuzz_guest);
}

/* Something of each kind, so that the first calls have what to act on. */
static void fill_round(struct fuzz_round *round)
{
	unsigned int kind, i;
	int dev = dev_open();
	struct kite_info info;

	dev_get_info(dev, &info);
	round->xsave_size = info.xsave_size;
	round->memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_TRUE(round->memory >= 0);
	for (kind = 0; kind < FUZZ_KINDS; kind++)
		for (i = 0; i < FUZZ_FDS; i++)
			round->fds[kind][i] = -1;
	round->fds[KT_DEV][0] = dev;
	for (i = 0; i < FUZZ_FDS; i++)
		round->fds[FUZZ_EVENT][i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (i = 0; i < FUZZ_FDS; i++) {
		round->fds[KT_DEV][i] = dev_open();
		if (i % 8 == 0)
			round->fds[KT_VM][i] = dev_create_vm(dev, i ? KITE_VM_IRQCHIP : 0);
		else
			round->fds[KT_VM][i] = fcntl(round->fds[KT_VM][i - 1], F_DUPFD_CLOEXEC, 0);
		round->fds[KT_VCPU][i] = vm_create_vcpu(round->fds[KT_VM][i], i % 8);
		vm_set_slot(round->fds[KT_VM][i], 0, 0, 0, ZONE_RAM, (void *)ZONE);
	}
}

static void on_signal(int number)
{
	(void)number;
}

/* No call waits for ever: a signal comes again and again. */
static timer_t disturb_thread(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1,
		._sigev_un._tid = syscall(SYS_gettid),
	};
	struct itimerspec often = { .it_interval.tv_nsec = 4000000, .it_value.tv_nsec = 4000000 };
	timer_t timer;

	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
	ASSERT_EQ(0, timer_settime(timer, 0, &often, NULL));
	return timer;
}

static void *thread(void *arg)
{
	struct fuzz_thread *t = arg;
	timer_t timer = disturb_thread();
	unsigned int i;

	fuzz_cover_start(t);
	for (i = 0; i < CALLS; i++) {
		fuzz_call(t);
		__atomic_fetch_add(&fuzz_total->calls, 1, __ATOMIC_RELAXED);
		if (fuzz_one_in(t, 3))
			fuzz_act(t);
	}
	timer_delete(timer);
	return NULL;
}

static u8 *arg_memory(void)
{
	u8 *at = mmap(NULL, FUZZ_ARG + KT_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(at != MAP_FAILED);
	ASSERT_EQ(0, mprotect(at + FUZZ_ARG, KT_PAGE, PROT_NONE));
	return at;
}

/* In a process of its own, which leaves all that is open to its end. */
static void run_round(u64 number)
{
	static struct fuzz_thread threads[THREADS];
	static struct fuzz_round round;
	pthread_t ids[THREADS];
	unsigned int i;

	signal(SIGUSR1, on_signal);
	signal(SIGPIPE, SIG_IGN);	/* descriptors of sockets are among the others */
	map_zone();
	fill_round(&round);
	for (i = 0; i < THREADS; i++) {
		threads[i] = (struct fuzz_thread){
			.random = (seed << 32 | number << 4 | i) * 0x9e3779b97f4a7c15,
			.round = &round, .arg = arg_memory(),
			.target = { .memory = (u8 *)ZONE, .xsave_size = round.xsave_size },
		};
		fuzz_cover_open(&threads[i]);
	}
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&ids[i], NULL, thread, &threads[i]));
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_join(ids[i], NULL));
	kt_end(KT_PASS);
}

static void one_round(void)
{
	u64 number = rounds++;
	pid_t pid = fork();
	int status;

	ASSERT_GE(pid, 0);
	if (!pid)
		run_round(number);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	if (status)
		FAIL("round %llu of seed %llu ended with status 0x%x", number, seed, status);
}

static void prepare(void)
{
	struct rlimit files = { .rlim_cur = 256, .rlim_max = 256 };
	const char *given = getenv("KITE_SEED");

	if (given)
		seed = strtoull(given, NULL, 0);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	fuzz_total = mmap(NULL, sizeof(*fuzz_total), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(fuzz_total != MAP_FAILED);
	fuzz_cover_init();
	close(dev_open());	/* or there is nothing to test */
	kt_note("seed %llu", seed);
}

static void tell(void)
{
	unsigned int i;

	kt_note("%llu calls, %llu other acts in %llu rounds", fuzz_total->calls, fuzz_total->acts,
		rounds);
	for (i = 0; i < kt_call_count; i++)
		kt_note("KITE_%s: %llu accepted", kt_calls[i].name, fuzz_total->accepted[i]);
	if (fuzz_total->reached)
		kt_note("%llu places in Kite reached, %llu calls kept for it", fuzz_total->reached,
			fuzz_total->kept);
	else
		kt_note("not guided: this kernel does not tell what a call reaches");
}

static void expect_it_works(void)
{
	static struct kt_checker checker = { .rounds = 20 };
	struct kt_vm *vm = kt_vm_new(KT_LONG64);
	struct kt_runner r;

	kt_call(&vm->vcpu, kt_check, (u64)&checker);
	kt_runner_start(&r, &vm->vcpu);
	kt_runner_finish(&r);
	EXPECT_EQ(0ull, checker.bad_memory);
	EXPECT_EQ(0ull, checker.bad_registers);
	kt_vm_close(vm);
}

KITE_TEST_TIMEOUT(random_calls, 400)
{
	u64 whole = kt_times(ROUNDS), batch = whole / 2;
	unsigned int i;

	prepare();
	while (rounds < whole - batch)
		one_round();
	/* What the kernel takes for itself it has by now. */
	kt_expect_no_leak(one_round, batch);
	tell();
	EXPECT_EQ(0ull, fuzz_total->strange);
	/* Fewer may miss one by chance. */
	for (i = 0; i < kt_call_count && rounds >= SURE; i++)
		if (!fuzz_total->accepted[i])
			kt_failed(__FILE__, __LINE__, "KITE_%s was never accepted",
				  kt_calls[i].name);
	EXPECT_EQ(0ull, kt_references());
	expect_it_works();
	EXPECT_EQ(0ull, kt_references());
}
