// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control registers. The guest owns the bits that change nothing outside it;
 * writes to the others exit. CR3 never exits.
 */
#include "exit.h"

#include <linux/bitops.h>
#include <asm/processor-flags.h>

#include "../core/backend.h"
#include "../core/cpuid.h"
#include "../core/gwalk.h"
#include "../core/irqchip.h"
#include "../core/request.h"
#include "../core/vm.h"
#include "caps.h"

/*
 * CR0: NE must be 1 in VMX operation without the guest knowing, CD and NW would
 * switch the caches of the host off. With an unrestricted guest, PE and PG are the
 * guest's: the CPU does all that belongs to their change.
 */
#define CR0_GUEST_OWNED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_WP | \
			 X86_CR0_AM | X86_CR0_PG)
#define CR0_DEFINED	(CR0_GUEST_OWNED | X86_CR0_ET | X86_CR0_NE | X86_CR0_NW | X86_CR0_CD)

/*
 * CR4: the feature bits that a guest may have, by the CPUID bit that tells of
 * them. MCE is not the guest's: without it a machine check would shut the CPU down.
 */
#define CR4_ALWAYS	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
			 X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | \
			 X86_CR4_OSXMMEXCPT)

static const struct {
	u32 leaf;
	u8 reg;
	u8 bit;
	u64 cr4;
} cr4_features[] = {
	{ 1, 2, 17, X86_CR4_PCIDE },
	{ 1, 2, 26, X86_CR4_OSXSAVE },
	{ 7, 1, 0, X86_CR4_FSGSBASE },
	{ 7, 1, 7, X86_CR4_SMEP },
	{ 7, 1, 20, X86_CR4_SMAP },
	{ 7, 2, 2, X86_CR4_UMIP },
};

static u64 cr4_guest_owned __ro_after_init;

void vmx_cr_init(void)
{
	unsigned int i;

	cr4_guest_owned = CR4_ALWAYS;
	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (kite_cpuid_word(cr4_features[i].leaf, cr4_features[i].reg) &
		    BIT(cr4_features[i].bit))
			cr4_guest_owned |= cr4_features[i].cr4;
	cr4_guest_owned &= vmx_caps.cr4_fixed1;
}

u64 vmx_cr4_allowed(void)
{
	return cr4_guest_owned | X86_CR4_MCE;
}

void vmx_cr_init_masks(void)
{
	vmwrite(VMCS_CR0_GUEST_HOST_MASK, ~CR0_GUEST_OWNED);
	vmwrite(VMCS_CR4_GUEST_HOST_MASK, ~cr4_guest_owned);
}

u64 vmx_get_cr0(struct vmx_vcpu *x)
{
	return (vmread(VMCS_GUEST_CR0) & CR0_GUEST_OWNED) |
	       (vmread(VMCS_CR0_READ_SHADOW) & ~CR0_GUEST_OWNED);
}

u64 vmx_get_cr4(struct vmx_vcpu *x)
{
	return (vmread(VMCS_GUEST_CR4) & cr4_guest_owned) | (x->cr4_shadow & ~cr4_guest_owned);
}

/* Paging changed without the CPU's doing: what it may have cached is void. */
void vmx_flush_guest(struct vmx_vcpu *x)
{
	invept(INVEPT_SINGLE_CONTEXT, x->core.vm->ept.eptp);
}

/* @value is valid. PE and PG may be 0 even where fixed0 says 1. */
void vmx_put_cr0(struct vmx_vcpu *x, u64 value)
{
	u64 must = vmx_caps.cr0_fixed0 & ~(X86_CR0_PE | X86_CR0_PG);

	vmwrite(VMCS_GUEST_CR0, (value & (CR0_GUEST_OWNED | X86_CR0_ET)) | must);
	vmwrite(VMCS_CR0_READ_SHADOW, value);
}

void vmx_put_cr4(struct vmx_vcpu *x, u64 value)
{
	/* The host's machine checks stay on. */
	u64 mce = x->window.cr4 & X86_CR4_MCE;

	vmwrite(VMCS_GUEST_CR4, (value & cr4_guest_owned) | vmx_caps.cr4_fixed0 | mce);
	vmwrite(VMCS_CR4_READ_SHADOW, value);
	x->cr4_shadow = value;
}

