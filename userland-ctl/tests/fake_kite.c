// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module made of a script: libkite's calls, answered by a vCPU whose
 * "instructions" are exits. It reads them from guest memory at CS:RIP, so that
 * the whole of kitectl runs as with the real module:
 *
 *   O port.lo port.hi value	OUT		I port.lo port.hi	IN to AL
 *   E port.lo port.hi		OUT AL		S port.lo port.hi n	OUTS n times "s"
 *   M				MMIO read to AL	W			MMIO write
 *   J offset			jump back by offset bytes
 *   H				wait for a kick	L			wait for line 4
 *   K				wait for the PIC	B			acknowledge to AL
 *   Z				jump to the start if AL is not 0xff
 *   A n offset			start vCPU n at offset from the start
 *   T F V X P Q U R N		triple fault, failed entry, VMfail, internal
 *				error, memory fault inside and outside memory,
 *				unknown exit, EIO, EINTR
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/libkite.h"
#include "names.h"

#define TRACE_ENTRIES	8
#define MMAP_SIZE	(KITE_TRACE_OFFSET + TRACE_ENTRIES * sizeof(struct kite_trace_entry))
#define EXIT_IO		30
#define EXIT_EPT	48

#define MAX_VCPUS	8

struct fake_vcpu {
	int fd;
	bool started, kicked, trace, reading;
	struct kite_state state;
	struct kite_run *run;
	u64 ip;
	u8 al;
	u64 exits;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool line, pic_intr;
	u8 *low;
	u64 low_len;
	u64 start;
	struct fake_vcpu vcpus[MAX_VCPUS];
	u32 count;
} fake = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static struct fake_vcpu *find(int fd)
{
	u32 i;

	for (i = 0; i < fake.count; i++)
		if (fake.vcpus[i].fd == fd)
			return &fake.vcpus[i];
	abort();
}

/* KITE_FAKE_OPEN holds an errno to fail with, to test the words for it. */
int kite_open(void)
{
	const char *err = getenv("KITE_FAKE_OPEN");

	return err ? -atoi(err) : open("/dev/null", O_RDWR | O_CLOEXEC);
}

int kite_get_info(int dev, struct kite_info *info)
{
	(void)dev;
	*info = (struct kite_info){
		.size = sizeof(*info),
		.api_version = getenv("KITE_FAKE_VERSION") ? 99 : KITE_API_VERSION,
		.max_vcpus = MAX_VCPUS,
		.vcpu_mmap_size = MMAP_SIZE,
		.trace_entries = TRACE_ENTRIES,
		.phys_bits = 36,
		.tsc_khz = 1000000,
	};
	return 0;
}

int kite_get_vmx_msrs(int dev, struct kite_vmx_msrs *msrs)
{
	(void)dev;
	memset(msrs, 0xff, sizeof(*msrs));
	return 0;
}

/* Like those of the module, it is there for a kitectl that has confined itself. */
static int new_fd(void)
{
	return memfd_create("fake", MFD_CLOEXEC);
}

int kite_create_vm(int dev, u32 flags, u32 tsc_khz)
{
	fake.start = 0;
	fake.line = false;
	fake.pic_intr = false;
	memset(fake.vcpus, 0, sizeof(fake.vcpus));
	fake.count = 0;
	/* A CPU without TSC scaling. */
	if (tsc_khz)
		return -EOPNOTSUPP;
	(void)dev;
	return (flags & ~KITE_VM_PVCLOCK) == KITE_VM_IRQCHIP ? new_fd() : -EINVAL;
}

int kite_set_slot(int vm, u32 slot, u64 gpa, void *mem, u64 len)
{
	(void)vm;
	if (slot == 0 && gpa == 0) {
		fake.low = mem;
		fake.low_len = len;
	}
	return 0;
}

int kite_create_vcpu(int vm, u32 id)
{
	struct fake_vcpu *v = &fake.vcpus[id];

	if (id != fake.count++)
		return -EINVAL;
	(void)vm;
	v->fd = new_fd();
	v->started = !id;
	return v->fd;
}

