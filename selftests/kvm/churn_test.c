// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: VMs of Kite and of KVM start, run and end on the same CPUs in random
 * order, from the same threads and from others, are killed, and kvm_intel is loaded
 * and unloaded between them: every guest finds its own registers and memory, and
 * the host's registers are what they were before.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker.h"
#include "face.h"
#include "hoststate.h"
#include "kvm_client.h"
#include "own_state.h"

#define MACHINES	4		/* at most, in a process */
#define PROCESSES	16

/* What one process has, told to the one that started it. */
struct tally {
	volatile pid_t pid;
	volatile bool has_kvm;		/* a machine of KVM, or about to make one */
	volatile u64 ended[2];		/* machines, by face */
	volatile u64 own, shared;	/* windows of Kite; resident ones are its own, too */
};

static struct {
	volatile bool stop;
	volatile bool no_kvm;		/* no machine of KVM may be or begin */
	struct tally tallies[PROCESSES];
} *all;

enum { KITE, KVM };

static const struct kt_face *const faces[] = { [KITE] = &kt_face_kite, [KVM] = &kt_face_kvm };

static struct machine {
	bool there;
	unsigned int kind;
	u64 rounds;			/* to go */
	struct kt_guest guest;
	struct kt_machine machine;
	struct kt_own_state state;
} machines[MACHINES];

static bool any_of_kvm(void)
{
	unsigned int i;

	for (i = 0; i < MACHINES; i++)
		if (machines[i].there && machines[i].kind == KVM)
			return true;
	return false;
}

static void begin(struct machine *m, struct tally *t)
{
	m->kind = kt_random() & 1;
	if (m->kind == KVM) {
		/* In this order: who forbids it looks afterwards who has one. */
		t->has_kvm = true;
		__sync_synchronize();
		if (all->no_kvm)
			m->kind = KITE;
	}
	memset(&m->state, 0, sizeof(m->state));
	m->state.seed = kt_random();
	m->rounds = 1 + kt_random() % 255;
	kt_guest_init(&m->guest, 1, false, kt_own_state, (u64)&m->state);
	kt_machine_new(&m->machine, faces[m->kind], &m->guest);
	m->there = true;
	t->has_kvm = any_of_kvm();
}

static void end(struct machine *m, struct tally *t)
{
	struct kite_stats stats;

	if (m->kind == KITE) {
		vcpu_get_stats(m->machine.vcpu[0].fd, &stats);
		t->own += stats.windows_own + stats.windows_resident;
		t->shared += stats.windows_shared;
	}
	kt_machine_free(&m->machine);
	kt_guest_free(&m->guest);
	m->there = false;
	t->ended[m->kind]++;
	t->has_kvm = any_of_kvm();
}

static void go_on(struct machine *m)
{
	struct kt_own_state *s = &m->state;

	/* Now and then long enough to lose the CPU in the midst of it. */
	s->spins = kt_random() % 64 ? 0 : kt_random() % 100000;
	ASSERT_EQ(KT_PORT_SYNC, faces[m->kind]->run(&m->machine, 0));
	if (s->wrong)
		FAIL("%s's guest %llx lost %llu values in round %llu, first %s: 0x%llx, now 0x%llx",
		     faces[m->kind]->name, s->seed, s->wrong, s->rounds, s->what, s->wanted,
		     s->got);
	m->rounds--;
}

static void step(struct tally *t)
{
	struct machine *m = &machines[kt_random() % MACHINES];

	if (!m->there)
		begin(m, t);
	else if (!m->rounds || (m->kind == KVM && all->no_kvm))
		end(m, t);
	else
		go_on(m);
}

static void start_process(struct tally *t, u64 number)
{
	pid_t pid = fork();
	unsigned int i;

	ASSERT_GE(pid, 0);
	if (pid) {
		t->pid = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < number; i++)
		kt_random();
	while (!all->stop) {
		if (kt_random() % 16 == 0)
			kt_pin(0, kt_random() % kt_cpus());
		step(t);
	}
	for (i = 0; i < MACHINES; i++)
		if (machines[i].there)
			end(&machines[i], t);
	kt_end(KT_PASS);
}

