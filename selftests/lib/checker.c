// SPDX-License-Identifier: GPL-2.0-only
#include "checker.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * u64 kt_check_registers(u64 seed): how many registers do not hold what they should
 * after a CPUID. General-purpose registers get @seed plus a number of their own.
 */
asm(".pushsection .text\n"
    "kt_check_registers:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "push %rdi\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "lea 0x100+\\n(%rdi), %rax\n"
    "movq %rax, %xmm\\n\n"
    ".endr\n"
    "i = 0\n"
    ".irp reg, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n"
    "lea i(%rdi), %\\reg\n"
    "i = i + 1\n"
    ".endr\n"
    "xor %eax, %eax\n"
    "xor %ecx, %ecx\n"
    "cpuid\n"
    "xor %eax, %eax\n"
    "mov (%rsp), %rbx\n"
    "xor %ecx, %ecx\n"
    "cmp %rbx, %rdi\n"
    "setne %cl\n"
    "add %rcx, %rax\n"
    "i = 0\n"
    ".irp reg, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15\n"
    "lea i(%rbx), %rdx\n"
    "xor %ecx, %ecx\n"
    "cmp %rdx, %\\reg\n"
    "setne %cl\n"
    "add %rcx, %rax\n"
    "i = i + 1\n"
    ".endr\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "lea 0x100+\\n(%rbx), %rdx\n"
    "movq %xmm\\n, %rsi\n"
    "xor %ecx, %ecx\n"
    "cmp %rdx, %rsi\n"
    "setne %cl\n"
    "add %rcx, %rax\n"
    ".endr\n"
    "pop %rdi\n"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "ret\n"
    ".popsection\n");

u64 kt_check_registers(u64 seed);

void kt_check(u64 arg)
{
	struct kt_checker *c = (struct kt_checker *)arg;
	u64 round, i;

	for (i = 0; i < KT_CHECKER_WORDS; i++)
		c->memory[i] = i;
	for (round = 1; round <= c->rounds && !c->stop; round++) {
		c->bad_registers += kt_check_registers(round << 20);
		/* A few words of each page, all of them in the end. */
		for (i = round % 61; i < KT_CHECKER_WORDS; i += 61) {
			if ((c->memory[i] & 0xffff) != i)
				c->bad_memory++;
			c->memory[i] = round << 16 | i;
		}
		c->done = round;
	}
	for (i = 0; i < KT_CHECKER_WORDS; i++)
		if ((c->memory[i] & 0xffff) != i)
			c->bad_memory++;
}

/* True to enter the guest again. */
static bool turn(struct kt_runner *r)
{
	int ret = _vcpu_run(r->vcpu->fd);
	struct kt_result result;

	if (ret == -EINTR)
		return !r->stop;
	if (ret)
		FAIL("KITE_VCPU_RUN: errno %d", -ret);
	r->exit_reason = r->vcpu->run->exit_reason;
	if (r->exit_reason == KITE_EXIT_KICK) {
		r->kicks++;
		return !r->stop;
	}
	if (r->exit_reason == KITE_EXIT_MEMORY_FAULT || r->exit_reason == KITE_EXIT_PROTECTION) {
		r->faults++;
		sched_yield();
		return true;
	}
	result = kt_what_it_said(r->vcpu);
	if (r->strict && result.said != KT_SAID_DONE)
		kt_surprise(r->vcpu, &result, "DONE");
	r->said = result.said;
	return false;
}

static void *runner(void *arg)
{
	struct kt_runner *r = arg;

	r->tid = syscall(SYS_gettid);
	while (turn(r))
		;
	return NULL;
}

static void start(struct kt_runner *r)
{
	ASSERT_EQ(0, pthread_create(&r->thread, NULL, runner, r));
	while (!r->tid)
		sched_yield();
}

void kt_runner_start(struct kt_runner *r, struct kt_vcpu *vcpu)
{
	*r = (struct kt_runner){ .vcpu = vcpu };
	start(r);
}

void kt_runner_start_strict(struct kt_runner *r, struct kt_vcpu *vcpu)
{
	*r = (struct kt_runner){ .vcpu = vcpu, .strict = true };
	start(r);
}

void kt_runner_finish(struct kt_runner *r)
{
	struct kite_state s;

	ASSERT_EQ(0, pthread_join(r->thread, NULL));
	if (r->said == KT_SAID_DONE)
		return;
	vcpu_get_state(r->vcpu->fd, KITE_STATE_GPRS | KITE_STATE_CRS, &s);
	FAIL("vCPU ended by %u, exit reason %u, RIP 0x%llx, CR2 0x%llx", r->said, r->exit_reason,
	     s.gprs.rip, s.crs.cr2);
}

void kt_runner_stop(struct kt_runner *r)
{
	r->stop = true;
	vcpu_kick(r->vcpu->fd);
	ASSERT_EQ(0, pthread_join(r->thread, NULL));
}

void kt_call_on(struct kt_vcpu *vcpu, void (*fn)(u64), u64 arg, u64 stack)
{
	u64 old;

	kt_call(vcpu, fn, arg);
	old = kt_reg(vcpu, KITE_RSP);
	/* Where kt_call() wants @fn to return to. */
	kt_put(vcpu->vm, u64, stack - 72, kt_get(vcpu->vm, u64, old));
	kt_set_reg(vcpu, KITE_RSP, stack - 72);
}

u32 kt_random(void)
{
	static u64 state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

u64 kt_random_of(u64 *state)
{
	u64 x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

unsigned int kt_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

void kt_pin(pid_t tid, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* Another thread may have ended meanwhile: then there is nothing to move. */
	if (sched_setaffinity(tid, sizeof(set), &set))
		ASSERT_EQ(ESRCH, errno);
}

void kt_online(unsigned int cpu, bool online)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/sys/devices/system/cpu/cpu%u/online", cpu);
	fd = open(name, O_WRONLY);
	if (fd < 0)
		SKIP("CPU %u cannot be taken offline", cpu);
	ASSERT_EQ(1, write(fd, online ? "1" : "0", 1));
	close(fd);
}