int kite_irq_line(int vm, u32 gsi, bool level)
{
	(void)vm;
	pthread_mutex_lock(&fake.lock);
	if (gsi == 4)
		fake.line = level;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

int kite_pic_intr(int vm, bool level)
{
	(void)vm;
	pthread_mutex_lock(&fake.lock);
	fake.pic_intr = level;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

struct kite_run *kite_map_run(int vcpu, u32 mmap_size)
{
	struct fake_vcpu *v = find(vcpu);

	v->run = calloc(1, mmap_size);
	return v->run;
}

void kite_unmap_run(struct kite_run *run, u32 mmap_size)
{
	(void)mmap_size;
	free(run);
}

int kite_kick(int vcpu)
{
	pthread_mutex_lock(&fake.lock);
	find(vcpu)->kicked = true;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

int kite_get_state(int vcpu, struct kite_state *state)
{
	struct fake_vcpu *v = find(vcpu);

	v->state.groups = state->groups;
	*state = v->state;
	return 0;
}

int kite_set_state(int vcpu, struct kite_state *state)
{
	struct fake_vcpu *v = find(vcpu);

	v->state = *state;
	fake.start = state->segs.seg[KITE_CS].base + state->gprs.rip;
	v->ip = fake.start;
	return 0;
}

int kite_get_lapic(int vcpu, struct kite_lapic *lapic)
{
	(void)vcpu;
	memset(lapic, 0, sizeof(*lapic));
	return 0;
}

/* Wants virtual-wire mode of vCPU 0. */
int kite_set_lapic(int vcpu, struct kite_lapic *lapic)
{
	u32 lint0;

	memcpy(&lint0, lapic->regs + 0x350, sizeof(lint0));
	return find(vcpu) == &fake.vcpus[0] && lint0 == 0x700 ? 0 : -EINVAL;
}

int kite_get_stats(int vcpu, struct kite_stats *stats)
{
	struct fake_vcpu *v = find(vcpu);

	memset(stats, 0, sizeof(*stats));
	stats->entries = v->exits;
	stats->exits[EXIT_IO] = v->exits;
	stats->exits[EXIT_EPT] = 1;
	return 0;
}

int kite_set_debug(int vcpu, u32 flags)
{
	find(vcpu)->trace = flags & KITE_DEBUG_TRACE;
	return 0;
}

static u8 fetch(struct fake_vcpu *v)
{
	return v->ip < fake.low_len ? fake.low[v->ip++] : 'T';
}

static void note(struct fake_vcpu *v, u32 reason)
{
	struct kite_trace_entry *trace = (void *)((u8 *)v->run + KITE_TRACE_OFFSET);

	v->exits++;
	if (v->trace && v->run->trace_count < TRACE_ENTRIES)
		trace[v->run->trace_count++] = (struct kite_trace_entry){
			.tsc = v->exits, .rip = v->ip, .exit_reason = reason,
			.gpa = reason == EXIT_EPT ? 0xfed00000 : 0,
		};
}

static int io(struct fake_vcpu *v, u8 flags, u32 count, const u8 *data)
{
	u16 port = fetch(v);

	port |= fetch(v) << 8;
	if (flags & KITE_IO_STRING)
		count = fetch(v);
	note(v, EXIT_IO);
	v->run->exit_reason = KITE_EXIT_IO;
	v->run->io = (struct kite_exit_io){
		.port = port, .width = 1, .flags = flags, .count = count,
	};
	if (data)
		memset(v->run->data, *data, count);
	else if (!(flags & KITE_IO_IN))
		v->run->data[0] = fetch(v);
	v->reading = flags & KITE_IO_IN;
	return 0;
}

static int mmio(struct fake_vcpu *v, bool write)
{
	note(v, EXIT_EPT);
	v->run->exit_reason = KITE_EXIT_MMIO;
	v->run->mmio = (struct kite_exit_mmio){
		.gpa = 0xfed00000, .width = 4, .is_write = write,
	};
	memset(v->run->data, 0x5a, 4);
	v->reading = !write;
	return 0;
}

static int simple(struct fake_vcpu *v, u32 reason)
{
	struct kite_run *run = v->run;

	note(v, 2);
	run->exit_reason = reason;
	if (reason == KITE_EXIT_FAIL_ENTRY)
		run->fail_entry = (struct kite_exit_fail_entry){
			.exit_reason = VM_ENTRY_FAILURE | 33, .qualification = 4,
			.broken = { .rule = 622, .field = 0x481c, .value = 0xc091,
				    .text = "has a granularity" },
		};
	if (reason == KITE_EXIT_INTERNAL)
		run->internal = (struct kite_exit_internal){
			.code = KITE_INTERNAL_INSN, .exit_reason = EXIT_EPT, .rip = 0x1234,
			.gpa = 0xfee00000, .insn_len = 3, .insn = { 0x0f, 0xae, 0x38 },
			.idt_vectoring = 0x8000030e | BIT(11),
		};
	return 0;
}

static int memory_fault(struct fake_vcpu *v, u64 gpa)
{
	simple(v, KITE_EXIT_MEMORY_FAULT);
	v->run->fault = (struct kite_exit_fault){ .gpa = gpa, .error = EFAULT };
	return 0;
}

static int vmfail(struct fake_vcpu *v)
{
	simple(v, KITE_EXIT_FAIL_ENTRY);
	v->run->fail_entry = (struct kite_exit_fail_entry){ .instruction_error = 7 };
	return 0;
}

static int acknowledge(struct fake_vcpu *v)
{
	simple(v, KITE_EXIT_INTA);
	memset(v->run->data, 0xff, 8);
	v->reading = true;
	return 0;
}

/* Until a kick comes or *@what is true; 1 in this case. */
static int wait_for(struct fake_vcpu *v, const bool *what)
{
	while (!v->kicked && !__atomic_load_n(&v->run->immediate_exit, __ATOMIC_ACQUIRE) &&
	       !(what && *what))
		pthread_cond_wait(&fake.changed, &fake.lock);
	if (what && *what)
		return 1;
	v->kicked = false;
	v->run->exit_reason = KITE_EXIT_KICK;
	return 0;
}

static int wait_at(struct fake_vcpu *v, const bool *what)
{
	int ret = wait_for(v, what);

	if (!ret)
		v->ip--;
	return ret;
}

static int start_another(struct fake_vcpu *v)
{
	u8 id = fetch(v), offset = fetch(v);
	struct fake_vcpu *other = &fake.vcpus[id];

	if (id >= fake.count)
		abort();
	other->ip = fake.start + offset;
	other->started = true;
	pthread_cond_broadcast(&fake.changed);
	return 1;
}

/* Returns 1 to go on. */
static int step(struct fake_vcpu *v)
{
	static const u8 s = 's';
	u8 op = fetch(v);

	switch (op) {
	case 'O': return io(v, 0, 1, NULL);
	case 'I': return io(v, KITE_IO_IN, 1, NULL);
	case 'E': return io(v, 0, 1, &v->al);
	case 'S': return io(v, KITE_IO_STRING, 0, &s);
	case 'M': return mmio(v, false);
	case 'W': return mmio(v, true);
	case 'H': return wait_at(v, NULL);
	case 'L': return wait_at(v, &fake.line);
	case 'A': return start_another(v);
	case 'B': return acknowledge(v);
	case 'K': return wait_at(v, &fake.pic_intr);
	case 'F': return simple(v, KITE_EXIT_FAIL_ENTRY);
	case 'V': return vmfail(v);
	case 'X': return simple(v, KITE_EXIT_INTERNAL);
	case 'P': return memory_fault(v, 0x5000);
	case 'Q': return memory_fault(v, 0xd0000000);
	case 'U': return simple(v, 99);
	case 'R': return -EIO;
	case 'N': return -EINTR;
	case 'J':
		v->ip -= fetch(v);
		return 1;
	case 'Z':
		if (v->al != 0xff)
			v->ip = fake.start;
		return 1;
	default: return simple(v, KITE_EXIT_SHUTDOWN);
	}
}

int kite_run_vcpu(int vcpu)
{
	struct fake_vcpu *v = find(vcpu);
	int ret;

	pthread_mutex_lock(&fake.lock);
	v->run->trace_count = 0;
	v->run->exit_reason = KITE_EXIT_NONE;
	if (v->reading)
		v->al = v->run->data[0];
	v->reading = false;
	ret = v->started ? 1 : wait_for(v, &v->started);
	while (ret > 0)
		ret = step(v);
	pthread_mutex_unlock(&fake.lock);
	return ret;
}