static bool cr0_valid(struct vmx_vcpu *x, u64 value)
{
	u64 efer = vmread(VMCS_GUEST_IA32_EFER);
	bool was_paging = vmread(VMCS_GUEST_CR0) & X86_CR0_PG;
	bool cs_l = vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEG_AR_L;

	if (value >> 32)
		return false;
	if ((value & X86_CR0_PG) && !(value & X86_CR0_PE))
		return false;
	if ((value & X86_CR0_NW) && !(value & X86_CR0_CD))
		return false;
	if ((value & X86_CR0_PG) && !was_paging && (efer & EFER_LME))
		return (vmread(VMCS_GUEST_CR4) & X86_CR4_PAE) && !cs_l;
	if (!(value & X86_CR0_PG) && was_paging) {
		if ((efer & EFER_LMA) && cs_l)
			return false;
		return !(vmread(VMCS_GUEST_CR4) & X86_CR4_PCIDE);
	}
	return true;
}

/* A present entry has no reserved bit set; the CPU checks them whenever it loads them. */
static bool pdpte_valid(u64 pdpte)
{
	u64 reserved = GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5) |
		       GENMASK_ULL(63, kite_hw_phys_bits());

	return !(pdpte & 1) || !(pdpte & reserved);
}

/* -EAGAIN: a page of the host is missing; -ENXIO: no memory there. */
static int read_pdptes(struct vmx_vcpu *x, u64 pdpte[4])
{
	u64 cr3 = vmread(VMCS_GUEST_CR3);

	return kite_guest_read(&x->core, cr3 & GENMASK_ULL(31, 5), pdpte, 4 * sizeof(pdpte[0]));
}

/*
 * PAE paging keeps the four page-directory pointers in the CPU; with EPT a VM entry
 * takes them from the VMCS.
 */
static void put_pdptes(const u64 pdpte[4])
{
	vmwrite(VMCS_GUEST_PDPTE0, pdpte[0]);
	vmwrite(VMCS_GUEST_PDPTE1, pdpte[1]);
	vmwrite(VMCS_GUEST_PDPTE2, pdpte[2]);
	vmwrite(VMCS_GUEST_PDPTE3, pdpte[3]);
}

/* For the guest: any error but -EAGAIN is #GP. */
static int load_pdptes(struct vmx_vcpu *x)
{
	unsigned int i;
	u64 pdpte[4];
	int ret;

	ret = read_pdptes(x, pdpte);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(pdpte); i++)
		if (!pdpte_valid(pdpte[i]))
			return -EINVAL;
	put_pdptes(pdpte);
	return 0;
}

