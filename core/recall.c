// SPDX-License-Identifier: GPL-2.0-only
#include "recall.h"

#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "backend.h"
#include "vm.h"

static struct kite_recalled *place_of(struct kite_vcpu *v, u64 rip)
{
	return &v->recalled[hash_64(rip, KITE_RECALL_BITS)];
}

/* What the instruction was found by is there and has not changed. Reads as the CPU would now. */
static bool as_it_was(const struct kite_recalled *r)
{
	const u64 __user *code = (const u64 __user *)r->uaddr;
	const struct kite_trail_entry *e = r->trail.at, *end = e + r->trail.count;
	u64 word, differs = 0;

	if (!user_access_begin(code, KITE_RECALL_BYTES))
		return false;
	/* No index: UBSAN would check it by a call, which must not be made with user access on. */
	for (; e < end; e++) {
		/* The walk that noted the address has checked that it is one of user space. */
		unsafe_get_user(word, (const u64 __user *)e->uaddr, fault);
		differs |= word ^ e->entry;
	}
	unsafe_get_user(word, code, fault);
	differs |= word ^ r->bytes[0];
	unsafe_get_user(word, code + 1, fault);
	differs |= word ^ r->bytes[1];
	user_access_end();
	return !differs;
fault:
	user_access_end();
	return false;
}

const struct kite_insn *kite_recall(struct kite_vcpu *v)
{
	u64 rip = kite_hw_rip(v, NULL);
	const struct kite_recalled *r = place_of(v, rip);
	bool same;

	if (r->rip != rip || r->slots != kite_slots_generation(v->vm) ||
	    r->cr3 != kite_hw_cr3(v) || !kite_hw_code64(v))
		return NULL;
	pagefault_disable();
	same = as_it_was(r);
	pagefault_enable();
	return same ? &r->insn : NULL;
}

void kite_remember(struct kite_vcpu *v, u64 gva, const struct kite_trail *trail, u64 gpa,
		   const u64 *bytes, const struct kite_insn *insn)
{
	struct kite_recalled *r = place_of(v, gva);

	/* RSP would have to be read from the VMCS; a second page has entries of its own. */
	if (insn->reg == KITE_RSP || !kite_hw_code64(v) ||
	    offset_in_page(gva) > PAGE_SIZE - KITE_RECALL_BYTES)
		return;
	*r = (struct kite_recalled){
		.rip = gva, .cr3 = kite_hw_cr3(v), .slots = kite_slots_generation(v->vm),
		.trail = *trail, .uaddr = kite_gpa_to_uaddr(v->vm, gpa, false),
		.bytes = { bytes[0], bytes[1] }, .insn = *insn,
	};
}
