// SPDX-License-Identifier: GPL-2.0-only
#include "mmio.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "../insn/exec.h"
#include "backend.h"
#include "exit_record.h"
#include "fault.h"
#include "gwalk.h"
#include "ioeventfd.h"
#include "irqchip.h"
#include "recall.h"
#include "request.h"
#include "vm.h"

/* Something was not in host memory: bring it in and let the guest try again. */
static int try_again(struct kite_vcpu *v)
{
	kite_vcpu_request_self(v, KITE_REQ_FAULT_IN);
	return KITE_LEAVE;
}

static u32 user_access_bit(const struct kite_paging *paging)
{
	return paging->cpl == 3 ? KITE_PF_USER : 0;
}

/* Room for an instruction, in words that are read at once. */
union insn_bytes {
	u8 byte[KITE_INSN_MAX_LEN];
	u64 word[2];
};

/* What was read of an instruction, and how the last page of it was found. */
struct fetched {
	union insn_bytes bytes;
	u32 n;
	u64 gpa;
	struct kite_trail trail;
};

/* Read what can be read of the instruction at @gva. */
static int fetch(struct kite_vcpu *v, const struct kite_paging *paging, u64 gva,
		 struct fetched *f)
{
	u32 error, len;
	int ret;

	f->n = 0;
	while (f->n < KITE_INSN_MAX_LEN) {
		ret = kite_gva_to_gpa(v, paging, gva + f->n,
				      KITE_PF_FETCH | user_access_bit(paging), &f->gpa, &error,
				      &f->trail);
		len = min_t(u32, KITE_INSN_MAX_LEN - f->n, PAGE_SIZE - offset_in_page(f->gpa));
		if (!ret && PAGE_SIZE - offset_in_page(f->gpa) >= sizeof(f->bytes) && !f->n)
			ret = kite_guest_read16(v, f->gpa, f->bytes.word);
		else if (!ret)
			ret = kite_guest_read(v, f->gpa, f->bytes.byte + f->n, len);
		if (ret)
			return f->n && ret != -EAGAIN ? 0 : ret;
		f->n += len;
	}
	return 0;
}

/*
 * The memory side of MOVS: the page at @gva for @width bytes. -EAGAIN and
 * -ENXIO as kite_guest_read(); -EFAULT when a #PF was made pending.
 */
static int movs_memory(struct kite_vcpu *v, const struct kite_paging *paging, u64 gva,
		       u32 width, bool write, u64 *gpa)
{
	u32 error;
	int ret;

	if (offset_in_page(gva) + width > PAGE_SIZE)
		return -ENXIO;
	ret = kite_gva_to_gpa(v, paging, gva, (write ? KITE_PF_WRITE : 0) |
			      user_access_bit(paging), gpa, &error, NULL);
	if (ret == -EFAULT)
		kite_hw_inject_pf(v, gva, error);
	return ret;
}

/* The access is made or handed to user space: move on in the guest. */
static void finish(struct kite_vcpu *v, const struct kite_insn *insn, u64 rflags)
{
	if (!kite_insn_is_string(insn) || kite_insn_string_step(insn, v->regs.gpr, rflags))
		kite_hw_skip(v, insn->len);
}

static int mmio_read(struct kite_vcpu *v, const struct kite_insn *insn, u64 gpa, u64 rflags,
		     u64 movs_gpa)
{
	u64 value;

	if (!kite_irqchip_claims(v, gpa, 1)) {
		finish(v, insn, rflags);
		v->insn = *insn;
		v->complete_gpa = movs_gpa;
		v->completion = insn->kind == KITE_INSN_MOVS ? KITE_COMPLETE_MOVS :
							       KITE_COMPLETE_LOAD;
		return kite_exit_mmio(v, gpa, insn->width, false, 0);
	}
	value = kite_irqchip_read(v, gpa, insn->width);
	if (insn->kind == KITE_INSN_MOVS) {
		if (kite_guest_write(v, movs_gpa, &value, insn->width))
			return try_again(v);
	} else {
		kite_insn_load(insn, v->regs.gpr, value);
		kite_hw_gpr_written(v, insn->reg);
	}
	finish(v, insn, rflags);
	return KITE_RESUME;
}