static bool uses_pdptes(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

/*
 * User space set the control registers; a missing page of the host is asked for.
 * Pointers that are not valid, as in no memory at all, fail the next VM entry.
 */
void vmx_reload_pdptes(struct vmx_vcpu *x)
{
	u64 cr0 = vmread(VMCS_GUEST_CR0), cr4 = vmread(VMCS_GUEST_CR4);
	u64 pdpte[4] = { ~0ull, ~0ull, ~0ull, ~0ull };

	if (uses_pdptes(cr0, cr4, vmread(VMCS_GUEST_IA32_EFER))) {
		if (read_pdptes(x, pdpte) == -EAGAIN) {
			kite_vcpu_request_self(&x->core, KITE_REQ_FAULT_IN);
			return;
		}
		put_pdptes(pdpte);
	}
	x->load_pdptes = false;
}

/* EFER.LMA and the VM-entry control follow CR0.PG. */
void vmx_set_lma(bool on)
{
	u64 efer = vmread(VMCS_GUEST_IA32_EFER);
	u32 entry = vmread(VMCS_ENTRY_CONTROLS);

	vmwrite(VMCS_GUEST_IA32_EFER, on ? efer | EFER_LMA : efer & ~(u64)EFER_LMA);
	vmwrite(VMCS_ENTRY_CONTROLS, on ? entry | ENTRY_IA32E_GUEST : entry & ~ENTRY_IA32E_GUEST);
}

static int try_again(struct vmx_vcpu *x)
{
	kite_vcpu_request_self(&x->core, KITE_REQ_FAULT_IN);
	return KITE_LEAVE;
}

static int guest_write_cr0(struct vmx_vcpu *x, u64 value)
{
	u64 efer = vmread(VMCS_GUEST_IA32_EFER);
	bool lma = (efer & EFER_LME) && (value & X86_CR0_PG);
	int ret;

	if (!cr0_valid(x, value))
		return vmx_gp(x);
	value = (value & CR0_DEFINED) | X86_CR0_ET;
	if (uses_pdptes(value, vmread(VMCS_GUEST_CR4), lma ? EFER_LMA : 0)) {
		ret = load_pdptes(x);
		if (ret == -EAGAIN)
			return try_again(x);
		if (ret)
			return vmx_gp(x);
	}
	if (lma != !!(efer & EFER_LMA))
		vmx_set_lma(lma);
	vmx_put_cr0(x, value);
	vmx_flush_guest(x);
	return vmx_skipped(x);
}

/* A change of these makes MOV to CR4 read the page-directory pointers, if PAE paging is on then. */
#define CR4_LOADS_PDPTES	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_SMEP)
/* What translations depend on. MOV to CR4 drops them for no other bit. */
#define CR4_PAGING		(CR4_LOADS_PDPTES | X86_CR4_PCIDE | X86_CR4_SMAP)

/* SDM, chapter "Paging", on PDPTE registers and on operations that invalidate translations. */
static int change_paging(struct vmx_vcpu *x, u64 value, u64 changed)
{
	u64 efer = vmread(VMCS_GUEST_IA32_EFER);
	int ret;

	if ((efer & EFER_LMA) && !(value & X86_CR4_PAE))
		return -EINVAL;
	if ((value & changed & X86_CR4_PCIDE) &&
	    (!(efer & EFER_LMA) || (vmread(VMCS_GUEST_CR3) & 0xfff)))
		return -EINVAL;
	if ((changed & CR4_LOADS_PDPTES) && uses_pdptes(vmread(VMCS_GUEST_CR0), value, efer)) {
		ret = load_pdptes(x);
		if (ret)
			return ret;
	}
	vmx_flush_guest(x);
	return 0;
}

static int guest_write_cr4(struct vmx_vcpu *x, u64 value)
{
	u64 changed = value ^ vmx_get_cr4(x);
	int ret = 0;

	if (value & ~vmx_cr4_allowed())
		return vmx_gp(x);
	if (changed & CR4_PAGING)
		ret = change_paging(x, value, changed);
	if (ret == -EAGAIN)
		return try_again(x);
	if (ret)
		return vmx_gp(x);
	vmx_put_cr4(x, value);
	return vmx_skipped(x);
}

static int guest_write_cr8(struct vmx_vcpu *x, u64 value)
{
	struct lapic_out out = {};

	if (value >> 4)
		return vmx_gp(x);
	if (x->core.irqchip) {
		lapic_set_cr8(&x->core.lapic, value, &out);
		kite_lapic_out(&x->core, &out);
	}
	return vmx_skipped(x);
}

/* Exit qualification. SDM, chapter "VM Exits", table for control-register accesses. */
#define CR_NUMBER	GENMASK(3, 0)
#define CR_ACCESS	GENMASK(5, 4)
#define CR_TO		(0 << 4)
#define CR_FROM		(1 << 4)
#define CR_GPR_SHIFT	8
#define CR_GPR		GENMASK(11, 8)

/* What is moved: 32 bits outside 64-bit mode, where few registers have more. */
static u64 source(struct vmx_vcpu *x, unsigned int gpr)
{
	u64 value = vmx_gpr(x, gpr);

	return value >> 32 && !vmx_in_64bit_mode() ? (u32)value : value;
}

/* CLTS and LMSW touch only bits that the guest owns: they do not exit. */
int vmx_exit_cr(struct vmx_vcpu *x)
{
	u64 qualification = vmx_qualification();
	unsigned int gpr = (qualification & CR_GPR) >> CR_GPR_SHIFT;

	switch (qualification & (CR_NUMBER | CR_ACCESS)) {
	case CR_TO | 0:
		return guest_write_cr0(x, source(x, gpr));
	case CR_TO | 4:
		return guest_write_cr4(x, source(x, gpr));
	case CR_TO | 8:
		return guest_write_cr8(x, vmx_gpr(x, gpr));
	case CR_FROM | 8:
		vmx_set_gpr(x, gpr, x->core.irqchip ? lapic_get_cr8(&x->core.lapic) : 0);
		return vmx_skipped(x);
	}
	return vmx_internal(x, KITE_INTERNAL_UNEXPECTED_EXIT);
}