static void expect_exit(struct tally *t, int killed)
{
	int status;

	ASSERT_EQ(t->pid, waitpid(t->pid, &status, 0));
	if (killed)
		ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == killed);
	else
		ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == KT_PASS);
	t->has_kvm = false;
}

/* Let the others work a little; if one of them has failed, it has said why. */
static void wait_a_little(void)
{
	pid_t pid = waitpid(-1, NULL, WNOHANG);

	if (pid)
		FAIL("process %d ended", pid);
	usleep(1000);
}

struct sums {
	u64 ended[2], own, shared;
};

static struct sums sum_up(void)
{
	struct sums s = { 0 };
	unsigned int i;

	for (i = 0; i < PROCESSES; i++) {
		s.ended[KITE] += all->tallies[i].ended[KITE];
		s.ended[KVM] += all->tallies[i].ended[KVM];
		s.own += all->tallies[i].own;
		s.shared += all->tallies[i].shared;
	}
	return s;
}

/* Machines of Kite run all the while. */
static void reload_kvm(const struct kt_hoststate *before)
{
	u64 i, ended = sum_up().ended[KITE];

	all->no_kvm = true;
	__sync_synchronize();
	for (i = 0; i < PROCESSES; i++)
		while (all->tallies[i].has_kvm)
			wait_a_little();
	kvm_unload();
	kt_hoststate_expect(before);
	while (sum_up().ended[KITE] == ended)
		wait_a_little();
	kvm_load();
	all->no_kvm = false;
}

/* With all the machines that it has, wherever they are. */
static void kill_one(unsigned int processes, u64 number)
{
	struct tally *t = &all->tallies[kt_random() % processes];

	ASSERT_EQ(0, kill(t->pid, SIGKILL));
	expect_exit(t, SIGKILL);
	start_process(t, number);
}

static bool enough(u64 machines_of_each, u64 windows)
{
	struct sums s = sum_up();

	return s.ended[KITE] >= machines_of_each && s.ended[KVM] >= machines_of_each &&
	       s.shared >= windows;
}

/*
 * All but what KVM leaves in the CPU by design: the limit of the IDT, and debug registers
 * that the host does not use.
 */
static void read_before(struct kt_hoststate *s)
{
	static const char *const names[] = { " idt_limit ", " task.dr0 ", " task.dr1 ",
					     " task.dr2 ", " task.dr3 ", " task.dr6 " };
	char *line, *next, *to = s->text;
	unsigned int i;
	bool left;

	kt_hoststate_read(s);
	for (line = s->text; *line; line = next) {
		next = strchr(line, '\n') + 1;
		for (i = 0, left = false; i < ARRAY_SIZE(names); i++)
			left |= !strncmp(strchr(line, ' '), names[i], strlen(names[i]));
		if (left)
			continue;
		memmove(to, line, next - line);
		to += next - line;
	}
	*to = 0;
}

KITE_TEST_TIMEOUT(vms_of_both_come_and_go, 900)
{
	u64 n = kt_times(10), windows = kt_times(1000), reloads, last = 0;
	static struct kt_hoststate before;
	unsigned int i, processes = 2 * kt_cpus();
	struct sums s;

	if (processes > PROCESSES)
		processes = PROCESSES;
	kvm_load();
	kvm_unload();
	read_before(&before);
	for (i = 0; i < ARRAY_SIZE(faces); i++)
		faces[i]->prepare();
	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(all != MAP_FAILED);
	for (i = 0; i < processes; i++)
		start_process(&all->tallies[i], i);
	for (reloads = 0; !reloads || !enough(n, windows); reloads++) {
		do {
			wait_a_little();
			s = sum_up();
		} while (s.ended[KVM] < last + n / 10);
		reload_kvm(&before);
		kill_one(processes, processes + reloads);
		last = s.ended[KVM];
	}
	all->stop = true;
	for (i = 0; i < processes; i++)
		expect_exit(&all->tallies[i], 0);
	kvm_unload();
	kt_hoststate_expect(&before);
	s = sum_up();
	kt_note("%llu VMs of Kite, %llu of KVM, %llu windows of its own, %llu shared, %llu reloads",
		s.ended[KITE], s.ended[KVM], s.own, s.shared, reloads);
	EXPECT_GT(s.own, 0ull);
}
