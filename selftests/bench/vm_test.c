// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VMs, vCPUs and slots cost until they are there and until they are gone. Part of
 * "make bench". The first two rows are the first VMs of a boot, so this program goes
 * before the others.
 */
#include <sys/mman.h>

#include "bench.h"
#include "files.h"

#define MANY		7u		/* vCPUs beside the first */
#define SLOTS		16u
#define SLOT_LEN	(2ul << 20)
#define SLOT_GPA	0x10000000ul
#define VMS		100u		/* whose memory is weighed */

static void halt(u64 unused)
{
	(void)unused;
	asm volatile("hlt");
}

static void knock(u64 unused)
{
	(void)unused;
	kt_done();
}

/* With an interrupt controller the kernel keeps what halts. */
static void create(struct kt_machine *m, const struct kt_face *face, const struct kt_guest *g)
{
	kt_machine_new(m, face, g);
	ASSERT_EQ(g->irqchip ? KT_PORT_DONE : KT_SAID_HLT, face->run(m, 0));
}

static void create_vm(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	struct kt_machine m;
	struct kt_guest g;

	kt_guest_init(&g, 1, row->arg, row->guest, 0);
	kt_sample_begin(s);
	create(&m, face, &g);
	kt_sample_end(s, 1);
	kt_machine_free(&m);
	kt_guest_free(&g);
}

static void destroy_vm(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	struct kt_machine m;
	struct kt_guest g;

	kt_guest_init(&g, 1, row->arg, row->guest, 0);
	create(&m, face, &g);
	kt_sample_begin(s);
	kt_machine_free(&m);
	kt_sample_end(s, 1);
	kt_guest_free(&g);
}

static void create_vcpus(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	struct kt_machine m;
	struct kt_guest g;
	unsigned int n;

	kt_guest_init(&g, 1 + MANY, false, row->guest, 0);
	g.vcpus = 1;
	create(&m, face, &g);
	kt_sample_begin(s);
	for (n = 1; n <= MANY; n++)
		face->add_vcpu(&m, n);
	kt_sample_end(s, MANY);
	g.vcpus = 1 + MANY;
	kt_machine_free(&m);
	kt_guest_free(&g);
}

static void set_slots(struct kt_machine *m, u64 len, u8 *mem)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		m->face->set_slot(m, KT_FACE_SLOTS + i, SLOT_GPA + i * SLOT_LEN, len,
				  mem + i * SLOT_LEN, false);
}

/* Memory that the guest has not used. */
static void slots(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	struct kt_machine m;
	struct kt_guest g;
	u8 *mem = mmap(NULL, SLOTS * SLOT_LEN, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	kt_guest_init(&g, 1, false, row->guest, 0);
	create(&m, face, &g);
	if (row->arg)
		kt_sample_begin(s);
	set_slots(&m, SLOT_LEN, mem);
	if (!row->arg)
		kt_sample_begin(s);
	else
		kt_sample_end(s, SLOTS);
	set_slots(&m, 0, mem);
	if (!row->arg)
		kt_sample_end(s, SLOTS);
	kt_machine_free(&m);
	kt_guest_free(&g);
	ASSERT_EQ(0, munmap(mem, SLOTS * SLOT_LEN));
}

/* VMs that have run, with the same memory in all of them: what the kernel needs beside it. */
static void weigh(const struct kt_row *row, const struct kt_face *face, struct kt_sample *s)
{
	static struct kt_machine m[VMS];
	struct kt_guest g;
	unsigned int i;
	u64 before;

	kt_guest_init(&g, 1, true, row->guest, 0);
	create(&m[0], face, &g);
	before = kt_meminfo("MemFree");
	for (i = 1; i < VMS; i++)
		create(&m[i], face, &g);
	s->ticks = before - kt_meminfo("MemFree");
	s->ops = VMS - 1;
	for (i = 0; i < VMS; i++)
		kt_machine_free(&m[i]);
	kt_guest_free(&g);
}

static const struct kt_row rows[] = {
	{ "vm_create_first", "ticks", create_vm, halt, 0, 25, .rounds = 1 },
	{ "vm_create_second", "ticks", create_vm, halt, 0, 25, .rounds = 1 },
	{ "vm_create_hlt", "ticks", create_vm, halt, 0, 25, .rounds = 6 },
	{ "vm_destroy", "ticks", destroy_vm, halt, 0, 2 },
	{ "vm_create_irqchip", "ticks", create_vm, knock, 1, 25, .rounds = 6 },
	{ "vm_destroy_irqchip", "ticks", destroy_vm, knock, 1, 2 },
	{ "vcpu_create", "ticks", create_vcpus, halt, 0, 100 },
	{ "slot_add", "ticks", slots, halt, 1, 100 },
	{ "slot_remove", "ticks", slots, halt, 0, 100 },
	{ "vm_memory", "KiB", weigh, knock, 0, 100, .rounds = 1 },
};

KT_ROWS(rows)
