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
 *   Z				jump to the start if AL is not 0xff
 *   T F V X P U R N		triple fault, failed entry, VMfail, internal
 *				error, memory fault, unknown exit, EIO, EINTR
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/libkite.h"
#include "names.h"

#define TRACE_ENTRIES	8
#define MMAP_SIZE	(KITE_TRACE_OFFSET + TRACE_ENTRIES * sizeof(struct kite_trace_entry))
#define EXIT_IO		30
#define EXIT_EPT	48

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool kicked;
	bool line;
	bool trace;
	u8 *low;
	u64 low_len;
	struct kite_state state;
	struct kite_run *run;
	u64 start, ip;
	u8 al;
	bool reading;
	u64 exits;
} fake = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

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
		.max_vcpus = 1,
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

int kite_create_vm(int dev, u32 flags)
{
	fake.start = 0;
	fake.ip = 0;
	fake.kicked = false;
	fake.line = false;
	fake.reading = false;
	return flags == KITE_VM_IRQCHIP ? dup(dev) : -EINVAL;
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
	return id ? -EINVAL : dup(vm);
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

struct kite_run *kite_map_run(int vcpu, u32 mmap_size)
{
	(void)vcpu;
	fake.run = calloc(1, mmap_size);
	return fake.run;
}

void kite_unmap_run(struct kite_run *run, u32 mmap_size)
{
	(void)mmap_size;
	free(run);
}

int kite_kick(int vcpu)
{
	(void)vcpu;
	pthread_mutex_lock(&fake.lock);
	fake.kicked = true;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

int kite_get_state(int vcpu, struct kite_state *state)
{
	(void)vcpu;
	fake.state.groups = state->groups;
	*state = fake.state;
	return 0;
}

int kite_set_state(int vcpu, struct kite_state *state)
{
	(void)vcpu;
	fake.state = *state;
	fake.start = state->segs.seg[KITE_CS].base + state->gprs.rip;
	fake.ip = fake.start;
	return 0;
}

int kite_get_stats(int vcpu, struct kite_stats *stats)
{
	(void)vcpu;
	memset(stats, 0, sizeof(*stats));
	stats->entries = fake.exits;
	stats->exits[EXIT_IO] = fake.exits;
	stats->exits[EXIT_EPT] = 1;
	return 0;
}

int kite_set_debug(int vcpu, u32 flags)
{
	(void)vcpu;
	fake.trace = flags & KITE_DEBUG_TRACE;
	return 0;
}

static u8 fetch(void)
{
	return fake.ip < fake.low_len ? fake.low[fake.ip++] : 'T';
}

static void note(u32 reason)
{
	struct kite_trace_entry *trace = (void *)((u8 *)fake.run + KITE_TRACE_OFFSET);

	fake.exits++;
	if (fake.trace && fake.run->trace_count < TRACE_ENTRIES)
		trace[fake.run->trace_count++] = (struct kite_trace_entry){
			.tsc = fake.exits, .rip = fake.ip, .exit_reason = reason,
			.gpa = reason == EXIT_EPT ? 0xfed00000 : 0,
		};
}

static int io(u8 flags, u32 count, const u8 *data)
{
	u16 port = fetch();

	port |= fetch() << 8;
	if (flags & KITE_IO_STRING)
		count = fetch();
	note(EXIT_IO);
	fake.run->exit_reason = KITE_EXIT_IO;
	fake.run->io = (struct kite_exit_io){
		.port = port, .width = 1, .flags = flags, .count = count,
	};
	if (data)
		memset(fake.run->data, *data, count);
	else if (!(flags & KITE_IO_IN))
		fake.run->data[0] = fetch();
	fake.reading = flags & KITE_IO_IN;
	return 0;
}

static int mmio(bool write)
{
	note(EXIT_EPT);
	fake.run->exit_reason = KITE_EXIT_MMIO;
	fake.run->mmio = (struct kite_exit_mmio){
		.gpa = 0xfed00000, .width = 4, .is_write = write,
	};
	memset(fake.run->data, 0x5a, 4);
	fake.reading = !write;
	return 0;
}

static int simple(u32 reason)
{
	struct kite_run *run = fake.run;

	note(2);
	run->exit_reason = reason;
	if (reason == KITE_EXIT_FAIL_ENTRY)
		run->fail_entry = (struct kite_exit_fail_entry){
			.exit_reason = VM_ENTRY_FAILURE | 33, .qualification = 4,
		};
	if (reason == KITE_EXIT_INTERNAL)
		run->internal = (struct kite_exit_internal){
			.code = KITE_INTERNAL_INSN, .exit_reason = EXIT_EPT, .rip = 0x1234,
			.gpa = 0xfee00000, .insn_len = 3, .insn = { 0x0f, 0xae, 0x38 },
			.idt_vectoring = 0x8000030e | BIT(11),
		};
	if (reason == KITE_EXIT_MEMORY_FAULT)
		run->fault = (struct kite_exit_fault){ .gpa = 0x5000, .error = EFAULT };
	return 0;
}

static int vmfail(void)
{
	simple(KITE_EXIT_FAIL_ENTRY);
	fake.run->fail_entry = (struct kite_exit_fail_entry){ .instruction_error = 7 };
	return 0;
}

/* Until a kick comes, or line 4 if @line. */
static int wait_for(bool line)
{
	while (!fake.kicked && !__atomic_load_n(&fake.run->immediate_exit, __ATOMIC_ACQUIRE) &&
	       !(line && fake.line))
		pthread_cond_wait(&fake.changed, &fake.lock);
	if (line && fake.line)
		return 1;
	fake.ip--;
	fake.kicked = false;
	fake.run->exit_reason = KITE_EXIT_KICK;
	return 0;
}

/* Returns 1 to go on. */
static int step(void)
{
	static const u8 s = 's';
	u8 op = fetch();

	switch (op) {
	case 'O': return io(0, 1, NULL);
	case 'I': return io(KITE_IO_IN, 1, NULL);
	case 'E': return io(0, 1, &fake.al);
	case 'S': return io(KITE_IO_STRING, 0, &s);
	case 'M': return mmio(false);
	case 'W': return mmio(true);
	case 'H': return wait_for(false);
	case 'L': return wait_for(true);
	case 'F': return simple(KITE_EXIT_FAIL_ENTRY);
	case 'V': return vmfail();
	case 'X': return simple(KITE_EXIT_INTERNAL);
	case 'P': return simple(KITE_EXIT_MEMORY_FAULT);
	case 'U': return simple(99);
	case 'R': return -EIO;
	case 'N': return -EINTR;
	case 'J':
		fake.ip -= fetch();
		return 1;
	case 'Z':
		if (fake.al != 0xff)
			fake.ip = fake.start;
		return 1;
	default: return simple(KITE_EXIT_SHUTDOWN);
	}
}

int kite_run_vcpu(int vcpu)
{
	int ret;

	(void)vcpu;
	pthread_mutex_lock(&fake.lock);
	fake.run->trace_count = 0;
	fake.run->exit_reason = KITE_EXIT_NONE;
	if (fake.reading)
		fake.al = fake.run->data[0];
	fake.reading = false;
	do {
		ret = step();
	} while (ret > 0);
	pthread_mutex_unlock(&fake.lock);
	return ret;
}