static int mmio_write(struct kite_vcpu *v, const struct kite_insn *insn, u64 gpa, u64 rflags,
		      u64 value)
{
	finish(v, insn, rflags);
	if (kite_irqchip_claims(v, gpa, 1))
		kite_irqchip_write(v, gpa, insn->width, value);
	else if (!kite_doorbell(v, false, gpa, insn->width, value))
		return kite_exit_mmio(v, gpa, insn->width, true, value);
	return KITE_RESUME;
}

/* MOVS: find the memory side, which is the source of a write and the target of a read. */
static int mmio_movs(struct kite_vcpu *v, const struct kite_insn *insn, u64 gpa, bool write,
		     const struct kite_paging *paging)
{
	u64 offset = write ? kite_insn_src_offset(insn, v->regs.gpr) :
			     kite_insn_dst_offset(insn, v->regs.gpr);
	u64 gva = offset + kite_hw_seg_base(v, write ? insn->seg : KITE_ES);
	u64 mem_gpa, value = 0;
	int ret;

	ret = movs_memory(v, paging, gva, insn->width, !write, &mem_gpa);
	if (!ret && write)
		ret = kite_guest_read(v, mem_gpa, &value, insn->width);
	else if (!ret && !kite_gpa_to_uaddr(v->vm, mem_gpa, true))
		ret = -ENXIO;
	switch (ret) {
	case 0:
		return write ? mmio_write(v, insn, gpa, paging->rflags, value) :
			       mmio_read(v, insn, gpa, paging->rflags, mem_gpa);
	case -EAGAIN:
		return try_again(v);
	case -EFAULT:
		return KITE_RESUME;
	default:
		return kite_hw_internal(v, KITE_INTERNAL_INSN, NULL, 0);
	}
}

static bool moves_to_memory(const struct kite_insn *insn)
{
	return insn->kind == KITE_INSN_STORE || insn->kind == KITE_INSN_STOS;
}

/* A move that is not MOVS. */
static int mmio_move(struct kite_vcpu *v, const struct kite_insn *insn, u64 gpa, u64 rflags)
{
	if (moves_to_memory(insn))
		return mmio_write(v, insn, gpa, rflags, kite_insn_store_value(insn, v->regs.gpr));
	return mmio_read(v, insn, gpa, rflags, 0);
}

static noinline int fetch_and_move(struct kite_vcpu *v, u64 gpa, bool write)
{
	struct kite_paging paging;
	struct kite_insn insn;
	struct fetched f;
	u64 gva;
	int ret;

	kite_hw_paging(v, &paging);
	kite_hw_rip(v, &gva);
	ret = fetch(v, &paging, gva, &f);
	if (ret == -EAGAIN)
		return try_again(v);
	/* Another vCPU took the page away since: the guest finds out by a #PF of its own. */
	if (ret == -EFAULT)
		return KITE_RESUME;
	if (ret)
		return kite_hw_internal(v, KITE_INTERNAL_FETCH, NULL, 0);
	if (kite_insn_decode(&insn, kite_hw_insn_mode(v), f.bytes.byte, f.n) != KITE_INSN_OK)
		return kite_hw_internal(v, KITE_INTERNAL_INSN, f.bytes.byte, f.n);
	kite_hw_gprs(v);
	if (kite_insn_is_string(&insn) && kite_insn_rep_done(&insn, v->regs.gpr)) {
		kite_hw_skip(v, insn.len);
		return KITE_RESUME;
	}
	if (insn.kind == KITE_INSN_MOVS)
		return mmio_movs(v, &insn, gpa, write, &paging);
	/* Another vCPU may have changed the instruction since it faulted. */
	if (write != moves_to_memory(&insn))
		return kite_hw_internal(v, KITE_INTERNAL_INSN, f.bytes.byte, f.n);
	if (!kite_insn_is_string(&insn))
		kite_remember(v, gva, &f.trail, f.gpa, f.bytes.word, &insn);
	return mmio_move(v, &insn, gpa, paging.rflags);
}

int kite_handle_mmio(struct kite_vcpu *v, u64 gpa, u32 access)
{
	bool write = access & KITE_ACCESS_WRITE;
	const struct kite_insn *insn;

	if (access & (KITE_FAULT_WALK | KITE_ACCESS_EXEC))
		return kite_exit_fault(v, gpa, access & KITE_FAULT_ACCESS, -EFAULT);
	if (access & KITE_FAULT_DELIVERY)
		return kite_hw_internal(v, KITE_INTERNAL_DELIVERY, NULL, 0);
	insn = kite_recall(v);
	/* No string instruction is remembered: none needs RFLAGS. */
	return insn && write == moves_to_memory(insn) ? mmio_move(v, insn, gpa, 0) :
							fetch_and_move(v, gpa, write);
}

