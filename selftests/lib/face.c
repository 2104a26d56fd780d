// SPDX-License-Identifier: GPL-2.0-only
#include "face.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "handlers.h"
#include "smp.h"

/* As after power-up. */
#define XCR0_X87	1
#define APIC_BASE	0xfee00800u
#define APIC_BASE_BSP	BIT(8)

/* As kt_call() does it with a vCPU that is there. */
static void init_vcpu(struct kt_guest *g, struct kt_vm *vm, unsigned int n, u64 fn, u64 arg)
{
	u64 sp = kt_cpu[n].stack - 72;
	struct kite_state *s = &g->state[n];

	kt_mode_state(KT_LONG64, s);
	s->crs.xcr0 = XCR0_X87;
	s->crs.apic_base = g->irqchip ? APIC_BASE | (n ? 0 : APIC_BASE_BSP) : 0;
	s->segs.seg[KITE_GS].base = (u64)&kt_cpu[n];
	kt_put(vm, u64, sp, (u64)kt_return64);
	s->gprs.gpr[KITE_RSP] = sp;
	s->gprs.gpr[KITE_RDI] = arg;
	s->gprs.rip = fn;
}

void kt_guest_init(struct kt_guest *g, unsigned int vcpus, bool irqchip, void (*fn)(u64), u64 arg)
{
	struct kt_vm vm = {};
	unsigned int n;

	ASSERT_TRUE(vcpus <= KT_FACE_VCPUS);
	vm.ram = mmap(NULL, KT_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(vm.ram != MAP_FAILED);
	kt_vm_set_mode(&vm, KT_LONG64);
	kt_smp_prepare(&vm, irqchip);
	*g = (struct kt_guest){ .vcpus = vcpus, .irqchip = irqchip, .ram = vm.ram };
	for (n = 0; n < vcpus; n++)
		init_vcpu(g, &vm, n, (u64)fn, arg);
}

void kt_guest_free(struct kt_guest *g)
{
	ASSERT_EQ(0, munmap(g->ram, KT_RAM));
}

void kt_machine_new(struct kt_machine *m, const struct kt_face *face, const struct kt_guest *g)
{
	unsigned int n;

	memset(m, 0, sizeof(*m));
	m->face = face;
	m->guest = g;
	face->create(m);
	for (n = 0; n < g->vcpus; n++)
		face->add_vcpu(m, n);
}

void kt_machine_free(struct kt_machine *m)
{
	unsigned int n;

	for (n = 0; n < m->guest->vcpus; n++)
		m->face->remove_vcpu(m, n);
	m->face->destroy(m);
}

struct start {
	struct kt_machine *machine;
	unsigned int vcpu;
};

static void *runner(void *arg)
{
	struct start *start = arg;
	struct kt_machine *m = start->machine;
	unsigned int n = start->vcpu;

	free(start);
	kt_pin(0, n % kt_cpus());
	ASSERT_EQ(KT_PORT_DONE, m->face->run(m, n));
	return NULL;
}

void kt_machine_start(struct kt_machine *m)
{
	struct start *start;
	unsigned int n;

	for (n = 0; n < m->guest->vcpus; n++) {
		start = malloc(sizeof(*start));
		ASSERT_TRUE(start);
		*start = (struct start){ m, n };
		ASSERT_EQ(0, pthread_create(&m->vcpu[n].thread, NULL, runner, start));
	}
}

void kt_machine_finish(struct kt_machine *m)
{
	unsigned int n;

	for (n = 0; n < m->guest->vcpus; n++)
		ASSERT_EQ(0, pthread_join(m->vcpu[n].thread, NULL));
}
