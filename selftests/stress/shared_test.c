// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract: the run page, the trace and the ring may be written by other threads at any
 * time, and even be memory of the guest: the kernel does not rely on what it finds there,
 * and the VM goes on when the writing has ended.
 */
#include <pthread.h>
#include <stdlib.h>

#include "dirty.h"
#include "guest.h"

#define CALLS		1500
#define RING		KITE_RING_MIN
#define RING_SIZE	(KITE_RING_HEADER + RING * sizeof(struct kite_ring_entry))
#define RING_GPA	(KT_HOLE + 0x80000)
#define NOTHING		(KT_HOLE + 0x180000)	/* no slot */

/* Exits that use the run page's data, and writes to all that is shared: RBX and R8 say where. */
KT_CODE64(exits, "",
	  "1: out %al, $0x80\n"
	  "in $0x81, %al\n"
	  "lea 0x400(%rbx), %rdi\n"
	  "mov $0x82, %edx\nmov $0x200, %ecx\nrep insb\n"
	  "mov (%r9), %rax\n"
	  "mov %r9, %rsi\nlea 0x100(%rbx), %rdi\nmovsq\n"
	  "mov %r10, %rax\nand $0xff8, %eax\n"
	  "mov %rax, (%rbx, %rax)\n"
	  "mov %rax, 0x1000(%rbx, %rax)\n"
	  "mov %r10, (%r8, %rax)\n"
	  "mov %r10, 0x1000(%r8, %rax)\n"
	  "add $0x68, %r10\n"
	  "jmp 1b", "");
KT_CODE64(ends, "", "mov $1, %eax", "");

struct scribbler {
	u64 *page[3];
	u64 len[3];		/* in words */
	bool stop;
};

static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	unsigned int seed = 1;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		unsigned int i = rand_r(&seed) % ARRAY_SIZE(s->page);
		u64 value = (u64)rand_r(&seed) << 40 ^ rand_r(&seed);
		u64 at = rand_r(&seed) % s->len[i];

		/* What counts is at the beginning. */
		if (rand_r(&seed) & 1)
			at %= 32;
		__atomic_store_n(&s->page[i][at], value, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Have the next writes noted again; the ring's own words may be anything. */
static void make_clean(struct kt_vm *vm, const struct kt_ring *ring)
{
	static u64 bits[2];
	int ret;

	ring->head->tail = ring->head->head;
	ret = _vm_reset_rings(vm->fd);
	ASSERT_TRUE(ret >= 0 || ret == -EINVAL);
	vm_get_dirty(vm->fd, 20, KITE_DIRTY_CLEAR, 0, vm->info.vcpu_mmap_size / KT_PAGE, bits);
	vm_get_dirty(vm->fd, 21, KITE_DIRTY_CLEAR, 0, RING_SIZE / KT_PAGE, bits);
}

static void make_shared(struct kt_vm *vm, const struct kt_ring *ring)
{
	vm_set_slot(vm->fd, 20, KITE_SLOT_LOG_DIRTY, KT_HOLE, vm->info.vcpu_mmap_size,
		    vm->vcpu.run);
	vm_set_slot(vm->fd, 21, KITE_SLOT_LOG_DIRTY, RING_GPA, RING_SIZE, ring->head);
	kt_set_reg(&vm->vcpu, KITE_RBX, KT_HOLE);
	kt_set_reg(&vm->vcpu, KITE_R8, RING_GPA);
	kt_set_reg(&vm->vcpu, KITE_R9, NOTHING);
	kt_start(&vm->vcpu, &exits);
}

KITE_TEST_MODES(words_of_user_space_change, KT_IN_64)
{
	struct kt_ring ring = kt_ring_new(vm->vcpu.fd, RING);
	struct scribbler s = {
		.page = { (u64 *)vm->vcpu.run, (u64 *)vm->vcpu.trace, (u64 *)ring.head },
		.len = { KT_PAGE / 8, KT_PAGE / 8, RING_SIZE / 8 },
	};
	u32 calls = kt_times(CALLS), done = 0, i;
	pthread_t thread;
	int ret;

	vcpu_set_debug(vm->vcpu.fd, KITE_DEBUG_TRACE);
	make_shared(vm, &ring);
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &s));
	for (i = 0; i < calls; i++) {
		vm->vcpu.run->immediate_exit = 0;
		ret = _vcpu_run(vm->vcpu.fd);
		ASSERT_TRUE(ret == 0 || ret == -EINTR);
		done += !ret;
		make_clean(vm, &ring);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	kt_note("%u of %u calls were exits", done, calls);
	EXPECT_GT(done, calls / 10);
	/* In order again, without its ring's being full. */
	vm->vcpu.run->immediate_exit = 0;
	ring.head->tail = ring.head->head;
	vcpu_set_debug(vm->vcpu.fd, 0);
	vm_set_slot(vm->fd, 20, 0, KT_HOLE, 0, NULL);
	vm_set_slot(vm->fd, 21, 0, RING_GPA, 0, NULL);
	kt_run_done(&vm->vcpu, &ends);
}
