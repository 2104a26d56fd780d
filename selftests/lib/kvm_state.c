// SPDX-License-Identifier: GPL-2.0-only
#include "kvm_state.h"

#include <sys/ioctl.h>

int kvm_read_cpuids(int dev, struct kvm_cpuids *cpuids)
{
	cpuids->head.nent = KVM_CPUIDS;
	return ioctl(dev, KVM_GET_SUPPORTED_CPUID, cpuids);
}

#define ECX_DEADLINE	(1u << 24)
#define EBX_APIC_ID	24

/* KVM does not tell of the timer that its own APIC has. */
int kvm_put_cpuids(int vcpu, const struct kvm_cpuids *cpuids, unsigned int id, int irqchip)
{
	struct kvm_cpuids own = *cpuids;
	unsigned int i;

	for (i = 0; i < own.head.nent; i++) {
		if (own.entry[i].function == 1) {
			own.entry[i].ebx &= ~(0xffu << EBX_APIC_ID);
			own.entry[i].ebx |= id << EBX_APIC_ID;
			own.entry[i].ecx |= irqchip ? ECX_DEADLINE : 0;
		} else if (own.entry[i].function == 0xb) {
			own.entry[i].edx = id;
		}
	}
	return ioctl(vcpu, KVM_SET_CPUID2, &own);
}

/* Kite has access rights as the VMCS does. */
static void copy_segment(struct kvm_segment *to, const struct kite_segment *from)
{
	*to = (struct kvm_segment){
		.base = from->base, .limit = from->limit, .selector = from->selector,
		.type = from->ar & 0xf, .s = from->ar >> 4 & 1, .dpl = from->ar >> 5 & 3,
		.present = from->ar >> 7 & 1, .avl = from->ar >> 12 & 1, .l = from->ar >> 13 & 1,
		.db = from->ar >> 14 & 1, .g = from->ar >> 15 & 1, .unusable = from->ar >> 16 & 1,
	};
}

static int put_sregs(int vcpu, const struct kite_state *s)
{
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	copy_segment(&sregs.es, &s->segs.seg[KITE_ES]);
	copy_segment(&sregs.cs, &s->segs.seg[KITE_CS]);
	copy_segment(&sregs.ss, &s->segs.seg[KITE_SS]);
	copy_segment(&sregs.ds, &s->segs.seg[KITE_DS]);
	copy_segment(&sregs.fs, &s->segs.seg[KITE_FS]);
	copy_segment(&sregs.gs, &s->segs.seg[KITE_GS]);
	copy_segment(&sregs.ldt, &s->segs.seg[KITE_LDTR]);
	copy_segment(&sregs.tr, &s->segs.seg[KITE_TR]);
	sregs.gdt.base = s->segs.gdtr.base;
	sregs.gdt.limit = s->segs.gdtr.limit;
	sregs.idt.base = s->segs.idtr.base;
	sregs.idt.limit = s->segs.idtr.limit;
	sregs.cr0 = s->crs.cr0;
	sregs.cr3 = s->crs.cr3;
	sregs.cr4 = s->crs.cr4;
	sregs.efer = s->crs.efer;
	return ioctl(vcpu, KVM_SET_SREGS, &sregs);
}

static int put_regs(int vcpu, const struct kite_gprs *g)
{
	struct kvm_regs regs = {
		.rax = g->gpr[KITE_RAX], .rbx = g->gpr[KITE_RBX], .rcx = g->gpr[KITE_RCX],
		.rdx = g->gpr[KITE_RDX], .rsi = g->gpr[KITE_RSI], .rdi = g->gpr[KITE_RDI],
		.rsp = g->gpr[KITE_RSP], .rbp = g->gpr[KITE_RBP], .r8 = g->gpr[KITE_R8],
		.r9 = g->gpr[KITE_R9], .r10 = g->gpr[KITE_R10], .r11 = g->gpr[KITE_R11],
		.r12 = g->gpr[KITE_R12], .r13 = g->gpr[KITE_R13], .r14 = g->gpr[KITE_R14],
		.r15 = g->gpr[KITE_R15], .rip = g->rip, .rflags = g->rflags,
	};

	return ioctl(vcpu, KVM_SET_REGS, &regs);
}

int kvm_put_state(int vcpu, const struct kite_state *s)
{
	return put_sregs(vcpu, s) ? -1 : put_regs(vcpu, &s->gprs);
}