/* How many elements from @gva on lie in one page and fit the run page. */
static u32 string_chunk(u64 gva, u8 width, u64 count, bool down)
{
	u64 room;

	/* Going down is rare; one element at a time keeps the data in order. */
	if (down)
		return offset_in_page(gva) + width <= PAGE_SIZE;
	room = min_t(u64, PAGE_SIZE - offset_in_page(gva), KITE_RUN_DATA);
	return min_t(u64, count, room / width);
}

int kite_handle_string_io(struct kite_vcpu *v, u16 port, u8 width, bool in, u64 gva,
			  u64 count, bool down, u32 *done)
{
	struct kite_paging paging;
	u32 n = string_chunk(gva, width, count, down), error;
	u64 gpa;
	int ret;

	*done = 0;
	v->host_data = true;
	if (!n)		/* the element crosses a page */
		return kite_hw_internal(v, KITE_INTERNAL_INSN, NULL, 0);
	kite_hw_paging(v, &paging);
	ret = kite_gva_to_gpa(v, &paging, gva, (in ? KITE_PF_WRITE : 0) |
			      user_access_bit(&paging), &gpa, &error, NULL);
	if (ret == -EFAULT) {
		kite_hw_inject_pf(v, gva, error);
		return KITE_RESUME;
	}
	if (!ret && !in)
		ret = kite_guest_read(v, gpa, v->run->data, n * width);
	else if (!ret && !kite_gpa_to_uaddr(v->vm, gpa, true))
		ret = -ENXIO;
	if (ret == -EAGAIN)
		return try_again(v);
	if (ret)
		return kite_hw_internal(v, KITE_INTERNAL_INSN, NULL, 0);
	if (in) {
		v->completion = KITE_COMPLETE_INS;
		v->complete_gpa = gpa;
		v->complete_len = n * width;
	}
	*done = n;
	return kite_exit_io(v, port, width, KITE_IO_STRING | (in ? KITE_IO_IN : 0), n);
}

/* A slot that user space took away meanwhile swallows the data, as a PC's bus does. */
static int write_guest(struct kite_vcpu *v, u64 gpa, const void *buf, u32 len)
{
	int ret = kite_guest_put(v, gpa, buf, len);

	return ret == -ENXIO ? 0 : ret;
}

static void complete_in(struct kite_vcpu *v, u64 data)
{
	u64 *rax = &v->regs.gpr[KITE_RAX];
	u64 mask = BIT_ULL(8 * v->complete_len) - 1;

	/* 32 bits clear the upper half of RAX, fewer leave the rest alone. */
	if (v->complete_len == 4)
		*rax = (u32)data;
	else
		*rax = (*rax & ~mask) | (data & mask);
}

/* An event that was injected meanwhile goes first; the acknowledged interrupt is lost with it. */
static void complete_inta(struct kite_vcpu *v, u8 vector)
{
	if (v->event.valid)
		return;
	v->event = (struct kite_event){
		.valid = true, .type = KITE_INTR_EXTERNAL, .vector = vector,
	};
	v->need_inject = true;
}

int kite_complete(struct kite_vcpu *v)
{
	int ret = 0;
	u64 data;

	memcpy(&data, v->run->data, sizeof(data));
	switch (v->completion) {
	case KITE_COMPLETE_NONE:
		break;
	case KITE_COMPLETE_IN:
		complete_in(v, data);
		break;
	case KITE_COMPLETE_LOAD:
		kite_insn_load(&v->insn, v->regs.gpr, data);
		kite_hw_gpr_written(v, v->insn.reg);
		break;
	case KITE_COMPLETE_MOVS:
		ret = write_guest(v, v->complete_gpa, &data, v->insn.width);
		break;
	case KITE_COMPLETE_INTA:
		complete_inta(v, data);
		break;
	case KITE_COMPLETE_INS:
		ret = write_guest(v, v->complete_gpa, v->run->data, v->complete_len);
		break;
	}
	if (!ret)
		v->completion = KITE_COMPLETE_NONE;
	return ret;
}
